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
FORMAT: OptionSpec = (
    "format",
    "",
    "text",
    "table|json|TEMPLATE",
    "how to print; a template is such as {{.Id}}",
)
QUIET: OptionSpec = ("quiet", "q", "flag", "", "print ids only")
NO_TRUNC: OptionSpec = ("no-trunc", "", "flag", "", "shorten nothing")
PLATFORM: OptionSpec = ("platform", "", "text", "OS/ARCH[/VARIANT]", "which image of several to take")

NAME = ("NAME", "one", "an image: a reference, name@digest, a version such as web@2, or an id")

LISTED: tuple[OptionSpec, ...] = (NO_TRUNC, QUIET, FORMAT)

VERBS: dict[str, VerbSpec] = {
    "containers": ("list the containers that `run` has left", (), (*LISTED, HELP)),
    "ps": (
        "list the containers that run",
        (),
        (("all", "a", "flag", "", "with those that have ended: what `containers` lists"), *LISTED, HELP),
    ),
    "rm": (
        "remove containers with what they have written",
        (("CONTAINER", "some", "a name, an id, or the beginning of one"),),
        (("force", "f", "flag", "", "kill those that run"), HELP),
    ),
    "images": (
        "list images",
        (("NAME", "optional", "a repository, or the beginning of one with * behind it"),),
        (
            ("all", "a", "flag", "", "with those that have no name"),
            ("digests", "", "flag", "", "with the digests of their manifests"),
            NO_TRUNC,
            QUIET,
            FORMAT,
            HELP,
        ),
    ),
    "inspect": (
        "print all that is known of images or containers, as JSON",
        (("NAME", "some", "an image or a container"),),
        (
            ("format", "f", "text", "TEMPLATE", "print what a template such as {{.Config.Cmd}} picks"),
            ("type", "", "choice", "image|container", "take the names for this only"),
            PLATFORM,
            HELP,
        ),
    ),
    "history": (
        "show what made an image, layer by layer, or what a name has stood for",
        (NAME,),
        (
            ("versions", "", "flag", "", "show what the name has stood for: when, by which command, by whom"),
            NO_TRUNC,
            QUIET,
            FORMAT,
            PLATFORM,
            HELP,
        ),
    ),
    "rollback": (
        "let a name stand for an earlier version again, or for a later one",
        (("NAME", "one", "a reference"),),
        (
            ("to", "", "text", "N|DIGEST|TIME", "which version; the one before by default"),
            QUIET,
            HELP,
        ),
    ),
    "tag": (
        "give an image another name",
        (NAME, ("TARGET", "one", "the new reference; what it stood for is kept as a version")),
        (HELP,),
    ),
    "untag": (
        "take names away; their images stay until `prune`, their past as well",
        (("NAME", "some", "a reference"),),
        (HELP,),
    ),
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
