# SPDX-License-Identifier: Apache-2.0
"""`estiba gc` removes what killed verbs have left, and nothing that somebody may come back for.

What a kill at each system call leaves is test_killed.py's; here each kind of remains is made once, by hand where need
be.
"""

from __future__ import annotations

import fcntl
import json
import os
from pathlib import Path

import pytest

from conftest import MakeBundle
from estiba.lifecycle import sweep
from support import processes, views
from support.bundles import Bundle
from support.runtime import Runtime

pytestmark = [pytest.mark.estiba_only, pytest.mark.views(views.available()[0])]


def half_made(runtime: Runtime, config: Bundle) -> Path:
    """A container whose create has died after its cgroup was made: the record says no pid yet."""
    container = runtime.create(config)
    folder = runtime.root / config.id
    record = json.loads((folder / "state.json").read_text())
    os.kill(container.pid, 9)
    container.wait()
    record["pid"] = record["startTime"] = 0
    for directory in record["cgroup"]:
        directory["inode"] = 0
    (folder / "state.json").write_text(json.dumps(record))
    return folder


def test_gc_removes_what_a_killed_create_left(runtime: Runtime, bundle: MakeBundle) -> None:
    config = bundle("true")
    half_made(runtime, config)
    assert runtime.must("gc").out == f"{config.id}: removed, its create was killed\n"
    assert runtime.run(config).code == 0


@pytest.mark.parametrize("verb", [["gc"], ["delete", "--force"]])
def test_a_killed_create_has_no_claim_to_the_cgroup_of_another(
    runtime: Runtime, bundle: MakeBundle, verb: list[str]
) -> None:
    dead, living = bundle("true"), bundle(["sleep", "1000"])
    dead.change("/linux/cgroupsPath", living.cgroup)
    folder = half_made(runtime, dead)
    record = (folder / "state.json").read_text()
    runtime.must("gc")
    container = runtime.start(living)
    folder.mkdir()
    (folder / "state.json").write_text(record)
    runtime.must(*verb, *([dead.id] if verb[0] == "delete" else []))
    assert not folder.exists()
    assert container.status() == "running"
    container.delete()


def test_gc_removes_a_folder_without_a_record(runtime: Runtime, bundle: MakeBundle) -> None:
    config = bundle("true")
    (runtime.root / config.id).mkdir(parents=True)
    assert runtime.must("gc").out == f"{config.id}: removed, its create was killed\n"
    assert runtime.run(config).code == 0


def test_gc_warns_of_a_poststop_hook_that_fails(runtime: Runtime, bundle: MakeBundle) -> None:
    hook = {"path": "/bin/sh", "args": ["sh", "-c", "exit 3"]}
    config = bundle("true", {"/hooks/poststop": [hook]})
    half_made(runtime, config)
    result = runtime.must("gc")
    assert result.out == f"{config.id}: removed, its create was killed\n"
    assert result.err.startswith("warning: config.json /hooks/poststop/0: ")


def test_gc_leaves_what_lives_and_what_has_its_owner_to_come(runtime: Runtime, bundle: MakeBundle) -> None:
    created, running, stopped = runtime.create(bundle("true")), bundle(["sleep", "1000"]), bundle("true")
    runtime.start(running)
    runtime.start(stopped).wait()
    assert runtime.must("gc").out == ""
    assert created.status() == "created"
    assert runtime.must("list", "--quiet").out.split() == sorted([created.id, running.id, stopped.id])
    assert runtime.must("gc", "--stopped").out == f"{stopped.id}: removed, its init has ended\n"
    for ident in (created.id, running.id):
        runtime.must("delete", "--force", ident)


def test_gc_leaves_a_container_that_a_verb_works_on(runtime: Runtime, bundle: MakeBundle) -> None:
    config = bundle("true")
    folder = half_made(runtime, config)
    held = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    fcntl.flock(held, fcntl.LOCK_EX)
    assert runtime.must("gc").out == f"{config.id}: left alone, a verb is at work on it\n"
    os.close(held)
    assert "removed" in runtime.must("gc").out


def test_a_dry_run_only_tells(runtime: Runtime, bundle: MakeBundle) -> None:
    config = bundle("true")
    folder = half_made(runtime, config)
    assert runtime.must("gc", "--dry-run").out == f"{config.id}: would be removed, its create was killed\n"
    assert folder.exists()
    runtime.must("gc")


def test_gc_warns_of_a_poststop_hook_that_failed(runtime: Runtime, bundle: MakeBundle) -> None:
    config = bundle("true", {"/hooks": {"poststop": [{"path": "/bin/false"}]}})
    runtime.start(config).wait()
    result = runtime.call("gc", "--stopped")
    assert (result.code, result.out) == (0, f"{config.id}: removed, its init has ended\n")
    assert result.err.startswith("warning: config.json /hooks/poststop/0: the hook")


def test_one_record_that_cannot_be_read_keeps_no_other_from_being_cleaned(
    runtime: Runtime, bundle: MakeBundle
) -> None:
    damaged, other = runtime.root / "a-damaged", bundle("true")
    half_made(runtime, other)
    damaged.mkdir()
    (damaged / "state.json").write_text("{")
    result = runtime.call("gc")
    assert (result.code, result.out) == (1, f"{other.id}: removed, its create was killed\n")
    assert result.err.startswith('the state record of container "a-damaged" cannot be read: ')
    assert f'hint: end its processes, remove its cgroups, then the folder "{damaged}"\n' in result.err
    assert runtime.call("delete", "--force", "a-damaged").code == 1
    (damaged / "state.json").unlink()
    runtime.must("gc")


@pytest.mark.parametrize("form", [0, 2])
def test_a_record_of_another_format_is_refused_in_words_and_cleaned_by_force(
    runtime: Runtime, bundle: MakeBundle, form: int
) -> None:
    container = runtime.start(bundle(["sleep", "1000"]))
    file = runtime.root / container.id / "state.json"
    record = json.loads(file.read_text())
    file.write_text(json.dumps({**record, "format": form, "poststop": {"changed": True}}))
    said = f'the state record of container "{container.id}" has format {form}; this estiba reads 1'
    for verb in ("state", "start", "kill", "delete", "exec"):
        result = runtime.call(verb, container.id, *(["true"] if verb == "exec" else []))
        assert result.err.startswith(f"{said}\nhint: `estiba delete --force {container.id}` ends it"), str(
            result
        )
    assert runtime.call("gc").code == 1
    assert not processes.ended(container.pid, 0)
    result = runtime.must("delete", "--force", container.id)
    assert (
        result.err == f"warning: {said}: its processes and cgroup are gone, its poststop hooks were not run\n"
    )
    container.wait()


def test_list_shows_what_a_killed_create_left(runtime: Runtime, bundle: MakeBundle) -> None:
    config = bundle("true")
    (runtime.root / config.id).mkdir(parents=True)
    [row] = json.loads(runtime.must("list", "--format", "json").out)
    assert (row["id"], row["pid"], row["status"]) == (config.id, 0, "creating")
    runtime.must("gc")


def test_the_library_sweeps_too(runtime: Runtime, bundle: MakeBundle) -> None:
    config = bundle("true")
    half_made(runtime, config)
    [swept] = sweep(root=str(runtime.root))
    assert (swept.id, swept.found, swept.removed, swept.error) == (config.id, "half-made", True, None)
    assert sweep(root=str(runtime.root)) == []
