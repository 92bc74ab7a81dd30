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
from support.images import put_image

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
        root = str(folder / "store")
        for _ in range(ROUNDS):
            command = [sys.executable, "-c", VICTIM, root, *archives]
            with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as victim:
                assert victim.stdout and victim.stderr
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
            assert not os.path.exists(os.path.join(root, "references", ".pending"))
