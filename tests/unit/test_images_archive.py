# SPDX-License-Identifier: Apache-2.0
"""Images in files and folders: what is saved is loaded as it was; what is hostile or damaged changes nothing."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import os
import subprocess
import tarfile
import tempfile
import threading
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from estiba.errors import (
    ArchiveInvalid,
    BlobCorrupt,
    ImageError,
    ManifestInvalid,
    ReferenceInvalid,
    StoreError,
)
from estiba.images import Descriptor, Image, Index, Layout, Manifest, Platform, Store, digest, media
from estiba.images.archive import Named, copy_between, labelled, load, load_folder, named, save, save_folder
from estiba.images.archive.save import Format
from estiba.images.media import Compression
from estiba.images.reference import parse
from support.images import layer_tar, lying, put_image

WEB, BASE = parse("web"), parse("example.org:5000/base:1")
FORMS: list[Format] = ["oci-archive", "docker-archive"]


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """A store with two images that share a layer."""
    made = Store.open(tmp_path / "store")
    made.references.move(BASE, put_image(made.blobs, [{"base": b"x" * 5000}]), verb="build")
    made.references.move(
        WEB, put_image(made.blobs, [{"base": b"x" * 5000}, {"a": b"1"}], Cmd=["a"]), verb="build"
    )
    return made


@pytest.fixture
def other(tmp_path: Path) -> Store:
    """An empty store."""
    return Store.open(tmp_path / "other")


def saved(
    store: Store, *texts: str, form: Format = "docker-archive", leave_out: set[str] | None = None
) -> bytes:
    """Return an archive."""
    with tempfile.TemporaryFile() as file:
        save(store, named(store, texts), file.fileno(), form=form, leave_out=leave_out or ())
        file.seek(0)
        return file.read()


def loaded(store: Store, data: bytes, name: str | None = None) -> list[Named]:
    """Load an archive from a pipe, which cannot be sought in."""
    reading, writing = os.pipe()

    def feed() -> None:
        with os.fdopen(writing, "wb") as file:
            try:
                file.write(data)
            except BrokenPipeError:
                return

    thread = threading.Thread(target=feed)
    thread.start()
    try:
        return load(store, reading, name=name)
    finally:
        os.close(reading)
        thread.join()


def tar(files: Mapping[str, bytes], links: Mapping[str, str] | None = None) -> bytes:
    """Return a tar file of `files` and symbolic links."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
        for name, target in (links or {}).items():
            entry = tarfile.TarInfo(name)
            entry.type, entry.linkname = tarfile.SYMTYPE, target
            archive.addfile(entry)
    return out.getvalue()


def members(data: bytes) -> dict[str, bytes]:
    """Return the files of an archive."""
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        return {one.name: (archive.extractfile(one) or pytest.fail("no file")).read() for one in archive}


@pytest.mark.parametrize("form", FORMS)
def test_images_are_loaded_as_they_were_saved(store: Store, other: Store, form: Format) -> None:
    """Several in one file, names kept, digests the same, through a pipe; and the same bytes each time."""
    data = saved(store, "web", "example.org:5000/base:1", form=form)
    assert data == saved(store, "web", "example.org:5000/base:1", form=form)
    assert [one.references for one in loaded(other, data)] == [(WEB,), (BASE,)]
    assert list(other.references.iterate()) == list(store.references.iterate())
    assert sorted(other.blobs.iterate()) == sorted(store.blobs.iterate())
    assert other.references.log(WEB)[0].verb == "load"
    assert saved(other, "web", "example.org:5000/base:1", form=form) == data


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("is_known", [False, True], ids=["new", "known"])
def test_image_whose_diff_id_lies_is_refused(
    store: Store, other: Store, form: Format, is_known: bool
) -> None:
    """Though every digest is right; the name keeps what it stood for, also where the layer itself is here already."""
    loaded(other, saved(store, "web"))
    before = other.references.get(WEB)
    web = Image.resolve(store, "web")
    if not is_known:
        for chain_id in web.chain_ids:
            other.layers.remove(chain_id)
    store.references.move(WEB, lying(store.blobs, web.descriptor), verb="tag")
    layer = web.manifest.layers[1].digest
    with pytest.raises(BlobCorrupt, match=f"layer {layer}: the layer unpacks to ") as raised:
        loaded(other, saved(store, "web", form=form))
    assert "who made it has to mend it" in (raised.value.hint or "")
    with pytest.raises(BlobCorrupt, match=f"layer {layer}: "):
        load_folder(other, store.layout.folder)
    assert other.references.get(WEB) == before
    assert len(other.references.log(WEB)) == 1
    assert len(Image.resolve(other, "web").lowers()) == 2


