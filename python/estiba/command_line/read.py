# SPDX-License-Identifier: Apache-2.0
"""argv to options and words, by a table of verbs.

argparse is not used: it costs 8 ms to import, and neither its texts nor its rules for options after words are ours.
The tables are laid out as estiba.tables.muelle says.
"""

from __future__ import annotations

from abc import ABC, abstractmethod

from estiba.errors import one_line

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

OptionSpec = tuple[str, str, str, str, str]
VerbSpec = tuple[str, tuple[tuple[str, str, str], ...], tuple[OptionSpec, ...]]

TRUE = ("1", "t", "T", "true", "TRUE", "True")
FALSE = ("0", "f", "F", "false", "FALSE", "False")
UNITS = {"": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40, "p": 1 << 50}


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
        return None if digits is None else int(digits.lstrip("0") or "0")

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

    def __init__(self, message: str, hint: str, exit: int) -> None:
        self.message, self.hint, self.exit = one_line(message), hint, exit
        super().__init__(self.message)


class Language(ABC):
    """How the argv of one command is written: its tables, and what its subclass says of options."""

    def __init__(
        self,
        program: str,
        *,
        globals: tuple[OptionSpec, ...],
        verbs: Mapping[str, VerbSpec],
        program_after: Mapping[str, int],
        refusals: Mapping[str, str],
        hints: Mapping[str, str],
    ) -> None:
        self.program, self.globals, self.verbs = program, globals, verbs
        self.program_after = program_after
        """Verbs whose words after so many belong to another program, dashes and all."""
        self.refusals, self.hints = refusals, hints

    def parse(self, args: list[str], parsed: Parsed) -> None:
        """Read the arguments after the command's own name into `parsed`, which holds what was read when it raises Refusal."""
        rest = args
        while rest and is_option(rest[0]):
            if rest[0] == "--":
                rest = rest[1:]
                break
            rest = self.take("", self.globals, rest, parsed.globals)
        if parsed.globals.flag("help") or parsed.globals.flag("version"):
            return
        if not rest:
            raise self.refusal("", "no-command")
        verb = rest[0]
        if verb not in self.verbs:
            raise self.refusal("", "unknown-command", self.nearest(verb, sorted(self.verbs)), what=verb)
        parsed.verb = verb
        self._read_verb(verb, rest[1:], parsed)

    def refusal(
        self, verb: str, breach: str, near: str | None = None, /, *, hint: str = "help", **facts: str
    ) -> Refusal:
        """Put a breach into the words of the table; `near` is what was likely meant."""
        where = f"{self.program} {verb}" if verb else self.program
        message = self.refusals[breach].format(where=where, **facts)
        advice = self.hints["near" if near else hint].format(near=near, where=where)
        return Refusal(message, advice, self.refusal_exit(verb))

    @abstractmethod
    def refusal_exit(self, verb: str) -> int:
        """Return the exit code of an argv that cannot be taken."""

    @abstractmethod
    def take(self, verb: str, specs: tuple[OptionSpec, ...], args: list[str], options: Options) -> list[str]:
        """Read the options of the word at the head of `args`; return what follows them."""

    @abstractmethod
    def nearest(self, word: str, names: Iterable[str]) -> str | None:
        """Return the name that was most likely meant."""

    def nearest_value(self, word: str, names: Iterable[str]) -> str | None:
        """Return the value of a choice that was most likely meant; None: the refusal lists them anyway."""
        return None

    def program_words(self, rest: list[str]) -> list[str]:
        """Return what of the rest belongs to the other program."""
        return rest

    def take_value(
        self, verb: str, spec: OptionSpec, value: str | None, after: list[str], options: Options
    ) -> list[str]:
        """Judge an option's value, or take the next word for it; return what follows."""
        name, _letter, kind, metavar, _help = spec
        what = f"--{name}"
        if kind == "flag":
            value = "true" if value is None else self._flag(verb, what, value)
        elif value is None:
            if not after:
                raise self.refusal(verb, "needs-value", what=what, metavar=metavar)
            value, after = after[0], after[1:]
        if kind in WELL_FORMED and not WELL_FORMED[kind](value):
            raise self.refusal(verb, f"not-a-{kind}", what=what, value=value)
        if kind == "choice" and value not in metavar.split("|"):
            near = self.nearest_value(value, metavar.split("|"))
            raise self.refusal(verb, "bad-value", near, what=what, metavar=metavar, value=value)
        options.given.append((name, value))
        return after

    def _flag(self, verb: str, what: str, value: str) -> str:
        """Return the value of --flag=VALUE as "true" or "false"."""
        if value in TRUE:
            return "true"
        if value in FALSE:
            return "false"
        raise self.refusal(verb, "flag-value", what=what, value=value)

    def _read_verb(self, verb: str, args: list[str], parsed: Parsed) -> None:
        """Read what follows the verb."""
        rest = args
        while rest:
            if rest[0] == "--":
                parsed.words += rest[1:]
                break
            if is_option(rest[0]):
                rest = self.take(verb, self.verbs[verb][2], rest, parsed.options)
                continue
            parsed.words.append(rest[0])
            rest = rest[1:]
            if len(parsed.words) == self.program_after.get(verb):
                parsed.words += self.program_words(rest)
                break
        if not parsed.options.flag("help"):
            self._count(verb, parsed.words)

    def _count(self, verb: str, words: list[str]) -> None:
        """Refuse if there are more or fewer words than the verb wants."""
        wanted = self.verbs[verb][1]
        if len(words) < len(wanted) and wanted[len(words)][1] in ("one", "some"):
            raise self.refusal(verb, "missing", what=wanted[len(words)][0])
        is_open = bool(wanted) and wanted[-1][1] in ("rest", "some")
        if len(words) > len(wanted) and not is_open:
            raise self.refusal(verb, "surplus", what=words[len(wanted)])


def is_option(word: str) -> bool:
    """Return whether the word is an option, or ends them; a lone dash is a word."""
    return len(word) > 1 and word.startswith("-")


def is_number(word: str) -> bool:
    """Return whether it is digits alone, for a number of 32 bits."""
    digits = word.lstrip("0") or "0"
    return word.isascii() and word.isdigit() and len(digits) <= 10 and int(digits) < 2**32


def is_decimal(word: str) -> bool:
    """Return whether it is digits with at most one point, and not too many."""
    whole, _point, part = word.partition(".")
    return len(word) <= 20 and word.isascii() and (whole + part).isdigit()


def is_size(word: str) -> bool:
    """Return whether it is a number of bytes."""
    return size(word) is not None


def size(text: str) -> int | None:
    """Return the bytes that "64m", "1.5g", "512kb", "2GiB" or "1024" mean, in powers of 1024; None if it means nothing."""
    word = text.lower()
    word = word.removesuffix("ib") if word.endswith("ib") else word.removesuffix("b")
    digits = word.rstrip("kmgtp")
    unit = UNITS.get(word[len(digits) :])
    if unit is None or not is_decimal(digits):
        return None
    return int(digits) * unit if digits.isdigit() else int(float(digits) * unit)


WELL_FORMED = {"number": is_number, "decimal": is_decimal, "size": is_size}
"""What the values of some kinds of options have to be."""
