# SPDX-License-Identifier: Apache-2.0
"""COPY and ADD."""

from __future__ import annotations

import re
from collections.abc import Container
from typing import NamedTuple

from estiba.build.recipe import flags, here_documents
from estiba.build.recipe.instructions import Add, Copy, HereDocument, Place, Word
from estiba.build.recipe.problems import Fault
from estiba.build.recipe.readers.argument import Argument
from estiba.spec.words import quote

SHARED = {"chown": flags.TEXT, "chmod": flags.TEXT, "link": flags.FLAG, "exclude": flags.LIST}
COPY = {"from": flags.TEXT, "parents": flags.FLAG, **SHARED}
ADD = {"checksum": flags.TEXT, "unpack": flags.FLAG, **SHARED}
ADD_REFUSED = {"keep-git-dir": "git repositories are no sources here", "from": "COPY has it"}

OCTAL = re.compile(r"[0-7]{1,5}")
SYMBOLIC = re.compile(r"[ugoa]*([-+=]([rwxXst]*|[ugo]))+(,[ugoa]*([-+=]([rwxXst]*|[ugo]))+)*")
CHECKSUM = re.compile(r"sha256:[0-9a-f]{64}")


class Paths(NamedTuple):
    """From where to where."""

    sources: tuple[Word | HereDocument, ...]
    target: Word
    is_json: bool


def copy(argument: Argument) -> Copy:
    """Read COPY."""
    options, argument = argument.without_options(COPY)
    paths = _paths(argument)
    stage = options.text("from")
    if stage is not None:
        _check_stage(stage, paths)
    return Copy(
        place=argument.place,
        sources=paths.sources,
        target=paths.target,
        stage=stage,
        owner=options.text("chown"),
        mode=_mode(options),
        is_linked=options.flag("link") or False,
        keeps_parents=options.flag("parents") or False,
        excludes=options.every("exclude"),
        is_json=paths.is_json,
    )


def add(argument: Argument) -> Add:
    """Read ADD."""
    options, argument = argument.without_options(ADD, ADD_REFUSED)
    paths = _paths(argument)
    checksum = options.text("checksum")
    if checksum is not None and "$" not in checksum.text and not CHECKSUM.fullmatch(checksum.text):
        hint = "write sha256: and 64 hexadecimal digits"
        raise Fault(checksum.place, f"--checksum is a digest, not {quote(checksum.text)}", hint)
    return Add(
        place=argument.place,
        sources=paths.sources,
        target=paths.target,
        owner=options.text("chown"),
        mode=_mode(options),
        checksum=checksum,
        unpacks=options.flag("unpack"),
        is_linked=options.flag("link") or False,
        excludes=options.every("exclude"),
        is_json=paths.is_json,
    )


def _paths(argument: Argument) -> Paths:
    argument.need("a source and a destination")
    documents = {document.place: document for document in argument.here_documents}
    found, is_json = argument.many()
    if not is_json:
        found = _without_apart_names(found, documents.keys())
    if len(found) < 2:
        place = found[0].place if found else argument.place
        lone = f", and there is only {quote(found[0].text)}" if found else ""
        raise Fault(place, f"{argument.keyword} needs a source and a destination{lone}")
    *written, target = found
    sources: list[Word | HereDocument] = [documents.get(word.place, word) for word in written]
    if target.place in documents or (not is_json and here_documents.of(target)):
        raise Fault(target.place, "a here-document can be a source, not the destination")
    for word in (*(each for each in sources if isinstance(each, Word)), target):
        if not is_json:
            _hint_at_blanks(word, argument)
        argument.checked(word)
        if not word.text:
            raise Fault(word.place, f"a path of {argument.keyword} is empty")
    return Paths(tuple(sources), target, is_json)


def _without_apart_names(words: list[Word], documents: Container[Place]) -> list[Word]:
    """Leave out the NAME of a `<< NAME`, which is a word by itself."""
    apart = {number + 1 for number, word in enumerate(words) if word.text == "<<" and word.place in documents}
    return [word for number, word in enumerate(words) if number not in apart]


def _hint_at_blanks(word: Word, argument: Argument) -> None:
    """Say what to write instead of quotes around blanks, which these two instructions do not know."""
    for quotes in "\"'":
        if word.text.startswith(quotes) and word.text.count(quotes) == 1:
            hint = f'write paths with blanks as an array: {argument.keyword} ["one two", "/there/"]'
            raise Fault(
                word.place, f"{argument.keyword} takes no quotes around blanks: {quote(word.text)}", hint
            )


def _check_stage(stage: Word, paths: Paths) -> None:
    if "$" in stage.text:
        hint = "begin a stage FROM it and name that: FROM $NAME AS stage"
        raise Fault(stage.place, "--from takes no variable: stages are found before there are any", hint)
    for source in paths.sources:
        if isinstance(source, HereDocument):
            raise Fault(source.place, "a here-document cannot come --from another stage")


def _mode(options: flags.Options) -> Word | None:
    word = options.text("chmod")
    if word is None or "$" in word.text or OCTAL.fullmatch(word.text) or SYMBOLIC.fullmatch(word.text):
        return word
    hint = "write it as chmod takes it: 755, 0644, u=rwX,go=rX"
    raise Fault(word.place, f"--chmod is a file's mode, not {quote(word.text)}", hint)
