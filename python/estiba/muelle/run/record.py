# SPDX-License-Identifier: Apache-2.0
"""What is kept in writing of a container that `run` makes."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from estiba.errors import ArgumentInvalid, cause
from estiba.lifecycle import state_root
from estiba.muelle import output
from estiba.muelle.conversion import arguments
from estiba.muelle.run.mounts import is_name, mounts
from estiba.spec.words import quote

if TYPE_CHECKING:
    from estiba.images.image import Image
    from estiba.muelle.parse import Parsed


def record_of(parsed: Parsed, image: Image) -> dict[str, Any]:
    """Make the record of a container that is about to be made. Raises ArgumentInvalid.

    It names all that its image is made of, whose names may go: `prune` keeps each digest that a record mentions, and
    each volume.
    """
    options, root = parsed.options, parsed.globals.text("root")
    name = options.text("name")
    if name is not None and not is_name(name):
        hint = "letters, digits and _ . -, beginning with a letter or a digit"
        raise ArgumentInvalid(f"--name: {quote(name)} is no name for a container", hint=hint)
    labels = dict(label(text) for text in options.list("label"))
    return {
        "name": name,
        "image": image.digest,
        "mediaType": image.descriptor.media_type,
        "size": image.descriptor.size,
        "parts": [image.id, *(layer.digest for layer in image.manifest.layers), *image.chain_ids],
        "reference": parsed.words[0],
        "command": arguments(
            image.config,
            command=parsed.words[1:],
            entrypoint=options.text("entrypoint"),
            name=parsed.words[0],
        ),
        "created": output.now(),
        "labels": labels,
        "volumes": sorted({mount.source for mount in mounts(options, []) if mount.kind == "volume"} - {""}),
        "stateRoot": state_root() if root is None else os.path.abspath(root),
        "exitCode": None,
        "finished": None,
    }


def label(text: str) -> tuple[str, str]:
    """Part a --label NAME=VALUE; a name alone has an empty value."""
    name, _equals, value = text.partition("=")
    if not name:
        raise ArgumentInvalid(f"--label: {quote(text)} has no name before the =")
    return name, value


def write_cidfile(path: str | None, id: str) -> None:
    """Write the id to a file that must not be there yet: it is how scripts find their container, and no other."""
    if path is None:
        return
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644)
    except OSError as error:
        raise ArgumentInvalid(f"--cidfile: {quote(path)}: {cause(error.errno)}") from None
    with open(descriptor, "w", encoding="ascii") as file:
        file.write(id)
