# SPDX-License-Identifier: Apache-2.0
"""estiba.check finds programs as a container would: through its links and its bind mounts, and never outside."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from estiba import Bundle
from estiba.check import host_problems
from estiba.spec import default_config
from support.programs import AARCH64, X86_64, elf, put

NOBODY = 65534


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A bundle's folder whose root has one program."""
    (tmp_path / "rootfs" / "bin").mkdir(parents=True)
    put(tmp_path / "rootfs" / "bin" / "true", elf(X86_64))
    return tmp_path


def problems(folder: Path, args: list[str], **sections: Any) -> list[str]:
    """What the host would refuse, as text."""
    config = default_config()
    config["process"]["args"] = args
    (folder / "config.json").unlink(missing_ok=True)
    return [str(each) for each in host_problems(Bundle.make(folder, config={**config, **sections}))]


@pytest.mark.parametrize("program", ["/bin/true", "true", "/link", "/up/../link", "/bin/./true"])
def test_a_program_is_found_by_every_name_that_it_has(folder: Path, program: str) -> None:
    """Absolute links start at the container's root."""
    (folder / "rootfs" / "link").symlink_to("/bin/true")
    (folder / "rootfs" / "up").symlink_to("../../..")
    assert problems(folder, [program]) == []


def test_a_program_on_a_bind_mount_is_found_there(folder: Path) -> None:
    """And one below a file system that is yet to be mounted is not judged."""
    (folder / "tools").mkdir()
    put(folder / "tools" / "app", elf(X86_64))
    mounts = [
        {"destination": "/opt", "source": "tools", "options": ["rbind"]},
        {"destination": "/run", "type": "tmpfs"},
    ]
    assert problems(folder, ["/opt/app"], mounts=mounts) == []
    assert problems(folder, ["/run/app"], mounts=mounts) == []
    assert "is absent" in problems(folder, ["/opt/other"], mounts=mounts)[0]


def test_links_that_turn_in_circles_are_absent(folder: Path) -> None:
    """As the kernel's ELOOP, without an end in the search."""
    (folder / "rootfs" / "a").symlink_to("b")
    (folder / "rootfs" / "b").symlink_to("a")
    assert len(problems(folder, ["/a"])) == 1


def test_the_interpreter_of_an_interpreter_is_judged_too(folder: Path) -> None:
    """A script may be run by a script."""
    put(folder / "rootfs" / "script", b"#!/bin/outer -x\n")
    put(folder / "rootfs" / "bin" / "outer", b"#! /bin/inner\n")
    assert '"/bin/inner" is absent' in problems(folder, ["/script"])[0]
    put(folder / "rootfs" / "bin" / "inner", elf(AARCH64))
    assert "made for aarch64" in problems(folder, ["/script"])[0]


def test_a_truncated_program_is_told_and_not_stumbled_over(folder: Path) -> None:
    """Whatever the bytes are."""
    for content in (b"\x7fELF", b"\x7fELF\x02\x01" + b"\xff" * 60, b"#!", b"#!\n", b""):
        put(folder / "rootfs" / "odd", content)
        problems(folder, ["/odd"])


def test_a_program_that_is_a_fifo_is_not_waited_for(folder: Path) -> None:
    """An image may have anything where a program should be."""
    os.mkfifo(folder / "rootfs" / "fifo", 0o755)
    assert len(problems(folder, ["/fifo"])) == 1


def test_a_program_on_a_mount_without_execution_is_told(folder: Path) -> None:
    """By whatever name, and the last of the options counts."""
    (folder / "tools").mkdir()
    put(folder / "tools" / "app", elf(X86_64))
    (folder / "rootfs" / "link").symlink_to("/opt/app")
    mount = {"destination": "/opt", "source": "tools", "options": ["rbind", "noexec"]}
    for program in ("/opt/app", "/link"):
        assert "lies on a mount with noexec" in problems(folder, [program], mounts=[mount])[0]
    mount["options"] = ["rbind", "noexec", "exec"]
    assert problems(folder, ["/opt/app"], mounts=[mount]) == []
    assert "noexec" in problems(folder, ["/run/app"], mounts=[tmpfs("/run", "noexec")])[0]


def tmpfs(destination: str, *options: str) -> dict[str, Any]:
    """A file system that is yet to be mounted."""
    return {"destination": destination, "type": "tmpfs", "options": list(options)}


@pytest.mark.parametrize("destination", ["/proc", "//proc/.", "sys"])
def test_a_link_where_proc_or_sys_is_mounted_is_told(folder: Path, destination: str) -> None:
    """However the destination is written."""
    (folder / "rootfs" / destination.strip("/.")).symlink_to("bin")
    said = problems(folder, ["true"], mounts=[tmpfs(destination)])
    assert said[0].startswith("config.json /mounts/0/destination: the image has a link at "), said


def test_what_is_in_the_way_of_a_default_device_is_told(folder: Path) -> None:
    """Only where the image's own /dev is used."""
    (folder / "rootfs" / "dev").mkdir()
    (folder / "rootfs" / "dev" / "null").write_text("")
    assert "is in the way of the device" in problems(folder, ["true"], mounts=[])[0]
    assert problems(folder, ["true"], mounts=[tmpfs("/dev")]) == []


