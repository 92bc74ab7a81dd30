# SPDX-License-Identifier: Apache-2.0
"""build: from the command line's words to estiba.build, and what it says to the screen."""

from __future__ import annotations

import os
import sys
from contextlib import nullcontext
from functools import partial
from typing import TYPE_CHECKING, Any, BinaryIO, cast

from estiba.build.execute import build as run_build
from estiba.build.options import Options as Wanted
from estiba.build.progress.show import show
from estiba.build.recipe.text import LONGEST
from estiba.errors import ArgumentInvalid, BuildFailed, cause
from estiba.images.store import Store
from estiba.muelle import output
from estiba.muelle.find import opened_or_pulled, platform
from estiba.muelle.interrupting import Interrupted, interruptible
from estiba.muelle.names import new_name
from estiba.muelle.reach import reach
from estiba.spec.words import nearest, quote

if TYPE_CHECKING:
    from collections.abc import Callable

    from estiba.images import Image, Platform
    from estiba.images.registry.transfers import Progress, Transfer
    from estiba.muelle.parse import Options, Parsed

STDIN = "-"
SECRET_LIMIT = 500 << 10
"""Bytes of a secret: BuildKit's limit."""


def build(parsed: Parsed) -> int:
    """Build an image, name it, and print its id; return 128 + n where signal n ends it before."""
    try:
        with interruptible():
            return built(parsed)
    except Interrupted as interrupted:
        output.tell(f"interrupted by {interrupted.number.name}", None)
        return 128 + interrupted.number


def built(parsed: Parsed) -> int:
    """Build an image, name it, and print its id."""
    options = parsed.options
    wanted = wanted_by(options)
    store = Store.open(parsed.globals.text("store"))
    style = "quiet" if is_quiet(options) else options.text("progress") or "auto"
    context = context_of(parsed.words[0])
    text = text_of(options, context)
    file = options.text("file") if text is None else None
    try:
        with show(sys.stderr, cast("Any", style)) as progress:
            made = run_build(store, context, file=file, text=text, options=wanted, progress=progress)
    except BuildFailed as error:
        if not progress.keeps_output:
            sys.stderr.write("".join(f"{line}\n" for line in error.last_lines))
        raise
    if path := options.text("iidfile"):
        write_id(path, made.id)
    if style == "quiet":
        output.write(f"{made.id}\n")
    return 0


def wanted_by(options: Options) -> Wanted:
    """Return what the options ask of a build. Raises ArgumentInvalid, ReferenceInvalid."""
    return Wanted(
        target=options.text("target"),
        arguments=dict(argument for text in options.list("build-arg") for argument in build_argument(text)),
        labels=dict(pair("--label", text) for text in options.list("label")),
        names=tuple(str(new_name(text)) for text in options.list("tag")),
        uses_cache=not options.flag("no-cache"),
        secrets=dict(secret(text) for text in options.list("secret")),
        squashes=options.flag("squash"),
        network=cast("Any", options.text("network") or "host"),
        compression=cast("Any", options.text("compression") or "gzip"),
        level=options.number("compression-level"),
        epoch=epoch(options),
        platform=platform(options),
        resolve=resolver(options),
    )


def is_quiet(options: Options) -> bool:
    """Return whether nothing but the image's id is to be said."""
    return options.flag("quiet") or options.text("progress") == "quiet"


def resolver(options: Options) -> Any:
    """Return what finds base images: in the store, else at their registries; with lines beside the build's own.

    Raises ArgumentInvalid.
    """
    policy = "always" if options.flag("pull") else "missing"
    reach(options)  # what is no folder of certificates is told before the build begins

    def resolve(store: Store, text: str, wanted: Platform | None, go_on: Callable[[], None]) -> Image:
        return opened_or_pulled(store, text, wanted, policy, options, partial(shown, go_on))

    def shown(go_on: Callable[[], None]) -> nullcontext[Progress]:
        from estiba.images.registry.transfers import quiet
        from estiba.muelle.transfers import lines

        display = quiet if is_quiet(options) else lines(sys.stderr)  # which a display may have replaced

        def tell(transfer: Transfer) -> None:
            go_on()
            display(transfer)

        return nullcontext(tell)

    return resolve