def test_layer_that_was_seen_to_be_right_is_not_unpacked_again(store: Store, other: Store) -> None:
    """Not by a second load, nor after the next boot; nor is one that comes in another packing, but the first time."""
    loaded(other, saved(store, "example.org:5000/base:1"))
    base = Image.resolve(other, "example.org:5000/base:1")
    folder = Path(other.layers.path(base.chain_ids[0]))
    inode = folder.stat().st_ino
    packed = put_image(store.blobs, [{"base": b"x" * 5000}], compress=False)
    store.references.move(BASE, packed, verb="build")
    loaded(other, saved(store, "example.org:5000/base:1"))
    record = other.layers.record(base.chain_ids[0])
    blobs = (base.manifest.layers[0].digest, base.config.diff_ids[0])
    assert record is not None
    assert (record.blobs, folder.stat().st_ino) == (blobs, inode)
    (folder.parent / "layer.json").write_text(json.dumps(record._asdict() | {"boot": "earlier"}))
    loaded(other, saved(store, "example.org:5000/base:1"))
    assert folder.stat().st_ino == inode


def zstd(data: bytes) -> bytes:
    """Compress as `save | zstd` does."""
    return subprocess.run(["zstd", "-q"], input=data, capture_output=True, check=True).stdout


@pytest.mark.parametrize("compress", [gzip.compress, bz2.compress, lzma.compress, zstd])
def test_compressed_archive_is_loaded(store: Store, other: Store, compress: Callable[[bytes], bytes]) -> None:
    """As `save | gzip` makes it."""
    data = compress(saved(store, "web"))
    loaded(other, data)
    assert other.references.get(WEB) == store.references.get(WEB)
    with pytest.raises(ArchiveInvalid, match=r"^archive"):
        loaded(other, data[: len(data) // 2])
    assert [one for one in os.listdir(other.folder("tmp")) if not one.startswith(".")] == []


def test_image_with_two_names_is_saved_once(store: Store, other: Store) -> None:
    """And has both when loaded."""
    again = parse("again:2")
    store.references.move(again, store.references.get(WEB) or pytest.fail("no web"), verb="tag")
    data = saved(store, "web", "again:2")
    assert len(json.loads(members(data)["manifest.json"])) == 1
    loaded(other, data)
    assert [one for one, _ in other.references.iterate()] == [again, WEB]


def test_only_what_the_receiver_lacks_is_saved(store: Store, other: Store) -> None:
    """The base is there already; without it the archive is refused, and says why."""
    loaded(other, saved(store, "example.org:5000/base:1"))
    small = saved(store, "web", leave_out=set(other.blobs.iterate()))
    assert len(small) < len(saved(store, "web"))
    empty = Store.open(Path(other.root).parent / "empty")
    with pytest.raises(ArchiveInvalid, match="neither in it nor in the store") as raised:
        loaded(empty, small)
    assert "only-missing" in (raised.value.hint or "")
    assert list(empty.references.iterate()) == []
    loaded(other, small)
    assert other.references.get(WEB) == store.references.get(WEB)


@pytest.mark.parametrize("form", FORMS)
def test_name_with_another_digest_is_refused(store: Store, other: Store, form: Format) -> None:
    """It would stand for what it is not; the image's own digest is none to keep beside a tag."""
    right = store.references.get(WEB) or pytest.fail("no web")
    files = members(saved(store, "web", form=form))
    lie = f"trusted.example/app@sha256:{64 * 'a'}"

    def archive(name: str) -> bytes:
        index = json.loads(files["index.json"])
        index["manifests"][0]["annotations"] = {"org.opencontainers.image.ref.name": name}
        changed = dict(files) | {"index.json": json.dumps(index).encode()}
        if form == "docker-archive":
            del changed["index.json"]
            entries = json.loads(files["manifest.json"])
            entries[0]["RepoTags"] = [name]
            changed["manifest.json"] = json.dumps(entries).encode()
        return tar(changed)

    with pytest.raises(ReferenceInvalid, match=f'"{lie}": the image with this name is sha256:'):
        loaded(other, archive(lie))
    assert (other.references.logged(), other.references.nameless()) == ([], [])
    assert [str(one) for one in loaded(other, archive(lie), name="web")[0].references] == [str(WEB)]
    if form == "oci-archive":
        pinned = f"trusted.example/app@{right.digest}"
        assert [str(one) for one in loaded(other, archive(pinned))[0].references] == [pinned]
        tagged = f"trusted.example/app:1@{right.digest}"
        assert [str(one) for one in loaded(other, archive(tagged))[0].references] == ["trusted.example/app:1"]


def test_one_image_can_be_loaded_under_another_name(store: Store, other: Store) -> None:
    """Two cannot."""
    loaded(other, saved(store, "web"), name="mine:7")
    assert [one.familiar for one, _ in other.references.iterate()] == ["mine:7"]
    with pytest.raises(ArchiveInvalid, match="2 images: one name"):
        loaded(other, saved(store, "web", "example.org:5000/base:1"), name="mine:8")


@pytest.mark.parametrize("pack", [bytes, zstd])
def test_archive_of_an_older_docker_is_loaded(other: Store, pack: Callable[[bytes], bytes]) -> None:
    """Uncompressed layers in folders, a link where a layer occurs twice, documents last."""
    layers = [layer_tar({"a": b"1"}), layer_tar({"b": b"2"})]
    diff_ids = [digest.of_bytes(one) for one in (*layers, layers[0])]
    config = {"architecture": "amd64", "os": "linux", "rootfs": {"type": "layers", "diff_ids": diff_ids}}
    entry = {
        "Config": "c.json",
        "RepoTags": ["web:latest"],
        "Layers": ["1/layer.tar", "2/layer.tar", "3/layer.tar"],
    }
    files = {
        "1/VERSION": b"1.0",
        "1/layer.tar": layers[0],
        "2/layer.tar": layers[1],
        "c.json": json.dumps(config).encode(),
        "manifest.json": json.dumps([entry]).encode(),
        "repositories": b"{}",
    }
    loaded(other, pack(tar(files, {"3/layer.tar": "../1/layer.tar"})))
    image = Image.resolve(other, "web")
    assert (image.id, list(image.config.diff_ids)) == (digest.of_bytes(files["c.json"]), diff_ids)
    assert [one.digest for one in image.manifest.layers] == diff_ids


def test_paths_in_a_manifest_of_docker_may_begin_with_a_dot(other: Store) -> None:
    """As those of the members may; both mean the same file."""
    layer = layer_tar({"a": b"1"})
    config = {"architecture": "amd64", "os": "linux", "rootfs": {"diff_ids": [digest.of_bytes(layer)]}}
    entry = {"Config": "./c.json", "RepoTags": ["web"], "Layers": ["./1/../1//layer.tar"]}
    files = {"c.json": json.dumps(config).encode(), "./1/layer.tar": layer}
    loaded(other, tar({**files, "./manifest.json": json.dumps([entry]).encode()}))
    assert Image.resolve(other, "web").manifest.layers[0].digest == digest.of_bytes(layer)


@pytest.mark.parametrize("label", ["none", "gzip", "zstd"])
@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_layer_is_read_by_its_bytes_whatever_its_label_says(
    store: Store, other: Store, label: Compression, pack: Callable[[bytes], bytes]
) -> None:
    """As containerd does; digest and diff id are held all the same, of a plain tar at once."""
    tars = [layer_tar({"a": b"1"}), layer_tar({"a": b"2"})]

    def put(told: bytes, packed: bytes) -> None:
        config = {"architecture": "amd64", "os": "linux", "rootfs": {"diff_ids": [digest.of_bytes(told)]}}
        layer = Descriptor(media.layer_type(label), store.blobs.put(packed), len(packed))
        data = json.dumps(config).encode()
        described = Descriptor(media.OCI_CONFIG, store.blobs.put(data), len(data))
        manifest = Manifest(described, (layer,)).to_bytes()
        made = Descriptor(media.OCI_MANIFEST, store.blobs.put(manifest), len(manifest))
        store.references.move(WEB, made, verb="build")

    put(tars[0], pack(tars[0]))
    loaded(other, saved(store, "web", form="oci-archive"))
    (folder,) = Image.resolve(other, "web").lowers()
    assert Path(folder, "a").read_bytes() == b"1"
    put(tars[1], pack(tars[0]))
    with pytest.raises(BlobCorrupt, match="diff_id|unpacks to"):
        loaded(other, saved(store, "web", form="oci-archive"))
        Image.resolve(other, "web").lowers()


def test_index_of_platforms_is_saved_with_what_is_here(store: Store, other: Store) -> None:
    """A pull of one platform leaves the others' manifests out; the index stays the same."""
    web = store.references.get(WEB) or pytest.fail("no web")
    absent = Descriptor(
        media.OCI_MANIFEST, digest.of_bytes(b"absent"), 6, platform=Platform("linux", "s390x")
    )
    data = Index((web._replace(platform=Platform("linux", "amd64")), absent)).to_bytes()
    store.references.move(WEB, Descriptor(media.OCI_INDEX, store.blobs.put(data), len(data)), verb="pull")
    loaded(other, saved(store, "web"))
    assert other.references.get(WEB) == store.references.get(WEB)
    assert Image.resolve(other, "web", platform=Platform("linux", "amd64")).digest == web.digest


def damaged(data: bytes, name: str, change: Callable[[bytes], bytes]) -> bytes:
    """Return the archive with one member changed."""
    return tar({one: change(content) if one == name else content for one, content in members(data).items()})


@pytest.mark.parametrize("form", FORMS)
def test_damaged_blob_in_an_archive_changes_nothing(store: Store, other: Store, form: Format) -> None:
    """A flipped bit, a byte too few, a byte too many, in each blob; also where the blob is in the store already."""
    data = saved(store, "web", form=form)
    blobs = [name for name in members(data) if name.startswith("blobs/")]
    changes: list[Callable[[bytes], bytes]] = [
        lambda b: bytes([b[0] ^ 1]) + b[1:],
        lambda b: b[:-1],
        lambda b: b + b"\0",
    ]
    for name in blobs:
        for change in changes:
            for target in (other, store):
                before = list(target.references.iterate())
                with pytest.raises(BlobCorrupt, match=name.rpartition("/")[2]):
                    loaded(target, damaged(data, name, change))
                assert list(target.references.iterate()) == before
    assert len(blobs) == 4


def test_archive_that_ends_early_changes_nothing(store: Store, other: Store) -> None:
    """Wherever it is cut."""
    data = saved(store, "web")
    for length in range(0, len(data) - 1024, 509):
        with pytest.raises(ImageError):
            loaded(other, data[:length])
    assert list(other.references.iterate()) == []


def entry(name: str, **fields: object) -> bytes:
    """Return a member's header, with fields changed."""
    info = tarfile.TarInfo(name)
    for field, value in fields.items():
        setattr(info, field, value)
    return info.tobuf(tarfile.GNU_FORMAT)


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "not a tar archive"),
        (b"x" * 5000, "not a tar archive"),
        (gzip.compress(b"x" * 5000), "not a tar archive"),
        (gzip.compress(bytes(5000))[:-10] + b"0123456789", "archive, byte"),
        (b"\x28\xb5\x2f\xfd" + b"x" * 600, "archive: "),
        (b"\x04\x22\x4d\x18" + bytes(600), "none of gzip, zstd, bzip2 and xz"),
        (bytes(1024), "no archive of images"),
        (tar({"a": b"x"}), "no archive of images"),
        (tar({"index.json": b"{}"}), "no oci-layout"),
        (tar({"../index.json": b"{}"}), "is no name of a member"),
        (tar({"blobs/sha256/x": b""}), "is not the name of a blob"),
        (tar({"index.json": b"{}", "oci-layout": b"{}"}), "schemaVersion: is missing"),
        (tar({"index.json": Index(()).to_bytes(), "oci-layout": b"{}"}), "it has no image"),
        (tar({"manifest.json": b"{}"}), "not a list"),
        (tar({"manifest.json": b"[" * 100_000}), "not JSON"),
        (tar({"manifest.json": b"[]"}), "it has no image"),
        (tar({"manifest.json": b'[{"Config":"c","Layers":[]}]'}), '"c" is not in the archive'),
        (entry("index.json", size=1 << 40), "at most"),
        (entry("pax", type=tarfile.XHDTYPE, size=1 << 40), "an extended header of"),
        (
            entry("pax", type=tarfile.XHDTYPE, size=20) + b"99 path=x\n".ljust(512, b"\0"),
            "damaged extended header",
        ),
        (entry("sparse", type=tarfile.GNUTYPE_SPARSE), "neither file, folder nor link"),
        (entry("device", type=tarfile.CHRTYPE), "neither file, folder nor link"),
        (entry("x")[:148] + b"0000000\0" + entry("x")[156:], "not a tar archive"),
        (tar({"a": b""})[:512] + b"\xff" * 512, "checksum|none"),
    ],
)
def test_hostile_archive_is_refused_by_what_is_wrong(other: Store, data: bytes, why: str) -> None:
    """Nothing gets a name."""
    with pytest.raises(ImageError, match=why):
        loaded(other, data)
    assert list(other.references.iterate()) == other.references.nameless() == []


