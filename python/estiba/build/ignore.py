# SPDX-License-Identifier: Apache-2.0
"""Ignore files: which paths of the build context no COPY sees.

The rules are those of BuildKit's .dockerignore, not of .gitignore: a pattern is anchored at the context's root, `*`
and `?` stay within a name, `**/` is any number of folders, a folder that matches takes along all in it, `!` takes back
in, and the last pattern that matches decides.
"""

from __future__ import annotations

import os
import posixpath
from typing import TYPE_CHECKING, NamedTuple

from estiba.build import wildcards
from estiba.errors import BuildFailed, BuildFileInvalid, cause
from estiba.problems import BuildFileProblem
from estiba.spec.words import quote

if TYPE_CHECKING:
    from collections.abc import Callable

NAMES = (".containerignore", ".dockerignore")
"""The first that is there is read, and no other. One named after the Containerfile (`X.dockerignore`) goes first."""

LONGEST = 1 << 20
"""Bytes of an ignore file."""


class Rule(NamedTuple):
    """One line of an ignore file."""

    line: int
    pattern: str
    """Clean: no slash at either end, no "." or ".." in it."""
    takes_in: bool
    """It began with `!`."""

    def __str__(self) -> str:
        return f"!{self.pattern}" if self.takes_in else self.pattern


class Ignore(NamedTuple):
    """An ignore file."""

    file: str
    """Its name for messages; empty where there is none."""
    rules: tuple[Rule, ...]

    @property
    def patterns(self) -> tuple[str, ...]:
        """The rules as text, as `_core.copy_tree` and `_core.digest_tree` take them."""
        return tuple(map(str, self.rules))

    def deciding(self, path: str) -> Rule | None:
        """Return the rule that leaves a path out; None if it is in the context."""
        decided: Rule | None = None
        for rule in self.rules:
            if rule.takes_in == (decided is not None) and _matches_with_folders(rule.pattern, path):
                decided = None if rule.takes_in else rule
        return decided


def find(context: str, recipe: str | None, read: Callable[[str], bytes] | None = None) -> Ignore:
    """Read the ignore file of a context, or of a Containerfile; `read` reads a path that is not the system's.

    Raises BuildFileInvalid, BuildFailed for one that is there and cannot be read.
    """
    candidates = [os.path.join(context, name) for name in NAMES]
    if recipe is not None:
        candidates[:0] = [recipe + name for name in NAMES]
    for candidate in candidates:
        try:
            data = (read or _read)(candidate)
        except (FileNotFoundError, NotADirectoryError):
            continue
        except OSError as error:
            raise BuildFailed(
                f"cannot read {quote(candidate)}: {cause(error.errno)}", errno=error.errno
            ) from None
        return parse(data, os.path.basename(candidate))
    return Ignore("", ())


def _read(path: str) -> bytes:
    with open(path, "rb") as file:
        return file.read(LONGEST + 1)


def parse(data: bytes, file: str) -> Ignore:
    """Read an ignore file. Raise BuildFileInvalid with every bad pattern."""
    if len(data) > LONGEST:
        raise _invalid([BuildFileProblem(file, 1, 1, f"an ignore file has at most {LONGEST >> 20} MiB")])
    rules: list[Rule] = []
    problems: list[BuildFileProblem] = []
    text = data.decode(errors="surrogateescape").removeprefix("\ufeff")
    for number, line in enumerate(text.split("\n"), 1):
        if line.startswith("#"):
            continue
        pattern = line.strip()
        takes_in = pattern.startswith("!")
        pattern = pattern[takes_in:].strip()
        if not pattern:
            if takes_in:
                problems.append(BuildFileProblem(file, number, 1, 'a pattern is missing after "!"'))
            continue
        pattern = clean(pattern) or "."
        try:
            wildcards.read(pattern)
        except ValueError as error:
            hint = "a backslash before it makes a character plain"
            problems.append(BuildFileProblem(file, number, 1, str(error), hint))
        rules.append(Rule(number, pattern, takes_in))
    if problems:
        raise _invalid(problems)
    return Ignore(file, tuple(rules))


def clean(path: str) -> str:
    """Make a pattern or a path relative to the context's root, and the shortest that means the same; "" is the root."""
    return posixpath.normpath("/" + path).lstrip("/")


def _matches_with_folders(pattern: str, path: str) -> bool:
    """Tell whether a pattern matches a path, or a folder that it is in."""
    read = wildcards.read(pattern)
    names = path.split("/")
    return any(wildcards.matches(read, "/".join(names[:count])) for count in range(len(names), 0, -1))


def _invalid(problems: list[BuildFileProblem]) -> BuildFileInvalid:
    more = len(problems) - 1
    rest = f" (and {more} more {'problem' if more == 1 else 'problems'})" if more else ""
    return BuildFileInvalid(f"{problems[0]}{rest}", hint=problems[0].hint, problems=tuple(problems))
