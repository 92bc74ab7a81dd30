# SPDX-License-Identifier: Apache-2.0
"""The folders that `run` keeps of containers: named once, found by a beginning, cleaned when nobody is left."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from estiba.errors import ContainerError, ContainerExists, ContainerNotFound, StoreError, WrongState
from estiba.muelle import containers
from estiba.muelle.containers import Kept
from estiba.muelle.listing import remove
from estiba.muelle.standing import standing_of


class Made:
    """Makes containers' folders, and lets their locks go at the end."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.locks: list[int] = []

    def __call__(self, **record: Any) -> Kept:
        """Make one."""
        kept, lock = containers.make(self.folder, {"created": "2026-01-01T00:00:00Z", **record})
        self.locks.append(lock)
        return kept

    def leave(self) -> None:
        """Let all locks go, as a killed `run` does."""
        for lock in self.locks:
            os.close(lock)
        self.locks.clear()


@pytest.fixture
def made(tmp_path: Path) -> Iterator[Made]:
    """A maker of containers."""
    maker = Made(tmp_path / "containers")
    yield maker
    maker.leave()


def test_a_container_is_found_by_name_id_and_beginning(made: Made) -> None:
    """Its record says what was given."""
    web, other = made(name="web", image="sha256:x"), made()
    for text in ("web", web.id, web.id[:12]):
        assert containers.find(made.folder, text) == web
    assert containers.find(made.folder, "web").record["image"] == "sha256:x"
    assert (web.name, other.name) == ("web", other.id[:12])


def test_what_is_not_there_or_means_several_is_refused(made: Made) -> None:
    """With the ids that were meant."""
    with pytest.raises(ContainerNotFound) as absent:
        containers.find(made.folder, "web")
    assert absent.value.message == 'container "web" does not exist'
    ids = [made().id for _ in range(17)]  # sixteen digits: two of them begin alike
    twice = next(digit for digit in "0123456789abcdef" if sum(id.startswith(digit) for id in ids) > 1)
    with pytest.raises(ContainerError) as several:
        containers.find(made.folder, twice)
    assert several.value.message.startswith(f'"{twice}" begins the ids of ')


def test_a_record_that_cannot_be_written_is_told_and_the_old_one_stays(made: Made) -> None:
    """As on a disk that is full."""
    web = made(name="web")
    (web.folder / "container.json.new").mkdir()
    with pytest.raises(StoreError) as caught:
        containers.write(web._replace(record={**web.record, "name": "other"}))
    assert caught.value.message.startswith(f'cannot write "{web.folder}/container.json": ')
    assert containers.find(made.folder, "web") == web


def test_a_name_is_given_once(made: Made) -> None:
    """Until its container is removed."""
    web = made(name="web")
    with pytest.raises(ContainerExists) as caught:
        made(name="web")
    assert caught.value.message == f'the name "web" is taken by container {web.id[:12]}'
    assert caught.value.hint == "`muelle rm web` removes it"
    containers.remove(web)
    made(name="web")


def test_a_removed_container_leaves_nothing(made: Made) -> None:
    """Nor is it found while it goes."""
    web = made()
    (web.folder / "upper/deep").mkdir()
    containers.remove(web)
    assert list(containers.iterate(made.folder)) == []
    assert os.listdir(made.folder) == []


def test_only_what_was_to_go_and_has_nobody_left_is_abandoned(made: Made) -> None:
    """A container without --rm stays, one that is attended to runs."""
    going, staying = made(), made()
    (staying.folder / "remove").unlink()
    assert containers.abandoned(made.folder) == []
    assert containers.is_attended(going.folder)
    made.leave()
    assert containers.abandoned(made.folder) == [going]
    assert not containers.is_attended(going.folder)


def test_a_container_whose_run_has_yet_to_start_it_is_not_lost(made: Made, tmp_path: Path) -> None:
    """The engine knows nothing of it, but its `run` holds the lock: rm and prune let it be."""
    web = made(name="web", stateRoot=str(tmp_path / "state"))
    assert standing_of(web).status == "created"
    with pytest.raises(WrongState) as caught:
        remove(web, is_forced=False)
    assert caught.value.message == 'container "web" is created'
    made.leave()
    assert standing_of(web).status == "lost"
    remove(web, is_forced=False)
    assert list(containers.iterate(made.folder)) == []


def test_a_store_without_containers_has_none(tmp_path: Path) -> None:
    """The folder is made by the first one."""
    assert list(containers.iterate(tmp_path / "containers")) == []
    assert containers.abandoned(tmp_path / "containers") == []
