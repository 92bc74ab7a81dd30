# SPDX-License-Identifier: Apache-2.0
"""A store whose user is killed at any moment opens clean: whatever has a name is whole, nothing half-made stays.

ESTIBA_KILL_ROUNDS says how often; `make kill` does it a thousand times.
"""

from __future__ import annotations

import os
import random
import select
import subprocess
import sys
import tempfile
from pathlib import Path

from estiba.images import Image, Store
from estiba.images.archive import named, save
from estiba.images.fsck import fsck
from estiba.images.reference import parse
from estiba.images.registry.push import push
from support.images import put_image
from support.registry import Registry

ROUNDS = int(os.environ.get("ESTIBA_KILL_ROUNDS", "10"))
LONGEST = 0.25
"""Seconds that a victim works at most: several times what all of its work takes."""

VICTIM = """
import sys
from estiba.images import Image, Store, history
from estiba.images.archive import load
from estiba.images.collect import prune
from estiba.images.reference import parse
root, archives = sys.argv[1], sys.argv[2:]
web = parse("web")
print("ready", flush=True)
while True:
    for path in archives:
        store = Store.open(root)
        with open(path, "rb") as file:
            load(store, file.fileno())
        Image.resolve(store, "web").lowers()
    history.rollback(store, web)
    store.references.remove(web)
    prune(store, keep_versions=1)
"""


def archive(folder: Path, number: int) -> str:
    """Return an archive of `web`, a version of it each time, with a base that all have."""
    store = Store.open(folder / f"source{number}")
    layers: list[dict[str, bytes | None]] = [{"base": bytes(200_000)}]
    layers += [{f"f{number}.{layer}": os.urandom(20_000)} for layer in range(3)]
    store.references.move(parse("web"), put_image(store.blobs, layers), verb="build")
    path = folder / f"{number}.tar"
    with path.open("wb") as file:
        save(store, named(store, ["web"]), file.fileno())
    return str(path)


def test_store_opens_clean_after_a_kill_at_any_moment() -> None:
    """Load, unpack, move a name, go back, remove, prune: killed at random, then opened, looked through, used."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        archives = [archive(folder, number) for number in range(3)]
        root = folder / "store"
        kill_again_and_again(root, [sys.executable, "-c", VICTIM, str(root), *archives])


def kill_again_and_again(root: Path, command: list[str]) -> None:
    """Let a victim work for some random time, kill it, and look through what it leaves."""
    for _ in range(ROUNDS):
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as victim:
            assert victim.stdout
            assert victim.stderr
            assert victim.stdout.readline() == b"ready\n", victim.stderr.read().decode()
            select.select([victim.stdout], [], [], random.uniform(0, LONGEST))
            victim.kill()
            _, errors = victim.communicate()
            assert errors == b""
        store = Store.open(root)
        assert fsck(store) == []
        for reference, _ in store.references.iterate():
            Image.resolve(store, str(reference)).lowers()
        assert [one for one in os.listdir(store.folder("tmp")) if not one.startswith(".")] == []
        assert not (root / "references" / ".pending").exists()


PULLER = """
import sys
from estiba.images import Store
from estiba.images.collect import prune
from estiba.images.reference import parse
from estiba.images.registry.pull import pull
root, names = sys.argv[1], sys.argv[2:]
print("ready", flush=True)
while True:
    store = Store.open(root)
    for name in names:
        pull(store, parse(name), insecure=True).lowers()
    for name in names:
        store.references.remove(parse(name))
    prune(store, keep_versions=1)
"""


def test_store_opens_clean_after_a_kill_of_who_pulls() -> None:
    """What has come before a kill need not come again; what is half there has no name."""
    with tempfile.TemporaryDirectory() as name, Registry() as registry:
        folder = Path(name)
        names = [f"{registry.domain}/web:{number}" for number in range(3)]
        for number, pushed in enumerate(names):
            made = Store.open(folder / f"source{number}")
            layers: list[dict[str, bytes | None]] = [
                {"base": bytes(200_000)},
                {f"f{number}": os.urandom(60_000)},
            ]
            made.references.move(parse(pushed), put_image(made.blobs, layers), verb="build")
            push(made, pushed, parse(pushed), insecure=True)
        kill_again_and_again(folder / "store", [sys.executable, "-c", PULLER, str(folder / "store"), *names])
