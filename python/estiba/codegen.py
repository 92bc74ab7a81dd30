# SPDX-License-Identifier: Apache-2.0
"""Write rust/engine/src/generated/*.rs from estiba.tables. Run `python -m estiba.codegen` in the repository.

The output is what rustfmt would make of it, so that regenerating changes nothing; tests/unit/test_codegen.py compares.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from estiba.tables import (
    arguments,
    capabilities,
    errnos,
    errors,
    mount_options,
    namespaces,
    phrases,
    rlimits,
    seccomp,
    signals,
    syscalls,
    transitions,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

WIDTH = 110
GENERATED = Path("rust/engine/src/generated")

HEAD = """\
// SPDX-License-Identifier: Apache-2.0
//! {title} Written by `python -m estiba.codegen`; do not edit.
"""

LOOKUP = """\
/// Find `name` in a table that is sorted by name.
#[must_use]
pub fn lookup<T: Copy>(table: &[(&str, T)], name: &str) -> Option<T> {
    table.binary_search_by(|entry| entry.0.cmp(name)).ok().and_then(|at| table.get(at)).map(|entry| entry.1)
}
"""


def text(value: str) -> str:
    """Quote a Rust string literal."""
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


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


def plain_tables() -> dict[str, str]:
    """Write the tables that are a name and a number."""
    spaces = {name: f"({flag:#x}, {text(file)})" for name, (flag, file) in namespaces.NAMESPACES.items()}
    kind = "(&str, u32)"
    return {
        "namespaces": module(
            "Namespaces.",
            const(
                "NAMESPACES",
                "(&str, (u64, &str))",
                pairs(spaces),
                "OCI name to (CLONE_NEW*, file in /proc/PID/ns).",
            ),
        ),
        "capabilities": module(
            "Capabilities.",
            const("CAPABILITIES", kind, numbers(capabilities.CAPABILITIES), "Name to number."),
            "/// The highest number above.\n"
            f"pub const LAST_CAPABILITY: u32 = {max(capabilities.CAPABILITIES.values())};\n",
        ),
        "rlimits": module(
            "Resource limits.", const("RLIMITS", kind, numbers(rlimits.RLIMITS), "OCI name to number.")
        ),
        "signals": module(
            "Signals.",
            const("SIGNALS", kind, numbers(signals.SIGNALS), "Name without SIG, in capitals, to number."),
            f"/// The highest signal number.\npub const LAST_SIGNAL: u32 = {signals.LAST_SIGNAL};\n",
        ),
        "syscalls": module(
            "System calls.",
            *(
                const(
                    f"SYSCALLS_{name}", kind, numbers(getattr(syscalls, name)), f"Name to number of {words}."
                )
                for name, words in (("X86_64", "x86_64"), ("X86", "x86"), ("X32", "x32, bit 30 included"))
            ),
        ),
        "seccomp": module(
            "Seccomp names.",
            const("ACTIONS", kind, numbers(seccomp.ACTIONS, "{:#x}"), "SECCOMP_RET_*."),
            const("OPERATORS", kind, numbers(seccomp.OPERATORS), "Comparisons of an argument."),
            const("FLAGS", kind, numbers(seccomp.FLAGS, "{:#x}"), "SECCOMP_FILTER_FLAG_*."),
            const("ARCHITECTURES", kind, numbers(seccomp.ARCHITECTURES, "{:#x}"), "AUDIT_ARCH_*."),
        ),
    }


MOUNT_OPTION = """\
/// What a mount option means. Where the kernel has an attribute of mount_setattr(2) for it, that is what stands here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MountOption {
    /// MOUNT_ATTR_*. Fold from left to right: `set = (set & !clear) | this.set; clear |= this.clear`; where the
    /// result touches `ATIME_FIELD`, clear all of that field. With `recursive`, for the tree of mounts below too.
    Attribute { set: u64, clear: u64, recursive: bool },
    /// MS_* of the file system (mount(2)), folded in the same way.
    Filesystem { set: u64, clear: u64 },
    /// MS_SHARED, MS_SLAVE, MS_PRIVATE or MS_UNBINDABLE, with MS_REC for the tree.
    Propagation(u64),
    /// A bind mount, with `recursive` of the whole tree.
    Bind { recursive: bool },
    /// Change what is mounted there.
    Remount,
    /// Map ids by the mount's own mappings, or the container's.
    Idmap { recursive: bool },
    /// Fill the new tmpfs with what it covers.
    TmpCopyUp,
    /// Where the source is a symbolic link, copy the link.
    CopySymlink,
    /// Do not follow a symbolic link at the end of the source.
    SourceNoFollow,
    /// Do not follow a symbolic link at the end of the destination.
    DestinationNoFollow,
    /// Changes nothing.
    Nothing,
}
"""

SPECIAL_VARIANTS = {
    "bind": "Bind { recursive: false }",
    "bind-recursive": "Bind { recursive: true }",
    "remount": "Remount",
    "idmap": "Idmap { recursive: false }",
    "idmap-recursive": "Idmap { recursive: true }",
    "tmpcopyup": "TmpCopyUp",
    "copy-symlink": "CopySymlink",
    "source-nofollow": "SourceNoFollow",
    "destination-nofollow": "DestinationNoFollow",
    "nothing": "Nothing",
}


def mount_option(kind: str, set_: int, clear: int) -> str:
    """Write one MountOption value."""
    if kind in ("attribute", "attribute-recursive"):
        recursive = "true" if kind == "attribute-recursive" else "false"
        return f"MountOption::Attribute {{ set: {set_:#x}, clear: {clear:#x}, recursive: {recursive} }}"
    if kind == "filesystem":
        return f"MountOption::Filesystem {{ set: {set_:#x}, clear: {clear:#x} }}"
    if kind == "propagation":
        return f"MountOption::Propagation({set_:#x})"
    return f"MountOption::{SPECIAL_VARIANTS[kind]}"


def mounts() -> str:
    """Write mount_options.rs."""
    table = {name: mount_option(*meaning) for name, meaning in mount_options.MOUNT_OPTIONS.items()}
    return module(
        "Mount options.",
        MOUNT_OPTION,
        f"/// MOUNT_ATTR__ATIME: three bits that are one setting.\npub const ATIME_FIELD: u64 = "
        f"{mount_options.ATIME_FIELD:#x};\n",
        const(
            "MOUNT_OPTIONS",
            "(&str, MountOption)",
            pairs(table),
            "Every known option; others are file system data.",
        ),
    )


def words() -> dict[str, str]:
    """Write phrases.rs, errnos.rs and errors.rs."""
    named = sorted(
        (name, value)
        for name, value in vars(phrases).items()
        if name.isupper() and not name.startswith("_") and isinstance(value, str)
    )
    phrase = "".join(f"pub const {name}: &str = {text(value)};\n" for name, value in named)
    known = sorted((number, name) for name, number in errnos.ERRNOS.items())
    variants = {name.removesuffix("Error"): name for name in errors.ERROR_KINDS}
    return {
        "phrases": module(
            "Words that callers search for (estiba.tables.phrases).",
            phrase,
            const(
                "CALLERS",
                "&str",
                map(text, phrases.CALLERS),
                "No other message or hint may contain one of these.",
            ),
        ),
        "errnos": module(
            "Error numbers, their names and our words for them.",
            const(
                "ERRNOS",
                "(i32, (&str, &str))",
                (
                    f"({number}, ({text(name)}, {text(phrases.ERRNO_WORDS.get(name, ''))}))"
                    for number, name in known
                ),
                'Number to (name, words), by number; words "" means that the name stands alone.',
            ),
        ),
        "errors": module(
            "Kinds of errors.",
            enum(
                "ErrorKind",
                {name.removesuffix("Error"): note.capitalize() for name, note in errors.ERROR_KINDS.items()},
                "What kind of thing went wrong; each is a class of estiba.errors.",
            ),
            names_of("ErrorKind", variants),
            const("ERROR_KINDS", "ErrorKind", (f"ErrorKind::{name}" for name in variants), "All of them."),
        ),
    }


def life() -> str:
    """Write transitions.rs."""

    def status(name: str) -> str:
        return "None" if name == "absent" else f"Some(Status::{name.capitalize()})"

    allowed = [
        const(
            f"{verb.upper()}_STEPS",
            "(Status, Option<Status>)",
            (f"(Status::{old.capitalize()}, {status(new)})" for old, new in steps.items()),
            "",
            public=False,
        )
        for verb, steps in transitions.TRANSITIONS.items()
    ]
    hints = [
        const(
            f"{verb.upper()}_HINTS",
            "(Status, &str)",
            (f"(Status::{state.capitalize()}, {text(hint)})" for state, hint in advice.items()),
            "",
            public=False,
        )
        for verb, advice in transitions.HINTS.items()
    ]
    steps = {verb: f"{verb.upper()}_STEPS" for verb in transitions.TRANSITIONS}
    advice = {verb: f"{verb.upper()}_HINTS" for verb in transitions.HINTS}
    needs = {verb: text(phrase) for verb, phrase in transitions.NEEDS.items()}
    return module(
        "The life of a container.",
        enum(
            "Status",
            {state.capitalize(): state.capitalize() for state in transitions.STATES},
            "The OCI status.",
        ),
        names_of("Status", {state.capitalize(): state for state in transitions.STATES}),
        *allowed,
        *hints,
        const(
            "TRANSITIONS",
            "(&str, &[(Status, Option<Status>)])",
            pairs(steps),
            "Verb to what is allowed and what follows; None is the end of the container.",
        ),
        const("NEEDS", "(&str, &str)", pairs(needs), 'What follows `container "ID" is STATUS: `.'),
        const(
            "HINTS",
            "(&str, &[(Status, &str)])",
            pairs(advice),
            "Advice by verb and status; {id} is the container's.",
        ),
    )


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
    verbs = [*arguments.NATIVE, *arguments.PYTHON, *arguments.PLANNED]
    parts.append(const("VERBS", "VerbSpec", map(verb, sorted(verbs)), "Every verb, by name."))
    for name, table in (("REFUSALS", arguments.REFUSALS), ("HINTS", arguments.HINTS)):
        entries = pairs({key: text(words_) for key, words_ in table.items()})
        parts.append(
            const(name, "(&str, &str)", entries, "The parser's words; what stands in {} is filled in.")
        )
    return module("The command line.", *parts)


def files() -> dict[str, str]:
    """Make every generated file: name to content."""
    modules = {
        **plain_tables(),
        **words(),
        "mount_options": mounts(),
        "transitions": life(),
        "arguments": command_line(),
    }
    root = "".join(f"pub mod {name};\n" for name in sorted(modules))
    made = {f"{name}.rs": content for name, content in sorted(modules.items())}
    return {"mod.rs": module("Tables of estiba.tables.", root, LOOKUP), **made}


def main() -> int:
    """Write the files that differ; say which."""
    if not GENERATED.parent.is_dir():
        print(f"estiba.codegen: run it in the repository: {GENERATED.parent} is absent here", file=sys.stderr)
        return 1
    GENERATED.mkdir(exist_ok=True)
    for name, content in files().items():
        path = GENERATED / name
        if not path.exists() or path.read_text() != content:
            path.write_text(content)
            print(path)
    return 0


if __name__ == "__main__":
    sys.exit(main())