def test_link_that_leads_in_circles_is_nobody(other: Store) -> None:
    """A layer that is only links is not in the archive."""
    config = b'{"architecture":"a","os":"linux","rootfs":{"diff_ids":["%s"]}}' % digest.of_bytes(b"").encode()
    manifest = b'[{"Config":"c","Layers":["a"]}]'
    with pytest.raises(ArchiveInvalid, match='"a" is not in the archive'):
        loaded(other, tar({"c": config, "manifest.json": manifest}, {"a": "b", "b": "a"}))


def test_docker_archive_whose_layer_is_not_that_of_the_config_is_refused(other: Store) -> None:
    """The diff id of an uncompressed layer is its digest."""
    config = (
        b'{"architecture":"a","os":"linux","rootfs":{"diff_ids":["%s"]}}' % digest.of_bytes(b"1").encode()
    )
    with pytest.raises(BlobCorrupt, match='layer "l"'):
        loaded(other, tar({"c": config, "l": b"2", "manifest.json": b'[{"Config":"c","Layers":["l"]}]'}))


@pytest.mark.parametrize("tag", ["some/UPPER", "web:", "../x"])
def test_name_in_an_archive_that_is_none_is_refused(store: Store, other: Store, tag: str) -> None:
    """Before anything is named, also the other images."""
    data = saved(store, "web")
    for name, change in (
        ("manifest.json", lambda b: b.replace(b'"web:latest"', json.dumps(tag).encode())),
        ("index.json", lambda b: b.replace(b"docker.io/library/web:latest", tag.encode())),
    ):
        files = members(damaged(data, name, change))
        if name == "manifest.json":
            del files["index.json"]
        with pytest.raises(ReferenceInvalid):
            loaded(other, tar(files))
    assert list(other.references.iterate()) == []


