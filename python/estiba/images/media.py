# SPDX-License-Identifier: Apache-2.0
"""Media types of images: OCI's (image-spec media-types.md), Docker's schema 2, and how each layer type is packed."""

from __future__ import annotations

from typing import Literal

OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
OCI_INDEX = "application/vnd.oci.image.index.v1+json"
OCI_CONFIG = "application/vnd.oci.image.config.v1+json"
OCI_EMPTY = "application/vnd.oci.empty.v1+json"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_LIST = "application/vnd.docker.distribution.manifest.list.v2+json"
DOCKER_CONFIG = "application/vnd.docker.container.image.v1+json"
DOCKER_SCHEMA1 = "application/vnd.docker.distribution.manifest.v1+json"

OCI_LAYER = "application/vnd.oci.image.layer.v1.tar"
_OCI_FOREIGN = "application/vnd.oci.image.layer.nondistributable.v1.tar"
DOCKER_LAYER = "application/vnd.docker.image.rootfs.diff.tar"
_DOCKER_FOREIGN = "application/vnd.docker.image.rootfs.foreign.diff.tar"

Compression = Literal["none", "gzip", "zstd"]

MANIFESTS = frozenset({OCI_MANIFEST, DOCKER_MANIFEST})
INDEXES = frozenset({OCI_INDEX, DOCKER_LIST})
CONFIGS = frozenset({OCI_CONFIG, DOCKER_CONFIG})

LAYERS: dict[str, Compression] = {
    OCI_LAYER: "none",
    f"{OCI_LAYER}+gzip": "gzip",
    f"{OCI_LAYER}+zstd": "zstd",
    _OCI_FOREIGN: "none",
    f"{_OCI_FOREIGN}+gzip": "gzip",
    f"{_OCI_FOREIGN}+zstd": "zstd",
    DOCKER_LAYER: "none",
    f"{DOCKER_LAYER}.gzip": "gzip",
    f"{DOCKER_LAYER}.zstd": "zstd",
    _DOCKER_FOREIGN: "none",
    f"{_DOCKER_FOREIGN}.gzip": "gzip",
}
"""Every type of layer that can be unpacked, and its compression."""

FOREIGN = frozenset(name for name in LAYERS if "foreign" in name or "nondistributable" in name)
"""Layers that are not to be pushed, since their makers forbid it; they may have no blob in an archive."""


def layer_type(compression: Compression) -> str:
    """Return the OCI media type of a layer that we pack with this compression."""
    return OCI_LAYER if compression == "none" else f"{OCI_LAYER}+{compression}"


def compression_by_magic(data: bytes) -> Compression:
    """Return how something is packed that begins with these four bytes (RFC 1952; RFC 8878)."""
    if data.startswith(b"\x1f\x8b"):
        return "gzip"
    return "zstd" if data.startswith(b"\x28\xb5\x2f\xfd") else "none"
