# SPDX-License-Identifier: Apache-2.0
"""A store with an image to exchange, and Debian's registry in its three moods."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest

from estiba.images import Image, Store
from estiba.images.reference import parse
from support.images import put_image

DISTANT = "192.0.2.1"
"""Nobody's address: for documentation (RFC 5737)."""


class Running(NamedTuple):
    """A registry that runs."""

    domain: str
    login: bool
    """Whether it wants a password: that of me is secret."""
    pid: int
    """Of its process."""


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
    lines: list[str] = []
    if request.param == "TLS":
        certificate(tmp_path)
        lines += [f"  tls: {{certificate: {tmp_path}/tls.crt, key: {tmp_path}/tls.key}}"]
    if request.param == "password":
        hashed = subprocess.run(["htpasswd", "-Bbn", "me", "secret"], capture_output=True, check=True).stdout
        (tmp_path / "htpasswd").write_bytes(hashed)
        lines += [f"auth: {{htpasswd: {{realm: x, path: {tmp_path}/htpasswd}}}}"]
    with serving(tmp_path, lines) as running:
        yield running._replace(login=request.param == "password")


@pytest.fixture
def distant(tmp_path: Path) -> Iterator[Running]:
    """The same with TLS, at an address that is not loopback's, in a network namespace of its own."""
    certificate(tmp_path)
    setup = f'ip link set lo up && ip address add {DISTANT}/32 dev lo && exec "$@"'
    words = ["unshare", "--net", "sh", "-c", setup, "sh"]
    tls = f"  tls: {{certificate: {tmp_path}/tls.crt, key: {tmp_path}/tls.key}}"
    with serving(tmp_path, [tls], words, DISTANT) as running:
        yield running


@contextmanager
def serving(
    folder: Path, lines: Sequence[str], words: Sequence[str] = (), address: str = "127.0.0.1"
) -> Iterator[Running]:
    """Run docker-registry with further lines in its settings, behind further words."""
    settings = [
        "version: 0.1",
        f"storage: {{filesystem: {{rootdirectory: {folder}/registry}}, delete: {{enabled: true}}}}",
        "http:",
        f"  addr: {address}:0",
        *lines,
    ]
    (folder / "registry.yml").write_text("\n".join(settings))
    command = [*words, "docker-registry", "serve", str(folder / "registry.yml")]
    # It takes every REGISTRY_... for a setting of its own, also podman's REGISTRY_AUTH_FILE.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("REGISTRY_")}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment
    ) as process:
        assert process.stdout
        try:
            said: list[str] = []
            while not said or ("listening on" not in said[-1] and said[-1]):
                said.append(process.stdout.readline())
            assert said[-1], said
            domain = said[-1].partition("listening on ")[2].split(",")[0].split('"')[0].strip()
            yield Running(domain, login=False, pid=process.pid)
        finally:
            process.kill()
            process.stdout.close()


def certificate(folder: Path) -> None:
    """Make a certificate that nobody vouches for."""
    names = ["-subj", "/CN=localhost", "-addext", f"subjectAltName=IP:127.0.0.1,IP:{DISTANT},DNS:localhost"]
    files = ["-keyout", str(folder / "tls.key"), "-out", str(folder / "tls.crt")]
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", *names, *files],
        capture_output=True,
        check=True,
    )
