# SPDX-License-Identifier: Apache-2.0
"""A store with an image, an empty one, a registry that has the image, and credentials of the test's own."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from estiba.images import Reference, Store
from estiba.images.reference import parse
from estiba.images.registry.push import push
from support.images import put_image
from support.registry import Registry

WEB = parse("web")


@pytest.fixture(autouse=True)
def auth_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Credentials of the test's own."""
    path = tmp_path / "auth.json"
    monkeypatch.setenv("REGISTRY_AUTH_FILE", str(path))
    return path


@pytest.fixture
def registry() -> Iterator[Registry]:
    """A registry in a thread."""
    with Registry() as made:
        yield made


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """A store with `web`, whose base layer is large and hard to compress."""
    made = Store.open(tmp_path / "store")
    layers: list[dict[str, bytes | None]] = [{"base": os.urandom(300_000)}, {"a": b"1"}]
    made.references.move(WEB, put_image(made.blobs, layers), verb="build")
    return made


@pytest.fixture
def other(tmp_path: Path) -> Store:
    """An empty store."""
    return Store.open(tmp_path / "other")


@pytest.fixture
def remote(registry: Registry, store: Store) -> Reference:
    """What `web` is called at the registry, where it was pushed."""
    reference = parse(f"{registry.domain}/public:1")
    push(store, "web", reference)
    registry.log.clear()
    registry.headers.clear()
    return reference
