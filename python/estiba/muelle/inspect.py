# SPDX-License-Identifier: Apache-2.0
"""inspect: all that is known of images and containers, in the words that Docker's users look for."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from estiba.errors import ContainerNotFound, ImageNotFound, ReferenceInvalid
from estiba.images.image import find
from estiba.images.store import Store
from estiba.muelle import containers, output
from estiba.muelle.find import find_image
from estiba.muelle.standing import standing_of

if TYPE_CHECKING:
    from estiba.images.image import Image
    from estiba.muelle.containers import Kept
    from estiba.muelle.parse import Parsed


def inspect(parsed: Parsed) -> int:
    """Print a JSON array with an object for each name, or a line of a template for each."""
    store = Store.open(parsed.globals.text("store"))
    found = [look(store, parsed, word) for word in parsed.words]
    template = parsed.options.text("format")
    if template in (None, "json"):
        output.write_json(found)
    else:
        output.listing(template, (), found)
    return 0


def look(store: Store, parsed: Parsed, word: str) -> dict[str, Any]:
    """Return what is known of a container or an image; a container goes first, as with Docker.

    Raises ContainerNotFound, ImageNotFound.
    """
    kind = parsed.options.text("type")
    if kind != "image":
        try:
            kept = containers.find(containers.folder_of(store), word)
            return container(kept)
        except ContainerNotFound:
            if kind == "container":
                raise
    try:
        return image(store, find_image(store, word, parsed.options))
    except ImageNotFound as error:
        if kind == "image" or is_known(store, word):
            raise
        raise ImageNotFound(f'"{word}" is neither a container nor an image', hint=error.hint) from None


def is_known(store: Store, word: str) -> bool:
    """Return whether a word means something in the store, be it for another platform."""
    try:
        find(store, word)
    except ImageNotFound:
        return False
    except ReferenceInvalid:
        return True  # a version of a name
    return True


def image(store: Store, found: Image) -> dict[str, Any]:
    """Describe an image."""
    config = found.config
    names = [
        reference for reference, descriptor in store.references.iterate() if descriptor.digest == found.digest
    ]
    return {
        "Id": found.id,
        "Digest": found.digest,
        "MediaType": found.descriptor.media_type,
        "RepoTags": [reference.familiar for reference in names],
        "RepoDigests": [f"{reference._replace(tag=None).familiar}@{found.digest}" for reference in names],
        "Created": config.created or "",
        "Author": config.author or "",
        "Os": config.os,
        "Architecture": config.architecture,
        "Variant": config.variant or "",
        "Size": found.size,
        "Config": dict(config.config),
        "RootFS": {"Type": "layers", "Layers": list(config.diff_ids)},
        "Layers": [layer.to_json() for layer in found.manifest.layers],
        "History": [entry.to_json() for entry in config.history],
        "Annotations": dict(found.manifest.annotations),
    }


def container(kept: Kept) -> dict[str, Any]:
    """Describe a container that `run` has kept."""
    record = kept.record
    config = json.loads((kept.folder / "config.json").read_bytes())
    process = config["process"]
    standing = standing_of(kept)
    return {
        "Id": kept.id,
        "Name": record.get("name") or "",
        "Created": record.get("created") or "",
        "Image": record.get("image"),
        "ImageName": record.get("reference"),
        "Path": process["args"][0],
        "Args": process["args"][1:],
        "State": {
            "Status": standing.status,
            "Running": standing.status == "running",
            "Pid": standing.pid,
            "ExitCode": record.get("exitCode"),
            "FinishedAt": record.get("finished") or "",
        },
        "Config": {
            "Hostname": config.get("hostname", ""),
            "Env": process["env"],
            "User": f"{process['user']['uid']}:{process['user']['gid']}",
            "WorkingDir": process["cwd"],
            "Tty": process["terminal"],
            "Labels": record.get("labels") or {},
        },
        "Mounts": [
            {"Type": mount["type"], "Source": mount["source"], "Destination": mount["destination"]}
            for mount in config["mounts"]
            if mount["type"] == "bind"
        ],
        "Bundle": str(kept.folder),
        "UpperDir": str(kept.folder / "upper"),
    }
