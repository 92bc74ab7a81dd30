# SPDX-License-Identifier: Apache-2.0
"""What people read: tables, sizes, ages. What programs read: JSON."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

UNITS = ("B", "kB", "MB", "GB", "TB", "PB")
AGES = (
    (31_536_000, "year"),
    (2_592_000, "month"),
    (604_800, "week"),
    (86_400, "day"),
    (3_600, "hour"),
    (60, "minute"),
)
"""Seconds and what people call them."""


def table(titles: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Lay out rows under their titles, three blanks apart; the last column is not filled up."""
    lines = [tuple(titles), *(tuple(printable(cell) for cell in row) for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(titles))]
    laid = ("   ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) for line in lines)
    return "".join(f"{line.rstrip()}\n" for line in laid)


def listing(
    form: str | None,
    columns: Sequence[tuple[str, Callable[[dict[str, Any]], str]]],
    rows: Sequence[dict[str, Any]],
) -> None:
    """Write rows in the form that --format names: "table", "json" (an object a line) or a template (a line each).

    "table TEMPLATE" is a table whose columns are parted by tabs. `columns` are the usual table's titles and what stands
    below them. Raises ArgumentInvalid.
    """
    if form in (None, "table"):
        write(
            table(
                [title for title, _cell in columns], [[cell(row) for _title, cell in columns] for row in rows]
            )
        )
    elif form == "json":
        import json

        write("".join(f"{json.dumps(row)}\n" for row in rows))
    else:
        from estiba.muelle.template import filled, laid_out

        template = str(form)
        if template.startswith("table "):
            write(table(*laid_out(template.removeprefix("table "), rows)))
        else:
            write("".join(f"{filled(template, row)}\n" for row in rows))


def printable(text: str) -> str:
    """Show what a terminal would take for an order as it is written in Python: images bring words of their own."""
    return text if text.isprintable() else text.encode("unicode_escape").decode("ascii")


def write(text: str) -> None:
    """Write to standard output; what is no text is written as the bytes that it was."""
    sys.stdout.buffer.write(text.encode(errors="surrogateescape"))


def write_json(value: Any) -> None:
    """Write one JSON document, indented."""
    import json

    write(json.dumps(value, indent=2) + "\n")


def warn(message: str) -> None:
    """Tell of what went wrong and stopped nothing."""
    sys.stderr.write(f"warning: {message}\n")


def tell(message: str, hint: str | None) -> None:
    """Tell of a failure: a line, and a hint where there is one."""
    sys.stdout.flush()
    sys.stderr.write(f"{message}\nhint: {hint}\n" if hint else f"{message}\n")


def size(bytes_: int) -> str:
    """Return "1.23MB": three digits that count, in powers of 1000, as Docker writes sizes."""
    amount, unit = float(bytes_), 0
    while amount >= 999.5 and unit < len(UNITS) - 1:
        amount, unit = amount / 1000, unit + 1
    return f"{amount:.3g}{UNITS[unit]}"


def age(seconds: float) -> str:
    """Return "3 hours ago" of a time in seconds since 1970; "" for one before, such as Go's time zero, the year 1."""
    if seconds < 0:
        return ""
    passed = max(0, int(time.time() - seconds))
    for length, name in AGES:
        if passed >= length:
            number = passed // length
            return f"{number} {name}{'s' if number != 1 else ''} ago"
    return f"{passed} second{'s' if passed != 1 else ''} ago"


def since(text: str | None) -> str:
    """Return the age of an RFC 3339 time as images and records have it; the text itself where it is none."""
    seconds = seconds_of(text or "")
    return (text or "") if seconds is None else age(seconds)


def seconds_of(text: str) -> float | None:
    """Return the seconds since 1970 of an RFC 3339 time; None where it is none."""
    from datetime import datetime

    whole, point, rest = text.replace("Z", "+00:00").replace("z", "+00:00").partition(".")
    if point:  # Go writes nine digits after the point, Python reads six
        digits = rest[: len(rest) - len(rest.lstrip("0123456789"))]
        whole += f".{digits[:6].ljust(6, '0')}{rest[len(digits) :]}"
    try:
        moment = datetime.fromisoformat(whole)
    except ValueError:
        return None
    return moment.timestamp() if moment.tzinfo else None


def now() -> str:
    """Return the time as records have it: they sort by it."""
    seconds, parts = divmod(time.time_ns() // 1000, 1_000_000)
    return time.strftime(f"%Y-%m-%dT%H:%M:%S.{parts:06}Z", time.gmtime(seconds))
