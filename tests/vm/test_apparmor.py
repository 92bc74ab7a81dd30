# SPDX-License-Identifier: Apache-2.0
"""AppArmor: the profile of the config confines run and exec, denies what it says, and one that is not loaded is named."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from conftest import MakeBundle
from estiba import Container as LibraryContainer
from estiba.errors import EstibaError
from support.processes import Pipe
from support.runtime import Runtime

Load = Callable[[str], str]

FOREVER = "echo ready; exec sleep 1000"
ALL = "file,\ncapability,\nnetwork,\nmount,\nsignal,\nptrace,\nunix,"
OWN_LABEL = "cat /proc/self/attr/apparmor/current"
WHERE = "/process/apparmorProfile"


def label_of(pid: int) -> str:
    """What confines a process, as the host sees it."""
    return Path(f"/proc/{pid}/attr/apparmor/current").read_text().strip()


@pytest.mark.core
def test_the_program_is_confined_by_the_profile(runtime: Runtime, bundle: MakeBundle, profile: Load) -> None:
    name = profile(ALL)
    assert runtime.output(bundle(OWN_LABEL, {WHERE: name})) == f"{name} (enforce)\n"


def test_the_host_sees_the_profile_once_the_program_runs(
    runtime: Runtime, bundle: MakeBundle, profile: Load, pipe: Pipe
) -> None:
    name = profile(ALL)
    container = runtime.create(bundle(FOREVER, {WHERE: name}), stdout=pipe)
    before = label_of(container.pid)
    container.start()
    pipe.readline()
    after = label_of(container.pid)
    container.delete()
    assert (before, after) == ("unconfined", f"{name} (enforce)")


@pytest.mark.core
def test_what_the_profile_denies_is_denied_and_nothing_else(
    runtime: Runtime, bundle: MakeBundle, profile: Load
) -> None:
    name = profile(f"{ALL}\ndeny /etc/passwd r,")
    script = "cat /etc/passwd; head -n 1 /etc/group"
    free, confined = runtime.run(bundle(script)), runtime.run(bundle(script, {WHERE: name}))
    assert free.out.startswith("root:x:0:0:")
    assert (confined.code, confined.out) == (0, "root:x:0:\n")
    assert confined.err == "cat: can't open '/etc/passwd': Permission denied\n"


@pytest.mark.core
def test_exec_is_confined_as_init_is(runtime: Runtime, bundle: MakeBundle, profile: Load, pipe: Pipe) -> None:
    name = profile(ALL)
    container = runtime.start(bundle(FOREVER, {WHERE: name}), stdout=pipe)
    pipe.readline()
    result = container.exec("sh", "-c", OWN_LABEL)
    container.delete()
    assert (result.code, result.out) == (0, f"{name} (enforce)\n")


def test_exec_takes_a_profile_of_its_own(
    runtime: Runtime, bundle: MakeBundle, profile: Load, pipe: Pipe
) -> None:
    first, second = profile(ALL), profile(f"{ALL}\ndeny /etc/passwd r,")
    container = runtime.start(bundle(FOREVER, {WHERE: first}), stdout=pipe)
    pipe.readline()
    by_option = container.exec("sh", "-c", f"{OWN_LABEL}; cat /etc/passwd", flags=("--apparmor", second))
    path = container.bundle.path / "process.json"
    words = ["sh", "-c", OWN_LABEL]
    path.write_text(
        json.dumps(container.bundle.config["process"] | {"apparmorProfile": second, "args": words})
    )
    by_file = runtime.call("exec", "--process", str(path), container.id)
    container.delete()
    assert (by_option.code, by_option.out) == (1, f"{second} (enforce)\n")
    assert (by_file.code, by_file.out) == (0, f"{second} (enforce)\n")


@pytest.mark.parametrize("name", ["", "unconfined"])
def test_no_profile_leaves_the_program_unconfined(runtime: Runtime, bundle: MakeBundle, name: str) -> None:
    assert runtime.output(bundle(OWN_LABEL, {WHERE: name})) == "unconfined\n"


def test_a_profile_holds_in_a_user_namespace(runtime: Runtime, bundle: MakeBundle, profile: Load) -> None:
    name = profile(f"{ALL}\ndeny /etc/passwd r,")
    mapping = [{"containerID": 0, "hostID": 70000, "size": 1000}]
    user = {
        "/linux/namespaces/-": {"type": "user"},
        "/linux/uidMappings": mapping,
        "/linux/gidMappings": mapping,
    }
    config = bundle(f"{OWN_LABEL}; cat /etc/passwd || echo denied", {WHERE: name, **user})
    config.own_by(70000)
    assert runtime.output(config) == f"{name} (enforce)\ndenied\n"


def test_a_user_without_privileges_is_confined(
    rootless: Runtime, own_bundle: MakeBundle, profile: Load
) -> None:
    name = profile(ALL)
    assert rootless.output(own_bundle(OWN_LABEL, {WHERE: name})) == f"{name} (enforce)\n"


@pytest.mark.core
@pytest.mark.parametrize("verb", ["run", "create"])
def test_a_profile_that_is_not_loaded_is_named_with_its_place(
    runtime: Runtime, bundle: MakeBundle, verb: str
) -> None:
    config = bundle("true", {WHERE: "estiba-absent"})
    result = runtime.call(verb, "--bundle", str(config.path), config.id)
    assert result.code == 1
    message, hint = result.err.splitlines()
    assert message == f'config.json {WHERE}: the AppArmor profile "estiba-absent" is not loaded (ENOENT)'
    assert hint == "hint: load it with apparmor_parser, or leave the profile out"
    assert runtime.call("state", config.id).code == 1


@pytest.mark.core
def test_exec_with_a_profile_that_is_not_loaded_leaves_the_container_alone(
    runtime: Runtime, bundle: MakeBundle, pipe: Pipe
) -> None:
    container = runtime.start(bundle(FOREVER), stdout=pipe)
    pipe.readline()
    result = container.exec("true", flags=("--apparmor", "estiba-absent"))
    status = container.status()
    container.delete()
    assert (result.code, status) == (255, "running")
    assert 'the AppArmor profile "estiba-absent" is not loaded' in result.err


def test_the_library_says_the_same_of_it(runtime: Runtime, bundle: MakeBundle) -> None:
    config = bundle("true", {WHERE: "estiba-absent"})
    with pytest.raises(EstibaError, match='the AppArmor profile "estiba-absent" is not loaded'):
        LibraryContainer.create(config.id, config.path, root=str(runtime.root))


def test_check_tells_before_the_start(runtime: Runtime, bundle: MakeBundle) -> None:
    result = runtime.call("check", str(bundle("true", {WHERE: "estiba-absent"}).path))
    assert result.code != 0
    assert f'{WHERE}: the AppArmor profile "estiba-absent" is not loaded' in result.out + result.err


def test_features_tells_of_apparmor(runtime: Runtime, bundle: MakeBundle) -> None:
    assert json.loads(runtime.must("features").out)["linux"]["apparmor"] == {"enabled": True}
