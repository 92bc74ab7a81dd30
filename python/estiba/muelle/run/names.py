# SPDX-License-Identifier: Apache-2.0
"""/etc/hostname, /etc/hosts and /etc/resolv.conf of a container: files of its own, mounted over the image's."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from estiba.errors import ArgumentInvalid
from estiba.spec.words import quote

LOCAL = """\
127.0.0.1\tlocalhost
::1\tlocalhost ip6-localhost ip6-loopback
fe00::0\tip6-localnet
ff00::0\tip6-mcastprefix
ff02::1\tip6-allnodes
ff02::2\tip6-allrouters
"""
LONGEST_HOSTNAME = 64
"""__NEW_UTS_LEN of the kernel."""


def write_names(
    folder: Path, hostname: str, *, has_host_network: bool, added: list[str]
) -> list[dict[str, Any]]:
    """Write the three files into `folder`; return their mounts. On the host's network they say what the host's say.

    Raises ArgumentInvalid for a name or an --add-host that is none.
    """
    if not 0 < len(hostname.encode()) <= LONGEST_HOSTNAME or any(letter.isspace() for letter in hostname):
        raise ArgumentInvalid(f"--hostname: {quote(hostname)} is no host name of at most 64 bytes")
    hosts = _read("/etc/hosts") if has_host_network else f"{LOCAL}127.0.1.1\t{hostname}\n"
    written = {
        "hostname": f"{hostname}\n",
        "hosts": hosts + "".join(_host(text) for text in added),
        "resolv.conf": _read("/etc/resolv.conf") if has_host_network else "",
    }
    for name, text in written.items():
        with open(folder / name, "w", encoding="utf-8", errors="surrogateescape") as file:
            os.fchmod(file.fileno(), 0o644)
            file.write(text)
    return [
        {
            "destination": f"/etc/{name}",
            "type": "bind",
            "source": str(folder / name),
            "options": ["rbind", "rprivate"],
        }
        for name in written
    ]


def _read(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="surrogateescape") as file:
            return file.read()
    except OSError:
        return ""  # the host has none, so neither has the container


def _host(text: str) -> str:
    name, _colon, address = text.partition(":")
    if not name or not address or any(letter.isspace() for letter in text):
        raise ArgumentInvalid(f"--add-host: {quote(text)} is not NAME:ADDRESS")
    return f"{address.strip('[]')}\t{name}\n"