def context_of(context: str) -> str | BinaryIO:
    """Return the folder, or the stream, that a word names. Raises ArgumentInvalid for what is neither."""
    if context == STDIN:
        return sys.stdin.buffer
    if "://" in context or context.startswith("git@"):
        raise ArgumentInvalid(
            f"build: {quote(context)} is not a folder", hint="fetch it first, and build from there"
        )
    if not os.path.isdir(context):
        what = "is not a folder" if os.path.exists(context) else "is absent"
        raise ArgumentInvalid(
            f"build: {quote(context)} {what}", hint="name the folder that COPY takes files from"
        )
    return context


def text_of(options: Options, context: str | BinaryIO) -> bytes | None:
    """Return the Containerfile where it comes by standard input beside a folder."""
    if options.text("file") != STDIN or not isinstance(context, str):
        return None
    return sys.stdin.buffer.read(LONGEST + 1)


def build_argument(text: str) -> list[tuple[str, str]]:
    """Part --build-arg NAME=VALUE; a name alone has the value that it has here, or is left out."""
    name, equals, value = text.partition("=")
    if not name:
        raise ArgumentInvalid(f"--build-arg: {quote(text)} has no name before the =")
    if equals:
        return [(name, value)]
    return [(name, os.environ[name])] if name in os.environ else []


def pair(option: str, text: str) -> tuple[str, str]:
    """Part NAME=VALUE; a name alone has an empty value."""
    name, _equals, value = text.partition("=")
    if not name:
        raise ArgumentInvalid(f"{option}: {quote(text)} has no name before the =")
    return name, value


def secret(text: str) -> tuple[str, bytes]:
    """Read --secret id=ID[,src=FILE|,env=NAME]; without either, the variable or the file that is called so."""
    said = dict(part.partition("=")[::2] for part in text.split(","))
    for key in said:
        if key not in ("id", "src", "source", "env", "type"):
            near = nearest(key, ("id", "src", "env"))
            raise ArgumentInvalid(
                f"--secret: {quote(key)} is not known", hint=f"did you mean {quote(near)}?" if near else None
            )
    name = said.get("id", "")
    if not name:
        raise ArgumentInvalid(f"--secret: {quote(text)} has no id", hint="write id=NAME,src=FILE")
    path, variable = said.get("src", said.get("source")), said.get("env")
    if path is None and (variable is not None or name in os.environ):
        value = os.environ.get(variable or name)
        if value is None:
            raise ArgumentInvalid(f"--secret: the variable {quote(variable)} is not set")
        return name, os.fsencode(value)
    try:
        with open(path or name, "rb") as file:
            data = file.read(SECRET_LIMIT + 1)
    except OSError as error:
        raise ArgumentInvalid(f"--secret: {quote(path or name)}: {cause(error.errno)}") from None
    if len(data) > SECRET_LIMIT:
        raise ArgumentInvalid(f"--secret: {quote(path or name)} has more than {SECRET_LIMIT} bytes")
    return name, data


def epoch(options: Options) -> int | None:
    """Return the latest time that may be in the image: --timestamp, else SOURCE_DATE_EPOCH."""
    given = options.number("timestamp")
    if given is not None:
        return given
    text = os.environ.get("SOURCE_DATE_EPOCH")
    if not text:
        return None
    if not (text.isascii() and text.isdigit()):
        raise ArgumentInvalid(f"SOURCE_DATE_EPOCH: {quote(text)} is no time in seconds since 1970")
    return int(text)


def write_id(path: str, id: str) -> None:
    """Write the image's id for the programs that asked for it."""
    try:
        with open(path, "w", encoding="ascii") as file:
            file.write(id)
    except OSError as error:
        raise ArgumentInvalid(f"--iidfile: {quote(path)}: {cause(error.errno)}") from None
