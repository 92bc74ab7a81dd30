# SPDX-License-Identifier: Apache-2.0
r"""Variables in words: `$X ${X} ${X:-w} ${X-w} ${X:+w} ${X+w} ${X:?w} ${X?w} ${X#p} ${X##p} ${X%p} ${X%%p} ${X/p/r} ${X//p/r}`.

In two steps: `parts` reads a word and finds every slip; `value` and `values` put the variables in. The rules are
BuildKit's: quotes go, the escape character makes the next one plain, inside of double quotes only before `"`, `$`
and itself; a variable that is not set is empty.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from typing import NamedTuple, NoReturn

from estiba.build.recipe import patterns
from estiba.build.recipe.instructions import Word
from estiba.build.recipe.problems import Fault
from estiba.spec.words import quote

SPECIAL = "@*#?-$!"
"""The shell's own parameters: names of one character, never set here."""

DEEPEST = 50
"""How deep `${A:-${B:-...}}` may go."""


class Text(NamedTuple):
    """Characters that stand for themselves."""

    text: str
    is_quoted: bool
    """Never split into words."""


class Variable(NamedTuple):
    """A variable, and what to do with its value."""

    name: str
    operator: str
    """Empty, or one of - :- + :+ ? :? # % / //."""
    operand: tuple[Text | Variable, ...]
    replacement: tuple[Text | Variable, ...]
    is_quoted: bool


Part = Text | Variable
Parts = tuple[Part, ...]
Variables = Mapping[str, str]


@functools.lru_cache(maxsize=4096)
def parts(word: Word, escape: str, *, quotes: bool = True) -> Parts:
    """Read a word; without `quotes`, as in a here-document, quotes are plain characters. Raise Fault."""
    if "$" not in word.text and not set("\"'" + escape) & set(word.text):
        return (Text(word.text, False),)
    return _Reader(word, escape, quotes).until("", raw=False)


def value(given: Parts, variables: Variables, word: Word) -> str:
    """Put the variables in. Raise Fault at `word` where `?` or a pattern says so."""
    return "".join(_one(part, variables, word) for part in given)


def values(given: Parts, variables: Variables, word: Word) -> list[str]:
    """Put the variables in, then split at blanks that are not quoted."""
    found = [""]
    for part in given:
        text = _one(part, variables, word)
        if part.is_quoted:
            found[-1] += text
            continue
        for character in text:
            if not character.isspace():
                found[-1] += character
            elif found[-1]:
                found.append("")
    return [each for each in found if each]


def names(given: Parts) -> Iterator[str]:
    """Tell which variables are looked at."""
    for part in given:
        if isinstance(part, Variable):
            yield part.name
            yield from names(part.operand)
            yield from names(part.replacement)


def _one(part: Part, variables: Variables, word: Word) -> str:
    if isinstance(part, Text):
        return part.text
    found = variables.get(part.name)
    if not part.operator:
        return found or ""
    operand = value(part.operand, variables, word)
    kind = part.operator[-1]
    lacks = not found if part.operator[0] == ":" else found is None
    if kind == "-":
        return operand if lacks else (found or "")
    if kind == "+":
        return "" if lacks else operand
    if kind == "?":
        if lacks:
            _fail_for_lack(part, operand, found, word)
        return found or ""
    return _changed(part, operand, found or "", value(part.replacement, variables, word), word)


def _fail_for_lack(part: Variable, operand: str, found: str | None, word: Word) -> NoReturn:
    state = "is not set" if found is None else "is empty"
    message = f"the variable {quote(part.name)} {state}"
    raise Fault(
        word.place, f"{message}: {operand}" if operand else message, f"set it by ARG {part.name} or ENV"
    )


def _changed(part: Variable, pattern: str, text: str, replacement: str, word: Word) -> str:
    longest = pattern.startswith(part.operator) and part.operator in "#%"
    try:
        found = patterns.read(pattern[1:] if longest else pattern)
    except ValueError as error:
        raise Fault(word.place, f"in ${{{part.name}{part.operator}...}}: {error}") from None
    if part.operator == "#":
        return patterns.without_prefix(text, found, longest=longest)
    if part.operator == "%":
        return patterns.without_suffix(text, found, longest=longest)
    return patterns.replaced(text, found, replacement, every=part.operator == "//")


