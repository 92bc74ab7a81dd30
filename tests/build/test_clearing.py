# SPDX-License-Identifier: Apache-2.0
"""What builds keep beside their results can be removed, and builds go on without it."""

from __future__ import annotations

from pathlib import Path

import pytest

from estiba.build.clearing import Cleared, clear
from estiba.build.progress import Verdict
from support.builds import Site

pytestmark = pytest.mark.requires("root")
TEXT = "RUN --mount=type=cache,target=/c echo x >> /c/log; cat /c/log; mkdir -p /c/deep/er; echo {}\n"


@pytest.fixture
def site(folder: Path, prepared: Path) -> Site:
    """A place to build in."""
    return Site(folder, prepared)


def kept(site: Site) -> list[str]:
    """Return what the builder has in the store that is no result."""
    folders = [Path(site.store.folder(name)) for name in ("cache", "cache-mounts")]
    return [entry.name for folder in folders for entry in folder.iterdir() if entry.suffix != ".json"]


def test_caches_and_half_written_files_are_removed_and_results_stay(site: Site) -> None:
    """A dry run says the same and removes nothing."""
    site.build(TEXT.format(1))
    site.build(TEXT.format(2))
    assert site.said() == ["x", "x", "2"]
    Path(site.store.folder("cache"), f"{64 * 'a'}.json.7-12345678").write_text("{")
    before = kept(site)
    assert len(before) == 3
    assert clear(site.store, dry_run=True) == Cleared(1, len("x\nx\n"))
    assert kept(site) == before
    assert clear(site.store) == Cleared(1, len("x\nx\n"))
    assert kept(site) == []
    assert clear(site.store) == Cleared(0, 0)
    site.build(TEXT.format(2))
    assert {verdict for verdict, _ in site.verdicts().values()} == {Verdict.CACHED}
    site.build(TEXT.format(3))
    assert site.said() == ["x", "3"]
