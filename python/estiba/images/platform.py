# SPDX-License-Identifier: Apache-2.0
"""Platforms: which of the images behind one name runs here. `linux/amd64`, `linux/arm64/v8`, `linux/arm/v7`."""

from __future__ import annotations

import os
from typing import NamedTuple

from estiba.errors import ReferenceInvalid

_MACHINES = {
    "x86_64": ("amd64", None),
    "i386": ("386", None),
    "i686": ("386", None),
    "aarch64": ("arm64", None),
    "armv6l": ("arm", "v6"),
    "armv7l": ("arm", "v7"),
    "ppc64le": ("ppc64le", None),
    "riscv64": ("riscv64", None),
    "s390x": ("s390x", None),
    "loongarch64": ("loong64", None),
    "mips64": ("mips64le", None),
}
"""uname(2)'s machine to Go's architecture and variant: the words of images."""

_FORM = "write OS/ARCHITECTURE or OS/ARCHITECTURE/VARIANT, as linux/arm64"
_ALIASES = {"x86_64": "amd64", "x86-64": "amd64", "aarch64": "arm64", "armhf": "arm", "i386": "386"}
SYSTEMS = (
    "aix android darwin dragonfly freebsd hurd illumos ios js linux nacl netbsd openbsd plan9 solaris wasip1 windows"
    " zos"
)
ARCHITECTURES = (
    "386 amd64 amd64p32 arm armbe arm64 arm64be loong64 mips mipsle mips64 mips64le mips64p32 mips64p32le ppc ppc64"
    " ppc64le riscv riscv64 s390 s390x sparc sparc64 wasm"
)
"""GOOS and GOARCH as Go has them (internal/syslist): by these names images say what they are for."""

_PLAIN_VARIANTS = {"arm64": "v8", "arm": "v7", "amd64": "v1"}
"""What an absent variant means: containerd/platforms normalizes so."""


class Platform(NamedTuple):
    """What an image is for."""

    os: str
    architecture: str
    variant: str | None = None

    def __str__(self) -> str:
        return "/".join(filter(None, self))

    def rank(self, offered: Platform) -> int | None:
        """Return how well `offered` runs on this platform: 0 is the same, more is older; None: not at all."""
        if (offered.os, offered.architecture) != (self.os, self.architecture):
            return None
        mine, other = _variant(self), _variant(offered)
        if mine == other:
            return 0
        versions = [text[1:] for text in (mine, other) if text.startswith("v")]
        if len(versions) < 2 or not all(v.isascii() and v.isdigit() for v in versions):
            return None
        older = int(versions[0]) - int(versions[1])
        return older if older > 0 else None


def parse(text: str) -> Platform:
    """Return the platform that `text` names: OS/ARCHITECTURE[/VARIANT], or an architecture of Linux.

    Raises ReferenceInvalid.
    """
    parts = text.lower().split("/")
    if len(parts) == 1:
        parts.insert(0, "linux")
    if len(parts) > 3 or not all(parts):
        raise ReferenceInvalid(f'"{text}" is not a platform', hint=_FORM)
    parts[1] = _ALIASES.get(parts[1], parts[1])
    for part, words, what in ((parts[0], SYSTEMS, "system"), (parts[1], ARCHITECTURES, "architecture")):
        if part not in (known := words.split()):
            from difflib import get_close_matches

            near = next(iter(get_close_matches(part, known, 1)), None)
            raise ReferenceInvalid(
                f'"{text}" is not a platform: "{part}" is no {what} that is known',
                hint=f'did you mean "{near}"?' if near else _FORM,
            )
    return Platform(*parts)


def host() -> Platform:
    """Return what this machine runs."""
    machine = os.uname().machine
    architecture, variant = _MACHINES.get(machine, (machine, None))
    return Platform("linux", architecture, variant)


def _variant(platform: Platform) -> str:
    return platform.variant or _PLAIN_VARIANTS.get(platform.architecture, "")