def test_config_that_does_not_fit_its_manifest_is_refused(store: Store, other: Store) -> None:
    """Fewer layers than the config has diff ids."""
    image = Image.resolve(store, "web")
    data = Manifest(image.manifest.config, image.manifest.layers[:1]).to_bytes()
    made = Descriptor(media.OCI_MANIFEST, store.blobs.put(data), len(data))
    store.references.move(parse("liar"), made, verb="tag")
    with pytest.raises(ArchiveInvalid, match="1 layers, but 2 diff_ids"):
        loaded(other, saved(store, "liar", form="oci-archive"))


def test_folder_is_an_image_layout_both_ways(store: Store, other: Store, tmp_path: Path) -> None:
    """Saved twice it has both images; a name leads to one; loaded by its name or as a whole."""
    folder = str(tmp_path / "layout")
    save_folder(store, named(store, ["web"]), folder)
    save_folder(store, named(store, ["example.org:5000/base:1"]), folder)
    save_folder(store, named(store, ["web"]), folder)
    assert len(Layout(folder).read()) == 2
    for only in ("web", "docker.io/library/web:latest", "web:latest"):
        assert [one.references for one in load_folder(other, folder, only=only)] == [(WEB,)]
    assert [one for one, _ in other.references.iterate()] == [WEB]
    load_folder(other, folder)
    assert list(other.references.iterate()) == list(store.references.iterate())
    with pytest.raises(ArchiveInvalid, match='no image "else"') as raised:
        load_folder(other, folder, only="else")
    assert raised.value.hint == "it has: example.org:5000/base:1, web:latest"


