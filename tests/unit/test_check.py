# SPDX-License-Identifier: Apache-2.0
"""estiba.check finds programs as a container would: through its links and its bind mounts, and never outside."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from estiba import Bundle
from estiba.check import host_problems
from estiba.spec import default_config
from support.programs import AARCH64, X86_64, elf, put


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
