# SPDX-License-Identifier: Apache-2.0
"""How Rust text is laid out, so that rustfmt would change nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

WIDTH = 110

HEAD = """\
// SPDX-License-Identifier: Apache-2.0
//! {title} Written by `python -m estiba.codegen`; do not edit.
"""


def text(value: str) -> str:
    """Quote a Rust string literal."""
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'


def const(name: str, kind: str, entries: Iterable[str], doc: str, *, public: bool = True) -> str:
    """Write one const slice as rustfmt lays it out: on one line or two if that fits, else an entry a line."""
    entries = list(entries)
    head = f"{'pub ' if public else ''}const {name}: &[{kind}] ="
    value = "&[" + ", ".join(entries) + "];"
    line = f"{head} {value}"
    if len(line) > WIDTH:
        line = f"{head}\n    {value}"
    if len(value) + 4 > WIDTH or "\n" in value:
        line = "\n".join([f"{head} &[", *(f"    {entry}," for entry in entries), "];"])
    return (f"/// {doc}\n" if doc else "") + line + "\n"


def pairs(table: Mapping[str, str]) -> list[str]:
    """Write (name, value) entries, sorted by the bytes of the name for binary search."""
    return [f"({text(name)}, {table[name]})" for name in sorted(table, key=str.encode)]


def numbers(table: Mapping[str, int], form: str = "{}") -> list[str]:
    """Write (name, number) entries, sorted."""
    return pairs({name: form.format(number) for name, number in table.items()})


def module(title: str, *parts: str) -> str:
    """Join one Rust file."""
    return "\n".join([HEAD.format(title=title), *parts])


def enum(name: str, variants: Mapping[str, str], doc: str) -> str:
    """Write a fieldless enum with one documented variant each."""
    body = "".join(f"    /// {note}.\n    {variant},\n" for variant, note in variants.items())
    return f"/// {doc}\n#[derive(Clone, Copy, Debug, PartialEq, Eq)]\npub enum {name} {{\n{body}}}\n"


def names_of(name: str, variants: Mapping[str, str]) -> str:
    """Write `name(self)` for an enum: variant to its word."""
    arms = "".join(f"            Self::{variant} => {text(word)},\n" for variant, word in variants.items())
    return (
        f"impl {name} {{\n    /// The word that people and programs read.\n    #[must_use]\n"
        f"    pub const fn name(self) -> &'static str {{\n        match self {{\n{arms}        }}\n    }}\n}}\n"
    )
