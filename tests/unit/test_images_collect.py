# SPDX-License-Identifier: Apache-2.0
"""Who uses what, what prune removes and keeps, what fsck finds and mends."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import pytest

from estiba.errors import BlobCorrupt
from estiba.images import Image, Store, history
from estiba.images.collect import CACHE_AGE, prune, sizes, users
from estiba.images.fsck import fsck
from estiba.images.reference import parse
from support.images import layer_tar, lying, put_image

WEB, OTHER = parse("web"), parse("other")


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """A store where `web` had five versions, all on one base, unpacked; and an image without a name."""
    made = Store.open(tmp_path / "store")
    for number in range(1, 6):
        made.references.move(
            WEB, put_image(made.blobs, [{"base": b"x"}, {"a": b"%d" % number}]), verb="build"
        )
        Image.resolve(made, "web").lowers()
    made.references.keep(put_image(made.blobs, [{"base": b"x"}, {"nameless": b"x"}]))
    return made


def content(store: Store) -> tuple[set[str], set[str]]:
    """Return all blobs and all unpacked layers."""
    return set(store.blobs.iterate()), set(store.layers.iterate())


def here(store: Store) -> list[int]:
    """Return the versions of `web` that are in the store."""
    return [one.number for one in history.versions(store, WEB) if one.is_here]


def test_prune_keeps_the_last_versions_of_each_name(store: Store) -> None:
    """A dry run says what would go and removes nothing; then it goes; then there is nothing more to do."""
    before = content(store)
    said = prune(store, dry_run=True)
    assert content(store) == before
    assert prune(store) == said
    assert (len(said.images), len(said.blobs), len(said.layers)) == (3, 9, 2)
    assert content(store) == (before[0] - set(said.blobs), before[1] - set(said.layers))
    assert here(store) == [3, 4, 5]
    assert prune(store).blobs == ()
    assert fsck(store) == []
    history.rollback(store, WEB, 3)
    Image.resolve(store, "web").lowers()


def test_prune_keeps_the_current_version_when_it_is_an_old_one(store: Store) -> None:
    """After a rollback the newest versions are kept beside it, up to the number."""
    history.rollback(store, WEB, 1)
    prune(store, keep_versions=2)
    assert here(store) == [1, 5]
    prune(store, keep_versions=0)
    assert here(store) == [1]


def test_prune_keeps_what_a_rollback_leads_to(store: Store) -> None:
    """However much later others came; and what is gone already takes nobody's place."""
    history.rollback(store, WEB, 2)
    store.references.move(WEB, put_image(store.blobs, [{"base": b"x"}, {"a": b"6"}]), verb="build")
    prune(store, keep_versions=2)
    assert here(store) == [2, 6]
    history.rollback(store, WEB)
    assert prune(store, keep_versions=2).images == ()
    history.rollback(store, WEB, 6)
    history.rollback(store, WEB)
    store.references.move(WEB, put_image(store.blobs, [{"base": b"x"}, {"a": b"7"}]), verb="build")
    prune(store, keep_versions=3)
    assert here(store) == [2, 6, 7]


def test_prune_keeps_what_containers_the_cache_and_nameless_images_need(store: Store) -> None:
    """A container by whatever digest its record mentions; the cache unless asked; the nameless if asked."""
    first, second = history.versions(store, WEB)[:2]
    folder = Path(store.folder("containers"), "c1")
    folder.mkdir()
    (folder / "container.json").write_text(json.dumps({"image": {"digest": first.digest}}))
    chain = Image.resolve(store, second.digest).chain_ids[-1]
    folder = Path(store.folder("containers"), "c2")
    folder.mkdir()
    (folder / "container.json").write_text(json.dumps({"lowers": [chain]}))
    blob = store.blobs.put(layer_tar({"cached": b"x"}))
    record = {"parent": chain, "result": {"diff_id": blob, "blob": blob}}
    Path(store.folder("cache"), "k.json").write_text(json.dumps(record))
    Path(store.folder("cache"), "broken.json").write_text("{")
    prune(store, keep_versions=1, nameless=False)
    assert here(store) == [1, 5]
    assert chain in content(store)[1]
    assert store.blobs.has(blob)
    assert len(store.references.nameless()) == 1
    assert users(store)[first.digest] == ["web:latest version 1", "container c1"]
    assert prune(store, keep_versions=1, cache=True).cache_records == 2
    assert (store.blobs.has(blob), store.references.nameless()) == (False, [])


def test_results_that_no_build_has_taken_for_long_hold_nothing(store: Store) -> None:
    """The time of the record's file is that of its last use."""
    blobs = [store.blobs.put(layer_tar({name: b""})) for name in ("old", "new")]
    for name, blob in zip(("old", "new"), blobs, strict=True):
        path = Path(store.folder("cache"), f"{name}.json")
        path.write_text(json.dumps({"parent": None, "result": {"diff_id": blob, "blob": blob}}))
    os.utime(Path(store.folder("cache"), "old.json"), (time.time() - CACHE_AGE - 1,) * 2)
    assert prune(store, dry_run=True).cache_records == 1
    assert prune(store).cache_records == 1
    assert [store.blobs.has(blob) for blob in blobs] == [False, True]
    assert os.listdir(store.folder("cache")) == ["new.json"]


