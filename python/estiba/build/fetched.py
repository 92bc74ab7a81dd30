# SPDX-License-Identifier: Apache-2.0
"""What ADD has fetched, kept with what its server said of it, so that one can ask whether it has changed (RFC 9110, 13).

    cache/HEX.json     of an address: the blob with its content, where that came from in the end, ETag and Last-Modified

The records lie among the results of steps and hold their blobs as these do: estiba.images.collect removes what no build
has asked for within its time.
"""

from __future__ import annotations

import json
import os
import re
from contextlib import suppress
from email.utils import formatdate, parsedate_to_datetime
from hashlib import sha256
from typing import TYPE_CHECKING, NamedTuple

from estiba.build.cache import note_use, read_record, write_record
from estiba.errors import ImageError, StoreError
from estiba.images.digest import PREFIX, is_digest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from estiba.images import Store

CHUNK = 1 << 18
ETAG = re.compile(r'(W/)?"[\x21\x23-\x7e]{1,1000}"')
SETTLED = 60
"""Seconds that a file has to be old when it comes, for its time to tell it from the next: times are whole seconds, of a
clock that may be another than the one that dates the answer (RFC 9110, 8.8.2.2)."""


class Fetched(NamedTuple):
    """What an address had, and what tells whether it still has it."""

    place: str
    """The address that it came from, where the first one has led."""
    digest: str
    etag: str | None
    modified: int
    """Last-Modified, in seconds; 0 where it was not said."""
    is_dated: bool
    """Whether the time tells it from what may come after it."""

    @property
    def is_askable(self) -> bool:
        """Whether one can ask for it on a condition."""
        return self.etag is not None or self.is_dated

    def conditions(self, address: str) -> Mapping[str, str]:
        """Return the headers that ask `address` for something else than this; none for another place than its own.

        Signed addresses, to which others lead, are the same place each time, with another query.
        """
        if address.partition("?")[0] != self.place.partition("?")[0]:
            return {}
        if self.etag is not None:
            return {"If-None-Match": self.etag}
        return {"If-Modified-Since": formatdate(self.modified, usegmt=True)} if self.is_dated else {}


def fetched(place: str, digest: str, headers: Mapping[str, str]) -> Fetched:
    """Return what an answer's headers say of its content."""
    etag, modified = headers.get("ETag", ""), seconds_of(headers.get("Last-Modified", ""))
    is_dated = 0 < modified <= seconds_of(headers.get("Date", "")) - SETTLED
    return Fetched(place, digest, etag if ETAG.fullmatch(etag) else None, modified, is_dated)


def seconds_of(text: str) -> int:
    """Return what a date of HTTP says; 0 where it says nothing: the same file is the same layer whenever it came."""
    try:
        return max(0, int(parsedate_to_datetime(text).timestamp()))
    except (ValueError, TypeError, OverflowError):
        return 0


class Kept:
    """The files that a store has of addresses."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def find(self, address: str) -> Fetched | None:
        """Return what is known of an address, if its content is here."""
        path = self._path(address)
        try:
            found = Fetched(**read_record(path)["fetched"])
        except (KeyError, TypeError):
            return None
        if not is_digest(found.digest) or not self._store.blobs.has(found.digest):
            return None
        note_use(path)
        return found

    def keep(self, address: str, found: Fetched, file: str) -> None:
        """Keep a file; where it cannot be kept, the next build fetches it again."""
        if not found.is_askable:
            return
        with suppress(StoreError):
            if not self._store.blobs.has(found.digest):
                with self._store.blobs.writer(expected=found.digest) as writer, open(file, "rb") as opened:
                    while data := opened.read(CHUNK):
                        writer.write(data)
                    writer.commit()
            write_record(self._path(address), {"result": {"blob": found.digest}, "fetched": found._asdict()})

    def copy(self, found: Fetched, file: str) -> bool:
        """Write the content to a file that is not there yet; False, and no file, if it is not what it was."""
        summed = sha256()
        try:
            with open(self._store.blobs.open(found.digest), "rb") as source, open(file, "xb") as target:
                while data := source.read(CHUNK):
                    target.write(data)
                    summed.update(data)
        except ImageError:
            return False
        if PREFIX + summed.hexdigest() == found.digest:
            return True
        os.unlink(file)
        return False

    def _path(self, address: str) -> str:
        name = sha256(json.dumps(["fetched", address]).encode()).hexdigest()
        return os.path.join(self._store.folder("cache"), f"{name}.json")
