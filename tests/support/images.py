# SPDX-License-Identifier: Apache-2.0
"""Small images made by tests: layers as tar files of a few entries, put into a store or a layout."""

from __future__ import annotations

import gzip
import io
import tarfile
from collections.abc import Mapping, Sequence
from typing import Any

from estiba.images import Blobs, Descriptor, History, ImageConfig, Manifest, digest, media
from estiba.images.config import parse as parse_config
from estiba.images.manifest import parse_manifest

Files = Mapping[str, bytes | None]
"""Path to content; None is a folder."""


def layer_tar(files: Files) -> bytes:
    """Return a tar file with `files`, always the same bytes."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.type = tarfile.DIRTYPE if content is None else tarfile.REGTYPE
            entry.mode = 0o755 if content is None else 0o644
            entry.size = len(content or b"")
            archive.addfile(entry, io.BytesIO(content or b""))
    return out.getvalue()


def put_image(blobs: Blobs, layers: Sequence[Files], *, compress: bool = True, **config: Any) -> Descriptor:
    """Put an image of these layers into `blobs`; return its manifest's descriptor."""
    tars = [layer_tar(files) for files in layers]
    descriptors = [_put_layer(blobs, tar, compress) for tar in tars]
    made = ImageConfig(
        "amd64",
        "linux",
        config,
        tuple(digest.of_bytes(tar) for tar in tars),
        tuple(History(created_by=f"layer {number}") for number in range(len(tars))),
    )
    data = made.to_bytes()
    config_descriptor = Descriptor(media.OCI_CONFIG, blobs.put(data), len(data))
    manifest = Manifest(config_descriptor, tuple(descriptors)).to_bytes()
    return Descriptor(media.OCI_MANIFEST, blobs.put(manifest), len(manifest))


def lying(blobs: Blobs, image: Descriptor) -> Descriptor:
    """Put an image that is as another, but for the diff id of its last layer, which is that of other bytes."""
    manifest = parse_manifest(blobs.read(image.digest), where="manifest")
    config = parse_config(blobs.read(manifest.config.digest), where="config")
    lie = config._replace(diff_ids=(*config.diff_ids[:-1], digest.of_bytes(b"lie"))).to_bytes()
    described = manifest.config._replace(digest=blobs.put(lie), size=len(lie))
    data = manifest._replace(config=described).to_bytes()
    return image._replace(digest=blobs.put(data), size=len(data))


def _put_layer(blobs: Blobs, tar: bytes, compress: bool) -> Descriptor:
    data = gzip.compress(tar, 1, mtime=0) if compress else tar
    return Descriptor(media.layer_type("gzip" if compress else "none"), blobs.put(data), len(data))
