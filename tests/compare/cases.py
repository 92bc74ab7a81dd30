# SPDX-License-Identifier: Apache-2.0
"""The corpus: one folder a case, with its Containerfile, its context, and case.toml for what git does not keep.

case.toml: arguments, target, secrets; `needs` are features that old builders lack; [[made]] are files with modes,
owners, links, attributes; [[archive]] are archives; [[base]] are images to be built first.
"""

from __future__ import annotations

import io
import os
import shutil
import tarfile
import tomllib
from pathlib import Path
from typing import Any, NamedTuple

CORPUS = Path(__file__).parents[1] / "build" / "containerfiles"

# VFS_CAP_REVISION_2, effective; cap_net_bind_service permitted.
CAPABILITY = bytes.fromhex("0100000200040000000000000000000000000000")


class Case(NamedTuple):
    """One Containerfile."""

    name: str
    folder: Path
    needs: frozenset[str]
    arguments: dict[str, str]
    target: str | None
    secrets: dict[str, str]
    settings: dict[str, Any]
    """case.toml, for what makes the context."""

    @property
    def text(self) -> str:
        """The Containerfile."""
        return (self.folder / "Containerfile").read_text()

    @property
    def bases(self) -> list[tuple[str, str]]:
        """Images to be built first: name and Containerfile."""
        return [(each["name"], each["containerfile"]) for each in self.settings.get("base", ())]


def corpus() -> list[Case]:
    """Read all cases."""
    return [_case(folder) for folder in sorted(CORPUS.iterdir()) if folder.is_dir()]


def _case(folder: Path) -> Case:
    file = folder / "case.toml"
    settings = tomllib.loads(file.read_text()) if file.exists() else {}
    return Case(
        folder.name,
        folder,
        frozenset(settings.get("needs", ())),
        settings.get("arguments", {}),
        settings.get("target"),
        settings.get("secrets", {}),
        settings,
    )


def make_context(case: Case, target: Path) -> None:
    """Make a case's context; only root can give files away."""
    shutil.copytree(case.folder, target, ignore=shutil.ignore_patterns("case.toml"))
    for path in [target, *target.rglob("*")]:
        path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)
    for made in case.settings.get("made", ()):
        _make(target, made)
    for archive in case.settings.get("archive", ()):
        _archive(target / archive["path"], archive["members"])


def _make(root: Path, made: dict[str, Any]) -> None:
    path = root / made["path"]
    path.parent.mkdir(parents=True, exist_ok=True)
    if "link" in made:
        path.symlink_to(made["link"])
        return
    if "hard_link" in made:
        path.hardlink_to(root / made["hard_link"])
        return
    if made.get("folder"):
        path.mkdir()
    else:
        path.write_text(made.get("text", ""))
    os.chown(path, made.get("uid", 0), made.get("gid", 0))
    path.chmod(made.get("mode", 0o755 if made.get("folder") else 0o644))
    for name, value in made.get("attributes", {}).items():
        os.setxattr(path, name, value.encode())
    if made.get("capability"):
        os.setxattr(path, "security.capability", CAPABILITY)


def _archive(path: Path, members: list[dict[str, Any]]) -> None:
    kinds = {"folder": tarfile.DIRTYPE, "link": tarfile.SYMTYPE, "hard link": tarfile.LNKTYPE}
    suffix = path.suffix.removeprefix(".")
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode=f"w:{'' if suffix == 'tar' else suffix}") as tar:  # type: ignore[call-overload]
        for member in members:
            text = member.get("text", "").encode()
            entry = tarfile.TarInfo(member["path"])
            entry.type = kinds.get(member.get("kind", ""), tarfile.REGTYPE)
            entry.linkname = member.get("target", "")
            entry.size, entry.mode = len(text), member.get("mode", 0o644)
            entry.uid, entry.gid = member.get("uid", 0), member.get("gid", 0)
            tar.addfile(entry, io.BytesIO(text))
    path.write_bytes(data.getvalue())
