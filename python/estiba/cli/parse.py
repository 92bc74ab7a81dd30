# SPDX-License-Identifier: Apache-2.0
"""argv to options and words, by estiba.tables.arguments; the twin of rust/cli/src/arguments.rs.

tests/golden/arguments.txt holds cases that both answer alike. argparse is not used: it costs 8 ms to import, and
neither its texts nor its rules for options after words are those of the native parser.
"""

from __future__ import annotations

from estiba.tables import arguments

TRUE = ("1", "t", "T", "true", "TRUE", "True")
FALSE = ("0", "f", "F", "false", "FALSE", "False")

OptionSpec = tuple[str, str, str, str, str]
VerbSpec = tuple[str, tuple[tuple[str, str, str], ...], tuple[OptionSpec, ...]]

VERBS: dict[str, VerbSpec] = {**arguments.NATIVE, **arguments.PYTHON}


class Options:
    """Options as given, in order."""

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

    def __init__(
        self, verb: str, breach: str, near: str | None = None, /, *, hint: str = "help", **facts: str
    ) -> None:
        place = f"estiba {verb}" if verb else "estiba"
        self.message = arguments.REFUSALS[breach].format(where=place, **facts)
        self.hint = arguments.HINTS["near" if near else hint].format(near=near, where=place)
        self.exit = arguments.FAILURE_EXIT.get(verb, 1)
        super().__init__(self.message)


def parse(args: list[str], parsed: Parsed) -> None:
    """Read the arguments after the command's own name into `parsed`, which holds what was read when it raises Refusal."""
    rest = args
    while rest and is_option(rest[0]):
        if rest[0] == "--":
            rest = rest[1:]
            break
        rest = take("", arguments.GLOBAL, rest, parsed.globals)
    if parsed.globals.flag("help") or parsed.globals.flag("version"):
        return
    if not rest:
        raise Refusal("", "no-command")
    verb = rest[0]
    if verb not in VERBS:
        raise Refusal("", "unknown-command", nearest(verb, sorted(VERBS)), what=verb)
    parsed.verb = verb
    read_verb(verb, rest[1:], parsed)


def read_verb(verb: str, args: list[str], parsed: Parsed) -> None:
    """Read what follows the verb."""
    rest = args
    only_words = False
    while rest:
        first = rest[0]
        if not only_words and first == "--":
            only_words = True
            rest = rest[1:]
        elif only_words or not is_option(first):
            parsed.words.append(first)
            rest = rest[1:]
            if verb in arguments.REST_AFTER_ID and len(parsed.words) == 1:
                only_words = True
                rest = rest[1:] if rest[:1] == ["--"] else rest
        else:
            rest = take(verb, VERBS[verb][2], rest, parsed.options)
    if not parsed.options.flag("help"):
        count(verb, parsed.words)


def count(verb: str, words: list[str]) -> None:
    """Refuse if there are more or fewer words than the verb wants."""
    wanted = VERBS[verb][1]
    if len(words) < len(wanted) and wanted[len(words)][1] == "one":
        raise Refusal(verb, "missing", what=wanted[len(words)][0])
    has_rest = bool(wanted) and wanted[-1][1] == "rest"
    if len(words) > len(wanted) and not has_rest:
        raise Refusal(verb, "surplus", what=words[len(wanted)])


def take(verb: str, specs: tuple[OptionSpec, ...], args: list[str], options: Options) -> list[str]:
    """Read one option from the head of `args`; return what follows it."""
    dashed, equals, value = args[0].partition("=")
    after = args[1:]
    name = dashed.removeprefix("--") if dashed.startswith("--") else dashed.removeprefix("-")
    spec = next((spec for spec in specs if name and name in spec[:2]), None)
    if spec is None:
        near = nearest(name, [spec[0] for spec in specs])
        raise Refusal(verb, "unknown-option", near and f"--{near}", what=dashed)
    name, _letter, kind, metavar, _help = spec
    if kind == "flag":
        value = read_flag(verb, name, value) if equals else "true"
    elif not equals:
        if not after:
            raise Refusal(verb, "needs-value", what=f"--{name}", metavar=metavar)
        value, after = after[0], after[1:]
    if kind == "number" and not is_number(value):
        raise Refusal(verb, "not-a-number", what=f"--{name}", value=value)
    if kind == "choice" and value not in metavar.split("|"):
        raise Refusal(verb, "bad-value", what=f"--{name}", metavar=metavar, value=value)
    options.given.append((name, value))
    return after


def read_flag(verb: str, name: str, value: str) -> str:
    """Return the value of --flag=VALUE as "true" or "false"."""
    if value in TRUE:
        return "true"
    if value in FALSE:
        return "false"
    raise Refusal(verb, "flag-value", what=f"--{name}", value=value)


def is_option(word: str) -> bool:
    """Return whether the word is an option, or ends them; a lone dash is a word."""
    return len(word) > 1 and word.startswith("-")


def is_number(word: str) -> bool:
    """Return whether it is digits alone, for a number of 32 bits."""
    digits = word.lstrip("0") or "0"
    return word.isascii() and word.isdigit() and len(digits) <= 10 and int(digits) < 2**32


def nearest(word: str, names: list[str]) -> str | None:
    """Return the name that is at most two changes away and less than half of the word."""
    measured = [(distance(word, name), name) for name in names]
    near = [(changes, name) for changes, name in measured if changes <= 2 and changes * 2 < len(word)]
    return min(near, key=lambda pair: pair[0])[1] if near else None


def distance(left: str, right: str) -> int:
    """Count insertions, deletions and replacements between two words (Levenshtein)."""
    row = list(range(len(right) + 1))
    for line, character in enumerate(left):
        following = [line + 1]
        for column, other in enumerate(right):
            changed = row[column] + (character != other)
            following.append(min(changed, row[column + 1] + 1, following[-1] + 1))
        row = following
    return row[-1]
