# SPDX-License-Identifier: Apache-2.0
"""What an image says of its containers, as OCI runtime config: conversion.md of the image specification.

Pure: documents in, values out. `config` is the object of that name in an image's config, {} where there is none.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from estiba.errors import ArgumentInvalid

PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
PREFIX = "org.opencontainers.image."
ANNOTATED = (
    ("os", "os"),
    ("architecture", "architecture"),
    ("variant", "variant"),
    ("os.version", "os.version"),
    ("author", "author"),
    ("created", "created"),
)
"""Properties of the image's document, and what their annotations are called after PREFIX."""


def arguments(
    config: Mapping[str, Any],
    *,
    command: Sequence[str] = (),
    entrypoint: str | None = None,
    name: str = "image",
) -> list[str]:
    """Return program and arguments: the entrypoint, then the command.

    A command that is given replaces the image's; an entrypoint that is given, "" too, leaves out the image's command
    besides, as it was meant for another program. Raises ArgumentInvalid where nothing is left to run.
    """
    own = list(config.get("Entrypoint") or ())
    rest = list(command) or list(config.get("Cmd") or ())
    if entrypoint is not None:
        own, rest = [entrypoint] if entrypoint else [], list(command)
    if not [*own, *rest]:
        hint = f"name one after the image: `muelle run {name} PROGRAM`"
        raise ArgumentInvalid(f'"{name}" says no program to run', hint=hint)
    return [*own, *rest]


def environment(config: Mapping[str, Any], *given: str) -> list[str]:
    """Return the image's environment with what was given over it; a PATH is always in it."""
    merged: dict[str, str] = {}
    for entry in (PATH, *(config.get("Env") or ()), *given):
        name, equals, _value = entry.partition("=")
        if name and equals:
            merged[name] = entry
    return list(merged.values())


def annotated(document: Mapping[str, Any]) -> dict[str, str]:
    """Return the annotations that conversion.md asks for; labels go before what they would hide."""
    config = document.get("config") or {}
    said = {PREFIX + name: document[key] for key, name in ANNOTATED if document.get(key)}
    if features := document.get("os.features"):
        said[f"{PREFIX}os.features"] = ",".join(features)
    if signal := config.get("StopSignal"):
        said[f"{PREFIX}stopSignal"] = signal
    if ports := config.get("ExposedPorts"):
        said[f"{PREFIX}exposedPorts"] = ",".join(sorted(ports))
    return {**said, **(config.get("Labels") or {})}


def volumes(config: Mapping[str, Any]) -> list[str]:
    """Return the folders whose content does not belong to the image, as it says itself."""
    return sorted(config.get("Volumes") or ())


def working_folder(config: Mapping[str, Any]) -> str:
    """Return the working directory; / where the image says none."""
    return config.get("WorkingDir") or "/"
