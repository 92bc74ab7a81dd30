# SPDX-License-Identifier: Apache-2.0
"""A user without privileges, without a passwd entry and without delegated cgroups: the simplest rootless form."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from conftest import ROOTLESS_UID, MakeBundle
from estiba.spec import default_config
from support import processes
from support.bundles import Bundle
from support.processes import Pipe, namespace, status
from support.runtime import Runtime, reference


@pytest.fixture
def own_bundle(bundle: MakeBundle, rootless_config: dict[str, Any]) -> MakeBundle:
    """Make bundles that belong to the user."""

    def make(program: Any = "true", changes: dict[str, Any] | None = None) -> Bundle:
        made = bundle(program, changes, base=rootless_config)
        made.own_by(ROOTLESS_UID)
        return made

    return make


@pytest.mark.core
def test_run_prints_what_the_program_prints(rootless: Runtime, own_bundle: MakeBundle) -> None:
    assert rootless.output(own_bundle("id -u; echo hello")) == "0\nhello\n"


@pytest.mark.core
def test_the_lifecycle_is_that_of_root(rootless: Runtime, own_bundle: MakeBundle, pipe: Pipe) -> None:
    container = rootless.create(own_bundle("echo ready; exec sleep 1000"), stdout=pipe)
    assert container.status() == "created"
    container.start()
    pipe.readline()
    assert container.status() == "running"
    assert container.exec("echo", "in").out == "in\n"
    container.kill("KILL")
    assert container.wait() == 128 + 9
    assert container.status() == "stopped"
    rootless.must("delete", container.id)


def test_the_program_is_the_user_outside(rootless: Runtime, own_bundle: MakeBundle, pipe: Pipe) -> None:
    container = rootless.start(own_bundle("echo ready; exec sleep 1000"), stdout=pipe)
    pipe.readline()
    assert status(container.pid)["Uid"].split() == [str(ROOTLESS_UID)] * 4
    assert namespace(container.pid, "user") != namespace("self", "user")
    container.delete()


def test_the_state_root_is_below_the_runtime_directory(rootless: Runtime, own_bundle: MakeBundle) -> None:
    config = own_bundle("sleep 1000")
    place = Path(rootless.environ["XDG_RUNTIME_DIR"])
    before = set(place.iterdir())
    result = rootless.call("create", "--bundle", str(config.path), config.id, bare=True)
    assert result.code == 0, str(result)
    made = set(place.iterdir()) - before
    state = json.loads(rootless.call("state", config.id, bare=True).out)
    rootless.call("delete", "--force", config.id, bare=True)
    assert state["status"] == "created"
    assert [p.name for p in made] == [reference() or "estiba"]


@pytest.mark.core
@pytest.mark.parametrize(("user", "is_own"), [("someone", True), ("root", False)])
def test_the_state_root_of_who_is_root_in_a_user_namespace(
    runtime: Runtime, bundle: MakeBundle, folder: Path, user: str, is_own: bool
) -> None:
    """It is the user's, as podman without root has it, unless the whole machine is such a namespace."""
    config = bundle("true", base=default_config(rootless=True))
    runtime.environ = {"XDG_RUNTIME_DIR": str(folder), "USER": user}
    enter, ids = runtime.view.enter(), "0 0 65536"
    with processes.holder("--user", "--mount", uid_map=ids, gid_map=ids, prefix=tuple(enter)) as pid:
        runtime.prefix = ["nsenter", f"--target={pid}", "--user", "--mount"]
        subprocess.run([*enter, *runtime.prefix, "mount", "-t", "tmpfs", "tmpfs", "/run"], check=True)
        without_cgroup = [] if reference() == "runc" else ["--cgroup-manager=disabled"]
        result = runtime.call(*without_cgroup, "run", "--bundle", str(config.path), config.id, bare=True)
    assert result.code == 0, str(result)
    assert (folder / (reference() or "estiba")).exists() == is_own


def test_a_bound_folder_is_written_as_the_user(rootless: Runtime, own_bundle: MakeBundle) -> None:
    config = own_bundle("echo written > /volume/file")
    source = Path(rootless.environ["HOME"])
    config.change(
        "/mounts/-", {"destination": "/volume", "type": "bind", "source": str(source), "options": ["bind"]}
    )
    rootless.output(config)
    assert (source / "file").stat().st_uid == ROOTLESS_UID


def test_setgroups_is_refused_with_a_single_mapping(
    rootless: Runtime, own_bundle: MakeBundle, pipe: Pipe
) -> None:
    container = rootless.start(own_bundle("echo ready; exec sleep 1000"), stdout=pipe)
    pipe.readline()
    assert Path(f"/proc/{container.pid}/setgroups").read_text() == "deny\n"
    container.delete()


def test_the_containers_of_another_user_are_out_of_reach(rootless: Runtime, own_bundle: MakeBundle) -> None:
    container = rootless.start(own_bundle("sleep 1000"))
    other = Runtime(rootless.folder, rootless.root, rootless.view, rootless.marker, rootless.words)
    other.prefix = ["setpriv", "--reuid=64322", "--regid=64322", "--clear-groups", "--inh-caps=-all"]
    assert other.call("kill", container.id, "KILL").code != 0
    assert container.status() == "running"
    container.delete()


@pytest.mark.estiba_only
def test_a_seccomp_profile_is_compiled_once(rootless: Runtime, own_bundle: MakeBundle) -> None:
    rule = {"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO", "errnoRet": 99}
    profile = {"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [rule]}
    config = own_bundle(["mkdir", "/tmp/x"], {"/linux/seccomp": profile})
    inodes = set()
    for _ in range(2):
        assert "Cannot assign requested address" in rootless.run(config).err
        inodes |= {file.stat().st_ino for file in (rootless.root / ".filters").iterdir()}
    assert len(inodes) == 1


@pytest.mark.estiba_only
def test_a_state_root_of_somebody_else_is_refused_with_what_to_do(
    rootless: Runtime, own_bundle: MakeBundle, folder: Path
) -> None:
    config = own_bundle("true")
    (folder / "theirs").mkdir()
    rootless.environ["XDG_RUNTIME_DIR"] = str(folder / "theirs")
    result = rootless.call("create", "--bundle", str(config.path), config.id, bare=True)
    assert result.code == 1
    assert result.err == (
        f'cannot make the state root "{folder}/theirs/estiba": access refused (EACCES)\n'
        "hint: name a state root with --root that this user may write to\n"
    )


@pytest.mark.estiba_only
def test_further_groups_are_refused_with_the_reason(rootless: Runtime, own_bundle: MakeBundle) -> None:
    result = rootless.run(own_bundle("true", {"/process/user/additionalGids": [5]}))
    assert result.code == 1
    assert result.err.startswith(
        "config.json /process/user: cannot become user 0, group 0: not allowed (EPERM)\n"
    )
    assert "leave additionalGids out" in result.err
