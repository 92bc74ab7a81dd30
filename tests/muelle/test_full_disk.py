# SPDX-License-Identifier: Apache-2.0
"""A store on a disk that is full: every verb says so, and what was there before is whole and works on."""

from __future__ import annotations

import io
import os
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from estiba.images import Store
from estiba.images.reference import parse
from muelle.conftest import Muelle, put, watched
from support.images import put_image
from support.registry import Registry

pytestmark = pytest.mark.requires("root")

FREE = 300 << 10
"""Bytes that are left where something is to be written that is larger."""
LARGE = 1 << 20
FULL = "no space or quota left (ENOSPC)"


class Disk:
    """A small file system in memory."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=12m", "none", folder], check=True)

    def fill(self, free: int) -> None:
        """Leave so many bytes."""
        status = os.statvfs(self.folder)
        left = status.f_bavail * status.f_frsize - free
        with open(self.folder / "filler", "wb") as file:
            os.posix_fallocate(file.fileno(), 0, left)

    def empty(self) -> None:
        """Give back what `fill` took."""
        (self.folder / "filler").unlink()


@pytest.fixture
def disk(folder: Path) -> Iterator[Disk]:
    """A disk of the test's own."""
    made = Disk(folder / "disk")
    yield made
    subprocess.run(["umount", made.folder], check=True)


@pytest.fixture
def muelle(disk: Disk, folder: Path, busybox_layer: bytes, cgroup_parent: str) -> Iterator[Muelle]:
    """The command over a store on the disk, with `busybox`, which has run there."""
    put(Store.open(disk.folder / "store"), "busybox", busybox_layer, Cmd=["sh"], Env=["PATH=/bin"])
    made = Muelle(disk.folder / "store", folder / "state", cgroup_parent)
    for _ in watched(made, folder):
        assert made.run("--rm", "busybox", "true").returncode == 0
        yield made


def refused(muelle: Muelle, disk: Disk, *words: str | Path) -> None:
    """Hold that a command line fails for want of room, in one sentence, and that nothing has come of it."""
    before = muelle("images", "-a", "--no-trunc", "--format", "json").stdout
    disk.fill(FREE)
    done = muelle(*words)
    lines = [line for line in done.stderr.splitlines() if not line.startswith(("#", "layer ", "config "))]
    assert (done.returncode, done.stdout) == (1, "")
    assert lines[0].endswith(FULL)
    assert lines[1:] in ([], ["hint: `muelle prune` frees what no name uses"])
    disk.empty()
    assert muelle("images", "-a", "--no-trunc", "--format", "json").stdout == before
    assert muelle("fsck").stdout == "the store is sound\n"
    assert os.listdir(muelle.store / "tmp") == [".guard"]
    assert muelle.out("busybox", "echo", "on") == "on\n"


def test_a_build_that_copies(muelle: Muelle, disk: Disk, folder: Path) -> None:
    (folder / "web").mkdir()
    (folder / "web/Containerfile").write_text("FROM busybox\nCOPY large /\n")
    (folder / "web/large").write_bytes(os.urandom(LARGE))
    refused(muelle, disk, "build", "-t", "web", folder / "web")


def test_a_build_that_runs(muelle: Muelle, disk: Disk, folder: Path) -> None:
    """The program meets the end of the disk first; what it has left cannot be packed."""
    (folder / "web").mkdir()
    run = "RUN head -c 1000000 /dev/urandom > /large || echo too large\n"
    (folder / "web/Containerfile").write_text(f"FROM busybox\n{run}")
    refused(muelle, disk, "build", "-t", "web", folder / "web")


def test_a_run_that_fails_is_told_of_all_the_same(muelle: Muelle, disk: Disk, folder: Path) -> None:
    """With its exit code; the hint says why there is nothing to enter."""
    (folder / "web").mkdir()
    run = "RUN head -c 1000000 /dev/urandom > /large || exit 7\n"
    (folder / "web/Containerfile").write_text(f"FROM busybox\n{run}")
    disk.fill(FREE)
    done = muelle("build", "-q", folder / "web")
    assert done.returncode == 7
    assert done.stderr.splitlines()[-2:] == [
        f"Containerfile:2: {run.strip()}: RUN failed with exit code 7",
        f"hint: what this step has left could not be kept: cannot write the layer: {FULL}",
    ]
    disk.empty()
    assert muelle("fsck").stdout == "the store is sound\n"


