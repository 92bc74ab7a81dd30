# SPDX-License-Identifier: Apache-2.0
"""What made an image, layer by layer; what a name pointed to before; and the way back.

Docker's history shows `<missing>` for the layers of a base that was pulled. Here each row that has a layer says which.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from estiba.errors import ImageError, ImageNotFound, ReferenceInvalid
from estiba.images import digest as digests
from estiba.images.config import History
from estiba.images.image import Image
from estiba.images.reach import missing

if TYPE_CHECKING:
    from datetime import datetime

    from estiba.images.record import Record, Verb
    from estiba.images.reference import Reference
    from estiba.images.store import Store

_AGES = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}
_TIMES = "2026-11-24T16:20, or 2h for two hours ago (s, m, h, d, w)"
_FEWEST_DIGITS = 4
"""Of a digest, that are taken for its beginning."""


class Row(NamedTuple):
    """One step that made an image."""

    entry: History
    """What the config says of it; empty for a layer of which it says nothing."""
    size: int = 0
    """Bytes of the packed layer; 0 for a step that made none."""
    digest: str | None = None
    """The packed layer's blob; None for a step that made none."""
    diff_id: str | None = None
    chain_id: str | None = None
    shared_with: tuple[str, ...] = ()
    """The short names of other images in the store that stand on this very chain."""


class Version(NamedTuple):
    """Something that a reference pointed to."""

    number: int
    digest: str
    time: str
    """When it came, RFC 3339 in UTC."""
    verb: Verb
    who: str
    is_current: bool
    is_here: bool
    """Whether its manifest is still in the store, so that one can go back to it."""


class Move(NamedTuple):
    """One line of a reference's log, and how what it came to stands now."""

    record: Record
    is_current: bool
    """Whether it is the last, and led to an image."""
    is_here: bool
    """Whether the manifest that it led to is still in the store; a removal led to nothing, which is."""


def rows(image: Image) -> list[Row]:
    """Return what made `image`, newest first. Raises what `Image` raises."""
    config, layers = image.config, image.manifest.layers
    sharers = _sharers(image)
    made: list[Row] = []
    position = 0

    def layer_row(entry: History, position: int) -> Row:
        chain_id = image.chain_ids[position]
        layer = layers[position]
        sharing = tuple(sharers.get(chain_id, ()))
        return Row(entry, layer.size, layer.digest, config.diff_ids[position], chain_id, sharing)

    told = sum(not entry.empty_layer for entry in config.history)
    # A config that tells of fewer layers than there are is silent about the lowest: those of an imported base.
    while position < len(layers) - told:
        made.append(layer_row(History(), position))
        position += 1
    for entry in config.history:
        if entry.empty_layer or position >= len(layers):
            made.append(Row(entry))
        else:
            made.append(layer_row(entry, position))
            position += 1
    return made[::-1]


def versions(store: Store, reference: Reference) -> list[Version]:
    """Return all that `reference` ever pointed to, oldest first, numbered from 1; [] for a name never used."""
    log = store.references.log(reference)
    current = log[-1].version if log and log[-1].after else None
    return [
        Version(
            one.version,
            one.after,
            one.time,
            one.verb,
            one.who,
            one.version == current,
            store.blobs.has(one.after),
        )
        for one in log
        if one.after and one.verb != "rollback"
    ]


def moves(store: Store, reference: Reference) -> list[Move]:
    """Return all that became of `reference`, oldest first, rollbacks and removals too; [] for a name never used."""
    log = store.references.log(reference)
    return [
        Move(one, one is log[-1] and one.after is not None, one.after is None or store.blobs.has(one.after))
        for one in log
    ]


def rollback(
    store: Store, reference: Reference, to: str | int | None = None, *, who: str | None = None
) -> Record:
    """Let `reference` point to an earlier version, or a later one again; return the record of the move.

    `to`: a version's number; a digest or its first digits; a time, for what the name pointed to then
    ("2026-11-24T16:20", local time unless it says otherwise; "2h" for two hours ago). Without it: the nearest whole one
    of `behind`, or, for a name that was removed, its last. Raises ImageNotFound, ReferenceInvalid.
    """
    log = store.references.log(reference)
    if not log:
        raise ImageNotFound(f'"{reference.familiar}" has no versions: it never named an image')
    target = _back(store, reference, log) if to is None else _target(log, to)
    if target is None:
        raise _no_version(store, reference, to)
    check_whole(store, reference, target)
    if log[-1].after == target.after and log[-1].version == target.version:
        return log[-1]
    return store.references.return_to(reference, target, who=who)


def behind(log: list[Record]) -> list[Record]:
    """Return what lies behind the state that a log ends in, nearest first: where going back and back leads.

    Behind a version lies what the name stood for when it came. So a version that was rolled away from is behind none
    that came later, and going back never returns to it. Behind a name that was removed lies what it stood for last.
    """
    arrivals: dict[int, Record] = {}
    parents: dict[int, int] = {}
    version = 0
    for one in log:
        if one.after and one.verb != "rollback":
            arrivals[one.version], parents[one.version] = one, min(version, one.version - 1)
        version = one.version
    at = version if log and log[-1].after is None else parents.get(version, 0)
    found: list[Record] = []
    while at in arrivals:
        found.append(arrivals[at])
        at = parents[at]
    return [one for one in found if one.after != log[-1].after]


