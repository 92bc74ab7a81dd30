# SPDX-License-Identifier: Apache-2.0
"""Find the runtimes to judge: estiba by both doors, the cached peers, and what was named."""

from __future__ import annotations

import shlex
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from build import CACHE, HERE

PEERS = ("runc-debian", "crun")
"""Of tools/peers.py, those that are shown beside estiba. Not runc 1.5, which passes 3 of the 58: the programs' default
seccomp profile knows no statx(2), which this runc calls once it is loaded."""

BREATH = 0.3
"""Seconds between the start of a container and a signal, where a program leaves it no time."""


class Runtime(NamedTuple):
    """A runtime under test; the programs take one executable, without arguments."""

    name: str
    program: Path


def find(named: Sequence[str], only: Sequence[str]) -> list[Runtime]:
    """List the runtimes; `named` are NAME=PATH and win over what is found, `only` keeps these names."""
    peers = _pairs(_cached_peers())
    found = _doors() | {name: peers[name] for name in PEERS if name in peers} | _pairs(named)
    if absent := [name for name in only if name not in found]:
        raise SystemExit(f"conformance: no runtime {absent[0]}; there are {', '.join(found)}")
    return [Runtime(name, path) for name, path in found.items() if not only or name in only]


def _doors() -> dict[str, Path]:
    """Both doors of the estiba that is installed beside this interpreter."""
    native = Path(sys.executable).with_name("estiba")
    if not native.exists():
        raise SystemExit(f"conformance: no estiba beside {sys.executable}\nhint: pip install . first")
    door = _script("estiba-python", f'exec {shlex.quote(sys.executable)} -I -m estiba "$@"')
    return {"estiba": native, "estiba-python": door}


def unhurried(runtime: Runtime) -> Path:
    """Return a program that is this runtime, but for a breath before each signal."""
    wait = f'if [ "$1" = kill ]; then sleep {BREATH}; fi'
    return _script(f"unhurried-{runtime.name}", f'{wait}\nexec {shlex.quote(str(runtime.program))} "$@"')


def _script(name: str, lines: str) -> Path:
    path = CACHE / name
    written = path.with_name(f"{name}.{threading.get_native_id()}")
    written.write_text(f"#!/bin/sh\n{lines}\n")
    written.chmod(0o755)
    return written.replace(path)  # a program of another thread may be running it


def _cached_peers() -> list[str]:
    """What tools/peers.py has made; nothing is fetched here."""
    listed = subprocess.run(
        [sys.executable, str(HERE.parent / "tools" / "peers.py"), "--list"],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return listed.stdout.splitlines()


def _pairs(lines: Sequence[str]) -> dict[str, Path]:
    pairs = {}
    for line in lines:
        name, equals, path = line.partition("=")
        if not equals or not Path(path).is_file():
            raise SystemExit(f'conformance: "{line}" is not NAME=PATH of a program')
        pairs[name] = Path(path).resolve()
    return pairs