def test_an_import(muelle: Muelle, disk: Disk, folder: Path) -> None:
    with tarfile.open(folder / "root.tar", "w") as archive:
        entry = tarfile.TarInfo("large")
        entry.size = LARGE
        archive.addfile(entry, io.BytesIO(os.urandom(LARGE)))
    refused(muelle, disk, "import", folder / "root.tar", "web")


@pytest.fixture
def large(folder: Path) -> Store:
    """A store elsewhere with an image that is large, `web`."""
    made = Store.open(folder / "large")
    made.references.move(parse("web"), put_image(made.blobs, [{"large": os.urandom(LARGE)}]), verb="build")
    return made


def test_a_load(muelle: Muelle, disk: Disk, folder: Path, large: Store) -> None:
    elsewhere = Muelle(Path(large.root), folder / "state", "")
    assert elsewhere("save", "-o", folder / "web.tar", "web").returncode == 0
    refused(muelle, disk, "load", "-i", folder / "web.tar")
    refused(muelle, disk, "copy", f"oci:{large.root}/oci", "web")


def test_a_pull(muelle: Muelle, disk: Disk, folder: Path, large: Store) -> None:
    elsewhere = Muelle(Path(large.root), folder / "state", "")
    with Registry() as registry:
        assert elsewhere("push", "web", f"{registry.domain}/web:1").returncode == 0
        refused(muelle, disk, "pull", f"{registry.domain}/web:1")


def test_a_commit(muelle: Muelle, disk: Disk) -> None:
    done = muelle.run("--name", "c", "busybox", "sh", "-c", "head -c 1000000 /dev/urandom > /large")
    assert done.returncode == 0
    refused(muelle, disk, "commit", "c", "web")
    assert muelle("rm", "c").returncode == 0


@pytest.mark.parametrize("words", [["save", "-o"], ["export", "-o"], ["save", "--format", "oci-dir", "-o"]])
def test_a_target_that_is_full_gets_no_half_file(
    muelle: Muelle, disk: Disk, folder: Path, words: list[str]
) -> None:
    """The store is elsewhere, and no room in it would help."""
    disk.fill(FREE)
    before = sorted(os.listdir(disk.folder))
    done = muelle(*words, disk.folder / "made", "busybox")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.splitlines()[0].endswith(FULL)
    assert sorted(os.listdir(disk.folder)) == before


def test_a_bundle_for_which_there_is_no_room(muelle: Muelle, disk: Disk) -> None:
    disk.fill(FREE)
    before = sorted(os.listdir(disk.folder))
    done = muelle("bundle", "busybox", disk.folder / "made")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.endswith(f"{FULL}\n")
    assert sorted(os.listdir(disk.folder)) == before


def test_a_name_does_not_move_where_its_log_cannot_grow(muelle: Muelle, disk: Disk) -> None:
    """Not one byte is left: a name is where it was, or it has moved; and its log is whole."""
    assert muelle("tag", "busybox", "web").returncode == 0
    before = muelle("history", "--versions", "--format", "json", "web").stdout
    disk.fill(0)
    for words in (["tag", "busybox", "new"], ["untag", "web"]):
        done = muelle(*words)
        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr.splitlines()[0].endswith(FULL)
    disk.empty()
    assert muelle("history", "--versions", "--format", "json", "web").stdout == before
    assert muelle("fsck").stdout == "the store is sound\n"
    assert "new" not in muelle("images").stdout
    assert muelle("tag", "busybox", "new").returncode == 0


def test_what_nobody_uses_can_be_removed_where_no_byte_is_left(
    muelle: Muelle, disk: Disk, folder: Path
) -> None:
    """As the hint says."""
    (folder / "web").mkdir()
    (folder / "web/Containerfile").write_text("FROM busybox\nRUN head -c 1000000 /dev/urandom > /large\n")
    assert muelle("build", "-q", folder / "web").returncode == 0
    disk.fill(0)
    done = muelle("prune", "-a")
    assert (done.returncode, done.stderr) == (0, "")
    assert "removed: " in done.stdout
    status = os.statvfs(disk.folder)
    assert status.f_bavail * status.f_frsize > 1 << 20
    assert muelle("fsck").stdout == "the store is sound\n"
    disk.empty()
    assert muelle.out("busybox", "echo", "on") == "on\n"
