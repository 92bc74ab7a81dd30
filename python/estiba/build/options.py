# SPDX-License-Identifier: Apache-2.0
"""What the caller of a build may say beside the Containerfile."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from estiba.images import Image, Platform, Store

Network = Literal["host", "none"]


class Options(NamedTuple):
    """All of them may be left out."""

    target: str | None = None
    """The stage to build, by name or number; by default the last."""
    arguments: Mapping[str, str] = {}
    """`--build-arg`."""
    labels: Mapping[str, str] = {}
    names: tuple[str, ...] = ()
    """References that shall name the image."""
    uses_cache: bool = True
    """Whether results of earlier builds may be taken; new ones are kept in any case."""
    secrets: Mapping[str, bytes] = {}
    """What `RUN --mount=type=secret` may see, by id."""
    squashes: bool = False
    """Whether all layers of the target that are not its base's become one."""
    network: Network = "host"
    """Of RUNs that do not say which."""
    compression: Literal["none", "gzip", "zstd"] = "gzip"
    """Of new layers."""
    level: int | None = None
    """Of the compression; None is its default."""
    epoch: int | None = None
    """SOURCE_DATE_EPOCH: no time in the image is later, in seconds since 1970."""
    platform: Platform | None = None
    """Of base images; by default this machine's."""
    resolve: Callable[[Store, str, Platform | None, Callable[[], None]], Image] | None = None
    """Finds a base image, and may fetch it; by default only the store is asked. What is called last, now and then while
    it takes long, raises where the build is to end."""

    @property
    def of_layers(self) -> dict[str, str | int]:
        """What the bytes of every new layer depend on, where it is not the default: a part of each step's key."""
        asked = {
            "compression": self.compression if self.compression != Options().compression else None,
            "compression level": self.level,
            "timestamp": self.epoch,
        }
        return {name: value for name, value in asked.items() if value is not None}
