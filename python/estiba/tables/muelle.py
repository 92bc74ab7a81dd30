# SPDX-License-Identifier: Apache-2.0
"""The command line of `muelle` as data: the parser, help and man page come from it.

An option is (name, letter or "", kind, value's name, help). Kinds: "flag", "text", "number" (0 to 2^32 - 1), "list"
(may be repeated), "choice" (the value's name lists what may stand there, "table|json"), "size" (bytes, with a
suffix b, k, m, g or t), "decimal" (a number that need not be whole).
A positional is (name, how many, help) with how many "one", "optional", "some" (one or more) or "rest".
"""

OptionSpec = tuple[str, str, str, str, str]
VerbSpec = tuple[str, tuple[tuple[str, str, str], ...], tuple[OptionSpec, ...]]

GLOBAL: tuple[OptionSpec, ...] = (
    ("store", "", "text", "DIR", "where images live; /var/lib/estiba, rootless $XDG_DATA_HOME/estiba"),
    ("root", "", "text", "DIR", "where running containers are on record; /run/estiba"),
    ("debug", "", "flag", "", "show the traceback of a bug"),
    ("version", "v", "flag", "", "print the version"),
    ("help", "h", "flag", "", "print this help"),
)

HELP: OptionSpec = ("help", "h", "flag", "", "print this help")
FORMAT: OptionSpec = ("format", "", "choice", "table|json", "how to print")

VERBS: dict[str, VerbSpec] = {
    "version": ("print the versions of muelle and of what it is made of", (), (FORMAT, HELP)),
}
"""{verb: (what it does, positionals, options)}."""

REST_AFTER_FIRST: tuple[str, ...] = ("run",)
"""Verbs whose words after the first belong to the program that is named there, dashes and all."""

USAGE_EXIT = 125
"""Exit code of a command line that cannot be taken: what Docker and podman answer."""

FAILURE_EXIT: dict[str, int] = {"run": 125}
"""Exit code of a failure by verb; 1 for all others."""

REFUSALS: dict[str, str] = {
    "no-command": "no command given",
    "unknown-command": '"{what}" is not a command',
    "unknown-option": '{where}: "{what}" is not an option',
    "needs-value": "{where}: {what} needs a value ({metavar})",
    "flag-value": '{where}: {what} is a flag: true or false may follow, not "{value}"',
    "not-a-number": '{where}: {what} takes a whole number from 0 to 4294967295, not "{value}"',
    "not-a-decimal": '{where}: {what} takes a number such as 1.5, not "{value}"',
    "not-a-size": '{where}: {what} takes a number of bytes, or one with k, m, g or t behind it, not "{value}"',
    "bad-value": '{where}: {what} takes {metavar}, not "{value}"',
    "missing": "{where}: {what} is missing",
    "surplus": '{where}: "{what}" is one argument too many',
}
"""The parser's words; {where} is `muelle` or `muelle VERB`."""

HINTS: dict[str, str] = {
    "near": 'did you mean "{near}"?',
    "help": "see `{where} --help`",
}
"""What follows: a name like the one given, or where help is."""
