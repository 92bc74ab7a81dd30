# SPDX-License-Identifier: Apache-2.0
"""One site and one client of each kind a session and view, and the check after each test that nothing is left."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from clients import containerd as containerd_client
from clients import docker as docker_client
from clients import podman as podman_client
from clients.client import IMAGE, Client, Watch
from clients.containerd import Containerd
from clients.docker import Docker
from clients.podman import Podman
from clients.site import Site
from support.runtime import command

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools"))
from image_archive import write_archive

PYTHON_DOOR = '#!/bin/sh\nexec {python} -I -m estiba "$@"\n'


@pytest.fixture(scope="session")
def image(session_folder: Path) -> Path:
    """The busybox image, as an archive that all clients load."""
    path = session_folder / "image.tar"
    write_archive(path, IMAGE, Path("/bin/busybox"))
    return path


@pytest.fixture(scope="session")
def runtime_file(session_folder: Path) -> Path:
    """The runtime under test as one executable file, as clients want it."""
    words = command()
    if len(words) == 1:
        return Path(words[0])
    path = session_folder / "estiba"
    path.write_text(PYTHON_DOOR.format(python=sys.executable))
    path.chmod(0o755)
    return path


@pytest.fixture(scope="session")
def view(request: pytest.FixtureRequest) -> str:
    """The name of the cgroup view that this test runs in."""
    return str(request.param)


def _started(
    module: ModuleType, view: str, session_folder: Path, runtime_file: Path, image: Path
) -> Iterator[Client]:
    name = module.__name__.rpartition(".")[2]
    site = Site(name, view, session_folder / f"{name}-{view}", runtime_file)
    try:
        client = module.prepare(site, runtime_file, image)
        yield client
        client.close()
    finally:
        site.close()


def _watched(client: Client) -> Iterator[Client]:
    watch = Watch(client)
    yield client
    client.sweep()
    if left := watch.left():
        watch.remove()
        pytest.fail("left behind:\n  " + "\n  ".join(left))


@pytest.fixture(scope="session")
def podman_session(view: str, session_folder: Path, runtime_file: Path, image: Path) -> Iterator[Client]:
    """podman, made ready once."""
    yield from _started(podman_client, view, session_folder, runtime_file, image)


@pytest.fixture(scope="session")
def containerd_session(view: str, session_folder: Path, runtime_file: Path, image: Path) -> Iterator[Client]:
    """containerd, started once."""
    yield from _started(containerd_client, view, session_folder, runtime_file, image)


@pytest.fixture(scope="session")
def docker_session(view: str, session_folder: Path, runtime_file: Path, image: Path) -> Iterator[Client]:
    """dockerd, started once."""
    yield from _started(docker_client, view, session_folder, runtime_file, image)


@pytest.fixture
def podman(podman_session: Podman) -> Iterator[Client]:
    """podman; after the test nothing may be left."""
    yield from _watched(podman_session)


@pytest.fixture
def containerd(containerd_session: Containerd) -> Iterator[Client]:
    """containerd by ctr; after the test nothing may be left."""
    yield from _watched(containerd_session)


@pytest.fixture
def docker(docker_session: Docker) -> Iterator[Client]:
    """Docker; after the test nothing may be left."""
    yield from _watched(docker_session)
