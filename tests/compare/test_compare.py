# SPDX-License-Identifier: Apache-2.0
"""Each Containerfile of the corpus, built by all builders: equal where the others agree, as decided where they do not."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from compare import bases, builders, differences
from compare.cases import Case, corpus, make_context

KINDS = (builders.Buildah, builders.BuildKit, builders.Estiba)


@pytest.fixture(scope="session")
def archives(session_folder: Path) -> list[Path]:
    """The base images."""
    made = [session_folder / "busybox.tar", session_folder / "debian.tar"]
    bases.busybox(made[0])
    bases.debian(made[1])
    return made


@pytest.fixture(scope="session")
def built(session_folder: Path, archives: list[Path]) -> Iterator[list[builders.Builder]]:
    """The builders, each ready."""
    ready: list[builders.Builder] = []
    try:
        for kind in KINDS:
            ready.append(kind(session_folder / kind.name, archives))
        yield ready
    finally:
        for builder in ready:
            builder.close()


@pytest.mark.parametrize("case", corpus(), ids=lambda case: case.name)
def test_builders_make_the_same(case: Case, built: list[builders.Builder], folder: Path) -> None:
    """Paths, types, modes, owners, contents, links, attributes; and the config."""
    images = {}
    for builder in built:
        if not case.needs & builder.lacks:
            context = folder / builder.name / "context"
            context.parent.mkdir()
            make_context(case, context)
            images[builder.name] = builder.build(case, context)
    assert differences.verdicts(case.name, images) == []
