# SPDX-License-Identifier: Apache-2.0
"""Blobs that move side by side: the first failure is everybody's."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from estiba.images.manifest import Descriptor
from estiba.images.media import OCI_LAYER
from estiba.images.registry.transfers import GivenUp, Transfer, Transfers

BLOB = Descriptor(OCI_LAYER, "sha256:" + "0" * 64, 2)


def test_a_failure_ends_what_moves_and_what_has_not_begun() -> None:
    """The first is raised; another blob ends where it next tells, a third is never begun."""
    told: list[Transfer] = []
    transfers = Transfers(told.append)
    has_begun, goes_on = threading.Event(), threading.Event()

    def slow() -> None:
        transfers.tell(BLOB, "moving", 0)
        has_begun.set()
        goes_on.wait()
        transfers.tell(BLOB, "moving", 1)

    def failing() -> None:
        has_begun.wait()
        raise KeyboardInterrupt

    with ThreadPoolExecutor(2) as pool:
        futures = [pool.submit(failing), pool.submit(slow)]
        futures.append(pool.submit(goes_on.wait))
        try:
            with pytest.raises(KeyboardInterrupt):
                transfers.wait(futures)
        finally:
            goes_on.set()
        assert isinstance(futures[1].exception(), GivenUp)
    assert told == [Transfer(BLOB.digest, "moving", 0, BLOB.size, BLOB.media_type)]
