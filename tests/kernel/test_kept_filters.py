# SPDX-License-Identifier: Apache-2.0
"""Compiled filters are kept under the state root: used again for the same profile, and trusted only if whole and ours.

A filter that was compiled is written anew, by rename: so whether the kept one was used shows in its inode.
"""

from __future__ import annotations

import json
import os
import struct
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
    "other flags": flip(16),
    "another program": flip(20 + 8),
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


ALLOW = struct.pack("<HBBI", 0x06, 0, 0, 0x7FFF0000)
"""A program that lets every call pass: BPF_RET of SECCOMP_RET_ALLOW."""


def sum_of(content: bytes) -> int:
    """The sum that stands in a kept file."""
    whole = len(content)
    odd = whole - whole % 8
    words = [content[at : at + 8] for at in range(0, odd, 8)] + [
        content[at : at + 1] for at in range(odd, whole)
    ]
    for word in words:
        whole = (whole ^ int.from_bytes(word, "little")) * 0x9E3779B97F4A7C15 % 2**64
        whole = (whole << 29 | whole >> 35) % 2**64
    return whole


@pytest.fixture
def forged(runtime: Runtime, confined: Bundle) -> Path:
    """A kept filter with a right sum that lets everything pass: who could plant one, could do this."""
    file = keep(runtime, confined)
    config = (confined.path / "config.json").read_text()
    begin = config.index('"seccomp": ') + len('"seccomp": ')
    end = json.JSONDecoder().raw_decode(config, begin)[1]
    made = bytes(4) + ALLOW
    head = file.read_bytes()[:8] + struct.pack("<Q", sum_of(made))
    file.write_bytes(head + made + config[begin:end].encode())
    return file


def test_what_root_alone_can_write_is_believed(runtime: Runtime, confined: Bundle, forged: Path) -> None:
    assert REFUSED not in runtime.run(confined).err


def others(file: Path) -> None:
    """Give the folder to another user."""
    os.chown(file.parent, 1, 1)


def behind_a_link(file: Path) -> None:
    """Put the folder behind a link."""
    file.parent.rename(file.parent.with_name(".moved"))
    file.parent.symlink_to(".moved")


FOLDERS: dict[str, Callable[[Path], Any]] = {
    "the group's to write": lambda file: file.parent.chmod(0o720),
    "everybody's to write": lambda file: file.parent.chmod(0o702),
    "another user's": others,
    "behind a link": behind_a_link,
}


@pytest.mark.parametrize("change", FOLDERS.values(), ids=FOLDERS.keys())
def test_a_folder_that_is_not_ours_alone_is_not_used(
    runtime: Runtime, confined: Bundle, forged: Path, change: Callable[[Path], Any]
) -> None:
    content = forged.read_bytes()
    change(forged)
    assert REFUSED in runtime.run(confined).err
    assert forged.read_bytes() == content


def test_what_a_killed_verb_has_left_is_written_over(runtime: Runtime, confined: Bundle) -> None:
    file = keep(runtime, confined)
    whole = file.read_bytes()
    file.rename(file.with_name(f"{file.name}.new"))
    assert keep(runtime, confined).read_bytes() == whole


def test_root_leaves_nothing_in_the_state_of_a_user(runtime: Runtime, confined: Bundle) -> None:
    runtime.root.mkdir()
    os.chown(runtime.root, 1, 1)
    assert REFUSED in runtime.run(confined).err
    assert list(runtime.root.iterdir()) == []


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


def test_what_init_has_not_loaded_is_not_kept(runtime: Runtime, bundle: MakeBundle) -> None:
    assert runtime.run(bundle(["/absent"], profile())).code == 1
    assert not (runtime.root / ".filters").exists()


def test_a_known_profile_does_not_prove_the_rest_of_a_config(runtime: Runtime, confined: Bundle) -> None:
    keep(runtime, confined)
    confined.change("/process/cwd", "relative")
    said = runtime.run(confined)
    assert said.code == 1
    assert "/process/cwd" in said.err
