# SPDX-License-Identifier: Apache-2.0
"""Fixtures of the tests of `muelle`: a store with a busybox image, the command over it, nothing left afterwards."""

from __future__ import annotations

import gzip
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from estiba.images import Descriptor, History, ImageConfig, Manifest, Store, digest, media
from estiba.images.reference import parse
from support import leftovers, processes, rootfs, views
from support.processes import Pipe
from support.registry import Registry

PROGRAM = Path(sys.executable).parent / "muelle"
CREATED = "2026-01-01T00:00:00Z"


class Muelle:
    """The command, over one store and one state root."""

    def __init__(self, store: Path, state: Path, cgroup_parent: str) -> None:
        self.store, self.state, self.cgroup_parent = store, state, cgroup_parent
        self.environ = {**os.environ, "ESTIBA_STORE": str(store), "ESTIBA_ROOT": str(state)}

    def __call__(self, *args: str | Path, **options: Any) -> subprocess.CompletedProcess[str]:
        """Run a command line to its end."""
        return self._call(PROGRAM, *args, **options)

    def python(self, *args: str | Path, **options: Any) -> subprocess.CompletedProcess[str]:
        """Run the interpreter over the same store."""
        return self._call(Path(sys.executable), *args, **options)

    def _call(self, program: Path, *args: str | Path, **options: Any) -> subprocess.CompletedProcess[str]:
        words = [str(arg) for arg in args]
        given: dict[str, Any] = {"stdin": subprocess.DEVNULL, "env": self.environ, "timeout": 60, **options}
        if "input" in given:
            del given["stdin"]
        return subprocess.run([program, *words], capture_output=True, text=True, check=False, **given)

    def run(self, *args: str | Path, **options: Any) -> subprocess.CompletedProcess[str]:
        """Run a container."""
        return self("run", "--cgroup-parent", self.cgroup_parent, *args, **options)

    def begin(self, *args: str | Path, **options: Any) -> subprocess.Popen[bytes]:
        """Begin to run a container; the caller waits for its end."""
        words = [PROGRAM, "run", "--cgroup-parent", self.cgroup_parent, *args]
        return subprocess.Popen(words, env=self.environ, **options)

    def out(self, *args: str | Path, **options: Any) -> str:
        """Run a container that has to succeed and to be silent on standard error; return what it prints."""
        done = self.run("--rm", *args, **options)
        assert (done.returncode, done.stderr) == (0, "")
        return done.stdout

    def containers(self) -> list[str]:
        """Return the folders of containers in the store."""
        return [name for name in os.listdir(self.store / "containers") if not name.startswith(".")]


@pytest.fixture(scope="session")
def busybox_layer(session_folder: Path, prepared: Path) -> bytes:
    """A layer with busybox, its applets and two users, as a tar."""
    tree = session_folder / "muelle-busybox"
    rootfs.make(tree, prepared)
    words: list[str | Path] = [
        "tar",
        "-C",
        tree,
        "--sort=name",
        "--mtime=@0",
        "--numeric-owner",
        "-cf",
        "-",
        ".",
    ]
    made = subprocess.run(words, capture_output=True, check=True).stdout
    shutil.rmtree(tree)
    return made


def put(store: Store, name: str, tar: bytes, **config: Any) -> None:
    """Put an image of one layer into a store."""
    packed = gzip.compress(tar, 1, mtime=0)
    layer = Descriptor(media.layer_type("gzip"), store.blobs.put(packed), len(packed))
    history = (History(created=CREATED, created_by="busybox"),)
    document = ImageConfig("amd64", "linux", config, (digest.of_bytes(tar),), history, CREATED).to_bytes()
    described = Descriptor(media.OCI_CONFIG, store.blobs.put(document), len(document))
    manifest = Manifest(described, (layer,)).to_bytes()
    found = Descriptor(media.OCI_MANIFEST, store.blobs.put(manifest), len(manifest))
    store.references.move(parse(name), found, verb="import")


@pytest.fixture(scope="session")
def busybox_store(session_folder: Path, busybox_layer: bytes) -> Path:
    """A store with the image `busybox`, for tests that add no image."""
    folder = session_folder / "muelle-store"
    put(Store.open(folder), "busybox", busybox_layer, Cmd=["sh"], Env=["PATH=/bin", "OWN=image"])
    return folder


@pytest.fixture
def muelle(folder: Path, busybox_store: Path, cgroup_parent: str) -> Iterator[Muelle]:
    """The command over a store with `busybox`; after the test nothing may be left of its containers."""
    made = Muelle(busybox_store, folder / "state", cgroup_parent)
    yield from watched(made, folder)


@pytest.fixture
def own_store(folder: Path, busybox_layer: bytes, cgroup_parent: str) -> Iterator[Muelle]:
    """The same over a store of the test's own."""
    put(Store.open(folder / "store"), "busybox", busybox_layer, Cmd=["sh"], Env=["PATH=/bin"])
    yield from watched(Muelle(folder / "store", folder / "state", cgroup_parent), folder)


def watched(muelle: Muelle, folder: Path) -> Iterator[Muelle]:
    """Fail a test after which a process, mount, cgroup, container or descriptor is there that was not before."""
    before = leftovers.Before([views.View("hybrid", hold=False)])
    names = (f"muelle-{folder.name}", muelle.cgroup_parent, f"em{os.getpid()}-")
    yield muelle
    processes.reap_orphans()
    left = leftovers.find(before, *names, muelle.state)
    left += [f"container {name}" for name in muelle.containers()]
    if left:
        leftovers.remove(before, *names, muelle.state)
        for name in muelle.containers():
            shutil.rmtree(muelle.store / "containers" / name)
        pytest.fail("left behind:\n  " + "\n  ".join(left))


@pytest.fixture
def reader() -> Iterator[Pipe]:
    """A pipe for a container's standard output."""
    made = Pipe()
    yield made
    made.close()


@pytest.fixture
def registry(own_store: Muelle) -> Iterator[Registry]:
    """A registry that does as it is told, with `busybox` as web:1, which is no longer in the store."""
    own_store.environ["REGISTRY_AUTH_FILE"] = str(own_store.store.parent / "auth.json")
    with Registry() as made:
        assert own_store("push", "-q", "busybox", f"{made.domain}/web:1").returncode == 0
        assert own_store("rmi", "busybox").returncode == 0
        made.log.clear()
        yield made
