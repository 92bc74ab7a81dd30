# SPDX-License-Identifier: Apache-2.0
"""What a build is made from, and a folder with its Containerfile: the caller's own, links in it may lead anywhere."""

from __future__ import annotations

import os
from errno import ENOENT
from typing import NamedTuple

from estiba.build import ignore
from estiba.build.context import Tree
from estiba.errors import BuildFailed, cause

NAMES = ("Containerfile", "Dockerfile")
NAME = "the build context"


class Source(NamedTuple):
    """All that a build reads of its caller."""

    tree: Tree
    """The context; the receiver closes it."""
    text: str | bytes
    """Of the Containerfile."""
    file: str
    """What messages call it."""
    place: str
    """By which the next build from the same place knows this one."""


def from_folder(
    folder: str, file: str | os.PathLike[str] | None = None, text: str | bytes | None = None
) -> Source:
    """Read a folder; `file` is by default its own Containerfile, `text` one that is no file.

    Raises BuildFileInvalid, BuildFailed.
    """
    recipe = _recipe_file(folder, file) if text is None else None
    shown = str(file) if file else os.path.basename(recipe or NAMES[0])
    source = text if text is not None else _read(recipe or folder)
    ignored = ignore.find(folder, recipe)
    tree = Tree(open_folder(folder), NAME, ignored=ignored, keeps_ids=False)
    return Source(tree, source, shown, f"{os.path.abspath(folder)}\0{shown}")


def open_folder(folder: str) -> int:
    """Return a descriptor of the context's folder; the caller closes it. Raises BuildFailed."""
    try:
        return os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        message = f'the build context "{folder}": {cause(error.errno)}'
        raise BuildFailed(message, errno=error.errno) from None


def no_recipe(place: str) -> BuildFailed:
    """Return what is said where nothing says what to build."""
    hint = f"write a {NAMES[0]}, or name one by -f"
    return BuildFailed(f"there is no {' or '.join(NAMES)} in {place}", hint=hint)


def _recipe_file(folder: str, file: str | os.PathLike[str] | None) -> str:
    if file is not None:
        path = os.fspath(file)
        if not os.path.exists(path) and os.path.exists(inside := os.path.join(folder, path)):
            hint = f'it is looked for from here, not from the context: did you mean "{inside}"?'
            raise BuildFailed(f'cannot read "{path}": {cause(ENOENT)}', errno=ENOENT, hint=hint)
        return path
    paths = (os.path.join(folder, name) for name in NAMES)
    found = next((path for path in paths if os.path.exists(path)), None)
    if found is None:
        raise no_recipe(f'"{folder}"')
    return found


def _read(file: str) -> bytes:
    try:
        with open(file, "rb") as opened:
            return opened.read()
    except OSError as error:
        raise BuildFailed(f'cannot read "{file}": {cause(error.errno)}', errno=error.errno) from None
