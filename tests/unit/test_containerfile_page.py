# SPDX-License-Identifier: Apache-2.0
"""docs/containerfile.md says what is so."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from estiba.build.recipe import mounts, parse
from estiba.build.recipe.parse import READERS
from estiba.build.recipe.readers import commands, copy, run
from estiba.build.recipe.scope import PROXIES

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "containerfile.md").read_text()
EXAMPLES = re.findall(r"^```dockerfile\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize("text", EXAMPLES)
def test_example_is_a_containerfile(text: str) -> None:
    """Each block can be read."""
    assert parse(text).stages


def test_every_instruction_has_an_example() -> None:
    """And its name in a heading."""
    assert set(re.findall(r"^([A-Z]+) ", "\n".join(EXAMPLES), re.MULTILINE)) >= set(READERS)
    headings = re.findall("^### (.*)", PAGE, re.MULTILINE)
    assert {name for line in headings for name in line.split(", ")} == set(READERS)


def test_every_option_is_named() -> None:
    """Those that are taken and those that are refused."""
    options = [run.OPTIONS, run.REFUSED, copy.COPY, copy.ADD, copy.ADD_REFUSED, commands.HEALTH_OPTIONS]
    assert [name for table in options for name in table if f"--{name}" not in PAGE] == []
    assert [name for name in mounts.KEYS if f"`{name}`" not in PAGE and name not in ("type", "from")] == []


def test_every_proxy_is_named() -> None:
    """Those that need no ARG."""
    assert [name for name in PROXIES if f"`{name}`" not in PAGE] == []
