# SPDX-License-Identifier: Apache-2.0
"""Ctrl-C while bytes come from a server that is slow: the command ends at once, and nothing is left."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from pathlib import Path

import pytest

from muelle.conftest import PROGRAM, Muelle
from support import processes
from support.registry import Fault, Handler, Registry, largest

pytestmark = pytest.mark.requires("root")

PATIENCE = 20 * processes.PATIENCE
SLOW = "/slow"
"""A file at the server that has one, too."""


@pytest.fixture
def moving(registry: Registry) -> threading.Event:
    """Make the server slow, and tell when the first bytes of a layer move."""
    begun = threading.Event()
    registry.faults += [trickling(largest(registry), begun), trickling(SLOW, begun)]
    return begun


def trickling(name: str, begun: threading.Event) -> Fault:
    """Return a fault: what has this name comes a byte at a time, until the reader has gone."""

    def fault(handler: Handler) -> bool:
        if name not in handler.path or handler.command != "GET":
            return False
        handler.send_response(200)
        size = len(handler.registry.blobs.get(name, b"")) or 1 << 20
        handler.send_header("Content-Length", str(size))
        handler.end_headers()
        handler.close_connection = True
        try:
            while not handler.registry.closed.wait(0.02):
                handler.wfile.write(b"x")
                begun.set()
        except ConnectionError:
            pass
        return True

    return fault


def interrupted(muelle: Muelle, moving: threading.Event, *words: str | Path) -> tuple[int, list[str]]:
    """Interrupt a command when it moves bytes; return how it ends."""
    command = subprocess.Popen(
        [str(PROGRAM), *map(str, words)],
        env=muelle.environ,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    try:
        assert moving.wait(PATIENCE)
        command.send_signal(signal.SIGINT)
        _, errors = command.communicate(timeout=PATIENCE)
    finally:
        command.kill()
        command.communicate()
    assert [name for name in os.listdir(muelle.store / "tmp") if not name.startswith(".")] == []
    assert muelle("fsck").stdout == "the store is sound\n"
    return command.returncode, errors.decode().splitlines()


def test_ctrl_c_ends_a_pull(own_store: Muelle, registry: Registry, moving: threading.Event) -> None:
    """With a layer half here, which goes."""
    code, said = interrupted(own_store, moving, "pull", f"{registry.domain}/web:1")
    assert (code, said) == (130, [])


@pytest.mark.parametrize(
    "text",
    ["FROM {domain}/web:1\n", f"FROM scratch\nADD http://{{domain}}{SLOW} /\n"],
    ids=["pulls", "fetches"],
)
def test_ctrl_c_ends_a_build_that_waits_for_bytes(
    own_store: Muelle, registry: Registry, moving: threading.Event, tmp_path: Path, text: str
) -> None:
    """In the thread of a stage, which no signal reaches: a base image, or a source of ADD."""
    (tmp_path / "Containerfile").write_text(text.format(domain=registry.domain))
    code, said = interrupted(own_store, moving, "build", tmp_path)
    assert (code, said[-1]) == (130, "interrupted by SIGINT")
