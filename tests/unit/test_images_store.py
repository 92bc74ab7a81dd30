# SPDX-License-Identifier: Apache-2.0
"""The store on disk: blobs, index, references with their logs, half-made things, several at once."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from estiba.errors import BlobCorrupt, BlobNotFound, ImageNotFound, ManifestInvalid, StoreError
from estiba.images import Descriptor, Image, Index, Layout, Platform, Store, digest, media
from estiba.images.reference import parse
from support.images import put_image

WEB = parse("web")


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """A new store."""
    return Store.open(tmp_path / "store")


def test_blob_is_found_by_its_digest(store: Store) -> None:
    """Written once, read verified, removed."""
    name = store.blobs.put(b"bytes")
    assert store.blobs.put(b"bytes") == name == digest.of_bytes(b"bytes")
    assert (store.blobs.has(name), store.blobs.size(name), store.blobs.read(name)) == (True, 5, b"bytes")
    assert (store.blobs.found(name), list(store.blobs.iterate())) == (name, [name])
    assert (store.blobs.remove(name), store.blobs.remove(name)) == (5, 0)
    with pytest.raises(BlobNotFound, match=name):
        store.blobs.read(name)


def test_damaged_blob_is_never_returned(store: Store) -> None:
    """One bit is enough."""
    name = store.blobs.put(b"bytes")
    Path(store.blobs.path(name)).write_bytes(b"bytez")
    with pytest.raises(BlobCorrupt, match=f"{name}: its bytes are {digest.of_bytes(b'bytez')}"):
        store.blobs.read(name)
    assert store.blobs.found(name) == digest.of_bytes(b"bytez")


@pytest.mark.parametrize(("data", "size"), [(b"byte", 5), (b"bytess", 5), (b"bytez", 5)])
def test_blob_that_is_not_what_was_promised_gets_no_name(store: Store, data: bytes, size: int) -> None:
    """Too short, too long, other bytes: nothing is visible, nothing is left."""
    with (
        pytest.raises(BlobCorrupt),
        store.blobs.writer(expected=digest.of_bytes(b"bytes"), size=size) as writer,
    ):
        writer.write(data)
        writer.commit()
    assert os.listdir(Path(store.blobs.path(digest.of_bytes(b""))).parent) == []


def test_blob_larger_than_a_document_is_not_read_at_once(store: Store) -> None:
    """A hostile manifest does not fill the memory."""
    name = store.blobs.put(b"x" * 11)
    with pytest.raises(BlobCorrupt, match="at most 10"):
        store.blobs.read(name, limit=10)


def test_store_is_an_image_layout(store: Store) -> None:
    """Other tools find the marker and an index of names."""
    store.references.move(WEB, put_image(store.blobs, [{"a": b"a"}]), verb="build")
    folder = Path(store.root, "oci")
    assert json.loads((folder / "oci-layout").read_text()) == {"imageLayoutVersion": "1.0.0"}
    (entry,) = json.loads((folder / "index.json").read_text())["manifests"]
    assert entry["annotations"] == {"org.opencontainers.image.ref.name": "docker.io/library/web:latest"}
    Layout(str(folder)).check()


def test_reference_remembers_where_it_was(store: Store) -> None:
    """Versions count up, going back keeps the number, removal keeps the log."""
    one, two, three = (put_image(store.blobs, [{"a": text}]) for text in (b"1", b"2", b"3"))
    refs = store.references
    first = refs.move(WEB, one, verb="build", who="me")
    assert refs.move(WEB, one, verb="build") == first, "nothing is written when nothing changes"
    refs.move(WEB, two, verb="pull")
    refs.return_to(WEB, refs.log(WEB)[0])
    refs.move(WEB, three, verb="load")
    refs.remove(WEB)
    log = [(one.verb, one.version, one.before, one.after) for one in refs.log(WEB)]
    assert log == [
        ("build", 1, None, one.digest),
        ("pull", 2, one.digest, two.digest),
        ("rollback", 1, two.digest, one.digest),
        ("load", 3, one.digest, three.digest),
        ("untag", 3, three.digest, None),
    ]
    assert refs.log(WEB)[0].who == "me"
    assert (refs.get(WEB), list(refs.iterate()), refs.logged()) == (None, [], [WEB])
    assert refs.move(WEB, one, verb="tag").version == 4
    with pytest.raises(ImageNotFound):
        refs.remove(parse("other"))


def test_tag_that_is_pinned_to_a_digest_is_the_tag(store: Store) -> None:
    """Log and index have one name for it, however it is moved."""
    first, second = (put_image(store.blobs, [{"a": content}]) for content in (b"1", b"2"))
    tag, pinned = parse("web:1"), parse(f"web:1@{first.digest}")
    store.references.move(pinned, first, verb="load")
    assert list(store.references.iterate()) == [(tag, first)]
    store.references.move(tag, second, verb="build")
    store.references.return_to(pinned, store.references.log(tag)[0])
    assert list(store.references.iterate()) == [(tag, first)]
    store.references.remove(pinned)
    assert list(store.references.iterate()) == []
    assert not store.references.differs()


def test_names_of_a_repository_stand_together(store: Store) -> None:
    """Also where one of them is a digest, as after a pull by it."""
    descriptor = put_image(store.blobs, [{"a": b"1"}])
    names = [f"web@{descriptor.digest}", "web:1", "web:latest", "web2:1", "localhost/web:1"]
    for name in reversed(names):
        store.references.move(parse(name), descriptor, verb="pull")
    assert [reference.familiar for reference in store.references.logged()] == names
    assert [reference.familiar for reference, _ in store.references.iterate()] == names


def test_index_follows_the_log_after_a_kill_between_them(store: Store) -> None:
    """The log was synced, the index not yet changed: opening the store ends the move."""
    one, two = (put_image(store.blobs, [{"a": text}]) for text in (b"1", b"2"))
    store.references.move(WEB, one, verb="build")
    index = Path(store.root, "oci", "index.json").read_bytes()
    store.references.keep(two)
    store.references.move(WEB, two, verb="build")
    Path(store.root, "oci", "index.json").write_bytes(index)
    Path(store.root, "references", ".pending").touch()
    again = Store.open(store.root)
    assert [one for _, one in again.references.iterate()] == [two]
    assert os.listdir(Path(store.root, "references")).count(".pending") == 0


def test_torn_last_line_of_a_log_is_passed_over(store: Store) -> None:
    """A power cut left half a record: the move did not happen, and the next one is whole."""
    one, two = (put_image(store.blobs, [{"a": text}]) for text in (b"1", b"2"))
    store.references.move(WEB, one, verb="build")
    (log,) = Path(store.root, "references").glob("*.log")
    with log.open("ab") as file:
        file.write(b'{"time":"2026')
    assert store.references.get(WEB) == one
    store.references.move(WEB, two, verb="build")
    assert [record.after for record in store.references.log(WEB)] == [one.digest, two.digest]


def test_image_is_found_by_name_digest_and_id(store: Store) -> None:
    """The reference's tag, the manifest's digest, the config's, their first digits."""
    made = put_image(store.blobs, [{"a": b"a"}], Cmd=["sh"])
    store.references.move(WEB, made, verb="build")
    image = Image.resolve(store, "web")
    assert (image.digest, image.config.config, len(image.chain_ids)) == (made.digest, {"Cmd": ["sh"]}, 1)
    for text in (
        made.digest,
        made.digest[7:],
        made.digest[7:13],
        image.id,
        image.id[7:14],
        f"web@{made.digest}",
    ):
        assert Image.resolve(store, text).digest == made.digest
    with pytest.raises(ImageNotFound, match='no image "wep"') as raised:
        Image.resolve(store, "wep")
    assert raised.value.hint == 'did you mean "web"?'


