# SPDX-License-Identifier: Apache-2.0
"""The builders, each in a site of its own (private namespaces, no network but loopback): a case in, an image out."""

from __future__ import annotations

import sys
from abc import ABC, abstractmethod
from pathlib import Path

from clients import docker
from clients.client import Client
from clients.site import Site
from compare import image
from compare.cases import Case
from compare.image import Image

RUNC = Path("/usr/sbin/runc")
SECONDS = 300.0


class Refused(Exception):
    """A builder did not build a case."""


class Builder(ABC):
    """One builder, with the base images in its store."""

    name: str
    lacks: frozenset[str] = frozenset()
    """What a case may need and this version does not have."""

    def __init__(self, folder: Path, bases: list[Path]) -> None:
        self.site = Site(self.name, "hybrid", folder, RUNC)
        self.folder = folder
        self.client = self.prepare(bases)

    @abstractmethod
    def prepare(self, bases: list[Path]) -> Client:
        """Make the store, with the base images in it."""

    @abstractmethod
    def words(self, case: Case, tag: str) -> list[str]:
        """The command that builds a case, less what names Containerfile and context."""

    @abstractmethod
    def save(self, tag: str, target: Path) -> None:
        """Write an archive that `image.read` reads."""

    def build(self, case: Case, context: Path) -> Image:
        """Build a case. Raise Refused with the builder's words."""
        for name, text in case.bases:
            file = context.parent / "base.Containerfile"
            file.write_text(text)
            self._call(self.words(case, name), file, context)
        file = context.parent / "Containerfile"
        file.write_text(without_syntax(case.text))
        words = self.words(case, "localhost/built:compared")
        words += [
            word for name, value in case.arguments.items() for word in ("--build-arg", f"{name}={value}")
        ]
        words += ["--target", case.target] if case.target else []
        for name, value in case.secrets.items():
            secret = context.parent / f"secret-{name}"
            secret.write_text(value)
            words += ["--secret", f"id={name},src={secret}"]
        self._call(words, file, context)
        target = self.folder / f"{case.name}.tar"
        self.save("localhost/built:compared", target)
        try:
            return image.read(target)
        finally:
            target.unlink()

    def _call(self, words: list[str], file: Path, context: Path) -> None:
        result = self.client.call(*words, "-f", str(file), str(context), seconds=SECONDS)
        if result.code != 0:
            raise Refused(f"{self.name}: {result.err[-2000:]}{result.out[-500:]}")

    def close(self) -> None:
        """End the site and all in it."""
        self.site.close()


class Buildah(Builder):
    """Debian's buildah, writing the Docker format, which has HEALTHCHECK, SHELL and ONBUILD."""

    name = "buildah"
    lacks = frozenset(
        {"here-documents", "link", "choice", "patterns", "network", "escape-directive", "mknod"}
    )

    def prepare(self, bases: list[Path]) -> Client:
        """Pull the bases out of their archives."""
        store = ["--root", f"{self.folder}/graph", "--runroot", "/run/buildah", "--storage-driver", "overlay"]
        client = Client(self.site, ["/usr/bin/buildah", *store], {"HOME": str(self.folder)}, [Path("/run")])
        for base in bases:
            client.must("pull", "-q", f"docker-archive:{base}", seconds=SECONDS)
        return client

    def words(self, case: Case, tag: str) -> list[str]:
        """Build in the site's network, by runc."""
        options = ["--format", "docker", "--layers", "--no-cache", "--pull-never", "--isolation", "oci"]
        return ["build", "-q", *options, "--runtime", str(RUNC), "--network", "host", "--tag", tag]

    def save(self, tag: str, target: Path) -> None:
        """Write an OCI archive, layers as they are."""
        self.client.must("push", "-q", tag, f"docker-archive:{target}:{tag}", seconds=SECONDS)


class DockerBuilder(Builder):
    """Docker's daemon."""

    buildkit = "0"

    def prepare(self, bases: list[Path]) -> Client:
        """Start the daemon, and load the bases."""
        client = docker.prepare(self.site, RUNC, bases[0])
        client.environ["DOCKER_BUILDKIT"] = self.buildkit
        for base in bases[1:]:
            client.must("load", "-q", "-i", str(base), seconds=SECONDS)
        return client

    def words(self, case: Case, tag: str) -> list[str]:
        """Build in the site's network."""
        return ["build", "-q", "--no-cache", "--network", "host", "--tag", tag]

    def save(self, tag: str, target: Path) -> None:
        """Write a docker archive."""
        self.client.must("save", "-o", str(target), tag, seconds=SECONDS)

    def close(self) -> None:
        """Stop the daemon."""
        self.client.close()
        super().close()


class BuildKit(DockerBuilder):
    """The BuildKit in Docker's daemon."""

    name = "buildkit"
    buildkit = "1"
    lacks = frozenset({"here-documents", "link", "choice", "patterns", "containerignore", "network"})


class Classic(DockerBuilder):
    """Docker's builder of before."""

    name = "classic"
    lacks = BuildKit.lacks | {"mounts", "chmod", "secret", "platform", "network"}


class Estiba(Builder):
    """Ours, by its command."""

    name = "estiba"

    def prepare(self, bases: list[Path]) -> Client:
        """Load the bases into a store."""
        words = [str(Path(sys.executable).with_name("muelle")), "--store", f"{self.folder}/store"]
        client = Client(self.site, words, {"HOME": str(self.folder)}, [Path("/run")])
        for base in bases:
            client.must("load", "--input", str(base), seconds=SECONDS)
        return client

    def words(self, case: Case, tag: str) -> list[str]:
        """Build without a cache."""
        return ["build", "--progress", "plain", "--no-cache", "--tag", tag]

    def save(self, tag: str, target: Path) -> None:
        """Write an OCI archive, layers as they are."""
        self.client.must("save", "--format", "oci-archive", "--output", str(target), tag, seconds=SECONDS)


def without_syntax(text: str) -> str:
    """Leave out the directive that makes BuildKit fetch another frontend from a registry."""
    return "".join(line for line in text.splitlines(keepends=True) if not line.startswith("# syntax="))
