# SPDX-License-Identifier: Apache-2.0
"""`estiba why`: each failed start can be told of afterwards: what, how far it came, what to do."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from conftest import MakeBundle
from estiba import Bundle
from estiba.errors import ConfigInvalid, ExecFailed
from estiba.lifecycle import Container, failed_starts
from support import views
from support.runtime import Runtime

pytestmark = [pytest.mark.estiba_only, pytest.mark.views(views.available()[0])]


def why(runtime: Runtime, *arguments: str) -> list[str]:
    """The lines of the story, without the time."""
    lines = runtime.must("why", *arguments).out.splitlines()
    return [lines[0].split(" failed at ")[0], *lines[1:]]


def test_why_tells_of_a_program_that_is_missing(runtime: Runtime, bundle: MakeBundle) -> None:
    config = bundle(["/bin/absent"])
    assert runtime.call("create", "--bundle", str(config.path), config.id).code == 1
    first, said, phase, *rest = why(runtime, config.id)
    assert first == f'create of "{config.id}"'
    assert said == 'config.json /process/args/0: exec "/bin/absent": no such file or directory'
    assert phase.startswith(
        "how far it came: while init set the container up; all of it was taken back; step "
    )
    assert rest == [
        f"bundle: {config.path}",
        f"config: {config.path}/config.json:10:4",
        "hint: the path is looked up inside the container's root file system",
    ]


def test_why_tells_of_a_config_that_was_refused(runtime: Runtime, bundle: MakeBundle) -> None:
    config = bundle("true", {"/process/args": "true", "/hostname": 5})
    assert runtime.run(config).code == 1
    assert why(runtime)[:3] == [
        f'create of "{config.id}"',
        'config.json /process/args: found the string "true", expected an array with at least one string (and 1 more problem)',
        "how far it came: before anything was made",
    ]


def test_why_tells_what_a_hook_said(runtime: Runtime, bundle: MakeBundle) -> None:
    hook = {"path": "/bin/sh", "args": ["sh", "-c", "echo no licence >&2; exit 3"]}
    config = bundle("true", {"/hooks/createRuntime": [hook]})
    assert runtime.run(config).code == 1
    _, said, phase, *_ = why(runtime, config.id)
    assert re.sub(r"\d+ ms", "N ms", said) == (
        'config.json /hooks/createRuntime/0: the hook "/bin/sh" ["sh", "-c", "echo no licence >&2; exit 3"] '
        'failed with exit code 3 after N ms, saying "no licence"'
    )
    assert phase == "how far it came: in a hook"


def test_why_tells_of_a_start_that_failed(runtime: Runtime, bundle: MakeBundle) -> None:
    hook = {"path": "/bin/sh", "args": ["sh", "-c", "exit 4"]}
    container = runtime.create(bundle("true", {"/hooks/startContainer": [hook]}))
    assert runtime.call("start", container.id).code == 1
    first, said, phase, *_ = why(runtime, container.id)
    assert first == f'start of "{container.id}"'
    assert "exit code 4" in said
    assert phase == "how far it came: in a hook"
    container.delete()


def test_why_tells_of_a_limit_that_the_kernel_refuses(runtime: Runtime, bundle: MakeBundle) -> None:
    config = bundle("true", {"/linux/resources/unified": {"nothing.max": "1"}})
    assert runtime.run(config).code == 1
    _, said, phase, *_ = why(runtime, config.id)
    assert "nothing.max" in said
    assert phase.startswith("how far it came: while its cgroup and its first process were made")


def test_why_as_json_has_every_fact_for_programs(runtime: Runtime, bundle: MakeBundle) -> None:
    config = bundle("true", {"/mounts/-": {"destination": "/data", "type": "nosuchfs", "source": "x"}})
    runtime.run(config)
    [note] = json.loads(runtime.must("why", "--format", "json", config.id).out)
    step, total = note["step"]
    assert 1 <= step < total
    facts = ("id", "verb", "phase", "kind", "pointer", "errno", "bundle")
    assert [note[fact] for fact in facts] == [
        config.id,
        "create",
        "init",
        "KernelRefused",
        f"/mounts/{len(config.config['mounts']) - 1}",
        19,
        str(config.path),
    ]


def test_why_all_has_a_line_for_each_the_newest_first(runtime: Runtime, bundle: MakeBundle) -> None:
    one, two = bundle(["/bin/absent"]), bundle(["/bin/nothing"])
    runtime.run(one)
    runtime.run(two)
    lines = runtime.must("why", "--all").out.splitlines()
    assert [line.split()[1:3] for line in lines] == [["create", f"{two.id}:"], ["create", f"{one.id}:"]]


def test_why_of_what_never_failed_says_so(runtime: Runtime, bundle: MakeBundle) -> None:
    assert "no failed start is on record" in runtime.call("why").err
    container = runtime.create(bundle("true"))
    result = runtime.call("why", container.id)
    assert (result.code, result.out) == (1, "")
    assert result.err.startswith(f'no failed start of "{container.id}" is on record')
    assert "and the container is created\n" in result.err
    container.delete()


def test_a_start_that_succeeds_leaves_no_note(runtime: Runtime, bundle: MakeBundle) -> None:
    runtime.run(bundle("true"))
    assert not (runtime.root / ".failures").exists()


def test_an_id_that_is_a_path_is_noted_nowhere(runtime: Runtime, bundle: MakeBundle, folder: Path) -> None:
    config = bundle("true", {"/process/args": "true"})
    before = sorted(folder.iterdir())
    runtime.call("create", "--bundle", str(config.path), "../../escaped")
    assert [path for path in folder.rglob("*escaped*")] == []
    assert {path.name for path in folder.iterdir()} - {path.name for path in before} <= {"out.1", "err.1"}


def test_the_library_lists_failed_starts_too(runtime: Runtime, bundle: MakeBundle) -> None:
    root = str(runtime.root)
    refused, missing = bundle("true", {"/hostname": 5}), bundle(["/bin/absent"])
    with pytest.raises(ConfigInvalid):
        Container.create(refused.id, Bundle(refused.path), root=root)
    with pytest.raises(ExecFailed):
        Container.run(missing.id, missing.path, root=root)
    newest, oldest = failed_starts(root=root)
    assert (newest.id, newest.verb, newest.kind) == (missing.id, "create", "ExecFailed")
    assert (oldest.id, oldest.verb, oldest.pointer) == (refused.id, "create", "/hostname")
    assert failed_starts(root=root, id=missing.id) == [newest]


def test_a_note_that_was_cut_off_is_passed_over(runtime: Runtime, bundle: MakeBundle) -> None:
    config = bundle(["/bin/absent"])
    runtime.run(config)
    (runtime.root / ".failures" / "9999-cut.json").write_text('{"time": ')
    assert why(runtime)[0] == f'create of "{config.id}"'
