# SPDX-License-Identifier: Apache-2.0
"""argv to options and words, by estiba.tables.muelle, as Docker's users write them.

`-it` is `-i -t`, `-eA=B` is `-e A=B`, and after the image of `run` everything belongs to the program. argparse is not
used: its import alone costs a tenth of what a cached build may take.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from estiba.tables import muelle as tables

if TYPE_CHECKING:
    from collections.abc import Iterable

    from estiba.tables.muelle import OptionSpec

TRUE = ("1", "t", "T", "true", "TRUE", "True")
FALSE = ("0", "f", "F", "false", "FALSE", "False")
UNITS = {"": 1, "b": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40}


class Options:
    """Options as given, in order; their values are well-formed."""

    def __init__(self) -> None:
        self.given: list[tuple[str, str]] = []

    def flag(self, name: str) -> bool:
        """Return whether the flag is set."""
        return self.text(name) == "true"

    def text(self, name: str) -> str | None:
        """Return the value given last."""
        values = self.list(name)
        return values[-1] if values else None

    def number(self, name: str) -> int | None:
        """Return the number given last."""
        digits = self.text(name)
        return None if digits is None else int(digits)

    def decimal(self, name: str) -> float | None:
        """Return the number given last, which need not be whole."""
        digits = self.text(name)
        return None if digits is None else float(digits)

    def size(self, name: str) -> int | None:
        """Return the number of bytes given last."""
        value = self.text(name)
        return None if value is None else size(value)

    def list(self, name: str) -> list[str]:
        """Return all values given."""
        return [value for given, value in self.given if given == name]


class Parsed:
    """What argv says. `verb` is "" only where --help or --version was asked for."""

    def __init__(self) -> None:
        self.globals = Options()
        self.verb = ""
        self.options = Options()
        self.words: list[str] = []


class Refusal(Exception):
    """argv cannot be taken as it is."""

    def __init__(self, verb: str, breach: str, near: str | None = None, /, **facts: str) -> None:
        place = f"muelle {verb}" if verb else "muelle"
        self.message = tables.REFUSALS[breach].format(where=place, **facts)
        self.hint = tables.HINTS["near" if near else "help"].format(near=near, where=place)
        super().__init__(self.message)


def parse(args: list[str], parsed: Parsed) -> None:
    """Read the arguments after the command's own name into `parsed`, which holds what was read when it raises Refusal."""
    rest = args
    while rest and is_option(rest[0]) and rest[0] != "--":
        rest = take("", tables.GLOBAL, rest, parsed.globals)
    rest = rest[1:] if rest[:1] == ["--"] else rest
    if parsed.globals.flag("help") or parsed.globals.flag("version"):
        return
    if not rest:
        raise Refusal("", "no-command")
    verb = rest[0]
    if verb not in tables.VERBS:
        raise Refusal("", "unknown-command", nearest(verb, tables.VERBS), what=verb)
    parsed.verb = verb
    read_verb(verb, rest[1:], parsed)


def read_verb(verb: str, args: list[str], parsed: Parsed) -> None:
    """Read what follows the verb."""
    rest = args
    while rest:
        if rest[0] == "--":
            parsed.words += rest[1:]
            break
        if is_option(rest[0]):
            rest = take(verb, tables.VERBS[verb][2], rest, parsed.options)
            continue
        parsed.words.append(rest[0])
        rest = rest[1:]
        if len(parsed.words) == tables.PROGRAM_AFTER.get(verb):
            parsed.words += rest
            break
    if not parsed.options.flag("help"):
        count(verb, parsed.words)


def count(verb: str, words: list[str]) -> None:
    """Refuse if there are more or fewer words than the verb wants."""
    wanted = tables.VERBS[verb][1]
    if len(words) < len(wanted) and wanted[len(words)][1] in ("one", "some"):
        raise Refusal(verb, "missing", what=wanted[len(words)][0])
    is_open = bool(wanted) and wanted[-1][1] in ("rest", "some")
    if len(words) > len(wanted) and not is_open:
        raise Refusal(verb, "surplus", what=words[len(wanted)])