class _Reader:
    """One pass over the characters of a word."""

    def __init__(self, word: Word, escape: str, quotes: bool) -> None:
        self.word, self.text, self.escape, self.quotes = word, word.text, escape, quotes
        self.position = 0
        self.depth = 0

    def until(self, stop: str, *, raw: bool, in_quotes: bool = False) -> Parts:
        """Read up to a character, or to the end; `raw` keeps the escape characters, as patterns need them."""
        found: list[Part] = []
        while (character := self._peek()) and character != stop:
            if character == "$":
                found.append(self._dollar(in_quotes))
            elif character == "'" and self.quotes:
                found.append(self._single())
            elif character == '"' and self.quotes:
                found.extend(self._double(raw))
            elif character == self.escape:
                self._skip()
                if following := self._skip():
                    found.append(Text(character + following if raw else following, True))
                elif raw:
                    found.append(Text(character, True))
            else:
                found.append(Text(self._skip(), False))
        if stop and not self._skip():
            end = "}" if stop == "}" else stop
            self._fail(self.position, f"a {quote(end)} is missing at the end of ${{...}}")
        return _joined(found)

    def _single(self) -> Text:
        begun = self.position
        end = self.text.find("'", begun + 1)
        if end < 0:
            self._fail(begun, "this single quote has no other", r"a plain quote is written \'")
        self.position = end + 1
        return Text(self.text[begun + 1 : end], True)

    def _double(self, raw: bool) -> list[Part]:
        begun = self.position
        self._skip()
        found: list[Part] = [Text("", True)]
        while (character := self._peek()) != '"':
            if not character:
                hint = r"a plain quote is written \" "
                self._fail(begun, "this double quote has no other", hint.strip())
            elif character == "$":
                found.append(self._dollar(True))
            else:
                self._skip()
                following = self._peek()
                if character == self.escape and following and following in f'"${self.escape}':
                    character = (character if raw else "") + self._skip()
                found.append(Text(character, True))
        self._skip()
        return found

    def _dollar(self, in_quotes: bool) -> Part:
        begun = self.position
        self._skip()
        if self._peek() != "{":
            name = self._name()
            return Variable(name, "", (), (), in_quotes) if name else Text("$", in_quotes)
        self._skip()
        if not self._peek():
            self._fail(begun, 'a "}" is missing after "${"')
        name = self._name()
        if not name:
            self._fail(begun, 'a variable\'s name has to follow "${"', r"a plain dollar sign is written \$")
        self.depth += 1
        if self.depth > DEEPEST:
            self._fail(begun, f"variables stand in each other more than {DEEPEST} deep")
        found = self._substitution(name, begun, in_quotes)
        self.depth -= 1
        return found

    def _substitution(self, name: str, begun: int, in_quotes: bool) -> Variable:
        """Read what follows `${NAME`."""
        operator = self._skip()
        if operator == "}":
            return Variable(name, "", (), (), in_quotes)
        if operator == ":":
            operator += self._skip()
        if not operator:
            self._fail(begun, 'a "}" is missing after "${"')
        if operator == "/":
            if self._peek() == "/":
                operator += self._skip()
            pattern = self.until("/", raw=True)
            return Variable(name, operator, pattern, self.until("}", raw=True), in_quotes)
        if operator not in ("-", ":-", "+", ":+", "?", ":?", "#", "%"):
            hint = "there are - :- + :+ ? :? # ## % %% / and //"
            self._fail(begun, f"{quote(operator)} after a variable's name means nothing", hint)
        operand = self.until("}", raw=operator in "#%")
        return Variable(name, operator, operand, (), in_quotes)

    def _name(self) -> str:
        """Read a name: letters, digits, `_`; or digits alone; or one special character."""
        begun = self.position
        if self._peek().isdecimal():
            while self._peek().isdecimal():
                self._skip()
        elif self._peek() and self._peek() in SPECIAL:
            self._skip()
        else:
            while self._peek().isalnum() or self._peek() == "_":
                self._skip()
        return self.text[begun : self.position]

    def _peek(self) -> str:
        return self.text[self.position : self.position + 1]

    def _skip(self) -> str:
        character = self._peek()
        self.position += len(character)
        return character

    def _fail(self, offset: int, message: str, hint: str | None = None) -> NoReturn:
        line, column = self.word.place
        raise Fault(self.word.place._replace(line=line, column=column + offset), message, hint)


def _joined(found: list[Part]) -> Parts:
    """Make one text of neighbours of a kind."""
    joined: list[Part] = []
    for part in found:
        last = joined[-1] if joined else None
        if isinstance(part, Text) and isinstance(last, Text) and part.is_quoted == last.is_quoted:
            joined[-1] = Text(last.text + part.text, part.is_quoted)
        else:
            joined.append(part)
    return tuple(joined)
