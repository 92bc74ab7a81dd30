# SPDX-License-Identifier: Apache-2.0
"""The change log of an image, the past of a name, and the way back and forth."""

from __future__ import annotations

from pathlib import Path

import pytest

from estiba.errors import ImageNotFound, ReferenceInvalid
from estiba.images import Descriptor, History, Image, Store, history, media
from estiba.images.reference import parse
from support.images import put_image

WEB = parse("web")


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """A new store."""
    return Store.open(tmp_path / "store")


def moved(store: Store, *contents: bytes) -> list[Descriptor]:
    """Let `web` point to an image for each content, one after the other."""
    images = [put_image(store.blobs, [{"base": b"x"}, {"a": content}]) for content in contents]
    for image in images:
        store.references.move(WEB, image, verb="build")
    return images


def current(store: Store) -> tuple[int, str]:
    """Return the number and the digest of the version that `web` points to."""
    (version,) = [one for one in history.versions(store, WEB) if one.is_current]
    return version.number, version.digest


def test_history_names_the_layer_of_each_row_and_who_shares_it(store: Store) -> None:
    """Newest first; a step without a layer has no size; no row is `<missing>`."""
    moved(store, b"1")
    other = put_image(store.blobs, [{"base": b"x"}])
    store.references.move(parse("base:1"), other, verb="pull")
    image = Image.resolve(store, "web")
    config = image.config._replace(
        history=(*image.config.history, History(created_by="CMD", empty_layer=True))
    ).to_bytes()
    manifest = image.manifest._replace(
        config=Descriptor(media.OCI_CONFIG, store.blobs.put(config), len(config))
    ).to_bytes()
    rows = history.rows(
        Image(store, Descriptor(media.OCI_MANIFEST, store.blobs.put(manifest), len(manifest)))
    )
    assert [row.entry.created_by for row in rows] == ["CMD", "layer 1", "layer 0"]
    assert [row.digest for row in rows] == [None, *(one.digest for one in image.manifest.layers[::-1])]
    assert [row.size for row in rows] == [0, *(one.size for one in image.manifest.layers[::-1])]
    assert [row.shared_with for row in rows] == [(), ("web:latest",), ("base:1", "web:latest")]


def test_history_that_tells_of_too_few_layers_is_that_of_the_upper_ones(store: Store) -> None:
    """An imported base says nothing of itself: its layers still have rows, with size and digest."""
    image = Image(store, put_image(store.blobs, [{"a": b"1"}, {"b": b"2"}]))
    config = image.config._replace(history=(History(created_by="COPY"),)).to_bytes()
    manifest = image.manifest._replace(
        config=Descriptor(media.OCI_CONFIG, store.blobs.put(config), len(config))
    ).to_bytes()
    rows = history.rows(
        Image(store, Descriptor(media.OCI_MANIFEST, store.blobs.put(manifest), len(manifest)))
    )
    assert [row.entry.created_by for row in rows] == ["COPY", None]
    assert all(row.digest for row in rows)


def test_rollback_goes_back_step_by_step_and_forward_again(store: Store) -> None:
    """Each step is a record; the versions keep their numbers."""
    one, two, three = moved(store, b"1", b"2", b"3")
    assert current(store) == (3, three.digest)
    history.rollback(store, WEB)
    assert current(store) == (2, two.digest)
    history.rollback(store, WEB)
    assert current(store) == (1, one.digest)
    with pytest.raises(ImageNotFound, match="no version before the current one"):
        history.rollback(store, WEB)
    history.rollback(store, WEB, 3)
    assert current(store) == (3, three.digest)
    assert [record.verb for record in store.references.log(WEB)][3:] == ["rollback"] * 3
    (four,) = moved(store, b"4")
    assert current(store) == (4, four.digest)