def test_images_are_copied_between_folders(store: Store, tmp_path: Path) -> None:
    """Without a store between."""
    one, two = str(tmp_path / "one"), str(tmp_path / "two")
    save_folder(store, named(store, ["web", "example.org:5000/base:1"]), one)
    copy_between(one, two, only="web:latest")
    copy_between(one, two)
    assert sorted(map(str, Layout(two).read())) == sorted(map(str, Layout(one).read()))
    assert sorted(Layout(two).blobs.iterate()) == sorted(store.blobs.iterate())


def test_image_is_called_in_a_layout_as_it_is_typed(store: Store, other: Store, tmp_path: Path) -> None:
    """One image may be called two things, and each is found; what nobody could read again is refused."""
    one, two = str(tmp_path / "one"), str(tmp_path / "two")
    for name in ("v1", "v2", "web:1", "v2"):
        save_folder(store, labelled(named(store, ["web"]), name), one)
    names = [entry.annotations["org.opencontainers.image.ref.name"] for entry in Layout(one).read()]
    assert sorted(names) == ["v1", "v2", "web:1"]
    for name in names:
        copy_between(one, two, only=name)
    assert {one.label for one in copy_between(two, two, only="v1")} == {"v1"}
    copy_between(one, two, only="v1", name="v3")
    assert len(Layout(two).read()) == 4
    assert [one.references for one in load_folder(other, two, name="mine:9")] == [(parse("mine:9"),)]
    for name in ("", "a b", "w:", "-"):
        with pytest.raises(ReferenceInvalid):
            labelled(named(store, ["web"]), name)
    with pytest.raises(ArchiveInvalid, match="2 images: one name"):
        labelled(named(store, ["web", "example.org:5000/base:1"]), "v1")


