# SPDX-License-Identifier: Apache-2.0
"""A typed instruction as text again: one blank between words, options first, here-documents below.

What `parse` reads of it is the instruction that it was made of; so the text may be part of a cache key, and the
history of an image shows it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence

from estiba.build.recipe import durations
from estiba.build.recipe.instructions import (
    Add,
    Arg,
    Cmd,
    CommandLine,
    Copy,
    Entrypoint,
    Env,
    Expose,
    From,
    HealthCheck,
    HereDocument,
    Instruction,
    Label,
    Maintainer,
    OnBuild,
    Pair,
    Run,
    Shell,
    StopSignal,
    User,
    Volume,
    Word,
    Workdir,
)
from estiba.build.recipe.words import is_one_word

PLAIN = re.compile(r"[^\s'\"\\`]+")


def render(instruction: Instruction, *, escape: str = "\\") -> str:
    """Return the instruction as text, with here-documents if it has some."""
    match instruction:
        case From():
            name = ["AS", instruction.name.text] if instruction.name else []
            options = [_option("platform", instruction.platform, escape)]
            return _line("FROM", instruction.image.text, *name, options=options)
        case Arg():
            return _line("ARG", *(_declared(each.name, each.default) for each in instruction.arguments))
        case Env() | Label():
            return _line(type(instruction).__name__.upper(), *_pairs(instruction.pairs, escape))
        case Run():
            return _run(instruction, escape)
        case Copy() | Add():
            return _copy(instruction, escape)
        case Workdir():
            return _line("WORKDIR", instruction.path.text)
        case User():
            return _line("USER", instruction.user.text)
        case Expose():
            return _line("EXPOSE", *_texts(instruction.ports))
        case Volume():
            paths = _texts(instruction.paths)
            return _line("VOLUME", *([_array(paths)] if instruction.is_json else paths))
        case Entrypoint() | Cmd():
            return _line(type(instruction).__name__.upper(), _command(instruction.command))
        case Shell():
            return _line("SHELL", _array(instruction.words))
        case StopSignal():
            return _line("STOPSIGNAL", instruction.signal.text)
        case HealthCheck():
            return _health_check(instruction)
        case OnBuild():
            return _line("ONBUILD", instruction.text)
        case Maintainer():
            return _line("MAINTAINER", instruction.name)


def _run(run: Run, escape: str) -> str:
    options = [_option("mount", mount.word, escape) for mount in run.mounts]
    options.append(f"--network={run.network}" if run.network != "default" else "")
    return _line("RUN", _command(run.command), options=options) + _bodies(run.here_documents)


def _copy(copy: Copy | Add, escape: str) -> str:
    options = [
        _option("from", copy.stage if isinstance(copy, Copy) else None, escape),
        _option("chown", copy.owner, escape),
        _option("chmod", copy.mode, escape),
        "--link" if copy.is_linked else "",
        *(_option("exclude", word, escape) for word in copy.excludes),
    ]
    if isinstance(copy, Copy):
        options.append("--parents" if copy.keeps_parents else "")
    else:
        options.append(_option("checksum", copy.checksum, escape))
        options.append("" if copy.unpacks is None else f"--unpack={str(copy.unpacks).lower()}")
    documents = [source for source in copy.sources if isinstance(source, HereDocument)]
    paths = [_beginning(each) if isinstance(each, HereDocument) else each.text for each in copy.sources]
    paths.append(copy.target.text)
    if copy.is_json:
        paths = [_array(paths)]
    return _line(type(copy).__name__.upper(), *paths, options=options) + _bodies(documents)


def _health_check(check: HealthCheck) -> str:
    if check.command is None:
        return "HEALTHCHECK NONE"
    times = {
        "interval": check.interval,
        "timeout": check.timeout,
        "start-period": check.start_period,
        "start-interval": check.start_interval,
    }
    options = [f"--{name}={durations.render(time)}" for name, time in times.items() if time is not None]
    options.append("" if check.retries is None else f"--retries={check.retries}")
    return _line("HEALTHCHECK", "CMD", _command(check.command), options=options)


def _line(keyword: str, *arguments: str, options: Sequence[str] = ()) -> str:
    """Join what is not empty; `--` ends the options where an argument looks like one."""
    text = " ".join(arguments)
    ends = "--" if text.startswith("--") else ""
    return " ".join(piece for piece in (keyword, *options, ends, text) if piece)


def _texts(words: Iterable[Word]) -> list[str]:
    return [word.text for word in words]


def _pairs(pairs: Sequence[Pair], escape: str) -> list[str]:
    """Write the older form, NAME and the rest of the line, where a value has blanks that are not quoted."""
    name, value = pairs[0]
    if len(pairs) == 1 and not is_one_word(value.text, escape):
        return [name.text, value.text]
    return [_declared(pair.name, pair.value) for pair in pairs]


def _declared(name: Word, value: Word | None) -> str:
    return name.text if value is None else f"{name.text}={value.text}"


def _option(name: str, word: Word | None, escape: str) -> str:
    """Write an option so that taking its quotes and escapes off gives the value back."""
    if word is None:
        return ""
    if PLAIN.fullmatch(word.text):
        return f"--{name}={word.text}"
    shown = re.sub(f'(["{re.escape(escape)}])', lambda match: escape + match[1], word.text)
    return f'--{name}="{shown}"'


def _array(words: Sequence[str]) -> str:
    return json.dumps(list(words), ensure_ascii=False)


def _command(command: CommandLine) -> str:
    return command.words[0] if command.is_shell else _array(command.words)


def _beginning(document: HereDocument) -> str:
    name = document.name
    if document.expands:
        return f"<<{name}"
    return f'<<"{name}"' if PLAIN.fullmatch(name) else "<<" + "".join(f"\\{character}" for character in name)


def _bodies(documents: Iterable[HereDocument]) -> str:
    return "".join(f"\n{document.content}{document.name}" for document in documents)
