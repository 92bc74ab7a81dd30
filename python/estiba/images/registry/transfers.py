# SPDX-License-Identifier: Apache-2.0
"""What a pull or a push tells while it goes on: how far each blob has come. Several threads tell."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

if TYPE_CHECKING:
    from concurrent.futures import Future

    from estiba.images.manifest import Descriptor

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


class GivenUp(Exception):
    """Another blob of the same pull or push has failed, or the caller was interrupted."""


class Transfers:
    """The blobs of one pull or push that are on their way."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._is_given_up = False

    def tell(self, one: Descriptor, state: State, done: int) -> None:
        """Tell how far a blob has come. Raises GivenUp where the blobs are wanted no more."""
        if self._is_given_up:
            raise GivenUp
        self._progress(Transfer(one.digest, state, done, one.size, one.media_type))

    def wait(self, futures: Sequence[Future[Any]]) -> None:
        """Wait for all; the first failure, or Ctrl-C, ends the others where they next tell. Raises it."""
        try:
            for future in futures:
                future.result()
        except BaseException:
            self._is_given_up = True
            for future in futures:
                future.cancel()
            raise
