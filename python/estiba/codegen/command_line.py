# SPDX-License-Identifier: Apache-2.0
"""The command line: types for the native parser and what it reads."""

from __future__ import annotations

from estiba.codegen.layout import const, module, pairs, text
from estiba.tables import arguments

ARGUMENT_TYPES = """\
/// How an option takes its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// None; `=true` or `=false` may follow.
    Flag,
    /// Any text; the last one counts.
    Text,
    /// A whole number that fits 32 bits.
    Number,
    /// Any text, each one counts.
    List,
    /// One of the words that `value` names, with `|` between them.
    Choice,
}

/// One option. `letter` is "" where there is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OptionSpec {
    pub name: &'static str,
    pub letter: &'static str,
    pub kind: Kind,
    pub value: &'static str,
}

/// How many words a positional argument takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arity {
    One,
    Optional,
    Rest,
}

/// One verb. Where `is_native` is false, Python parses what follows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VerbSpec {
    pub name: &'static str,
    pub is_native: bool,
    /// The arguments after the first one belong to another program, dashes and all.
    pub has_rest: bool,
    pub failure_exit: u8,
    pub positionals: &'static [(&'static str, Arity)],
    pub options: &'static [OptionSpec],
}
"""


def option(spec: tuple[str, str, str, str, str]) -> str:
    """Write one OptionSpec."""
    name, letter, kind, value, _help = spec
    return (
        f"OptionSpec {{ name: {text(name)}, letter: {text(letter)}, kind: Kind::{kind.capitalize()}, "
        f"value: {text(value)} }}"
    )


def verb(name: str) -> str:
    """Write one VerbSpec over several lines, as rustfmt does when it is long."""
    is_native = name in arguments.NATIVE
    constant = name.upper()
    fields = {
        "name": text(name),
        "is_native": str(is_native).lower(),
        "has_rest": str(name in arguments.REST_AFTER_ID).lower(),
        "failure_exit": str(arguments.FAILURE_EXIT.get(name, 1)),
        "positionals": f"{constant}_POSITIONALS" if is_native else "&[]",
        "options": f"{constant}_OPTIONS" if is_native else "&[]",
    }
    body = "".join(f"        {field}: {value},\n" for field, value in fields.items())
    return "VerbSpec {\n" + body + "    }"


def command_line() -> str:
    """Write arguments.rs."""
    parts = [
        ARGUMENT_TYPES,
        const("GLOBAL", "OptionSpec", map(option, arguments.GLOBAL), "Options before the verb."),
    ]
    for name, (_summary, positionals, options) in arguments.NATIVE.items():
        words_ = (f"({text(word)}, Arity::{arity.capitalize()})" for word, arity, _help in positionals)
        parts.append(const(f"{name.upper()}_POSITIONALS", "(&str, Arity)", words_, "", public=False))
        parts.append(const(f"{name.upper()}_OPTIONS", "OptionSpec", map(option, options), "", public=False))
    verbs = [*arguments.NATIVE, *arguments.PYTHON]
    parts.append(const("VERBS", "VerbSpec", map(verb, sorted(verbs)), "Every verb, by name."))
    for name, table in (("REFUSALS", arguments.REFUSALS), ("HINTS", arguments.HINTS)):
        entries = pairs({key: text(words_) for key, words_ in table.items()})
        parts.append(
            const(name, "(&str, &str)", entries, "The parser's words; what stands in {} is filled in.")
        )
    return module("The command line.", *parts)
