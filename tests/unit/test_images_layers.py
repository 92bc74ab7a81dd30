# SPDX-License-Identifier: Apache-2.0
"""Unpacked layers: made once, shared, adopted, made again after a power cut; never half there."""

from __future__ import annotations

import bz2
import gzip
import json
import lzma
import os
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from estiba.errors import ArchiveInvalid, BlobCorrupt, BlobNotFound, ImageError, LayerInvalid, ManifestInvalid
from estiba.images import Descriptor, Image, ImageConfig, Manifest, Store, compare, digest, media
from estiba.images.archive.rootfs import import_
from estiba.images.fsck import fsck
from estiba.images.reference import parse
from estiba.images.stack import Stack
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


def test_layers_are_unpacked_bottom_to_top_and_shared(store: Store) -> None:
    """Two images on one base have three folders between them; the second time nothing is unpacked."""
    one = image(store, {"base": b"x", "d": None}, {"a": b"1"}, name="one")
    two = image(store, {"base": b"x", "d": None}, {"d/b": b"2"}, name="two", compress=False)
    assert one.lowers() == [store.layers.path(chain_id) for chain_id in one.chain_ids]
    assert [sorted(os.listdir(path)) for path in one.lowers() + two.lowers()] == [
        ["base", "d"],
        ["a"],
        ["base", "d"],
        ["d"],
    ]
    assert one.lowers()[0] == two.lowers()[0]
    assert sorted(store.layers.iterate()) == sorted({*one.chain_ids, *two.chain_ids})
    inode = os.stat(one.lowers()[0]).st_ino
    assert os.stat(Image.resolve(store, "one").lowers()[0]).st_ino == inode
    layer = store.layers.get(one.chain_ids[1])
    assert layer and (layer.parent, layer.diff_id, layer.size, layer.entries) == (
        one.chain_ids[0],
        one.config.diff_ids[1],
        1,
        1,
    )
    assert leftovers(store) == []


def test_image_without_layers_has_no_folders(store: Store) -> None:
    """FROM scratch."""
    assert image(store).lowers() == []


def test_files_that_differ_between_images_are_found_in_their_layers(store: Store) -> None:
    """Whiteouts as the engine unpacks them."""
    one = image(store, {"base": b"x", "gone": b"y"}, name="one")
    two = image(store, {"base": b"x", "gone": b"y"}, {"base": b"z", ".wh.gone": b""}, name="two")
    with (
        Stack(one.lowers(), overlay=store.overlay) as before,
        Stack(two.lowers(), overlay=store.overlay) as after,
    ):
        assert [(one.kind, one.path) for one in compare(before, after)] == [("C", "/base"), ("D", "/gone")]


def test_layer_that_hides_all_is_the_lowest(store: Store) -> None:
    """The kernel does not look for the mark on a layer's root: what is below it is left out."""
    made = image(store, {"below": b"x"}, {".wh..wh..opq": b"", "a": b"1"}, {"b": b"2"})
    assert made.lowers() == [store.layers.path(chain_id) for chain_id in made.chain_ids[1:]]
    assert made.lowers() == [store.layers.path(chain_id) for chain_id in made.chain_ids[1:]], (
        "also when it is there"
    )


def test_folder_is_adopted_without_a_copy(store: Store) -> None:
    """Renamed: the same inode; once it is there another stays where it was."""
    base = image(store, {"base": b"x"})
    tar = layer_tar({"a": b"1"})
    with store.tmp() as folder:
        for number in (1, 2):
            made = Path(folder, f"layer{number}")
            (made / "fs").mkdir(parents=True)
            (made / "fs" / "a").write_bytes(b"1")
            inode = (made / "fs").stat().st_ino
            chain_id = store.layers.adopt(
                base.chain_ids[-1],
                digest.of_bytes(tar),
                str(made),
                blob=digest.of_bytes(tar),
                size=1,
                entries=1,
            )
            assert (os.stat(store.layers.path(chain_id)).st_ino == inode) == (number == 1)
            assert made.exists() == (number == 2)
    assert chain_id == digest.chain_id(base.chain_ids[-1], digest.of_bytes(tar))
    assert leftovers(store) == []


