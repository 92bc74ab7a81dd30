# SPDX-License-Identifier: Apache-2.0
"""Write estiba(1) and muelle(1) from estiba.tables: `python tools/man_page.py muelle > .../man1/muelle.1`.

tests/unit/test_man_page.py compares. The verbs and options come from the tables; the rest of estiba(1) is written
here, that of muelle(1) in man_muelle.py.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import man_muelle
from estiba.tables import muelle
from estiba.tables.arguments import FAILURE_EXIT, GLOBAL, NATIVE, PYTHON
from estiba.tables.version import SPEC, SPEC_OLDEST, VERSION

BUILDERS = Path(__file__).resolve().parents[1] / "docs" / "builders.md"
WORDS = {"one": "{}", "optional": "[{}]", "some": "{}...", "rest": "[{}...]"}

HEAD = f"""\
.\\" Written by tools/man_page.py; do not edit.
.TH ESTIBA 1 "" "estiba {VERSION}" "User Commands"
.SH NAME
estiba \\- run containers by the OCI runtime specification
.SH SYNOPSIS
.B estiba
.RI [ OPTION... ]
.I COMMAND
.RI [ ARGUMENT... ]
.SH DESCRIPTION
.B estiba
makes containers of OCI bundles: folders with a root file system and a config.json
(versions {SPEC_OLDEST} to {SPEC} of the specification).
.PP
Options may stand before or after the words of a command.
A value follows its option as the next word or after an equals sign.
After the ID of
.B exec
and
.BR ps ,
everything belongs to the program that is named there.
"""

TAIL = """\
.SH EXIT STATUS
.B run
and
.B exec
exit as the program did, or with 128 and the signal's number.
.B validate
and
.B check
exit with 1 where they have found an error, with 0 where they only warn.
A failure of estiba itself is {failures}, and 1 for every other command.
It is one line on standard error, then at most one hint; with
.B \\-\\-log
it is a record in that file too.
.SH ENVIRONMENT
.TP
.B ESTIBA_ROOT
Where state lives, unless
.B \\-\\-root
says it.
.TP
.B XDG_RUNTIME_DIR
State of a user without privileges lives in its folder estiba, also where that user is root in a user namespace.
.SH FILES
.TP
.I /run/estiba/ID
The state of one container; gone after
.BR delete .
.TP
.I /run/estiba/.failures
What the last hundred failed starts said.
.TP
.I /run/estiba/.filters
Compiled seccomp filters, about 64 at most, kept so that a profile is compiled once; may be removed at any time.
.TP
.I /sys/fs/bpf/estiba
Device programs of cgroup v2, 64 at most, kept so that they are loaded once; may be removed at any time.
.TP
.I PREFIX/share/containers/containers.conf.d/50\\-estiba.conf
For podman, which reads the errors of a runtime as JSON only where it knows it by name: copy it to
/etc/containers/containers.conf.d.
.SH EXAMPLES
A shell in a container, from a folder whose rootfs holds a root file system:
.PP
.nf
.RS
estiba spec
estiba run web
.RE
.fi
.SH SEE ALSO
.BR capabilities (7),
.BR cgroups (7),
.BR namespaces (7),
.BR seccomp (2)
"""


def escaped(text: str) -> str:
    """Protect what roff would take for its own."""
    return text.replace("\\", "\\e").replace("-", "\\-")


def options(listed: tuple[tuple[str, str, str, str, str], ...]) -> str:
    """Lay out options, each with its value's name and help."""
    parts = []
    for name, letter, _kind, value, help in listed:
        short = f"\\-{escaped(letter)}, " if letter else ""
        metavar = f" \\fI{escaped(value)}\\fR" if value else ""
        parts.append(f".TP\n\\fB{short}\\-\\-{escaped(name)}\\fR{metavar}\n{sentence(help)}\n")
    return "".join(parts)


def verb(command: str, name: str, described: muelle.VerbSpec) -> str:
    """Lay out one verb of a command."""
    summary, words, listed = described
    shown = " ".join(WORDS[many].format(word) for word, many, _help in words)
    parts = [f".SS {name}\n", f".B {command} {name}\n.RI [ OPTION... ]\n"]
    parts += [f".I {escaped(shown)}\n"] if shown else []
    parts += [f".PP\n{sentence(summary)}\n"]
    parts += [f".TP\n\\fI{word}\\fR\n{sentence(help)}\n" for word, _many, help in words]
    return "".join(parts) + options(tuple(option for option in listed if option[0] != "help"))


def sentence(text: str) -> str:
    """Make a sentence of a table's words, kept from being a roff request."""
    return "\\&" + escaped(text[:1].upper() + text[1:]) + ("" if text.endswith(".") else ".")


def estiba_page() -> str:
    """Write the page of `estiba`."""
    failures = ", ".join(f"{code} for {name}" for name, code in FAILURE_EXIT.items())
    return "".join(
        [
            HEAD,
            ".SH OPTIONS BEFORE THE COMMAND\n",
            options(GLOBAL),
            ".SH COMMANDS\n",
            "These run natively, without an interpreter, whenever the config is one that is surely valid.\n",
            *(verb("estiba", name, described) for name, described in NATIVE.items()),
            ".SH COMMANDS IN PYTHON\n",
            "These, and every --help, run in the Python package beside the command.\n".replace("-", "\\-"),
            *(verb("estiba", name, described) for name, described in PYTHON.items()),
            TAIL.replace("{failures}", failures),
        ]
    )


def muelle_page() -> str:
    """Write the page of `muelle`."""
    return "".join(
        [
            man_muelle.HEAD,
            ".SH OPTIONS BEFORE THE COMMAND\n",
            options(muelle.GLOBAL),
            ".SH COMMANDS\n",
            *(verb("muelle", name, described) for name, described in muelle.VERBS.items()),
            ".SH WHERE BUILDERS DISAGREE\n",
            f"What {bold('muelle build')} does in each of these cases:\n",
            *(decision(case, ours) for case, ours in decisions()),
            man_muelle.TAIL,
        ]
    )


def decisions() -> list[tuple[str, str]]:
    """Read the case and what we do from each row of docs/builders.md."""
    rows = [line.strip("| \n").split(" | ") for line in BUILDERS.read_text().splitlines() if line[:2] == "| "]
    return [(row[0], f"as others: {row[1]}" if row[2] == "the same" else row[2]) for row in rows[1:]]


def decision(case: str, ours: str) -> str:
    """Lay out one of them."""
    return f".TP\n\\&{escaped(case).replace('`', '')}\n{sentence(ours.replace('`', ''))}\n"


def bold(text: str) -> str:
    """Print it in bold."""
    return f"\\fB{escaped(text)}\\fR"


PAGES = {"estiba": estiba_page, "muelle": muelle_page}

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Print the manual page of a command.")
    parser.add_argument("command", choices=PAGES)
    sys.stdout.write(PAGES[parser.parse_args().command]())
