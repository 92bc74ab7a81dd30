# SPDX-License-Identifier: Apache-2.0
"""Images to and from podman and Docker, by archives and by a registry: digests equal, and they run on both sides."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from clients import docker as docker_client
from clients import podman as podman_client
from clients.client import Client
from clients.site import Site
from estiba.images import Image, Store

from .conftest import Running, serving

MUELLE = Path(sys.executable).parent / "muelle"
RUNC = Path("/usr/sbin/runc")
NAME = "docker.io/library/web:latest"
CONTAINERFILE = """\
FROM scratch
COPY busybox /bin/busybox
RUN ["/bin/busybox", "--install", "-s", "/bin"]
RUN mkdir -p /srv/data && echo one > /srv/data/one && ln /srv/data/one /srv/hard && echo gone > /srv/gone
RUN rm /srv/gone && chmod 700 /srv/data
ENV GREETING=hello
WORKDIR /srv
USER 7:8
CMD ["sh", "-c", "echo $GREETING from $(id -u) in $(pwd): $(ls)"]
"""
SAID = "hello from 7 in /srv: data hard\n"


class Ours:
    """muelle over a store of its own, in the network of a site."""

    def __init__(self, folder: Path, site: Site | None = None) -> None:
        self.folder = folder
        folder.mkdir(parents=True)
        self._enter = ["nsenter", f"--net=/proc/{site.pid}/ns/net"] if site else []

    @property
    def store(self) -> Store:
        """The store."""
        return Store.open(self.folder / "store")

    def __call__(self, *words: str | Path) -> str:
        """Run a command line that has to work; return what it prints."""
        places = ["--store", str(self.folder / "store"), "--root", str(self.folder / "state")]
        done = subprocess.run(
            [*self._enter, MUELLE, *places, *words],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def image(self, name: str) -> Image:
        """Return an image of the store."""
        return Image.resolve(self.store, name)

    def check(self, name: str, said: str = SAID) -> None:
        """Hold that an image runs, and that the store is sound."""
        assert self("run", "--rm", name) == said
        assert self("fsck") == "the store is sound\n"


@pytest.fixture(scope="session")
def web(session_folder: Path) -> Ours:
    """A store with `web`, built by muelle."""
    made = Ours(session_folder / "engines")
    context = made.folder / "web"
    context.mkdir()
    shutil.copy(shutil.which("busybox") or "", context / "busybox")
    (context / "Containerfile").write_text(CONTAINERFILE)
    made("build", "-q", "-t", NAME, context)
    for form in ("docker-archive", "oci-archive"):
        made("save", "--format", form, "-o", made.folder / form, NAME)
    return made


@pytest.fixture(scope="session", params=["podman", "docker"])
def client(request: pytest.FixtureRequest, session_folder: Path, web: Ours) -> Iterator[Client]:
    """One of the two with Debian's runc, and with `web` loaded from an archive of ours."""
    name: str = request.param
    site = Site(name, "as-it-is", session_folder / f"engines-{name}", RUNC)
    try:
        module = {"podman": podman_client, "docker": docker_client}[name]
        made = module.prepare(site, RUNC, web.folder / "docker-archive")
        yield made
        made.close()
    finally:
        site.close()


@pytest.fixture
def registry(client: Client, tmp_path: Path) -> Iterator[Running]:
    """Debian's registry in the client's network."""
    with serving(tmp_path, [], ["nsenter", f"--net=/proc/{client.site.pid}/ns/net"]) as running:
        yield running


@pytest.fixture
def mine(client: Client, tmp_path: Path) -> Ours:
    """An empty store of ours in the client's network."""
    return Ours(tmp_path / "mine", client.site)


def loose(client: Client) -> list[str]:
    """Return what podman has to be told before it speaks to a registry without TLS; Docker does so on loopback."""
    return ["--tls-verify=false"] if client.site.name == "podman" else []


