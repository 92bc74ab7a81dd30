# SPDX-License-Identifier: Apache-2.0
"""bundle: an image as an OCI bundle, which any OCI runtime can run without us and without the store.

    DIR/config.json                    what `run` would give the engine, by the same options
    DIR/rootfs/                        all layers in one
    DIR/hostname, hosts, resolv.conf   mounted over those of the image
    DIR/volumes/N/                     the image's volumes, filled with what the image has there

Paths in it are relative to the bundle: it may be moved.
"""

from __future__ import annotations

import os
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from estiba.bundle import Bundle
from estiba.errors import ArgumentInvalid, cause
from estiba.images.flat import flatten
from estiba.images.store import Store
from estiba.muelle import output
from estiba.muelle.conversion import volumes
from estiba.muelle.find import found_or_pulled
from estiba.muelle.run.config import Place, config_of
from estiba.muelle.run.mounts import clean
from estiba.muelle.run.names import write_names
from estiba.muelle.run.volumes import copy_up
from estiba.rootfs.remove import remove_tree
from estiba.spec.default import default_config
from estiba.spec.words import quote

if TYPE_CHECKING:
    from collections.abc import Iterator

    from estiba.images.image import Image
    from estiba.muelle.parse import Parsed

ROOTFS = "rootfs"
OCI_VERSION = "1.0.2"
"""All that is in these configs was in it, and crun before 1.9 takes no later one."""


def bundle(parsed: Parsed) -> int:
    """Make a bundle of an image, and say where."""
    target = os.path.realpath(parsed.words[1])
    refuse_taken(target)
    store = Store.open(parsed.globals.text("store"))
    with store.using():
        image = found_or_pulled(store, parsed.words[0], parsed.options)
        with half_made(target) as folder:
            flatten(image, str(folder / ROOTFS))
            Bundle.make(folder, config=config(image, parsed, folder))
    output.write(f"bundle: {target}\n")
    return 0


def refuse_taken(target: str) -> None:
    """Refuse a folder with something in it, and what is no folder. Raises ArgumentInvalid."""
    try:
        found = os.listdir(target)
    except FileNotFoundError:
        return
    except OSError as error:
        raise ArgumentInvalid(f"bundle: {quote(target)}: {cause(error.errno)}") from None
    if found:
        hint = "name a folder that is not there yet, or an empty one"
        raise ArgumentInvalid(f"bundle: {quote(target)} is not empty", hint=hint)


@contextmanager
def half_made(target: str) -> Iterator[Path]:
    """Give a folder that gets its name when it is whole, and goes when it is not. Raises ArgumentInvalid."""
    parent, name = os.path.split(target)
    try:
        folder = tempfile.mkdtemp(prefix=f".{name}-", dir=parent)
    except OSError as error:
        raise ArgumentInvalid(f"bundle: {quote(parent)}: {cause(error.errno)}") from None
    try:
        yield Path(folder)
        os.chmod(folder, 0o755)
        os.rename(folder, target)
    except BaseException:
        remove_tree(folder)
        raise


def config(image: Image, parsed: Parsed, folder: Path) -> dict[str, Any]:
    """Return the config of the image's container, with the files written that it mounts."""
    options = parsed.options
    has_host_network = options.text("network") == "host"
    hostname = options.text("hostname") or host_name(parsed.words[1])
    root = os.open(folder / ROOTFS, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        mounts = write_names(
            folder, hostname, has_host_network=has_host_network, added=options.list("add-host")
        )
        for mount in mounts:
            mount["source"] = os.path.basename(mount["source"])
        mounts += [volume(path, number, folder, root) for number, path in enumerate(volumes(image.config))]
        place = Place(ROOTFS, root, hostname, parsed.words[0])
        made = config_of(image.config, parsed.words[2:], options, place, mounts)
    finally:
        os.close(root)
    made["ociVersion"] = OCI_VERSION
    return for_a_user(made) if image.store.is_rootless else made


def host_name(folder: str) -> str:
    """Return what the container is called where nobody says it: as the bundle, in letters that a host name may have."""
    name = os.path.basename(os.path.abspath(folder))
    return (
        "".join(letter if letter.isascii() and letter.isalnum() else "-" for letter in name)[:63] or "bundle"
    )


def volume(path: str, number: int, folder: Path, root: int) -> dict[str, Any]:
    """Make a folder for one of the image's volumes; return its mount."""
    inside = f"volumes/{number}"
    (folder / inside).mkdir(parents=True)
    copy_up(root, clean(path), folder / inside)
    return {
        "destination": clean(path),
        "type": "bind",
        "source": inside,
        "options": ["rbind", "rprivate"],
    }


def for_a_user(config: dict[str, Any]) -> dict[str, Any]:
    """Change a config so that a user without privileges can run it, mapped to the container's root."""
    usual: Any = default_config(rootless=True, uid=os.geteuid(), gid=os.getegid())
    linux, needed = config["linux"], {mount["destination"]: mount for mount in usual["mounts"]}
    has_network = any(each["type"] == "network" for each in linux["namespaces"])
    replaced = ("/dev/pts",) if has_network else ("/dev/pts", "/sys")
    config["mounts"] = [
        needed[mount["destination"]] if mount["destination"] in replaced else mount
        for mount in config["mounts"]
    ]
    linux["namespaces"].append({"type": "user"})
    linux |= {name: usual["linux"][name] for name in ("uidMappings", "gidMappings")}
    linux.pop("resources", None)
    user = config["process"]["user"]
    # Nobody may set groups there (user_namespaces(7)), so it is the process's own alone that it can have.
    if user.get("additionalGids") == [user["gid"]]:
        del user["additionalGids"]
    return config
