# SPDX-License-Identifier: Apache-2.0
"""Pull, and what it does when a registry stops in the middle or lies."""

from __future__ import annotations

from pathlib import Path

import pytest

from estiba.errors import BlobCorrupt, ImageNotFound, ManifestInvalid, RegistryRefused, RegistryUnreachable
from estiba.images import Descriptor, Image, Index, Platform, Reference, Store, media
from estiba.images.platform import host
from estiba.images.reference import parse
from estiba.images.registry.pull import pull
from estiba.images.registry.push import push
from support.images import lying, put_image
from support.registry import Handler, Registry, largest

WEB = parse("web")


def test_image_is_the_same_after_push_and_pull(
    store: Store, other: Store, registry: Registry, remote: Reference
) -> None:
    """Digests and all; a second pull asks for the manifest's digest and nothing else."""
    assert pull(other, remote).digest == Image.resolve(store, "web").digest
    assert [
        (one, record.verb) for one in other.references.logged() for record in other.references.log(one)
    ] == [(remote, "pull")]
    assert sorted(other.blobs.iterate()) == sorted(store.blobs.iterate())
    registry.log.clear()
    pull(other, remote)
    assert [method for method, path in registry.log if path != "/v2/"] == ["HEAD"]


def test_pull_by_digest_takes_that_and_no_other(other: Store, registry: Registry, remote: Reference) -> None:
    """The reference is pinned; a registry that sends something else is caught."""
    digest = pull(other, remote).digest
    pinned = remote._replace(tag=None, digest=digest)
    assert pull(other, pinned).digest == digest
    assert other.references.get(pinned) is not None
    kind, data = registry.manifests["public", digest]
    registry.manifests["public", digest] = (kind, data + b" ")
    other.blobs.remove(digest)
    with pytest.raises(BlobCorrupt, match=digest):
        pull(other, pinned)


def test_pull_goes_on_where_a_connection_broke(other: Store, registry: Registry, remote: Reference) -> None:
    """Three times in one blob, by Range; and at a registry that knows no ranges."""
    name, cuts = largest(registry), [100_000, 50_000, 1]
    data = registry.blobs[name]

    def fault(handler: Handler) -> bool:
        if name not in handler.path or handler.command != "GET" or not cuts:
            return False
        start = int(handler.headers.get("Range", "bytes=0-").removeprefix("bytes=").split("-")[0])
        handler.cut(data[start:], cuts.pop(0))
        return True

    registry.faults.append(fault)
    pull(other, remote)
    ranges = [one["Range"] for one in registry.headers if "Range" in one]
    assert ranges == [f"bytes={start}-{len(data) - 1}" for start in (100_000, 150_000, 150_001)]
    other.blobs.remove(name)
    cuts.append(1000)

    def no_ranges(handler: Handler) -> bool:
        del handler.headers["Range"]
        return False

    registry.faults.append(no_ranges)
    pull(other, remote)
    assert other.blobs.read(name) == data


def test_registry_that_stops_each_time_is_given_up(
    other: Store, registry: Registry, remote: Reference
) -> None:
    """With how far it came; no name leads to anything."""
    name = largest(registry)
    registry.faults.append(
        lambda handler: name in handler.path and (handler.cut(registry.blobs[name], 7) or True)
    )
    with pytest.raises(
        RegistryUnreachable, match=f"{name} broke off 5 times, .*: the connection ended too early$"
    ):
        pull(other, remote)
    assert list(other.references.iterate()) == []


@pytest.mark.parametrize("change", ["flipped", "longer", "shorter"])
def test_registry_that_lies_is_caught(
    other: Store, registry: Registry, remote: Reference, change: str
) -> None:
    """The blob has no name in the store, nor has the image."""
    name = largest(registry)
    data = registry.blobs[name]
    registry.blobs[name] = {"flipped": b"x" + data[1:], "longer": data + b"x", "shorter": data[:-1]}[change]
    with pytest.raises(BlobCorrupt, match=f'registry "{registry.domain}": blob {name}: ') as raised:
        pull(other, remote)
    assert "what the registry has is damaged" in (raised.value.hint or "")
    assert not other.blobs.has(name)
    assert list(other.references.iterate()) == []


def test_image_whose_diff_id_lies_is_refused(
    store: Store, other: Store, registry: Registry, remote: Reference
) -> None:
    """Though every digest is right; the name keeps what it stood for, which is whole, and no layer is made of it."""
    good = pull(other, remote)
    store.references.move(WEB, lying(store.blobs, Image.resolve(store, "web").descriptor), verb="tag")
    push(store, "web", remote)
    known = set(other.layers.iterate())
    with pytest.raises(BlobCorrupt, match=f"layer {good.manifest.layers[1].digest}: the layer unpacks to "):
        pull(other, remote)
    assert [record.verb for record in other.references.log(remote)] == ["pull"]
    assert set(other.layers.iterate()) == known == set(good.chain_ids)
    assert len(good.lowers()) == 2


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{}",
        b"x" * ((4 << 20) + 1),
        b'{"schemaVersion":2,"layers":[],"manifests":[]}',
        b'{"schemaVersion":1}',
    ],
    ids=["empty", "nothing", "long", "both", "old"],
)
def test_manifest_that_is_none_is_refused(
    other: Store, registry: Registry, remote: Reference, data: bytes
) -> None:
    """Too long, no JSON, two things at once, another age."""
    registry.manifests["public", "1"] = (media.OCI_MANIFEST, data)
    digest = registry.put(data)
    registry.manifests["public", digest] = (media.OCI_MANIFEST, data)
    with pytest.raises((ManifestInvalid, RegistryRefused)):
        pull(other, remote)
    assert list(other.references.iterate()) == other.references.nameless() == []


def test_index_is_pulled_for_one_platform(
    store: Store, other: Store, registry: Registry, remote: Reference
) -> None:
    """The reference points to the index; what there is not is said with what there is; a push sends what is here."""
    web = Image.resolve(store, "web").descriptor
    foreign = put_image(store.blobs, [{"foreign": b"x"}])
    entries = (web._replace(platform=host()), foreign._replace(platform=Platform("linux", "s390x")))
    data = Index(entries).to_bytes()
    index = Descriptor(media.OCI_INDEX, store.blobs.put(data), len(data))
    store.references.move(parse("multi"), index, verb="build")
    target = remote._replace(tag="multi")
    assert push(store, "multi", target) == index
    assert pull(other, target).digest == web.digest
    assert other.references.get(target) == index
    assert not other.blobs.has(foreign.digest)
    assert pull(other, target, platform=Platform("linux", "s390x")).digest == foreign.digest
    with pytest.raises(ImageNotFound, match="no image for linux/riscv64") as raised:
        pull(other, target, platform=Platform("linux", "riscv64"))
    assert "linux/s390x" in (raised.value.hint or "")
    third = Store.open(Path(other.root).parent / "third")
    pull(third, target)
    assert push(third, str(target), remote._replace(tag="part")).digest == web.digest
