# SPDX-License-Identifier: Apache-2.0
"""The config.json of a container: what the image says, what the options say over it."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING, Any, NamedTuple

from estiba.errors import ArgumentInvalid
from estiba.muelle import conversion
from estiba.muelle.run import limits, rights
from estiba.muelle.run.devices import devices, host_devices
from estiba.muelle.run.variables import variables
from estiba.rootfs.users import User, find_group, find_user
from estiba.spec.container import SHM_BYTES, container_config
from estiba.spec.words import quote

if TYPE_CHECKING:
    from collections.abc import Sequence

    from estiba.images.config import ImageConfig
    from estiba.muelle.parse import Options

INIT = "/dev/init"
"""Where the small init of --init is mounted: /dev is never a folder of the image."""


class Place(NamedTuple):
    """Where a container is, and what it is called."""

    rootfs: str
    root: int
    """A descriptor of the root file system, in which users are looked up."""
    hostname: str
    name: str
    """Of the image, as it was asked for."""
    is_rootless: bool = False
    """Whether it runs in a user namespace of the caller's."""


def config_of(
    image: ImageConfig,
    command: Sequence[str],
    options: Options,
    place: Place,
    mounts: list[dict[str, Any]],
    init: str | None = None,
) -> dict[str, Any]:
    """Make a container's config; `mounts` go over what every container has.

    `init` is a program of the host that runs first. Raises ArgumentInvalid for what the options cannot mean.
    """
    user = user_of(place.root, options, image)
    args = conversion.arguments(
        image, command=command, entrypoint=options.text("entrypoint"), name=place.name
    )
    is_privileged = options.flag("privileged")
    given = [
        f"HOSTNAME={place.hostname}",
        *(["TERM=xterm"] if options.flag("tty") else []),
        *variables(options),
    ]
    config = container_config(
        rootfs=place.rootfs,
        args=[INIT, "--", *args] if init else args,
        env=conversion.environment(image, *given),
        cwd=working_folder(options, image),
        user=identity(user),
        capabilities=rights.capabilities(options),
        hostname=place.hostname,
        has_host_network=options.text("network") == "host",
        is_privileged=is_privileged,
        is_rootless=place.is_rootless,
        shm_bytes=options.size("shm-size") or SHM_BYTES,
    )
    config["process"]["terminal"] = options.flag("tty")
    config["root"]["readonly"] = options.flag("read-only")
    config["annotations"] = conversion.annotated(image)
    if init:
        mounts = [*mounts, bound(init, INIT)]
    config["mounts"] = merged_mounts(config["mounts"], mounts)
    if found := limits.rlimits(options):
        config["process"]["rlimits"] = found
    shape_linux(config["linux"], options)
    if is_privileged:
        config["linux"]["devices"] = host_devices()
    rights.apply_security(config, options)
    return config


def shape_linux(linux: dict[str, Any], options: Options) -> None:
    """Write limits, devices, sysctls and namespaces of the options into a config's linux object."""
    found, rules = devices(options.list("device"))
    linux["resources"] |= limits.resources(options)
    linux["resources"]["devices"] += rules
    if found:
        linux["devices"] = found
    if options.text("pid") == "host":
        linux["namespaces"] = [each for each in linux["namespaces"] if each["type"] != "pid"]
    if given := options.list("sysctl"):
        linux["sysctl"] = {**linux.get("sysctl", {}), **dict(setting(text) for text in given)}


def user_of(root: int, options: Options, image: ImageConfig) -> User:
    """Return whom the program runs as, with the groups of --group-add."""
    user = find_user(root, options.text("user") or image.config.get("User") or "")
    added = [find_group(root, group) for group in options.list("group-add")]
    return user._replace(additional_gids=tuple(sorted({*user.additional_gids, *added})))


def identity(user: User) -> dict[str, Any]:
    """Return the OCI user object."""
    found: dict[str, Any] = {"uid": user.uid, "gid": user.gid}
    if user.additional_gids:
        found["additionalGids"] = list(user.additional_gids)
    return found


def working_folder(options: Options, image: ImageConfig) -> str:
    """Return where the program starts."""
    folder = options.text("workdir")
    if folder is not None and not folder.startswith("/"):
        raise ArgumentInvalid(f"--workdir: {quote(folder)} is not an absolute path")
    return posixpath.normpath(folder or conversion.working_folder(image))


def setting(text: str) -> tuple[str, str]:
    """Part a --sysctl NAME=VALUE."""
    name, equals, value = text.partition("=")
    if not name or not equals:
        raise ArgumentInvalid(f"--sysctl: {quote(text)} is not NAME=VALUE")
    return name, value


def bound(source: str, target: str) -> dict[str, Any]:
    """Return a read-only bind mount."""
    return {"destination": target, "type": "bind", "source": source, "options": ["rbind", "rprivate", "ro"]}


def merged_mounts(usual: list[dict[str, Any]], asked: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return both lists as one; what is asked for at the place of a usual mount takes its place, and order.

    The others follow, outer ones first, for they would hide the inner ones.
    """
    last = {mount["destination"]: mount for mount in asked}
    kept = [last.pop(mount["destination"], mount) for mount in usual]
    return [*kept, *sorted(last.values(), key=lambda mount: mount["destination"].count("/"))]