def test_label_of_a_foreign_layout_becomes_the_tag(store: Store, other: Store, tmp_path: Path) -> None:
    """umoci and skopeo write a tag alone; a name has to be given, else the image is nameless."""
    layout = Layout(str(tmp_path / "layout"))
    layout.create()
    made = put_image(layout.blobs, [{"a": b"1"}])
    layout.replace([made._replace(annotations={"org.opencontainers.image.ref.name": "v1"})])
    assert [(one.references, one.label) for one in load_folder(other, layout.folder)] == [((), "v1")]
    assert other.references.nameless() == [made]
    load_folder(other, layout.folder, only="v1", name="web")
    load_folder(other, layout.folder, name="web:2")
    assert [one.familiar for one, _ in other.references.iterate()] == ["web:2", "web:v1"]


def test_damaged_or_hostile_folder_changes_nothing(store: Store, other: Store, tmp_path: Path) -> None:
    """A damaged blob, a FIFO where a blob or the index belongs, a link to a file of the host, no layout at all."""
    folder = tmp_path / "layout"
    save_folder(store, named(store, ["web"]), str(folder))
    layer = Path(Layout(str(folder)).blobs.path(Image.resolve(store, "web").manifest.layers[1].digest))
    good = layer.read_bytes()
    layer.write_bytes(good[:-1] + b"x")
    with pytest.raises(BlobCorrupt, match=layer.name):
        load_folder(other, str(folder))
    secret = tmp_path / "secret"
    secret.write_bytes(good)
    for make in (lambda: os.mkfifo(layer), lambda: layer.symlink_to(secret), lambda: layer.mkdir()):
        layer.unlink()
        make()
        with pytest.raises(StoreError, match="cannot read"):
            load_folder(other, str(folder))
        if layer.is_dir() and not layer.is_symlink():
            layer.rmdir()
            layer.touch()
    (folder / "index.json").unlink()
    os.mkfifo(folder / "index.json")
    with pytest.raises(StoreError, match="cannot read"):
        load_folder(other, str(folder))
    with pytest.raises(StoreError, match="no OCI image layout"):
        load_folder(other, str(tmp_path))
    with pytest.raises(StoreError, match="neither empty nor"):
        save_folder(store, named(store, ["web"]), str(tmp_path))
    assert list(other.references.iterate()) == []


def test_damaged_store_is_not_saved(store: Store) -> None:
    """The digest is checked while the blob passes."""
    layer = Image.resolve(store, "web").manifest.layers[0].digest
    path = Path(store.blobs.path(layer))
    path.write_bytes(bytes(path.stat().st_size))
    with pytest.raises(BlobCorrupt, match=layer):
        saved(store, "web")


def test_full_disk_is_said(store: Store) -> None:
    """By its name."""
    with open("/dev/full", "wb", buffering=0) as full, pytest.raises(ArchiveInvalid, match="ENOSPC"):
        save(store, named(store, ["web"]), full.fileno())


def test_manifest_that_is_two_things_is_refused(store: Store, other: Store) -> None:
    """CVE-2021-41190, by way of an archive."""
    fields = json.loads(store.blobs.read(Image.resolve(store, "web").digest)) | {"manifests": []}
    data = json.dumps(fields).encode()
    made = Descriptor(media.OCI_MANIFEST, digest.of_bytes(data), len(data))
    files = members(saved(store, "web", form="oci-archive"))
    files[f"blobs/sha256/{made.digest[7:]}"] = data
    files["index.json"] = Index((made,)).to_bytes()
    with pytest.raises(ManifestInvalid, match="CVE-2021-41190"):
        loaded(other, tar(files))