def _back(store: Store, reference: Reference, log: list[Record]) -> Record | None:
    """Return the nearest version behind that is whole; if none is, the nearest, so that it is said what it lacks."""
    found = behind(log)
    whole = (one for one in found if _lacks(store, one) is None)
    return next(whole, found[0] if found else None)


def _target(log: list[Record], to: str | int) -> Record | None:
    """Return the record of the version that `to` means, None if there is none."""
    arrivals = [one for one in log if one.after and one.verb != "rollback"]
    text = str(to)
    if _is_time(text):
        moment = _as_recorded(_moment(text))
        return next((one if one.after else None for one in reversed(log) if one.time <= moment), None)
    if numbered := [one for one in arrivals if str(one.version) == text]:
        return numbered[0]
    digits = text.removeprefix(digests.PREFIX)
    return _by_digits(arrivals, digits) if len(digits) >= _FEWEST_DIGITS else None


def _is_time(text: str) -> bool:
    """Return whether a text is to be read as a time: it is no number, and not the beginning of a digest."""
    digits = text.removeprefix(digests.PREFIX)
    is_digest = len(digits) >= _FEWEST_DIGITS and digests.is_hexadecimal(digits)
    return not (is_digest or (text.isascii() and text.isdigit()))


def _by_digits(arrivals: list[Record], digits: str) -> Record | None:
    found = [
        one for one in arrivals if one.after and one.after.removeprefix(digests.PREFIX).startswith(digits)
    ]
    if len({one.after for one in found}) > 1:
        raise ReferenceInvalid(f'"{digits}" begins the digests of several versions')
    return found[-1] if found else None


def _moment(text: str) -> datetime:
    """Return the time that a text means, in UTC. Raises ReferenceInvalid."""
    from datetime import UTC, datetime, timedelta

    try:
        if age := re.fullmatch(r"([0-9]{1,9})([smhdw])", text):
            return datetime.now(UTC) - timedelta(seconds=int(age[1]) * _AGES[age[2]])
        return datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError):
        raise ReferenceInvalid(
            f'"{text}" is no version: not a number, a digest or a time',
            hint=f"write 3, the first digits of a digest, {_TIMES}",
        ) from None


def _as_recorded(moment: datetime) -> str:
    """Return a time as records have it."""
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


def _local(moment: datetime) -> str:
    """Return a time as people have it, and as `rollback` takes it again: local, to the millisecond."""
    return moment.astimezone().replace(tzinfo=None).isoformat(timespec="milliseconds")


def check_whole(store: Store, reference: Reference, version: Record) -> None:
    """Raise ImageNotFound if a version's manifest, config or a layer is gone: what a name points to is whole."""
    if why := _lacks(store, version):
        raise ImageNotFound(
            f'"{reference.familiar}": version {version.version} is not whole: {why}',
            hint="`muelle prune` keeps the last versions of each name; older ones go",
        )


def _lacks(store: Store, version: Record) -> str | None:
    """Return what a version lacks, None if it is whole."""
    assert version.descriptor is not None
    try:
        gone = [one.digest for one in missing(store.blobs, version.descriptor)]
    except ImageError as error:
        return error.message
    return f"blob {gone[0]} is gone" if gone else None


def _sharers(image: Image) -> dict[str, list[str]]:
    """Return for each chain of `image` the other names that stand on it."""
    own = set(image.chain_ids)
    found: dict[str, list[str]] = {}
    for reference, descriptor in image.store.references.iterate():
        if descriptor.digest == image.digest:
            continue
        try:
            other = Image(image.store, descriptor)
            chain = other.chain_ids
        except ImageError:
            continue  # an artifact, another platform's, or damaged: fsck tells of it
        if other.digest != image.digest:
            for chain_id in own.intersection(chain):
                found.setdefault(chain_id, []).append(reference.familiar)
    return found


def _no_version(store: Store, reference: Reference, to: str | int | None) -> ImageNotFound:
    """Return what to raise where nothing is meant: with what there is, and of a time with the times."""
    is_time = to is not None and _is_time(str(to))
    if to is None:
        which = "before the current one"
    elif is_time:
        which = f'"{to}": it named no image at {_local(_moment(str(to)))}'
    else:
        which = f'"{to}"'
    known = [
        f"{one.number} ({one.digest[7:19]}{f', since {_since(one)}' if is_time else ''})"
        for one in versions(store, reference)
        if one.is_here
    ]
    hint = (
        f"there are: {', '.join(known[-10:])}" if known else "none of its versions is in the store any more"
    )
    if is_time:
        hint += f"; a time is written {_TIMES}"
    return ImageNotFound(f'"{reference.familiar}": no version {which}', hint=hint)


def _since(version: Version) -> str:
    from datetime import datetime

    return _local(datetime.fromisoformat(version.time))
