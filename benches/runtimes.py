# SPDX-License-Identifier: Apache-2.0
"""Find the runtimes to compare: estiba of this checkout, the cached peers, what PATH has, what was named."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

CHECKOUT = Path(__file__).resolve().parent.parent
FROM_PATH = ("estiba", "crun", "runc", "youki")


class Runtime(NamedTuple):
    """A runtime under test."""

    name: str
    program: str
    version: str


def find(named: Sequence[str], only: Sequence[str]) -> list[Runtime]:
    """List the runtimes; `named` are NAME=PATH and win over what is found, `only` keeps these names."""
    programs: dict[str, str] = {}
    own = CHECKOUT / ".venv" / "bin" / "estiba"
    if own.exists():
        programs["estiba"] = str(own)
    programs |= _pairs(_cached_peers())
    for name in FROM_PATH:
        path = shutil.which(name)
        if name not in programs and path:
            programs[name] = path
    programs |= _pairs(named)
    chosen = only or list(programs)
    absent = [name for name in chosen if name not in programs]
    if absent:
        hint = f"hint: name it, `--runtime {absent[0]}=PATH`"
        raise SystemExit(f"benches: no runtime {', '.join(absent)}\n{hint}")
    return [Runtime(name, programs[name], _version(programs[name])) for name in chosen]


def _cached_peers() -> list[str]:
    listed = subprocess.run(
        [sys.executable, str(CHECKOUT / "tools" / "peers.py"), "--list"],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return listed.stdout.splitlines()


def _pairs(lines: Sequence[str]) -> dict[str, str]:
    pairs: dict[str, str] = {}
    for line in lines:
        name, equals, path = line.partition("=")
        if not equals or not Path(path).is_file():
            raise SystemExit(f'benches: "{line}" is not NAME=PATH of a program')
        pairs[name] = str(Path(path).resolve())
    return pairs


def _version(program: str) -> str:
    """Return the last word of the first line of --version, the number in every runtime known so far."""
    said = subprocess.run([program, "--version"], capture_output=True, text=True, check=False, timeout=20)
    lines = said.stdout.splitlines()
    return lines[0].split()[-1] if said.returncode == 0 and lines and lines[0].split() else "unknown"
