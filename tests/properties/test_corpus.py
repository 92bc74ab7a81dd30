# SPDX-License-Identifier: Apache-2.0
"""What a fuzzer found the prover to take (tests/fuzz), Python accepts."""

from __future__ import annotations

from pathlib import Path

import pytest

from estiba import _core, spec

CORPUS = sorted((Path(__file__).parents[1] / "fuzz" / "corpus").iterdir())


@pytest.mark.parametrize("path", CORPUS, ids=[path.name for path in CORPUS])
def test_a_stored_input_is_valid_if_it_is_proved(path: Path) -> None:
    """They were proved when they were stored; a prover that asks about one now has grown stricter."""
    text = path.read_bytes()
    if _core.prove(config=text) is None:
        assert spec.validate(spec.parse(text, "config.json")) == []
