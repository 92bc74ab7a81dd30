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
    from estiba.images.history import Move, Row
    from estiba.muelle.parse import Parsed

LONGEST = 60
"""Letters of what made a layer that a table shows."""
NO_INSTRUCTION = ("", "import", "commit")
"""What stands for an instruction where there was none."""
BUILDER = "buildkit."
"""How the comment begins by which BuildKit marks each layer: nobody has written it."""


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
            ("CREATED BY", lambda row: one_line(made_by(row), None if is_whole else LONGEST)),
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


def made_by(row: dict[str, Any]) -> str:
    """Return what people see of what made a layer: the instruction, and the message where somebody gave one."""
    instruction, message = row["CreatedBy"], row["Comment"]
    if not message or message.startswith(BUILDER):
        return str(instruction)
    return str(message) if instruction in NO_INSTRUCTION else f"{instruction} # {message}"


def show_versions(store: Store, parsed: Parsed) -> int:
    """Show what a name has stood for, and each move of it, newest first."""
    reference = parse_reference(parsed.words[0])
    moves = past.moves(store, reference)[::-1]
    if not moves:
        raise ImageNotFound(
            f'"{reference.familiar}" has no versions: it never named an image',
            hint="`muelle images` lists the names that there are",
        )
    if parsed.options.flag("quiet"):
        versions = past.versions(store, reference)[::-1]
        output.write("".join(f"{version.digest}\n" for version in versions))
        return 0
    is_whole = parsed.options.flag("no-trunc")
    output.listing(
        parsed.options.text("format"),
        (
            ("VERSION", lambda row: f"{row['Version'] or ''}{' *' if row['Current'] else ''}"),
            ("FROM", lambda row: short(row["From"], is_whole)),
            ("DIGEST", lambda row: short(row["Digest"], is_whole) or "nothing"),
            ("WHEN", lambda row: output.since(row["Time"])),
            ("BY", lambda row: row["By"]),
            ("WHO", lambda row: row["Who"]),
            ("", lambda row: "" if row["Here"] else "gone"),
        ),
        [move_described(move) for move in moves],
    )
    return 0


def move_described(move: Move) -> dict[str, Any]:
    """Return a move of a name as programs read it; one that took the name away led to no version and no digest."""
    record = move.record
    return {
        "Version": record.version if record.after else None,
        "From": record.before,
        "Digest": record.after,
        "Time": record.time,
        "By": record.verb,
        "Who": record.who,
        "Current": move.is_current,
        "Here": move.is_here,
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
