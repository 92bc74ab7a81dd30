# SPDX-License-Identifier: Apache-2.0
"""A user without privileges who has ranges of ids in /etc/subuid and /etc/subgid: newuidmap and newgidmap map them."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Any

import pytest

from conftest import ROOTLESS_UID, MakeBundle
from support.bundles import Bundle
from support.processes import Pipe, status
from support.runtime import Runtime, prepare

FIRST, COUNT = 200_000, 65_536
READY = "echo ready; exec sleep 1000"

pytestmark = [pytest.mark.estiba_only, pytest.mark.requires("command:newuidmap")]


@pytest.fixture
def ranged(rootless: Runtime, folder: Path) -> Runtime:
    """The runtime as a user with ranges; its files of /etc are bound for its own calls alone."""
    etc = folder / "etc"
    etc.mkdir()
    (etc / "passwd").write_text(f"ranged:x:{ROOTLESS_UID}:{ROOTLESS_UID}::/:/bin/sh\n")
    for name in ("subuid", "subgid"):
        (etc / name).write_text(f"ranged:{FIRST}:{COUNT}\n")
    binds = [f"mount --bind {etc / name} /etc/{name}" for name in ("passwd", "subuid", "subgid")]
    prepare(rootless, *binds)
    return rootless


@pytest.fixture
def own_bundle(bundle: MakeBundle, rootless_config: dict[str, Any]) -> MakeBundle:
    """Make bundles of the user's, whose root is the user and whose other ids are from the ranges."""

    def make(program: Any = "true", changes: dict[str, Any] | None = None, first: int = FIRST) -> Bundle:
        own = {"containerID": 0, "hostID": ROOTLESS_UID, "size": 1}
        maps = [own, {"containerID": 1, "hostID": first, "size": COUNT}]
        asked = {"/linux/uidMappings": maps, "/linux/gidMappings": maps, **(changes or {})}
        made = bundle(program, asked, base=rootless_config)
        made.own_by(ROOTLESS_UID)
        return made

    return make


def test_the_ranges_are_mapped(ranged: Runtime, own_bundle: MakeBundle) -> None:
    lines = ranged.output(own_bundle("cat /proc/self/uid_map /proc/self/gid_map")).splitlines()
    expected = [["0", str(ROOTLESS_UID), "1"], ["1", str(FIRST), str(COUNT)]]
    assert [line.split() for line in lines] == expected * 2


def test_the_program_runs_as_a_user_of_the_ranges(
    ranged: Runtime, own_bundle: MakeBundle, pipe: Pipe
) -> None:
    user = {"uid": 1000, "gid": 1000, "additionalGids": [5, 6]}
    container = ranged.start(own_bundle(READY, {"/process/user": user}), stdout=pipe)
    pipe.readline()
    seen = status(container.pid)
    allowed = Path(f"/proc/{container.pid}/setgroups").read_text()
    container.delete()
    assert seen["Uid"].split() == [str(FIRST + 999)] * 4
    assert seen["Groups"].split() == [str(FIRST + 4), str(FIRST + 5)]
    assert allowed == "allow\n"


def test_what_a_user_of_the_ranges_writes_is_its_own_outside(ranged: Runtime, own_bundle: MakeBundle) -> None:
    config = own_bundle("touch /tmp/file", {"/process/user": {"uid": 7, "gid": 8}, "/root/readonly": False})
    (config.rootfs / "tmp").chmod(0o1777)
    ranged.output(config)
    made = (config.rootfs / "tmp" / "file").stat()
    assert (made.st_uid, made.st_gid) == (FIRST + 6, FIRST + 7)


def test_ids_of_others_are_refused_with_the_helpers_words(ranged: Runtime, own_bundle: MakeBundle) -> None:
    result = ranged.run(own_bundle(first=FIRST + 1))
    assert result.code != 0
    assert "config.json /linux/uidMappings: newuidmap refuses these mappings, saying" in result.err
    assert "hint: /etc/subuid has to give the caller every id that is mapped" in result.err


def test_a_user_without_ranges_is_told_where_they_are_given(
    rootless: Runtime, own_bundle: MakeBundle
) -> None:
    result = rootless.run(own_bundle())
    assert result.code != 0
    assert "hint: /etc/subuid has to give the caller every id that is mapped" in result.err


def test_an_absent_helper_is_named(ranged: Runtime, own_bundle: MakeBundle, folder: Path) -> None:
    hidden = folder / "hidden"
    hidden.mkdir()
    os.mknod(hidden / "newuidmap", stat.S_IFCHR, 0)  # to overlayfs this means: not there
    prepare(ranged, f"mount -t overlay none -o lowerdir={hidden}:/usr/bin /usr/bin")
    result = ranged.run(own_bundle())
    assert result.code != 0
    assert "needs newuidmap, which is absent" in result.err
    assert "hint: install it (Debian: uidmap)" in result.err


def test_only_the_own_id_needs_no_helper(
    rootless: Runtime, bundle: MakeBundle, rootless_config: dict[str, Any]
) -> None:
    config = bundle("cat /proc/self/uid_map", base=rootless_config)
    config.own_by(ROOTLESS_UID)
    assert rootless.output(config).split() == ["0", str(ROOTLESS_UID), "1"]