def test_absent_processors_are_told(folder: Path) -> None:
    """With those that there are."""
    said = problems(folder, ["true"], linux={"resources": {"cpu": {"cpus": "0,900-901"}}})
    assert 'config.json /linux/resources/cpu/cpus: "0,900-901" names processors that are absent' in said


def test_hooks_are_looked_for_where_they_run(folder: Path) -> None:
    """startContainer in the container, the others on the host."""
    hooks = {
        "startContainer": [{"path": "/bin/true"}, {"path": "/bin/sh"}],
        "poststop": [{"path": "/bin/sh"}],
    }
    said = problems(folder, ["true"], hooks=hooks)
    assert said == ['config.json /hooks/startContainer/1/path: the hook "/bin/sh" is absent in the container']


def test_a_config_of_any_shape_is_taken(folder: Path) -> None:
    """Its problems are the validator's."""
    for config in (
        {},
        {"process": 5, "mounts": {}, "linux": []},
        {"root": {"path": "rootfs"}, "process": {"args": [5]}},
    ):
        (folder / "config.json").unlink(missing_ok=True)
        host_problems(Bundle.make(folder, config=config))


def test_paths_of_any_length_and_shape_are_taken(folder: Path) -> None:
    """Where nothing can be, nothing is: told as absent, whatever the kernel calls it."""
    (folder / "loop").symlink_to("loop")
    for odd in ("loop", "x" * 5000, "x/" * 3000, "a\0b", "config.json/x"):
        sections: dict[str, Any] = {
            "process": {"args": [odd], "cwd": f"/{odd}", "env": [f"PATH={odd}"]},
            "mounts": [{"destination": f"/{odd}", "source": odd, "options": ["bind"]}],
            "hooks": {name: [{"path": f"{folder}/{odd}"}] for name in ("poststop", "startContainer")},
        }
        said = problems(folder, ["true"], **sections)
        assert sum("is absent" in line for line in said) >= 3, said
        said = problems(folder, ["true"], root={"path": odd})
        assert sum("the root file system" in line for line in said) == 1, said


@pytest.fixture
def nobody() -> Iterator[None]:
    """The rights of a user who is not root."""
    before = os.geteuid()
    if before == 0:
        os.seteuid(NOBODY)
    yield
    os.seteuid(before)


def test_what_this_user_may_not_enter_is_not_called_absent(nobody: None) -> None:
    """The container's root may be allowed to; the source of a mount is opened by this user."""
    with tempfile.TemporaryDirectory() as name:  # pytest's folders are root's alone
        folder = Path(name)
        (folder / "rootfs" / "closed").mkdir(parents=True, mode=0)
        (folder / "rootfs" / "closed").chmod(0)
        mount = {"destination": "/opt", "source": "rootfs/closed/x", "options": ["bind"]}
        said = problems(folder, ["/closed/app"], mounts=[mount])
    place = f'config.json /mounts/0/source: the mount source "{folder}/rootfs/closed/x"'
    assert said == [f'{place} is out of this user\'s reach (destination "/opt")']


def test_a_mount_behind_a_link_is_where_the_link_leads(folder: Path) -> None:
    """A link to the root, above all, which hides no mount and shows nothing of the host."""
    (folder / "rootfs" / "here").symlink_to("/")
    (folder / "tools").mkdir()
    put(folder / "tools" / "app", elf(X86_64))
    mount = {"destination": "/here/opt", "source": "tools", "options": ["rbind"]}
    for program in ("/opt/app", "/here/opt/app", "/here/here/opt/app"):
        assert problems(folder, [program], mounts=[mount]) == []
    assert "is absent" in problems(folder, ["/opt/other"], mounts=[mount])[0]
    mount = {"destination": "/here/etc/passwd", "source": "tools", "options": ["rbind"]}
    assert problems(folder, ["/bin/true"], mounts=[mount]) == [], "the host's own /etc/passwd is a file"
    (folder / "rootfs" / "file").touch()
    mount = {"destination": "/here/file", "source": "tools", "options": ["rbind"]}
    assert "is a folder" in problems(folder, ["/bin/true"], mounts=[mount])[0]


def test_a_later_mount_hides_those_below_it(folder: Path) -> None:
    """In whatever order their paths would sort."""
    (folder / "tools").mkdir()
    put(folder / "tools" / "app", elf(X86_64))
    (folder / "empty" / "deep").mkdir(parents=True)
    deep = {"destination": "/opt/deep", "source": "tools", "options": ["rbind"]}
    above = {"destination": "/opt", "source": "empty", "options": ["rbind"]}
    assert problems(folder, ["/opt/deep/app"], mounts=[above, deep]) == []
    assert "is absent" in problems(folder, ["/opt/deep/app"], mounts=[deep, above])[0]


def test_a_mount_source_may_be_a_link_of_the_host(folder: Path) -> None:
    """Which the kernel follows on the host, not inside."""
    (folder / "tools").mkdir()
    put(folder / "tools" / "app", elf(X86_64))
    (folder / "link").symlink_to(folder / "tools")
    mount = {"destination": "/opt", "source": "link", "options": ["rbind"]}
    assert problems(folder, ["/opt/app"], mounts=[mount]) == []