def test_rollback_goes_back_to_what_the_name_stood_for_when_its_version_came(store: Store) -> None:
    """Not to a version that was rolled away from before; and no two rollbacks lead back and forth."""
    one, two, three = moved(store, b"1", b"2", b"3")
    history.rollback(store, WEB, 1)
    (four,) = moved(store, b"4")
    assert history.rollback(store, WEB).after == one.digest
    with pytest.raises(ImageNotFound, match="no version before the current one"):
        history.rollback(store, WEB)
    history.rollback(store, WEB, 3)
    assert history.rollback(store, WEB).after == two.digest
    assert history.rollback(store, WEB, 4).after == four.digest
    store.references.remove(WEB)
    (five,) = moved(store, b"5")
    assert [record.version for record in history.behind(store.references.log(WEB))] == [4, 1]
    assert len({one.digest, two.digest, three.digest, four.digest, five.digest}) == 5


def test_rollback_passes_over_what_is_gone(store: Store) -> None:
    """The nearest version that is whole is the answer."""
    one, two, three = moved(store, b"1", b"2", b"3")
    store.blobs.remove(two.digest)
    assert history.rollback(store, WEB).after == one.digest
    history.rollback(store, WEB, 3)
    store.blobs.remove(one.digest)
    with pytest.raises(ImageNotFound, match=f"version 2 is not whole: blob {two.digest} is gone"):
        history.rollback(store, WEB)
    assert current(store) == (3, three.digest)


def test_rollback_takes_a_number_a_digest_or_a_time(store: Store) -> None:
    """Whatever of them is at hand."""
    one, two, three = moved(store, b"1", b"2", b"3")
    for to, wanted in (("1", one), (two.digest, two), (one.digest[7:15], one), ("0s", one), (3, three)):
        assert history.rollback(store, WEB, to).after == wanted.digest
    log = store.references.log(WEB)
    within = [move for move in log if move.time == log[0].time]  # times are to the millisecond
    assert history.rollback(store, WEB, log[0].time).after == within[-1].after


def test_rollback_without_an_answer_says_what_there_is(store: Store) -> None:
    """A version that never was, a time before all, a text that is none, a name never used."""
    moved(store, b"1", b"2")
    for to in (7, "12345", "ffffffff", "2001-01-01"):
        with pytest.raises(ImageNotFound, match="no version") as raised:
            history.rollback(store, WEB, to)
        assert (raised.value.hint or "").startswith("there are: 1 (")
    first, second = history.versions(store, WEB)
    with pytest.raises(ImageNotFound, match=r'no version "10m": it named no image at 20..-') as raised:
        history.rollback(store, WEB, "10m")
    hint = raised.value.hint or ""
    assert hint.endswith("; a time is written 2026-11-24T16:20, or 2h for two hours ago (s, m, h, d, w)")
    began = hint.partition(", since ")[2].partition(")")[0]
    assert history.rollback(store, WEB, began).after in (first.digest, second.digest)
    history.rollback(store, WEB, 2)
    with pytest.raises(ReferenceInvalid, match="not a number, a digest or a time"):
        history.rollback(store, WEB, "yester")
    with pytest.raises(ImageNotFound, match="never named an image"):
        history.rollback(store, parse("other"))
    assert current(store)[0] == 2


def test_rollback_never_points_to_half_an_image(store: Store) -> None:
    """A version whose layer was pruned is refused, and the name stays where it was."""
    one, _ = moved(store, b"1", b"2")
    layer = Image(store, one).manifest.layers[1].digest
    store.blobs.remove(layer)
    with pytest.raises(ImageNotFound, match=f"version 1 is not whole: blob {layer} is gone"):
        history.rollback(store, WEB)
    assert current(store)[0] == 2


def test_rollback_brings_a_removed_name_back(store: Store) -> None:
    """Removal is a move like any other."""
    _, two = moved(store, b"1", b"2")
    store.references.remove(WEB)
    assert not any(one.is_current for one in history.versions(store, WEB))
    assert history.rollback(store, WEB).after == two.digest
    assert current(store) == (2, two.digest)
