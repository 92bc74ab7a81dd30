# SPDX-License-Identifier: Apache-2.0
"""What the program may do: --cap-add, --cap-drop, --privileged, --security-opt."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from estiba.errors import ArgumentInvalid, cause
from estiba.spec.container import CAPABILITIES
from estiba.spec.words import nearest, quote

if TYPE_CHECKING:
    from estiba.muelle.parse import Options

SECURITY = ("no-new-privileges", "seccomp", "apparmor", "label", "systempaths")


def capabilities(options: Options) -> tuple[str, ...]:
    """Return the capabilities of a container: Docker's, less the dropped, with the added ones.

    "ALL" is every one that the caller has, as is what --privileged gives: more nobody can hand on.
    """
    from estiba.tables.capabilities import CAPABILITIES as known

    own = _own()
    every = tuple(name for name, number in known.items() if own >> number & 1)
    added = _named(options.list("cap-add"), "--cap-add")
    dropped = _named(options.list("cap-drop"), "--cap-drop")
    if options.flag("privileged"):
        return every
    start = set(every) if "ALL" in added else set() if "ALL" in dropped else set(CAPABILITIES)
    kept = (start - dropped) | (added - {"ALL"})
    return tuple(name for name in known if name in kept)


def _own() -> int:
    """Return the caller's permitted capabilities, a bit each (proc_pid_status(5))."""
    with open("/proc/self/status", encoding="ascii", errors="replace") as file:
        return next(int(line.split()[1], 16) for line in file if line.startswith("CapPrm:"))


def _named(words: list[str], option: str) -> set[str]:
    """Return full names of capabilities; "net_admin" is CAP_NET_ADMIN. Raises ArgumentInvalid."""
    if not words:
        return set()
    from estiba.tables.capabilities import CAPABILITIES as every

    names = set()
    for word in (part for each in words for part in each.split(",")):
        name = word.upper()
        name = name if name == "ALL" or name.startswith("CAP_") else f"CAP_{name}"
        if name != "ALL" and name not in every:
            near = nearest(name, every)
            hint = (
                f"did you mean {quote(near.removeprefix('CAP_'))}?" if near else "capabilities(7) lists them"
            )
            raise ArgumentInvalid(f"{option}: {quote(word)} is not a capability", hint=hint)
        names.add(name)
    return names


def apply_security(config: dict[str, Any], options: Options) -> None:
    """Write what --security-opt says into a container's config. Raises ArgumentInvalid."""
    process, linux = config["process"], config["linux"]
    for given in options.list("security-opt"):
        name, value = _split(given)
        if name == "no-new-privileges":
            process["noNewPrivileges"] = value in ("", "true")
        elif name == "seccomp" and value == "unconfined":
            linux.pop("seccomp", None)
        elif name == "seccomp":
            linux["seccomp"] = _profile(value)
        elif name == "apparmor":
            process["apparmorProfile"] = value
        elif name == "label" and value != "disable":
            process["selinuxLabel"] = value
        elif name == "systempaths":
            for paths in ("maskedPaths", "readonlyPaths"):
                linux.pop(paths, None)


def _split(given: str) -> tuple[str, str]:
    """Part NAME=VALUE, or NAME:VALUE as older Dockers wrote it."""
    name, equals, value = given.partition("=")
    if not equals:
        name, _colon, value = given.partition(":")
    if name not in SECURITY:
        near = nearest(name, SECURITY)
        hint = f"did you mean {quote(near)}?" if near else f"it may be {', '.join(SECURITY)}"
        raise ArgumentInvalid(f"--security-opt: {quote(name)} is not known", hint=hint)
    if (name == "systempaths" and value != "unconfined") or (
        name == "no-new-privileges" and value not in ("", "true", "false")
    ):
        raise ArgumentInvalid(f"--security-opt: {name} cannot be {quote(value)}")
    return name, value


def _profile(path: str) -> dict[str, Any]:
    """Read a seccomp profile in the runtime's own form (linux.seccomp of the runtime specification)."""
    try:
        profile = json.loads(Path(path).read_bytes())
    except OSError as error:
        raise ArgumentInvalid(f"--security-opt: seccomp {quote(path)}: {cause(error.errno)}") from None
    except ValueError as error:
        raise ArgumentInvalid(f"--security-opt: seccomp {quote(path)}: not JSON: {error}") from None
    if not isinstance(profile, dict) or "archMap" in profile or "defaultAction" not in profile:
        hint = "it has to be what linux.seccomp of a config.json may be: architectures, and no archMap or includes"
        raise ArgumentInvalid(f"--security-opt: seccomp {quote(path)} is no profile", hint=hint)
    return profile
