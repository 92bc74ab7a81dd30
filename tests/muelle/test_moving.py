# SPDX-License-Identifier: Apache-2.0
"""save, load and copy as people type them; archives that are cut, changed or no archives at all."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from estiba.images import Image, Store
from estiba.images.reference import parse
from muelle.conftest import PROGRAM, Muelle
from support.images import put_image


@pytest.fixture
def muelle(folder: Path) -> Muelle:
    """The command over a store with `base` and `web`, which is base and one layer more."""
    store = Store.open(folder / "store")
    base = {"base": os.urandom(100_000)}
    store.references.move(parse("base:1"), put_image(store.blobs, [base], Cmd=["b"]), verb="build")
    store.references.move(parse("web"), put_image(store.blobs, [base, {"web": b"w"}]), verb="build")
    return Muelle(folder / "store", folder / "state", "")


@pytest.fixture
def other(folder: Path) -> Muelle:
    """An empty store."""
    return Muelle(folder / "other", folder / "state", "")


def done(muelle: Muelle, *words: str | Path) -> str:
    """Run a command line that has to work in silence; return what it prints."""
    made = muelle(*words)
    assert (made.returncode, made.stderr) == (0, "")
    return made.stdout


def digest(muelle: Muelle, name: str) -> str:
    """Return the digest that a name stands for."""
    return Image.resolve(Store.open(muelle.store), name).digest


@pytest.mark.parametrize("form", ["docker-archive", "oci-archive", "oci-dir"])
def test_several_images_travel_with_their_names(
    muelle: Muelle, other: Muelle, folder: Path, form: str
) -> None:
    """Digests are the same."""
    assert done(muelle, "save", "--format", form, "-o", folder / "made", "base:1", "web") == ""
    assert done(other, "load", "-i", folder / "made") == "loaded: base:1\nloaded: web:latest\n"
    for name in ("base:1", "web"):
        assert digest(other, name) == digest(muelle, name)
    assert done(other, "fsck") == "the store is sound\n"


def test_a_pipe_is_enough(muelle: Muelle, other: Muelle) -> None:
    """Nothing is written in between."""
    with subprocess.Popen([PROGRAM, "save", "web"], env=muelle.environ, stdout=subprocess.PIPE) as saving:
        loaded = subprocess.run(
            [PROGRAM, "load"], stdin=saving.stdout, env=other.environ, capture_output=True, check=True
        )
    assert (saving.returncode, loaded.stdout) == (0, b"loaded: web:latest\n")


def test_only_missing_leaves_out_what_the_receiver_has(muelle: Muelle, other: Muelle, folder: Path) -> None:
    """Who has not is told what that is."""
    whole, part = folder / "whole.tar", folder / "part.tar"
    done(muelle, "save", "-o", whole, "web")
    done(muelle, "save", "--only-missing", "base:1", "-o", part, "web")
    assert part.stat().st_size < whole.stat().st_size - 90_000
    refused = other("load", "-i", part)
    assert (refused.returncode, refused.stdout) == (1, "")
    layer = Image.resolve(Store.open(muelle.store), "base:1").manifest.layers[0].digest
    assert refused.stderr == (
        f'"{part}": archive: blob {layer} is neither in it nor in the store\n'
        "hint: it was saved with --only-missing for a store that has more\n"
    )
    done(muelle, "save", "-o", folder / "base.tar", "base:1")
    done(other, "load", "-i", folder / "base.tar")
    assert done(other, "load", "-q", "-i", part) == "web:latest\n"


def test_layouts_are_copied_to_and_from(muelle: Muelle, other: Muelle, folder: Path) -> None:
    """From the store to a folder, from that to another by name, and into a store under a name of its own."""
    one, two = folder / "one", folder / "two"
    (folder / "empty").mkdir()
    one.symlink_to("empty")
    assert done(muelle, "copy", "base:1", f"oci:{one}").strip() == digest(muelle, "base:1")
    assert done(muelle, "copy", "-q", "web", f"oci:{one}") == ""
    assert done(other, "copy", f"oci:{one}:web:latest", f"oci:{two}").strip() == digest(muelle, "web")
    assert done(other, "copy", f"oci:{two}", "mine:2").strip() == digest(muelle, "web")
    assert digest(other, "mine:2") == digest(muelle, "web")
    assert "base" not in done(other, "images")
    refused = muelle("copy", "web", "other")
    assert (refused.returncode, refused.stderr.splitlines()[0]) == (1, "copy: neither is an image layout")


def test_a_layout_that_is_written_to_gets_the_name_that_is_typed(
    muelle: Muelle, other: Muelle, folder: Path
) -> None:
    """As skopeo's users type it, from the store and from another layout."""
    one, two = folder / "one", folder / "two"
    done(muelle, "copy", "-q", "web", f"oci:{one}:w")
    done(other, "copy", "-q", f"oci:{one}:w", f"oci:{two}:other:1.0")
    index = json.loads((two / "index.json").read_text())
    assert [entry["annotations"] for entry in index["manifests"]] == [
        {"org.opencontainers.image.ref.name": "other:1.0"}
    ]
    done(other, "copy", "-q", f"oci:{one}:w", "mine")
    assert digest(other, "mine:w") == digest(muelle, "web")
    assert sorted(path.name for path in folder.iterdir() if ":" in path.name) == []


