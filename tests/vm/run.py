# SPDX-License-Identifier: Apache-2.0
"""Runs the tests that need the guest, in the guest: `make vm`.

make vm                                 all of them
make vm VM='tests/vm -k memory'         what pytest is told, natively
make vm VM="--script 'dmesg'"           a shell script, in the checkout's folder
"""

from __future__ import annotations

import argparse
import shlex
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from vm.boot import GuestFailed, boot
from vm.image import CHECKOUT, Image, image, write_disk

SECONDS = 1800.0
"""How long the guest may take at most, boot included."""

RUNS = (
    ("native", "tests/vm"),
    ("native", "-m 'core or controller' tests/kernel --ignore=tests/kernel/test_bad_input.py"),
    ("python", "-m core tests/vm/test_apparmor.py tests/vm/test_memory.py"),
)
"""Through which door, and what pytest is told. Bad input is judged by Python alone, which takes seconds here."""

PYTEST = "PY_COLORS=0 .venv/bin/python -m pytest -q -p no:cacheprovider"
NEEDLESS = ("mypy", "mypyc", "pip", "setuptools", "ruff", "typeshed")
"""Packages of .venv that no test imports."""


def main() -> int:
    """Run what the arguments ask for; the exit code of the tests."""
    parser = argparse.ArgumentParser(description="Runs tests in the guest.")
    parser.add_argument("--script", help="a shell script instead of pytest")
    parser.add_argument("--seconds", type=float, default=SECONDS)
    known, words = parser.parse_known_args()
    script = known.script or pytest_script([("native", shlex.join(words))] if words else RUNS)
    try:
        system = image()
        with tempfile.TemporaryDirectory(prefix="estiba-vm-") as name:
            folder = Path(name)
            stage(folder / "checkout", system, script)
            write_disk(folder / "disk", folder / "checkout", 1 << 30)
            return boot(system, folder / "disk", known.seconds)
    except GuestFailed as failure:
        print(f"tests/vm/run.py: {failure}", file=sys.stderr)
        return 1


def pytest_script(runs: tuple[tuple[str, str], ...] | list[tuple[str, str]]) -> str:
    """Write the script of several pytest runs; it fails if one of them does."""
    lines = ["export ESTIBA_GUEST=1 ESTIBA_PATIENCE=6", "code=0"]
    for door, words in runs:
        lines.append(f"echo {shlex.quote(f'== {door}: pytest {words}')}")
        lines.append(f"ESTIBA_DOOR={door} {PYTEST} {words} || code=$?")
    return "\n".join([*lines, "exit $code", ""])


def stage(folder: Path, system: Image, script: str) -> None:
    """Copy the checkout's files, its .venv for the guest's own Python, and the script to run."""
    words = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(words, cwd=CHECKOUT, check=True, capture_output=True, text=True).stdout
    for name in filter(None, listed.split("\0")):
        if (CHECKOUT / name).exists():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(CHECKOUT / name, folder / name, follow_symlinks=False)
    stage_venv(folder / ".venv", system)
    (folder / "in-the-guest.sh").write_text(script)


def stage_venv(folder: Path, system: Image) -> None:
    """Make a .venv of the guest's Python with the packages of this one."""
    packages = Path("lib") / f"python{system.python}" / "site-packages"
    own = Path(sys.prefix) / packages
    if not own.is_dir():
        raise GuestFailed(
            f"the guest has Python {system.python}, and {sys.prefix} has another: make that one anew"
        )
    (folder / "bin").mkdir(parents=True)
    (folder / "bin" / "python").symlink_to("/usr/bin/python3")
    (folder / "pyvenv.cfg").write_text("home = /usr/bin\ninclude-system-site-packages = false\n")
    shutil.copy2(Path(sys.prefix) / "bin" / "estiba", folder / "bin")
    left_out = shutil.ignore_patterns(*NEEDLESS, "*mypyc*")
    shutil.copytree(own, folder / packages, symlinks=True, ignore=left_out)


if __name__ == "__main__":
    sys.exit(main())
