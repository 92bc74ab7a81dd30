# SPDX-License-Identifier: Apache-2.0
"""One line of a reference's log: when it moved, from where to where, by which verb and by whom."""

from __future__ import annotations

import json
import os
import time
from typing import Literal, NamedTuple, get_args

from estiba.errors import ImageError
from estiba.images.digest import is_digest
from estiba.images.fields import parse_object
from estiba.images.manifest import Descriptor

Verb = Literal["build", "pull", "load", "tag", "rollback", "commit", "untag", "import"]
VERBS = frozenset(get_args(Verb))


class Record(NamedTuple):
    """A move of a reference. Versions count from 1; a rollback has the number of the version that it brought back."""

    time: str
    """RFC 3339 in UTC, with milliseconds."""
    before: str | None
    """The digest that the reference named; None: nothing. `from` in the file."""
    after: str | None
    """The digest that it names since; None: it was removed. `to` in the file."""
    verb: Verb
    who: str
    version: int
    media_type: str | None = None
    """What `after` is the digest of, so that the index can be made again from the logs alone."""
    size: int | None = None

    @property
    def descriptor(self) -> Descriptor | None:
        """What the reference names since."""
        if self.after is None or self.media_type is None or self.size is None:
            return None
        return Descriptor(self.media_type, self.after, self.size)

    def to_line(self) -> bytes:
        """Return the record as its line of the file."""
        values = {
            "time": self.time,
            "from": self.before,
            "to": self.after,
            "verb": self.verb,
            "who": self.who,
            "version": self.version,
        }
        if self.after is not None:
            values |= {"mediaType": self.media_type, "size": self.size}
        return json.dumps(values, separators=(",", ":")).encode() + b"\n"


def parse_line(line: bytes) -> Record | None:
    """Return the record in a line, or None: a line that a power cut left half-written, or that no version wrote."""
    try:
        fields = parse_object(line, "log")
        before, after = fields.optional_text("from"), fields.optional_text("to")
        verb = fields.text("verb")
        if verb not in VERBS or not all(one is None or is_digest(one) for one in (before, after)):
            return None
        return Record(
            fields.text("time"),
            before,
            after,
            verb,  # type: ignore[arg-type]
            fields.text("who"),
            fields.number("version"),
            None if after is None else fields.text("mediaType"),
            None if after is None else fields.number("size"),
        )
    except ImageError:
        return None


def now() -> str:
    """Return the time as records have it."""
    nanoseconds = time.time_ns()
    seconds, milliseconds = divmod(nanoseconds // 1_000_000, 1000)
    return f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(seconds))}.{milliseconds:03d}Z"


def who() -> str:
    """Return who runs this: the name of the user that became root, else of the user, else the number."""
    import pwd

    for name in ("SUDO_USER", "DOAS_USER"):
        if os.environ.get(name):
            return os.environ[name]
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return str(os.getuid())
