# SPDX-License-Identifier: Apache-2.0
"""An image as plain data: its config, and the tree that its layers make, read from an archive by tarfile alone.

None of our own code reads layers here, so that a mistake of ours is not made twice.
"""

from __future__ import annotations

import hashlib
import io
import json
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple


class Entry(NamedTuple):
    """One path of a tree. Times do not count."""

    kind: str
    mode: int
    owner: tuple[int, int]
    content: str
    """A file's digest, a link's target, a device's numbers."""
    attributes: tuple[tuple[str, str], ...]
    links: tuple[str, ...]
    """The other names of the same file."""

    def __str__(self) -> str:
        attributes = " ".join(f"{name}={value}" for name, value in self.attributes)
        same = f" = {' '.join(self.links)}" if self.links else ""
        return f"{self.kind} {self.mode:04o} {self.owner[0]}:{self.owner[1]} {self.content} {attributes}{same}".rstrip()


Tree = dict[str, Entry]


class Image(NamedTuple):
    """What is compared."""

    config: dict[str, Any]
    tree: Tree
    layers: int


def read(path: Path) -> Image:
    """Read an OCI layout, or an archive of one, or what `docker save` writes; the first image in it."""
    if path.is_dir():
        return _from_layout(lambda name: (path / name).read_bytes())
    with tarfile.open(path) as archive:
        names = set(archive.getnames())

        def blob(name: str) -> bytes:
            file = archive.extractfile(name)
            assert file is not None
            return file.read()

        if "index.json" in names:
            return _from_layout(blob)
        (saved,) = json.loads(blob("manifest.json"))
        config = json.loads(blob(saved["Config"]))
        return Image(
            config, _tree(blob(_real(archive, layer)) for layer in saved["Layers"]), len(saved["Layers"])
        )


def _real(archive: tarfile.TarFile, name: str) -> str:
    """docker save writes a layer that is there twice as a link."""
    member = archive.getmember(name)
    return (
        str(PurePosixPath(name).parent / member.linkname).replace("/../", "/").split("/", 1)[-1]
        if member.issym()
        else name
    )


def _from_layout(blob: Any) -> Image:
    def named(digest: str) -> bytes:
        return blob(f"blobs/{digest.replace(':', '/')}")  # type: ignore[no-any-return]

    descriptor = json.loads(blob("index.json"))["manifests"][0]
    manifest = json.loads(named(descriptor["digest"]))
    while "manifests" in manifest:
        manifest = json.loads(named(manifest["manifests"][0]["digest"]))
    layers = [named(layer["digest"]) for layer in manifest["layers"]]
    return Image(json.loads(named(manifest["config"]["digest"])), _tree(layers), len(layers))


def _tree(layers: Any) -> Tree:
    """Lay the layers over each other."""
    found: dict[str, tuple[Entry, object]] = {}
    for data in layers:
        with tarfile.open(fileobj=io.BytesIO(_plain(data))) as tar:
            _lay(found, tar)
    groups: dict[int, list[str]] = {}
    for path, (_, file) in found.items():
        groups.setdefault(id(file), []).append(path)
    return {
        path: entry._replace(links=tuple(sorted(each for each in groups[id(file)] if each != path)))
        for path, (entry, file) in sorted(found.items())
    }


def _lay(found: dict[str, tuple[Entry, object]], tar: tarfile.TarFile) -> None:
    """Lay one layer over what is there; its whiteouts are of what was below it only."""
    members = [(_clean(member.name), member) for member in tar]
    for path, member in members:
        folder, name = path.rpartition("/")[::2]
        if name == ".wh..wh..opq":
            _remove(found, folder, itself=False)
        elif name.startswith(".wh."):
            _remove(found, f"{folder}/{name[4:]}".lstrip("/"), itself=True)
    for path, member in members:
        if path.rpartition("/")[2].startswith(".wh.") or path == "":
            continue
        if member.islnk():
            found[path] = found[_clean(member.linkname)]
            continue
        if not member.isdir():
            _remove(found, path, itself=True)
        elif path in found and found[path][0].kind != "folder":
            del found[path]
        found[path] = (_entry(tar, member), object())


def _remove(found: dict[str, tuple[Entry, object]], path: str, *, itself: bool) -> None:
    below = f"{path}/" if path else ""
    for each in [each for each in found if each.startswith(below)]:
        del found[each]
    if itself:
        found.pop(path, None)


def _entry(tar: tarfile.TarFile, member: tarfile.TarInfo) -> Entry:
    kind, content = "file", ""
    if member.isdir():
        kind = "folder"
    elif member.issym():
        kind, content = "link", member.linkname
    elif member.ischr() or member.isblk():
        kind, content = "device", f"{'c' if member.ischr() else 'b'} {member.devmajor}:{member.devminor}"
    elif member.isfifo():
        kind = "fifo"
    else:
        file = tar.extractfile(member)
        assert file is not None
        content = f"{member.size} {hashlib.sha256(file.read()).hexdigest()[:12]}"
    mode = 0o777 if member.issym() else member.mode & 0o7777
    return Entry(kind, mode, (member.uid, member.gid), content, tuple(sorted(_attributes(member))), ())


def _attributes(member: tarfile.TarInfo) -> Iterator[tuple[str, str]]:
    for name, value in member.pax_headers.items():
        if name.startswith("SCHILY.xattr."):
            yield name.removeprefix("SCHILY.xattr."), value.encode(errors="surrogateescape").hex()


def _clean(name: str) -> str:
    path = str(PurePosixPath("/", name))[1:]
    return "" if path == "." else path


def _plain(data: bytes) -> bytes:
    """Take the compression off."""
    for magic, program in ((b"\x1f\x8b", "gzip"), (b"\x28\xb5\x2f\xfd", "zstd")):
        if data.startswith(magic):
            return subprocess.run([program, "-dc"], input=data, capture_output=True, check=True).stdout
    return data
