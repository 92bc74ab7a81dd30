# SPDX-License-Identifier: Apache-2.0
"""Fixtures of tests that run in the guest: its spare disks, AppArmor profiles, a part of the cgroups handed over."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from conftest import ROOTLESS_UID, MakeBundle
from support.bundles import Bundle
from support.runtime import Runtime, command
from vm.cgroup_files import MOUNT_POINT

if "ESTIBA_GUEST" not in os.environ:
    raise pytest.UsageError(
        "tests/vm changes swap, disks and profiles of its host: it runs in the guest, by `make vm`"
    )

SWAP, SPARE = Path("/dev/vdc"), Path("/dev/vdd")
"""Disks of the guest that are empty (tests/vm/boot.py)."""


@pytest.fixture
def swap() -> Iterator[None]:
    """Swap for as long as the test lasts."""
    subprocess.run(["mkswap", "--quiet", SWAP], check=True)
    subprocess.run(["swapon", SWAP], check=True)
    yield
    subprocess.run(["swapoff", SWAP], check=True)


@pytest.fixture
def unused() -> dict[str, Any]:
    """The numbers of a disk that no test does anything to."""
    number = SWAP.stat().st_rdev
    return {"major": os.major(number), "minor": os.minor(number)}


@pytest.fixture
def spare() -> dict[str, Any]:
    """The spare disk, as an entry of linux.devices that the container finds at /dev/spare."""
    number = SPARE.stat().st_rdev
    numbers = {"major": os.major(number), "minor": os.minor(number)}
    return {"path": "/dev/spare", "type": "b", "fileMode": 0o600, **numbers}


@pytest.fixture
def profile(folder: Path) -> Iterator[Callable[[str], str]]:
    """Load AppArmor profiles: `profile(rules)` returns the name; all of them are unloaded after the test."""
    loaded: list[Path] = []

    def load(rules: str) -> str:
        name = f"estiba-{os.getpid()}-{folder.name}-{len(loaded)}"
        path = folder / name
        path.write_text(f"profile {name} flags=(attach_disconnected,mediate_deleted) {{\n{rules}\n}}\n")
        subprocess.run(["apparmor_parser", "--skip-cache", "--replace", path], check=True)
        loaded.append(path)
        return name

    yield load
    for path in loaded:
        subprocess.run(["apparmor_parser", "--remove", path], check=True)


@pytest.fixture
def delegated(rootless: Runtime) -> Iterator[Callable[[str], Path]]:
    """Hand a cgroup with the named controllers to the user without privileges, and move the calls into it.

    As cgroups(7) has it ("Delegation: delegating a hierarchy to a less privileged user"), and systemd does it: the
    folder and three of its files are the user's, and who lives there lives in a leaf.
    """
    slice_ = MOUNT_POINT / f"users-{os.getpid()}"
    top = slice_ / "delegated"
    leaf = top / "leaf"

    def hand_over(controllers: str) -> Path:
        for folder in (slice_, top):
            folder.mkdir()
        for folder in (MOUNT_POINT, slice_):
            (folder / "cgroup.subtree_control").write_text(f"+{controllers.replace(' ', ' +')}")
        leaf.mkdir()
        for owned in (top, leaf):
            for path in (owned, *(owned / f"cgroup.{n}" for n in ("procs", "threads", "subtree_control"))):
                os.chown(path, ROOTLESS_UID, ROOTLESS_UID)
        enter = f'echo $$ > {leaf}/cgroup.procs && exec "$@"'
        rootless.words = (
            command()
        )  # unlike a copy of it, it finds its Python; the guest's checkout is open to all
        rootless.prefix = ["sh", "-c", enter, "sh", *rootless.prefix]
        return top

    yield hand_over
    for path in (leaf, top, slice_):
        if path.exists():
            path.rmdir()


@pytest.fixture
def own_bundle(bundle: MakeBundle, rootless_config: dict[str, Any]) -> MakeBundle:
    """Make bundles that belong to the user without privileges."""

    def make(program: Any = "true", changes: dict[str, Any] | None = None) -> Bundle:
        made = bundle(program, changes, base=rootless_config)
        made.own_by(ROOTLESS_UID)
        return made

    return make