def cut(data: bytes) -> bytes:
    """End in the middle."""
    return data[: len(data) // 2]


def changed(data: bytes) -> bytes:
    """Change one byte of the layer, which is most of the archive."""
    place = len(data) // 2
    return data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]


def text(_: bytes) -> bytes:
    """Be no archive."""
    return b"no archive at all\n" * 100


def flat(_: bytes) -> bytes:
    """Be an archive without an image."""
    made = subprocess.run(["tar", "-C", "/etc", "-cf", "-", "hostname"], capture_output=True, check=True)
    return made.stdout


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (cut, "archive, byte "),
        (changed, "blob sha256:"),
        (text, "archive, byte 512: not a tar archive"),
        (flat, "archive: no archive of images: it has no manifest.json"),
        (lambda _: b"", "archive, byte 0: not a tar archive"),
    ],
    ids=["cut", "changed", "text", "flat", "empty"],
)
def test_a_damaged_archive_brings_nothing(
    muelle: Muelle, other: Muelle, folder: Path, damage: object, said: str
) -> None:
    """One line; what was in the store is whole, and the name stands for what it did."""
    done(muelle, "save", "-o", folder / "good.tar", "base:1")
    assert callable(damage)
    (folder / "bad.tar").write_bytes(damage((folder / "good.tar").read_bytes()))
    for store in (other, muelle):
        before = done(store, "images", "-a", "--no-trunc")
        refused = store("load", "-i", folder / "bad.tar")
        assert (refused.returncode, refused.stdout) == (1, "")
        assert refused.stderr.startswith(f'"{folder}/bad.tar": {said}')
        assert len(refused.stderr.splitlines()) <= 2
        assert done(store, "images", "-a", "--no-trunc") == before
        assert done(store, "fsck") == "the store is sound\n"


def test_an_archive_whose_manifest_lies_brings_nothing(muelle: Muelle, other: Muelle, folder: Path) -> None:
    """The index promises another size than the manifest has."""
    done(muelle, "save", "--format", "oci-archive", "-o", folder / "good.tar", "web")
    (folder / "layout").mkdir()
    subprocess.run(["tar", "-C", folder / "layout", "-xf", folder / "good.tar"], check=True)
    index = json.loads((folder / "layout/index.json").read_text())
    index["manifests"][0]["size"] += 1
    (folder / "layout/index.json").write_text(json.dumps(index))
    for words in (["load", "-i", folder / "layout"], ["copy", f"oci:{folder}/layout", "web"]):
        refused = other(*words)
        assert (refused.returncode, refused.stdout) == (1, "")
        assert "were promised" in refused.stderr
        assert done(other, "images", "-aq") == ""