def test_image_of_an_index_is_that_of_the_platform(store: Store) -> None:
    """This machine's unless asked otherwise; what is not there is said with what is."""
    images = [put_image(store.blobs, [{"a": text}]) for text in (b"1", b"2")]
    platforms = (Platform("linux", "s390x"), Platform("linux", "arm64"))
    entries = (one._replace(platform=p) for one, p in zip(images, platforms, strict=True))
    data = Index(tuple(entries)).to_bytes()
    store.references.move(WEB, Descriptor(media.OCI_INDEX, store.blobs.put(data), len(data)), verb="pull")
    assert Image.resolve(store, "web", platform=platforms[0]).digest == images[0].digest
    with pytest.raises(ImageNotFound, match="no image for linux/riscv64") as raised:
        Image.resolve(store, "web", platform=Platform("linux", "riscv64"))
    assert raised.value.hint == "it has: linux/s390x, linux/arm64"


def test_image_whose_config_does_not_fit_is_refused(store: Store) -> None:
    """As many diff ids as layers; an artifact is no image."""
    made = put_image(store.blobs, [{"a": b"a"}])
    fields = json.loads(store.blobs.read(made.digest))
    for change, why in (
        ({"layers": []}, "0 layers, but 1 diff_ids"),
        ({"config": None}, 'of the type "text/x"'),
    ):
        changed = fields | change
        if changed["config"] is None:
            changed["config"] = fields["config"] | {"mediaType": "text/x"}
        data = json.dumps(changed).encode()
        other = Descriptor(media.OCI_MANIFEST, store.blobs.put(data), len(data))
        with pytest.raises(ManifestInvalid, match=why):
            Image(store, other).config  # noqa: B018


