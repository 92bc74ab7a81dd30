# SPDX-License-Identifier: Apache-2.0
"""Caches of RUN: those that begin with files of a stage, and those that several mounts, steps and stages want."""

from __future__ import annotations

import os
import threading
from contextlib import ExitStack
from pathlib import Path
from typing import Any, cast

import pytest

from estiba.build.context import Tree
from estiba.build.recipe.instructions import Mount
from estiba.build.steps import mounts
from estiba.errors import BuildFailed
from estiba.images import Store
from support.builds import Site

pytestmark = pytest.mark.requires("root")

MOUNT = Mount(
    word=cast(Any, None),
    kind="cache",
    target="/c",
    source="/",
    stage="files",
    is_read_only=False,
    id="c",
    sharing="shared",
    is_required=False,
    mode=None,
    user=None,
    group=None,
    size=None,
    env=None,
)


@pytest.fixture
def site(folder: Path, prepared: Path) -> Site:
    """A place to build in."""
    return Site(folder, prepared)


class Together:
    """What `prepare` asks of a build and of a step, for steps that all find the cache empty."""

    def __init__(self, folder: Path, count: int) -> None:
        self.store = Store.open(folder / "store")
        self.path = folder
        (folder / "files").mkdir()
        for name in range(100):
            (folder / "files" / str(name)).write_text("x")
        self.barrier = threading.Barrier(count)
        self.files = os.open(folder / "files", os.O_RDONLY | os.O_DIRECTORY)

    def tree_of(self, _name: str, _number: int) -> Tree:
        """Return the files, when all ask for them."""
        self.barrier.wait()
        return Tree(self.files, "files", keeps_ids=True)

    def folder(self, _name: str) -> str:
        """Return a folder of a step."""
        return str(self.path)


def test_steps_that_begin_a_shared_cache_at_once_have_the_same_one(folder: Path) -> None:
    """With the files of the stage, and nothing beside it."""
    around = cast(Any, Together(folder, 4))
    made: list[str] = []

    def step() -> None:
        with ExitStack() as stack:
            ((mount,), _) = mounts.prepare([MOUNT], 0, around, around, str(folder), stack)
            made.append(mount["source"])

    threads = [threading.Thread(target=step) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    os.close(around.files)
    assert len(made) == 4 and len(set(made)) == 1
    assert len(os.listdir(made[0])) == 100
    assert sorted(os.listdir(Path(made[0]).parent)) == ["beginning", "data", "lock"]


def test_what_a_cache_cannot_begin_with_is_named_and_left_nowhere(site: Site) -> None:
    """The next build begins it, and removes what was half-made."""
    text = "FROM base\nRUN --mount=type=cache,from=base,source={},target=/c cat /c/group\n"
    with pytest.raises(BuildFailed, match='"/absent"'):
        site.build(text.format("/absent"))
    site.build(text.format("/etc"))
    assert site.said()[0] == "root:x:0:"
    (cache,) = Path(site.store.folder("cache-mounts")).iterdir()
    assert sorted(os.listdir(cache)) == ["beginning", "data", "lock"]


@pytest.mark.parametrize("sharing", [("locked", "locked"), ("shared", "locked"), ("private", "private")])
def test_one_cache_at_two_places_is_one_cache(site: Site, sharing: tuple[str, str]) -> None:
    one, two = (f"--mount=type=cache,id=c,target=/{sharing[n]}{n},sharing={sharing[n]}" for n in (0, 1))
    site.build(f"RUN {one} {two} echo there > /{sharing[0]}0/file && cat /{sharing[1]}1/file\n")
    assert site.said() == ["there"]
    assert len(os.listdir(site.store.folder("cache-mounts"))) == 1


def test_stages_that_want_the_same_caches_in_another_order_both_end(site: Site) -> None:
    """Each adds to both; neither sees them while the other has them."""
    names = [f"c{number}" for number in range(8)]
    stages = ""
    for stage, order in (("one", names), ("two", names[::-1])):
        mounts = " ".join(f"--mount=type=cache,target=/{name},sharing=locked" for name in order)
        stages += f"FROM base AS {stage}\nRUN {mounts} for d in /c?; do echo {stage} >> $d/log; done; echo > /{stage}\n"
    last = " ".join(f"--mount=type=cache,target=/{name}" for name in names)
    site.build(f"{stages}FROM base\nCOPY --from=one /one /\nCOPY --from=two /two /\nRUN {last} cat /c?/log\n")
    assert sorted(site.said()) == ["one"] * 8 + ["two"] * 8


def test_a_cache_that_begins_with_a_stage_that_wants_it_too(site: Site) -> None:
    """The stage is waited for first, then the cache."""
    mount = "--mount=type=cache,id=c,target=/c,sharing=locked"
    site.build(
        f"FROM base AS before\nRUN echo > /x\n"
        f"FROM base AS first\nCOPY --from=before /x /x\nRUN {mount} echo first >> /c/log\n"
        f"FROM base\nRUN {mount},from=first,source=/etc cat /c/log\n"
    )
    assert site.said() == ["first"]
