# SPDX-License-Identifier: Apache-2.0
"""A store with an image to exchange, and Debian's registry in its three moods."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from estiba.images import Image, Store
from estiba.images.reference import parse
from support.images import put_image


class Running(NamedTuple):
    """A registry that runs."""

    domain: str
    login: bool
    """Whether it wants a password: that of me is secret."""


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """A store with `web`: three layers, one of which removes a file."""
    made = Store.open(tmp_path / "store")
    layers: list[dict[str, bytes | None]] = [
        {"base": b"x" * 70_000, "gone": b"1", "d": None},
        {".wh.gone": b"", "d/file": b"2"},
        {"base": b"y"},
    ]
    descriptor = put_image(made.blobs, layers, Cmd=["sh"], Env=["A=b"], Labels={"made": "here"})
    made.references.move(parse("web"), descriptor, verb="build")
    return made


@pytest.fixture
def web(store: Store) -> Image:
    """The image."""
    return Image.resolve(store, "web")


@pytest.fixture
def other(tmp_path: Path) -> Store:
    """An empty store."""
    return Store.open(tmp_path / "other")


@pytest.fixture(params=["plain", "password", "TLS"])
def registry(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Running]:
    """Debian's docker-registry on a port of its own."""
    monkeypatch.setenv("REGISTRY_AUTH_FILE", str(tmp_path / "auth.json"))
    lines = [
        "version: 0.1",
        f"storage: {{filesystem: {{rootdirectory: {tmp_path}/registry}}, delete: {{enabled: true}}}}",
        "http:",
        "  addr: 127.0.0.1:0",
    ]
    if request.param == "TLS":
        certificate(tmp_path)
        lines += [f"  tls: {{certificate: {tmp_path}/tls.crt, key: {tmp_path}/tls.key}}"]
    if request.param == "password":
        hashed = subprocess.run(["htpasswd", "-Bbn", "me", "secret"], capture_output=True, check=True).stdout
        (tmp_path / "htpasswd").write_bytes(hashed)
        lines += [f"auth: {{htpasswd: {{realm: x, path: {tmp_path}/htpasswd}}}}"]
    (tmp_path / "registry.yml").write_text("\n".join(lines))
    command = ["docker-registry", "serve", str(tmp_path / "registry.yml")]
    # It takes every REGISTRY_... for a setting of its own, also podman's REGISTRY_AUTH_FILE.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("REGISTRY_")}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment
    ) as process:
        assert process.stdout
        try:
            lines: list[str] = []
            while not lines or ("listening on" not in lines[-1] and lines[-1]):
                lines.append(process.stdout.readline())
            assert lines[-1], lines
            domain = lines[-1].partition("listening on ")[2].split(",")[0].split('"')[0].strip()
            yield Running(domain, request.param == "password")
        finally:
            process.kill()
            process.stdout.close()


def certificate(folder: Path) -> None:
    """Make a certificate that nobody vouches for."""
    names = ["-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost"]
    files = ["-keyout", str(folder / "tls.key"), "-out", str(folder / "tls.crt")]
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", *names, *files],
        capture_output=True,
        check=True,
    )
