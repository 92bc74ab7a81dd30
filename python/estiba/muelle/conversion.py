# SPDX-License-Identifier: Apache-2.0
"""What an image says of its containers, as OCI runtime config: conversion.md of the image specification.

Pure: an image's config in, values out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from estiba.errors import ArgumentInvalid

if TYPE_CHECKING:
    from collections.abc import Sequence

    from estiba.images.config import ImageConfig

PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
PREFIX = "org.opencontainers.image."


def arguments(
    image: ImageConfig,
    *,
    command: Sequence[str] = (),
    entrypoint: str | None = None,
    name: str = "image",
) -> list[str]:
    """Return program and arguments: the entrypoint, then the command.

    A command that is given replaces the image's; an entrypoint that is given, "" too, leaves out the image's command
    besides, as it was meant for another program. Raises ArgumentInvalid where nothing is left to run.
    """
    own = list(image.config.get("Entrypoint") or ())
    rest = list(command) or list(image.config.get("Cmd") or ())
    if entrypoint is not None:
        own, rest = [entrypoint] if entrypoint else [], list(command)
    if not [*own, *rest]:
        hint = "add one at the end of the command line"
        raise ArgumentInvalid(f'"{name}" says no program to run', hint=hint)
    return [*own, *rest]


def environment(image: ImageConfig, *given: str) -> list[str]:
    """Return the image's environment with what was given over it; a PATH is always in it."""
    merged: dict[str, str] = {}
    for entry in (PATH, *(image.config.get("Env") or ()), *given):
        name, equals, _value = entry.partition("=")
        if name and equals:
            merged[name] = entry
    return list(merged.values())


def annotated(image: ImageConfig) -> dict[str, str]:
    """Return the annotations that conversion.md asks for; labels go before what they would hide."""
    said = {
        "os": image.os,
        "architecture": image.architecture,
        "variant": image.variant,
        "os.version": image.os_version,
        "os.features": features(image),
        "author": image.author,
        "created": image.created,
        "stopSignal": image.config.get("StopSignal"),
        "exposedPorts": ",".join(sorted(image.config.get("ExposedPorts") or ())),
    }
    named = {PREFIX + name: value for name, value in said.items() if value}
    return {**named, **(image.config.get("Labels") or {})}


def features(image: ImageConfig) -> str:
    """Return what the image demands of its system, which no one has judged yet."""
    listed = image.other.get("os.features")
    return ",".join(str(each) for each in listed) if isinstance(listed, list) else ""


def volumes(image: ImageConfig) -> list[str]:
    """Return the folders whose content does not belong to the image, as it says itself."""
    return sorted(image.config.get("Volumes") or ())


def working_folder(image: ImageConfig) -> str:
    """Return the working directory; / where the image says none."""
    folder: str = image.config.get("WorkingDir") or "/"
    return folder
