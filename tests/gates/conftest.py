# SPDX-License-Identifier: Apache-2.0
"""Where the gates count: a cgroup view and bundles that make the counts those of estiba alone, on any host."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from conftest import MakeBundle
from support import recorded
from support.bundles import Bundle, Changes
from support.programs import EXITS, WAITS, X86_64, elf, put
from support.runtime import Runtime
from support.views import View

ON_EVERY_HOST = {
    "/linux/maskedPaths": ["/proc/interrupts", "/sys/firmware", "/proc/absent"],
    "/linux/readonlyPaths": ["/proc/fs", "/proc/sys", "/proc/absent"],
}
"""Of the default config's paths one kernel has these and another one those, and each costs some calls."""


@pytest.fixture(scope="session", autouse=True)
def listening() -> Iterator[None]:
    """Ignore no signal that a caller can: a shell does for its jobs in the background, and init resets each by a call."""
    numbers = (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM)
    before = {number: signal.signal(number, signal.SIG_DFL) for number in numbers}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture(scope="session")
def pinning(view: View) -> Iterator[None]:
    """A bpf file system of the view's own, where device programs are pinned: systemd mounts one on every host."""
    subprocess.run([*view.enter(), "mount", "-t", "bpf", "none", "/sys/fs/bpf"], check=True)
    yield
    subprocess.run([*view.enter(), "umount", "/sys/fs/bpf"], check=True)


@pytest.fixture
def native(pinning: None, runtime: Runtime) -> Runtime:
    """The native command, whichever door other tests go through."""
    runtime.words = [str(Path(sys.executable).with_name("estiba"))]
    return runtime


@pytest.fixture
def exits(bundle: MakeBundle) -> Bundle:
    """A bundle whose program makes one system call, exit, so that what is counted is estiba's."""
    return _tiny(bundle, EXITS)


@pytest.fixture
def filtered(bundle: MakeBundle) -> Bundle:
    """A bundle whose program exits with 0 at once, under the common default seccomp profile."""
    return _tiny(bundle, EXITS, {"/linux/seccomp": recorded.load_profile("podman-run")})


@pytest.fixture
def waits(bundle: MakeBundle) -> Bundle:
    """A bundle whose program waits to be killed. Its root has the other program too, as /exits."""
    return _tiny(bundle, WAITS)


def _tiny(bundle: MakeBundle, code: bytes, changes: Changes | None = None) -> Bundle:
    made = bundle(["/tiny"], {**ON_EVERY_HOST, **(changes or {})})
    put(made.rootfs / "tiny", elf(X86_64, code=code))
    put(made.rootfs / "exits", elf(X86_64, code=EXITS))
    return made