@pytest.mark.parametrize("damage", ["flipped", "short", "diff_id", "entry", "absent", "type"])
def test_layer_that_is_not_as_promised_is_not_there(store: Store, damage: str) -> None:
    """One bad layer of three: an error that says which, and no folder of it."""
    tars = [layer_tar({"a": b"1" * 3000}), layer_tar({"b": b"2"}), layer_tar({"c": b"3"})]
    if damage == "entry":
        tars[1] = layer_tar({"../outside": b"2"})
    diff_ids = [digest.of_bytes(tar) for tar in tars]
    layers = [Descriptor(media.OCI_LAYER, store.blobs.put(tar), len(tar)) for tar in tars]
    blob = Path(store.blobs.path(layers[1].digest))
    if damage == "flipped":
        blob.write_bytes(tars[1][:-600] + b"x" + tars[1][-599:])
    if damage == "short":
        blob.write_bytes(tars[1][:-512])
    if damage == "diff_id":
        diff_ids[1] = diff_ids[2]
    if damage == "absent":
        blob.unlink()
    if damage == "type":
        layers[1] = layers[1]._replace(media_type="text/plain")
    config = ImageConfig("amd64", "linux", diff_ids=tuple(diff_ids)).to_bytes()
    manifest = Manifest(
        Descriptor(media.OCI_CONFIG, store.blobs.put(config), len(config)), tuple(layers)
    ).to_bytes()
    made = Image(store, Descriptor(media.OCI_MANIFEST, store.blobs.put(manifest), len(manifest)))
    kinds = {"entry": LayerInvalid, "absent": BlobNotFound, "type": ManifestInvalid}
    with pytest.raises(kinds.get(damage, BlobCorrupt)):
        made.lowers()
    assert made.chain_ids[1] not in list(store.layers.iterate())
    assert leftovers(store) == []


def test_layer_of_an_earlier_boot_is_unpacked_again_unless_it_was_settled(store: Store) -> None:
    """Unpacking does not wait for the disk: after a power cut a folder may be half there."""
    made = image(store, {"a": b"1"}, {"b": b"2"})
    lower, upper = made.lowers()
    store.layers.settle()
    for path, boot in ((lower, None), (upper, "earlier")):
        record = Path(path).parent / "layer.json"
        assert json.loads(record.read_text())["boot"] is None
        record.write_text(json.dumps(json.loads(record.read_text()) | {"boot": boot}))
    Path(upper, "b").write_bytes(b"")
    before = os.stat(lower).st_ino
    assert Path(made.lowers()[1], "b").read_bytes() == b"2"
    assert os.stat(lower).st_ino == before
    Path(lower).parent.joinpath("layer.json").write_bytes(b"\0" * 100)
    assert store.layers.get(made.chain_ids[0]) is None
    made.lowers()
    assert store.layers.get(made.chain_ids[0])


def test_layers_wanted_by_many_at_once_are_made_once(store: Store) -> None:
    """Eight threads, each with its own view of the store."""
    made = image(store, *({f"f{number}": bytes(100_000)} for number in range(6)))
    found: list[list[str]] = []
    threads = [
        threading.Thread(target=lambda: found.append(Image.resolve(Store.open(store.root), "web").lowers()))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [made.lowers()] * 8
    assert leftovers(store) == []


@pytest.mark.parametrize("pack", [bytes, gzip.compress, bz2.compress, lzma.compress])
def test_root_file_system_is_imported_as_one_layer(
    store: Store, tmp_path: Path, pack: Callable[[bytes], bytes]
) -> None:
    """The blob is the file as it was, or the tar where no layer is packed so; it is unpacked already; the history says
    where it is from.
    """
    tar = layer_tar({"bin": None, "bin/sh": b"x"})
    data = pack(tar)
    blob = data if pack in (bytes, gzip.compress) else tar
    path = tmp_path / "rootfs.tar"
    path.write_bytes(data)
    with path.open("rb") as file:
        made = import_(
            store, file.fileno(), reference=parse("base"), config={"Cmd": ["sh"]}, message="from a test"
        )
    found = Image.resolve(store, "base")
    assert (found.digest, found.manifest.layers[0].digest) == (made.digest, digest.of_bytes(blob))
    assert found.config.config == {"Cmd": ["sh"]}
    assert [(one.created_by, one.comment) for one in found.config.history] == [("import", "from a test")]
    assert store.layers.get(found.chain_ids[0])
    assert os.listdir(os.path.join(found.lowers()[0], "bin")) == ["sh"]
    assert fsck(store) == []


def test_import_of_a_folder_says_what_makes_an_archive_of_it(store: Store, tmp_path: Path) -> None:
    """It can be opened, and not be read."""
    folder = os.open(tmp_path, os.O_RDONLY)
    try:
        with pytest.raises(ArchiveInvalid, match="archive: it is a directory") as raised:
            import_(store, folder)
    finally:
        os.close(folder)
    assert (raised.value.hint or "").startswith("`tar -C FOLDER -c .`")


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"x" * 5000,
        layer_tar({"../x": b"1"}),
        layer_tar({"a": b"1" * 2000})[:1000],
        lzma.compress(b"x" * 5000)[:60],
        bz2.compress(b"x")[:-3],
        b"BZh9" + b"x" * 600,
        b"LZIP" + b"x" * 600,
    ],
)
def test_import_of_what_is_no_root_file_system_leaves_nothing(
    store: Store, tmp_path: Path, data: bytes
) -> None:
    """No blob, no layer, no name."""
    path = tmp_path / "rootfs.tar"
    path.write_bytes(data)
    with path.open("rb") as file, pytest.raises(ImageError):
        import_(store, file.fileno(), reference=parse("base"))
    assert (list(store.blobs.iterate()), list(store.layers.iterate()), store.references.logged()) == (
        [],
        [],
        [],
    )
    assert leftovers(store) == []