def take(verb: str, specs: tuple[OptionSpec, ...], args: list[str], options: Options) -> list[str]:
    """Read the options of the word at the head of `args`; return what follows them."""
    word, after = args[0], args[1:]
    if word.startswith("--"):
        name, equals, value = word[2:].partition("=")
        spec = next((spec for spec in specs if spec[0] == name), None)
        if spec is None:
            near = nearest(name, [spec[0] for spec in specs])
            raise Refusal(verb, "unknown-option", near and f"--{near}", what=f"--{name}")
        return read_value(verb, spec, value if equals else None, after, options)
    letters = word[1:]
    while letters:
        letter, letters = letters[0], letters[1:]
        spec = next((spec for spec in specs if spec[1] == letter), None)
        if spec is None:
            near = nearest(word[1:], [spec[0] for spec in specs]) if len(word) > 2 else None
            raise Refusal(verb, "unknown-option", near and f"--{near}", what=f"-{letter}")
        if spec[2] != "flag" or letters.startswith("="):
            return read_value(verb, spec, letters.removeprefix("=") or None, after, options)
        options.given.append((spec[0], "true"))
    return after


def read_value(
    verb: str, spec: OptionSpec, value: str | None, after: list[str], options: Options
) -> list[str]:
    """Judge an option's value, or take the next word for it; return what follows."""
    name, _letter, kind, metavar, _help = spec
    what = f"--{name}"
    if kind == "flag":
        value = "true" if value is None else read_flag(verb, what, value)
    elif value is None:
        if not after:
            raise Refusal(verb, "needs-value", what=what, metavar=metavar)
        value, after = after[0], after[1:]
    if kind == "number" and not is_number(value):
        raise Refusal(verb, "not-a-number", what=what, value=value)
    if kind == "decimal" and not is_decimal(value):
        raise Refusal(verb, "not-a-decimal", what=what, value=value)
    if kind == "size" and size(value) is None:
        raise Refusal(verb, "not-a-size", what=what, value=value)
    if kind == "choice" and value not in metavar.split("|"):
        raise Refusal(
            verb, "bad-value", nearest(value, metavar.split("|")), what=what, metavar=metavar, value=value
        )
    options.given.append((name, value))
    return after


def read_flag(verb: str, what: str, value: str) -> str:
    """Return the value of --flag=VALUE as "true" or "false"."""
    if value in TRUE:
        return "true"
    if value in FALSE:
        return "false"
    raise Refusal(verb, "flag-value", what=what, value=value)


def is_option(word: str) -> bool:
    """Return whether the word is an option, or ends them; a lone dash is a word."""
    return len(word) > 1 and word.startswith("-")


def is_number(word: str) -> bool:
    """Return whether it is digits alone, for a number of 32 bits."""
    return word.isascii() and word.isdigit() and len(word) <= 10 and int(word) < 2**32


def is_decimal(word: str) -> bool:
    """Return whether it is digits with at most one point, and not too many."""
    whole, _point, part = word.partition(".")
    return len(word) <= 20 and word.isascii() and (whole + part).isdigit()


def size(text: str) -> int | None:
    """Return the bytes that "64m", "1.5g", "512kb" or "1024" mean, in powers of 1024; None if it means nothing."""
    word = text.lower()
    if len(word) > 2 and word[-1] == "b" and word[-2] in UNITS:
        word = word[:-1]
    digits = word.rstrip("bkmgt")
    unit = UNITS.get(word[len(digits) :])
    return None if unit is None or not is_decimal(digits) else int(float(digits) * unit)


def nearest(word: str, names: Iterable[str]) -> str | None:
    """Return the name that was most likely meant."""
    from estiba.spec.words import nearest as find

    return find(word, names)