def test_prune_forgets_names_that_lead_nowhere(store: Store) -> None:
    """Until then a removed name can be brought back."""
    store.references.remove(WEB)
    assert prune(store, dry_run=True).forgotten == (WEB,)
    prune(store)
    assert (store.references.log(WEB), content(store)) == ([], (set(), set()))


def test_prune_removes_nothing_while_a_manifest_cannot_be_read(store: Store) -> None:
    """What it needs would go with it."""
    before = content(store)
    Path(store.blobs.path(history.versions(store, WEB)[-1].digest)).write_bytes(b"{}")
    with pytest.raises(BlobCorrupt):
        prune(store)
    assert content(store) == before


def test_prune_keeps_the_layers_of_an_image_whose_config_is_gone(store: Store) -> None:
    """A pull brings the config again; the layers would have to be fetched as well."""
    web = Image.resolve(store, "web")
    store.blobs.remove(web.id)
    prune(store)
    assert all(store.blobs.has(layer.digest) for layer in web.manifest.layers)
    assert store.blobs.has(web.digest)


def test_sizes_tell_shared_from_unique(store: Store) -> None:
    """The base is everybody's; an image's own layer, config and manifest are its own."""
    web = Image.resolve(store, "web")
    found = sizes(store)
    assert len(found) == 2
    assert found[web.digest].total == web.size
    assert found[web.digest].total - found[web.digest].unique == web.manifest.layers[0].size


def test_fsck_finds_and_repairs_what_is_damaged(store: Store) -> None:
    """A blob, the index, a layer's folder: each told; mended where that is safe; an image that lost its blob is told."""
    assert fsck(store) == []
    web = Image.resolve(store, "web")
    layer = web.manifest.layers[1].digest
    good = store.blobs.read(layer)
    Path(store.blobs.path(layer)).write_bytes(good[:-1] + b"x")
    chain = web.chain_ids[0]
    os.truncate(Path(store.layers.path(chain)).parent / "layer.json", 3)
    Path(store.root, "oci", "index.json").write_bytes(b'{"schemaVersion":2,"manifests":[]}')
    Path(store.root, "oci", "oci-layout").unlink()
    seen = {(one.what, one.subject) for one in fsck(store)}
    assert seen == {
        ("layout", store.layout.folder),
        ("index", store.layout.folder),
        ("blob", layer),
        ("layer", chain),
    }
    repaired = fsck(store, repair=True)
    assert {(one.what, one.subject) for one in repaired if one.done} == seen
    assert {one.what: one.done for one in repaired} == {
        "layout": "repaired",
        "index": "repaired",
        "blob": "removed",
        "layer": "removed",
        "image": "",
    }
    assert all(one.message.startswith("its bytes are ") for one in repaired if one.what == "blob")
    (left,) = fsck(store)
    assert (left.what, left.subject, left.message) == ("image", "web:latest", f"blob {layer} is absent")
    store.blobs.put(good)
    assert fsck(store) == []
    assert len(web.lowers()) == 2


def test_fsck_tells_of_a_diff_id_that_lies(store: Store) -> None:
    """All digests are right, but the config promises another tar; each image that has it is told."""
    web = Image.resolve(store, "web")
    lie = lying(store.blobs, web.descriptor)
    store.references.move(OTHER, lie, verb="tag")
    store.references.move(parse("third"), lie, verb="tag")
    found = fsck(store)
    assert [(one.what, one.subject) for one in found] == [
        ("image", "other:latest"),
        ("image", "third:latest"),
    ]
    layer = web.manifest.layers[1].digest
    assert all(one.message.startswith(f"layer {layer}: the layer unpacks to ") for one in found)
    assert [one.done for one in fsck(store, repair=True)] == ["", ""]


def test_fsck_unpacks_only_what_was_never_seen_to_be_right(store: Store) -> None:
    """A layer that was unpacked from its blob was held against its diff id then."""
    web = Image.resolve(store, "web")
    os.remove(Path(store.layers.path(web.chain_ids[1])).parent / "layer.json")
    layer = web.manifest.layers[0].digest
    good = store.blobs.read(layer)
    Path(store.blobs.path(layer)).write_bytes(b"x")
    assert [(one.what, one.subject) for one in fsck(store)][:2] == [
        ("blob", layer),
        ("layer", web.chain_ids[1]),
    ]
    Path(store.blobs.path(layer)).write_bytes(good)
    assert [one.what for one in fsck(store)] == ["layer"], "the other is proved by unpacking it aside"
    assert os.listdir(store.folder("tmp")) in ([], [".guard"])
