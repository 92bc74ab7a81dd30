# SPDX-License-Identifier: Apache-2.0
"""What makes a result another one, and what a layer that was built is recorded as."""

from __future__ import annotations

import gzip
import io
import os
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from estiba.build.progress import Verdict
from estiba.images import Image, media
from support.builds import Site

TEXT = "WORKDIR /made\nRUN touch file\nCOPY passwd /\n"


@pytest.fixture
def site(folder: Path, prepared: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """A place to build at."""
    monkeypatch.setenv("ESTIBA_ROOT", str(folder / "state"))
    yield Site(folder, prepared)


def kinds(image: Image) -> set[str]:
    """Return the media types of an image's layers."""
    return {layer.media_type for layer in image.manifest.layers}


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"epoch": 1}, "the timestamp has changed"),
        ({"compression": "zstd"}, "the compression has changed"),
        ({"level": 1}, "the compression level has changed"),
    ],
)
def test_layers_that_are_packed_otherwise_are_made_anew(
    site: Site, options: dict[str, Any], reason: str
) -> None:
    """And said why; those of before are found by who asks for them again."""
    plain = site.build(TEXT)
    other = site.build(TEXT, **options)
    assert site.verdicts()["COPY bin /bin"] == (Verdict.DONE, reason)
    assert site.build(TEXT, **options).digest == other.digest
    assert {verdict for verdict, _ in site.verdicts().values()} == {Verdict.CACHED}
    assert site.build(TEXT).digest == plain.digest != other.digest


def test_no_time_of_an_image_is_later_than_was_asked_for(site: Site) -> None:
    """Neither in the config, nor in its history, nor in a layer, though all was built before without."""
    site.build(TEXT, squashes=True)
    image = site.build(TEXT, epoch=1, squashes=True)
    assert image.config.created == "1970-01-01T00:00:01.000000Z"
    assert {each.created for each in image.config.history} <= {None, image.config.created}
    assert len(image.manifest.layers) == 1
    for layer in image.manifest.layers:
        tar = io.BytesIO(gzip.decompress(site.store.blobs.read(layer.digest)))
        with tarfile.open(fileobj=tar) as archive:
            assert max(entry.mtime for entry in archive) <= 1


def test_all_layers_are_compressed_as_was_asked_for(site: Site) -> None:
    site.build(TEXT)
    assert kinds(site.build(TEXT, compression="zstd")) == {media.layer_type("zstd")}
    assert kinds(site.build(TEXT, compression="none")) == {media.layer_type("none")}


def test_layers_are_recorded_with_how_much_they_hold(site: Site) -> None:
    """A prune says by it what it frees."""
    image = site.build("COPY bin/busybox /again\n")
    layer = site.store.layers.get(image.chain_ids[-1])
    assert layer is not None
    size = os.stat(site.context / "bin" / "busybox").st_size
    assert (size <= layer.size < size + (1 << 16), layer.entries) == (True, 1)
