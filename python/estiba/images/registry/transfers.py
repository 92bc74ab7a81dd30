# SPDX-License-Identifier: Apache-2.0
"""What a pull or a push tells while it goes on: how far each blob has come. Several threads tell."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, NamedTuple

State = Literal["moving", "moved", "present", "mounted"]
"""On its way; all of it there; there before; taken over from another repository of the registry, without its bytes."""


class Transfer(NamedTuple):
    """A blob has come so far."""

    digest: str
    state: State
    done: int
    """Bytes, of `size`."""
    size: int
    media_type: str


Progress = Callable[[Transfer], None]


def quiet(_: Transfer) -> None:
    """Tell nobody."""
