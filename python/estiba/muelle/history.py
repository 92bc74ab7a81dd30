# SPDX-License-Identifier: Apache-2.0
"""history, rollback: what made an image, what a name has stood for, and the way back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from estiba.errors import ImageNotFound
from estiba.images import history as past
from estiba.images.reference import parse as parse_reference
from estiba.images.store import Store
from estiba.muelle import output
from estiba.muelle.find import find_image

if TYPE_CHECKING:
    from estiba.images.history import Row, Version
    from estiba.muelle.parse import Parsed

LONGEST = 60
"""Letters of what made a layer that a table shows."""


def history(parsed: Parsed) -> int:
    """Show the layers of an image, newest first, or with --versions the past of its name."""
    store = Store.open(parsed.globals.text("store"))
    options = parsed.options
    if options.flag("versions"):
        return show_versions(store, parsed)
    rows = past.rows(find_image(store, parsed.words[0], options))
    if options.flag("quiet"):
        output.write("".join(f"{row.digest}\n" for row in rows if row.digest))
        return 0
    is_whole = options.flag("no-trunc")
    output.listing(
        options.text("format"),
        (
            ("LAYER", lambda row: short(row["Layer"], is_whole)),
            ("CREATED", lambda row: output.since(row["Created"])),
            ("SIZE", lambda row: output.size(row["Size"])),
            ("CREATED BY", lambda row: one_line(row["CreatedBy"], None if is_whole else LONGEST)),
            ("SHARED WITH", lambda row: ", ".join(row["SharedWith"])),
        ),
        [described(row) for row in rows],
    )
    return 0


def described(row: Row) -> dict[str, Any]:
    """Return a layer as programs read it."""
    return {
        "Layer": row.digest,
        "DiffId": row.diff_id,
        "ChainId": row.chain_id,
        "Created": row.entry.created,
        "CreatedBy": row.entry.created_by or "",
        "Comment": row.entry.comment or "",
        "Size": row.size,
        "SharedWith": list(row.shared_with),
    }


def show_versions(store: Store, parsed: Parsed) -> int:
    """Show what a name has stood for, newest first."""
    reference = parse_reference(parsed.words[0])
    versions = past.versions(store, reference)[::-1]
    if not versions:
        raise ImageNotFound(
            f'"{reference.familiar}" has no versions: it never named an image',
            hint="`muelle images` lists the names that there are",
        )
    if parsed.options.flag("quiet"):
        output.write("".join(f"{version.digest}\n" for version in versions))
        return 0
    is_whole = parsed.options.flag("no-trunc")
    output.listing(
        parsed.options.text("format"),
        (
            ("VERSION", lambda row: f"{row['Version']}{' *' if row['Current'] else ''}"),
            ("DIGEST", lambda row: short(row["Digest"], is_whole)),
            ("WHEN", lambda row: output.since(row["Time"])),
            ("BY", lambda row: row["By"]),
            ("WHO", lambda row: row["Who"]),
            ("", lambda row: "" if row["Here"] else "gone"),
        ),
        [version_described(version) for version in versions],
    )
    return 0


def version_described(version: Version) -> dict[str, Any]:
    """Return a version as programs read it."""
    return {
        "Version": version.number,
        "Digest": version.digest,
        "Time": version.time,
        "By": version.verb,
        "Who": version.who,
        "Current": version.is_current,
        "Here": version.is_here,
    }


def rollback(parsed: Parsed) -> int:
    """Let a name stand for another of its versions, and say which."""
    store = Store.open(parsed.globals.text("store"))
    reference = parse_reference(parsed.words[0])
    with store.using():
        record = past.rollback(store, reference, parsed.options.text("to"))
    if parsed.options.flag("quiet"):
        output.write(f"{record.after}\n")
    else:
        output.write(
            f"{reference.familiar} is version {record.version} again: {short(record.after, False)}\n"
        )
    return 0


def short(digest: str | None, is_whole: bool) -> str:
    """Return what people see of a digest."""
    if digest is None:
        return ""
    return digest if is_whole else digest.removeprefix("sha256:")[:12]


def one_line(text: str, longest: int | None) -> str:
    """Return a text without its line breaks and doubled blanks, cut where it is too long."""
    joined = " ".join(text.split())
    return joined if longest is None or len(joined) <= longest else f"{joined[: longest - 1]}…"
