# SPDX-License-Identifier: Apache-2.0
"""docs/faults.md has every fault, with the words that estiba uses now."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.faults import FAULTS, GOLDEN, stored

REPOSITORY = Path(__file__).parents[2]


@pytest.mark.parametrize("name", FAULTS)
def test_the_page_says_what_estiba_says(name: str) -> None:
    """As the golden file, which tests/kernel/test_faults.py compares with the truth."""
    page = (REPOSITORY / "docs" / "faults.md").read_text()
    ours, checked, _ = stored(name)
    section = page.split(f"## {FAULTS[name].title}\n")[1].split("\n## ")[0]
    assert ours.strip() in section
    assert checked.strip() in section


def test_no_stored_words_are_left_of_a_fault_that_is_gone() -> None:
    """One file a fault."""
    assert {path.stem for path in GOLDEN.iterdir()} == set(FAULTS)
