# SPDX-License-Identifier: Apache-2.0
"""The process object of an exec: the container's own, with what the caller wants otherwise."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from estiba import _core
from estiba.bundle import Bundle
from estiba.errors import ConfigInvalid
from estiba.lifecycle.proof import judged_process

if TYPE_CHECKING:
    from collections.abc import Sequence

CHANGED = "config.json has changed since the container was created: put it right, or give a whole process"


def exec_process(
    config: object,
    args: Sequence[str],
    *,
    env: Sequence[str] = (),
    cwd: str | None = None,
    user: str | None = None,
    additional_gids: Sequence[int] = (),
    capabilities: Sequence[str] = (),
    terminal: bool = False,
    no_new_privileges: bool = False,
    apparmor_profile: str | None = None,
    selinux_label: str | None = None,
) -> dict[str, Any]:
    """Take the process of `config`, replace its args, add environment, groups and capabilities.

    Capabilities join the bounding, effective and permitted sets, never the inheritable one (CVE-2022-29162).
    Raises ConfigInvalid when the container's own process has become invalid, or `user` is no pair of ids.
    """
    process = own_process(config)
    process["args"] = list(args)
    process["terminal"] = terminal
    process["env"] = [*(process.get("env") or []), *env]
    process.setdefault("cwd", "/")
    if cwd is not None:
        process["cwd"] = cwd
    if no_new_privileges:
        process["noNewPrivileges"] = True
    if apparmor_profile is not None:
        process["apparmorProfile"] = apparmor_profile
    if selinux_label is not None:
        process["selinuxLabel"] = selinux_label
    identity = process["user"] = dict(process.get("user") or {"uid": 0, "gid": 0})
    if user is not None:
        identity.update(read_user(user))
    if additional_gids:
        identity["additionalGids"] = [*(identity.get("additionalGids") or []), *additional_gids]
    if capabilities:
        sets = process["capabilities"] = dict(process.get("capabilities") or {})
        for name in ("bounding", "effective", "permitted"):
            held = sets.get(name) or []
            sets[name] = [*held, *(each for each in capabilities if each not in held)]
    return process


def config_of(root: str, id: str) -> object:
    """Read the config again that a container was made of. Raises ContainerNotFound, ConfigInvalid."""
    record = json.loads(_core.record(root=root, id=id))
    return Bundle(record["bundle"], config_file=record.get("config")).config


def own_process(config: object) -> dict[str, Any]:
    """Return a copy of the container's process. Its file may have changed since the container was made of it."""
    if isinstance(config, dict) and config.get("process") is None:
        return {}
    own = config["process"] if isinstance(config, dict) else config
    try:
        process: dict[str, Any] = json.loads(judged_process(own, "config.json", below="/process"))
    except ConfigInvalid as error:
        error.hint = error.hint or CHANGED
        raise
    return process


def read_user(text: str) -> dict[str, int]:
    """Read UID or UID:GID, digits only (CVE-2026-30892). Without a GID the container's stays."""
    uid, colon, gid = text.partition(":")
    parts = [uid, gid] if colon else [uid]
    if not all(is_id(part) for part in parts):
        hint = "names are not looked up: give the numbers"
        raise ConfigInvalid(f'process.json /user: "{text}" is not UID or UID:GID', pointer="/user", hint=hint)
    return dict(zip(("uid", "gid"), map(int, parts), strict=False))


def is_id(text: str) -> bool:
    """Return whether it is a user or group id in decimal digits."""
    return text.isascii() and text.isdigit() and len(text) <= 10 and int(text) < 2**32 - 1