def pushed(client: Client, name: str, folder: Path) -> str:
    """Let a client push an image; return the digest that it says. podman packs layers anew, and has another before."""
    if client.site.name == "docker":
        return client.out("push", name).partition("digest: ")[2].split()[0]
    client.must("push", *loose(client), "--digestfile", str(folder / "digest"), name)
    return (folder / "digest").read_text().strip()


def id_of(client: Client, name: str) -> str:
    """Return an image's id as the client has it."""
    found = client.out("image", "inspect", "--format", "{{.Id}}", name)
    return found if found.startswith("sha256:") else f"sha256:{found}"


def digests_of(client: Client, name: str) -> str:
    """Return the digests that an image has at registries."""
    return client.out("image", "inspect", "--format", "{{.RepoDigests}}", name)


def ran(client: Client, name: str, *command: str) -> str:
    """Return what a container of the client's prints."""
    return client.must("run", "--rm", "--network", "none", name, *command).out


def test_they_load_and_run_our_archive(client: Client, web: Ours) -> None:
    """The id is ours: the config went over byte for byte."""
    assert id_of(client, NAME) == web.image(NAME).id
    assert ran(client, NAME) == SAID


def test_podman_loads_our_oci_archive(client: Client, web: Ours) -> None:
    """With the manifest: its digest is ours; Docker 20.10 reads none."""
    if client.site.name == "podman":
        client.must("rmi", "-f", NAME)
        client.must("load", "-i", str(web.folder / "oci-archive"))
        assert client.out("image", "inspect", "--format", "{{.Digest}}", NAME) == web.image(NAME).digest
        assert ran(client, NAME) == SAID


def forms(client: Client) -> Sequence[list[str]]:
    """Return the options for each format that a client saves in."""
    if client.site.name == "docker":
        return [[]]
    return [["--format", "docker-archive"], ["--format", "oci-archive"]]


def test_we_load_and_run_their_archives(client: Client, web: Ours, mine: Ours, tmp_path: Path) -> None:
    """The config and the layers' tars are those that they got; how these are packed is theirs to choose."""
    for number, form in enumerate(forms(client)):
        path = tmp_path / f"saved{number}.tar"
        client.must("save", *form, "-o", str(path), NAME)
        mine("load", "-i", path)
        assert mine.image(NAME).id == web.image(NAME).id
        assert mine.image(NAME).config.diff_ids == web.image(NAME).config.diff_ids
        mine.check(NAME)
        mine("rmi", NAME)


def test_they_pull_and_run_what_we_push(client: Client, mine: Ours, web: Ours, registry: Running) -> None:
    """By the digest that we said."""
    name = f"{registry.domain}/ours:1"
    mine("load", "-q", "-i", web.folder / "oci-archive")
    assert mine("push", "-q", NAME, name).strip() == web.image(NAME).digest
    client.must("pull", *loose(client), name)
    assert web.image(NAME).digest in digests_of(client, name)
    assert id_of(client, name) == web.image(NAME).id
    assert ran(client, name) == SAID
    client.must("rmi", name)


def test_we_pull_and_run_what_they_built_and_pushed(
    client: Client, mine: Ours, registry: Running, tmp_path: Path
) -> None:
    """On top of an image of ours; the digest is the one that they said, and what we push back is the same."""
    name = f"{registry.domain}/theirs:1"
    (tmp_path / "Containerfile").write_text(
        f"FROM {NAME}\nUSER 0\nRUN rm hard && echo more > /srv/more\nUSER 7\n"
    )
    client.must(
        "build", "--network", "host", "-t", name, "-f", str(tmp_path / "Containerfile"), str(tmp_path)
    )
    digest = pushed(client, name, tmp_path)
    mine("pull", name)
    image = mine.image(name)
    assert image.digest == digest
    assert image.id == id_of(client, name)
    said = "hello from 7 in /srv: data more\n"
    mine.check(name, said)
    assert ran(client, name) == said
    again = f"{registry.domain}/again:1"
    assert mine("push", "-q", name, again).strip() == image.digest
    client.must("pull", *loose(client), again)
    assert id_of(client, again) == image.id
    client.must("rmi", "-f", name, again)
