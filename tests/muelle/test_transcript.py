# SPDX-License-Identifier: Apache-2.0
"""docs/muelle.md is what happens: its commands are typed by a shell, what they print is held against the page."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

from muelle.conftest import PROGRAM, Muelle

PAGE = Path(__file__).resolve().parents[2] / "docs" / "muelle.md"


def commands(page: str) -> list[tuple[str, str]]:
    """Return each command of the page's console blocks and what the page says that it prints."""
    blocks = re.findall(r"^```console\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    typed = re.split(r"^\$ ", "".join(blocks), flags=re.MULTILINE)[1:]
    return [(one.partition("\n")[0], one.partition("\n")[2]) for one in typed]


def as_pattern(expected: str) -> str:
    """Return a regular expression for what the page shows, where "..." stands for anything in a line."""
    return re.escape(expected).replace(re.escape("..."), ".*")


def test_the_page_shows_what_the_commands_print(own_store: Muelle, tmp_path: Path) -> None:
    page = PAGE.read_text()
    web = tmp_path / "web"
    web.mkdir()
    shutil.copy(shutil.which("busybox") or "/bin/busybox", web / "busybox")
    (web / "Containerfile").write_text(re.findall(r"^```text\n(.*?)^```", page, re.MULTILINE | re.DOTALL)[0])
    environ = {**own_store.environ, "PATH": f"{PROGRAM.parent}:{os.environ['PATH']}"}
    for command, expected in commands(page):
        done = subprocess.run(
            ["sh", "-c", command],
            cwd=tmp_path,
            env=environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, f"{command}\n{done.stdout}"
        assert re.fullmatch(as_pattern(expected), done.stdout), f"{command}\n{done.stdout}"
