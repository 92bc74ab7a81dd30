# SPDX-License-Identifier: Apache-2.0
"""Unpacked layers: what a build wrote is adopted, shared, and given up after a power cut."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from estiba.images import Image, Store, digest
from estiba.images.reference import parse
from support.images import layer_tar, put_image


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """A new store."""
    return Store.open(tmp_path / "store")


def image(store: Store, *layers: dict[str, bytes | None], name: str = "web", compress: bool = True) -> Image:
    """Return a new image with a name."""
    store.references.move(parse(name), put_image(store.blobs, layers, compress=compress), verb="build")
    return Image.resolve(store, name)


def leftovers(store: Store) -> list[str]:
    """Return what is in the store's tmp."""
    return [name for name in os.listdir(store.folder("tmp")) if not name.startswith(".")]


def test_upper_folder_is_adopted_without_a_copy(store: Store) -> None:
    """Renamed: the same inode; once it is there another stays where it was."""
    base = image(store, {"base": b"x"})
    tar = layer_tar({"a": b"1"})
    with store.tmp() as folder:
        for number in (1, 2):
            upper = Path(folder, f"upper{number}")
            upper.mkdir()
            (upper / "a").write_bytes(b"1")
            inode = upper.stat().st_ino
            chain_id = store.layers.adopt(
                base.chain_ids[-1], digest.of_bytes(tar), str(upper), size=1, entries=1
            )
            assert (os.stat(store.layers.path(chain_id)).st_ino == inode) == (number == 1)
            assert upper.exists() == (number == 2)
    assert chain_id == digest.chain_id(base.chain_ids[-1], digest.of_bytes(tar))
    assert leftovers(store) == []


def test_layer_that_hides_all_is_the_lowest(store: Store) -> None:
    """The kernel does not look for the mark on a layer's root: what is below it is left out."""
    made = image(store, {"below": b"x"}, {".wh..wh..opq": b"", "a": b"1"})
    parent = None
    for number, diff_id in enumerate(made.config.diff_ids):
        with store.tmp() as folder:
            upper = Path(folder, "upper")
            upper.mkdir()
            if number:
                os.setxattr(upper, f"{store.overlay}.overlay.opaque", b"y")
            parent = store.layers.adopt(parent, diff_id, str(upper))
    assert made.lowers() == [store.layers.path(made.chain_ids[1])]


def test_layer_of_an_earlier_boot_is_not_trusted(store: Store) -> None:
    """Writing does not wait for the disk: after a power cut a folder may be half there. Another takes its place."""
    diff_id = digest.of_bytes(layer_tar({"a": b"1"}))
    with store.tmp() as folder:
        for number in (1, 2):
            upper = Path(folder, f"upper{number}")
            upper.mkdir()
            (upper / "a").write_bytes(b"%d" % number)
            chain_id = store.layers.adopt(None, diff_id, str(upper))
            record = Path(store.layers.path(chain_id)).parent / "layer.json"
            assert store.layers.get(chain_id)
            assert Path(store.layers.path(chain_id), "a").read_bytes() == b"%d" % number
            record.write_text(json.dumps(json.loads(record.read_text()) | {"boot": "earlier"}))
            assert store.layers.get(chain_id) is None
    record.write_bytes(b"\0" * 100)
    assert store.layers.get(chain_id) is None
    store.layers.remove(chain_id)
    assert list(store.layers.iterate()) == leftovers(store) == []


def test_image_without_layers_has_no_folders(store: Store) -> None:
    """FROM scratch."""
    assert image(store).lowers() == []