def test_nameless_image_is_kept_until_it_is_dropped(store: Store) -> None:
    """A build without a tag is seen, and found by its id."""
    made = put_image(store.blobs, [{"a": b"a"}])
    store.references.keep(made)
    store.references.keep(made)
    assert store.references.nameless() == [made]
    assert Image.resolve(store, made.digest[7:20]).digest == made.digest
    store.references.drop(made.digest)
    assert store.references.nameless() == []


def test_half_made_things_of_the_killed_are_swept_and_of_the_living_not(store: Store) -> None:
    """The lock tells them apart, whatever the age."""
    code = "import sys, os; from estiba.images import Store\nwith Store.open(sys.argv[1]).tmp() as t: print(t, flush=True); input()"
    with subprocess.Popen(
        [sys.executable, "-c", code, store.root], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout and process.stdin
        killed = process.stdout.readline().strip()
        with store.tmp() as living:
            Path(living, "file").touch()
            Store.open(store.root)
            assert os.path.isdir(living)
            assert os.path.isdir(killed)
            process.kill()
            process.wait()
            Store.open(store.root)
            assert os.path.isdir(living)
            assert not os.path.exists(killed)
        assert not os.path.exists(living)


def test_many_at_once_lose_no_move(store: Store) -> None:
    """Eight threads move their own and a common reference: every move is in its log, the index has all."""
    images = [put_image(store.blobs, [{"a": str(number).encode()}]) for number in range(8)]

    def move(number: int) -> None:
        own = Store.open(store.root)
        for _ in range(3):
            own.references.move(parse(f"own{number}"), images[number], verb="build")
            own.references.move(WEB, images[number], verb="build")

    threads = [threading.Thread(target=move, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    log = store.references.log(WEB)
    assert [one.version for one in log] == list(range(1, len(log) + 1))
    assert [one.before for one in log] == [None, *(one.after for one in log[:-1])]
    assert len(list(store.references.iterate())) == 9
    assert store.references.repair(force=True) is False


def test_store_of_another_format_is_refused(store: Store) -> None:
    """A newer version's store is not touched."""
    Path(store.root, "store.json").write_text('{"format": 2, "overlay": "trusted"}')
    with pytest.raises(StoreError, match="format 2, where 1 is read"):
        Store.open(store.root)


def test_store_that_is_absent_is_made_only_if_asked(tmp_path: Path) -> None:
    """A question makes no folders."""
    with pytest.raises(StoreError, match="there is no store"):
        Store.open(tmp_path / "absent", create=False)
    assert os.listdir(tmp_path) == []


def test_opening_a_store_loads_few_modules() -> None:
    """The cached build, with the interpreter's start, counts on it: no hashlib, no pathlib, no inspect."""
    script = "import sys; from estiba.images import Image, Store; print(*sys.modules)"
    run = subprocess.run([sys.executable, "-I", "-c", script], capture_output=True, text=True, check=True)
    bare = subprocess.run(
        [sys.executable, "-I", "-c", "import sys, typing, json, importlib, __future__; print(*sys.modules)"],
        capture_output=True,
        text=True,
        check=True,
    )
    others = {
        one for one in set(run.stdout.split()) - set(bare.stdout.split()) if not one.startswith("estiba")
    }
    assert others <= {"contextlib", "fcntl", "errno"}
