# SPDX-License-Identifier: Apache-2.0
"""README.md and docs/muelle.md are what happens: a shell types their commands, what they print is held against them."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from muelle.conftest import PROGRAM, Muelle
from support.registry import Registry

REPOSITORY = Path(__file__).resolve().parents[2]
PAGES = ("README.md", "docs/muelle.md")


def commands(page: str) -> list[tuple[str, str]]:
    """Return each command of the page's console blocks and what the page says that it prints."""
    blocks = re.findall(r"^```console\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    typed = re.split(r"^\$ ", "".join(blocks), flags=re.MULTILINE)[1:]
    return [(one.partition("\n")[0], one.partition("\n")[2]) for one in typed]


def as_pattern(expected: str) -> str:
    """Return a regular expression for what the page shows: "..." is anything in a line, two blanks are any number."""
    pattern = re.escape(expected).replace(re.escape("..."), ".*")
    return re.sub(r"(?:\\ ){2,}", " +", pattern)


@pytest.mark.parametrize("name", PAGES)
def test_the_page_shows_what_the_commands_print(own_store: Muelle, tmp_path: Path, name: str) -> None:
    """In order, in one folder; the registry that it calls localhost:5000 has a port of its own."""
    page, recipe = ((REPOSITORY / each).read_text() for each in (name, PAGES[1]))
    web = tmp_path / "web"
    web.mkdir()
    shutil.copy(shutil.which("busybox") or "/bin/busybox", web / "busybox")
    (web / "Containerfile").write_text(
        re.findall(r"^```text\n(.*?)^```", recipe, re.MULTILINE | re.DOTALL)[0]
    )
    environ = {
        **own_store.environ,
        "PATH": f"{PROGRAM.parent}:{os.environ['PATH']}",
        "REGISTRY_AUTH_FILE": str(tmp_path / "auth.json"),
    }
    with Registry() as registry:
        for command, expected in commands(page.replace("localhost:5000", registry.domain)):
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
