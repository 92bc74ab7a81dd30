# SPDX-License-Identifier: Apache-2.0
"""Results of steps, found again by what they were made of.

    cache/KEY.json     one result: the layer that a step made on top of a chain, or that it changed nothing
    cache/builds/HEX   what the steps of a stage were made of in its last build: to say why one is not found

A key is the SHA-256 of the parent chain, the instruction, the variables and settings that it sees, the digest of the
content that it takes, and how the layer is packed. Times of files are no part of it.
"""

from __future__ import annotations

import json
import os
import time
from hashlib import sha256
from typing import TYPE_CHECKING, Any, NamedTuple

from estiba.images.digest import is_digest
from estiba.images.manifest import Descriptor

if TYPE_CHECKING:
    from collections.abc import Mapping

    from estiba.build.options import Options
    from estiba.images import Store

FRESH = 3600
"""Seconds for which a use of a result is not noted again. The note is the file's time: a prune goes by it."""
ALONE = "alone"
"""In a key instead of a chain."""
LIMIT = 1 << 20
"""Bytes of a file that is read."""


class Inputs(NamedTuple):
    """What a step is made of, beside the files below it."""

    instruction: str
    """As rendered, its variables replaced."""
    variables: Mapping[str, str] = {}
    """Of the build, as the step sees them."""
    settings: Mapping[str, Any] = {}
    """Of the config: user, working directory, shell, environment; of the build: how layers are packed."""
    content: Mapping[str, str] = {}
    """Digests of what it takes from elsewhere, by where that is."""
    is_alone: bool = False
    """Whether nothing of what is below it matters: COPY --link."""

    def packed_as(self, options: Options) -> Inputs:
        """Return the same for layers that are packed as a build's options say."""
        return self._replace(settings={**self.settings, **options.of_layers})

    def key(self, parent: str | None) -> str:
        """Return the key on top of the chain `parent`; 64 hexadecimal digits."""
        values = [
            "1",
            ALONE if self.is_alone else parent,
            self.instruction,
            self.variables,
            self.settings,
            self.content,
        ]
        return sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()


class Result(NamedTuple):
    """What a step made."""

    diff_id: str | None
    """None: it changed nothing."""
    descriptor: Descriptor | None
    created: str
    """RFC 3339."""


class Cache:
    """The results in a store."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._folder = store.folder("cache")

    def find(self, key: str) -> Result | None:
        """Return the result of a key, if it is whole and its blob is here."""
        path = self._path(key)
        values = read_record(path)
        try:
            result = _result(values)
        except (KeyError, TypeError, ValueError):
            return None
        if result.descriptor and not self._store.blobs.has(result.descriptor.digest):
            return None
        note_use(path)
        return result

    def keep(self, key: str, parent: str | None, result: Result, made_by: str) -> None:
        """Keep a result. A file that a power cut leaves half-written is no result: nothing is synced."""
        made: dict[str, Any] = {"empty": True}
        if result.descriptor:
            made = {
                "diff_id": result.diff_id,
                "blob": result.descriptor.digest,
                "size": result.descriptor.size,
                "media_type": result.descriptor.media_type,
            }
        values = {
            "key": key,
            "parent": parent,
            "result": made,
            "created": result.created,
            "made_by": made_by,
        }
        write_record(self._path(key), values)

    def last_build(self, place: str) -> list[Inputs]:
        """Return what the steps of a stage were made of last time; `place` says which stage of which file."""
        try:
            return [Inputs(*each) for each in read_record(self._build_path(place))["steps"]]
        except (KeyError, TypeError):
            return []

    def note_build(self, place: str, steps: list[Inputs]) -> None:
        """Remember what the steps of a stage were made of this time."""
        os.makedirs(os.path.join(self._folder, "builds"), 0o700, exist_ok=True)
        write_record(self._build_path(place), {"steps": [list(each) for each in steps]})

    def _path(self, key: str) -> str:
        return os.path.join(self._folder, f"{key}.json")

    def _build_path(self, place: str) -> str:
        return os.path.join(self._folder, "builds", sha256(place.encode()).hexdigest())


def reason(now: Inputs, position: int, before: list[Inputs]) -> str:
    """Say why a step is not found: what differs from the same step of the last build."""
    if not before:
        return "not built before"
    same = [each for each in before if each.instruction == now.instruction]
    if not same:
        is_new = position >= len(before)
        return "the instruction is new" if is_new else "the instruction has changed"
    then = same[0]
    if (name := _differing(then.variables, now.variables)) is not None:
        return f"the variable {name} has changed"
    if (name := _differing(then.content, now.content)) is not None:
        return f"the content of {name} has changed"
    if (name := _differing(then.settings, now.settings)) is not None:
        return f"the {name} has changed"
    return "what it is built on has changed"


def _differing(then: Mapping[str, Any], now: Mapping[str, Any]) -> str | None:
    return next((name for name in sorted({*then, *now}) if then.get(name) != now.get(name)), None)


def _result(values: dict[str, Any]) -> Result:
    made = values["result"]
    created = str(values["created"])
    if made.get("empty"):
        return Result(None, None, created)
    if not (is_digest(made["diff_id"]) and is_digest(made["blob"])):
        raise ValueError(made)
    return Result(
        made["diff_id"], Descriptor(str(made["media_type"]), made["blob"], int(made["size"])), created
    )


def note_use(path: str) -> None:
    """Note that a build has taken what a record tells of."""
    try:
        if time.time() - os.stat(path).st_mtime > FRESH:
            os.utime(path)
    except OSError:
        return


def read_record(path: str) -> dict[str, Any]:
    """Return what a file says; nothing if it cannot be read."""
    try:
        with open(path, "rb") as file:
            values = json.loads(file.read(LIMIT))
    except (OSError, ValueError):
        return {}
    return values if isinstance(values, dict) else {}


def write_record(path: str, values: dict[str, Any]) -> None:
    """Put a file in place in one step; a cache that cannot be written is no reason to fail."""
    aside = f"{path}.{os.getpid()}-{os.urandom(4).hex()}"
    try:
        with open(aside, "xb") as file:
            file.write(json.dumps(values, separators=(",", ":")).encode())
        os.rename(aside, path)
    except OSError:
        return
