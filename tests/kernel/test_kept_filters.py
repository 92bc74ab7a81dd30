# SPDX-License-Identifier: Apache-2.0
"""Compiled filters are kept under the state root: used again for the same profile, and trusted only if whole and ours.

A filter that was compiled is written anew, by rename: so whether the kept one was used shows in its inode.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from conftest import MakeBundle
from support import views
from support.bundles import Bundle
from support.runtime import Runtime

pytestmark = [pytest.mark.estiba_only, pytest.mark.views(views.available()[0])]

REFUSED = "Cannot assign requested address"
"""EADDRNOTAVAIL, which no mkdir gives by itself."""
MOST = 64


def profile(**more: Any) -> dict[str, Any]:
    """Changes that set a profile which refuses to make folders."""
    rule = {"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO", "errnoRet": 99}
    return {"/linux/seccomp": {"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [rule], **more}}


@pytest.fixture
def confined(bundle: MakeBundle) -> Bundle:
    """A bundle whose program is refused to make a folder."""
    return bundle(["mkdir", "/tmp/x"], profile())


def kept(runtime: Runtime) -> list[Path]:
    """The files of kept filters."""
    return sorted((runtime.root / ".filters").iterdir())


def keep(runtime: Runtime, confined: Bundle) -> Path:
    """Run the bundle and return the one file that it left under a profile's name."""
    assert REFUSED in runtime.run(confined).err
    [file] = [file for file in kept(runtime) if file.name != "elsewhere"]
    return file


@pytest.mark.core
def test_a_profile_is_compiled_once(runtime: Runtime, confined: Bundle) -> None:
    inode = keep(runtime, confined).stat().st_ino
    assert keep(runtime, confined).stat().st_ino == inode


def test_create_uses_what_run_has_compiled(runtime: Runtime, bundle: MakeBundle, confined: Bundle) -> None:
    inode = keep(runtime, confined).stat().st_ino
    container = runtime.start(bundle("mkdir /tmp/x; sleep 1000", profile()))
    assert REFUSED in container.exec("mkdir", "/tmp/y").err
    container.delete()
    assert [file.stat().st_ino for file in kept(runtime)] == [inode]


def test_a_kept_filter_belongs_to_root_alone(runtime: Runtime, confined: Bundle) -> None:
    file = keep(runtime, confined)
    for path, mode in ((file, 0o100600), (file.parent, 0o040700)):
        found = path.stat()
        assert (found.st_mode, found.st_uid, found.st_gid) == (mode, 0, 0)


def flip(at: int) -> Callable[[Path], None]:
    """Damage one byte, counted from the start or the end."""

    def damage(file: Path) -> None:
        content = bytearray(file.read_bytes())
        content[at] ^= 1
        file.write_bytes(content)

    return damage


def cut(file: Path) -> None:
    """Leave the first half."""
    os.truncate(file, file.stat().st_size // 2)


def lengthen(file: Path) -> None:
    """Add what does not belong to it."""
    file.write_bytes(file.read_bytes() + b" ")


def link(file: Path) -> None:
    """Put a link to it in its place."""
    file.rename(file.parent / "elsewhere")
    file.symlink_to("elsewhere")


DAMAGE: dict[str, Callable[[Path], Any]] = {
    "another compiler's": flip(0),
    "another sum": flip(8),
    "another program": flip(24 + 8),
    "another profile": flip(-3),
    "cut": cut,
    "empty": lambda file: os.truncate(file, 0),
    "longer": lengthen,
    "a link": link,
    "another user's": lambda file: os.chown(file, 1, 0),
    "the group's to write": lambda file: file.chmod(0o620),
    "everybody's to write": lambda file: file.chmod(0o602),
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE.keys())
def test_one_that_is_damaged_or_not_ours_is_replaced(
    runtime: Runtime, confined: Bundle, damage: Callable[[Path], Any]
) -> None:
    file = keep(runtime, confined)
    whole, inode = file.read_bytes(), file.stat().st_ino
    damage(file)
    assert keep(runtime, confined) == file
    found = file.lstat()
    assert (found.st_mode, found.st_uid, file.read_bytes()) == (0o100600, 0, whole)
    assert found.st_ino != inode


@pytest.mark.parametrize("mode", [0o720, 0o702, 0o777])
def test_a_folder_that_others_may_write_to_is_not_used(runtime: Runtime, confined: Bundle, mode: int) -> None:
    file = keep(runtime, confined)
    file.write_bytes(b"theirs")
    file.parent.chmod(mode)
    assert keep(runtime, confined).read_bytes() == b"theirs"


def test_a_folder_that_is_a_link_is_not_used(runtime: Runtime, confined: Bundle, folder: Path) -> None:
    (folder / "theirs").mkdir(mode=0o700)
    runtime.root.mkdir()
    (runtime.root / ".filters").symlink_to(folder / "theirs")
    assert REFUSED in runtime.run(confined).err
    assert list((folder / "theirs").iterdir()) == []


def test_many_profiles_leave_a_bounded_number(runtime: Runtime, bundle: MakeBundle) -> None:
    config = bundle("true")
    for number in range(MOST + 2):
        rule = {"names": ["dup"], "action": "SCMP_ACT_ERRNO", "errnoRet": 1 + number}
        config.change("/linux/seccomp", {"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [rule]})
        assert runtime.run(config).code == 0
    assert len(kept(runtime)) == 2


def test_runs_at_once_leave_one_whole_filter(runtime: Runtime, bundle: MakeBundle) -> None:
    bundles = [bundle(["mkdir", "/tmp/x"], profile()) for _ in range(8)]
    runs = [runtime.spawn("run", "--bundle", str(each.path), each.id) for each in bundles]
    assert all(REFUSED in run.finish().err for run in runs)
    [file] = kept(runtime)
    inode = file.stat().st_ino
    assert keep(runtime, bundles[0]).stat().st_ino == inode


def test_a_start_that_fails_keeps_nothing(runtime: Runtime, bundle: MakeBundle) -> None:
    assert runtime.run(bundle(["/absent"], profile())).code == 1
    assert not (runtime.root / ".filters").exists()


def test_a_known_profile_does_not_prove_the_rest_of_a_config(runtime: Runtime, confined: Bundle) -> None:
    keep(runtime, confined)
    confined.change("/process/cwd", "relative")
    said = runtime.run(confined)
    assert said.code == 1
    assert "/process/cwd" in said.err
