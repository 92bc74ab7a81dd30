# SPDX-License-Identifier: Apache-2.0
"""Bundles: a folder with a config.json and a root file system. Found, read, made; judged by estiba.spec."""

from __future__ import annotations

import functools
import json
import os
from typing import TYPE_CHECKING

from estiba import spec
from estiba.errors import ConfigInvalid, cause
from estiba.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path
    from typing import BinaryIO

CONFIG = "config.json"
ROOTFS = "rootfs"

LONGEST = 64 << 20
"""Bytes of a config, a hundred times what any client writes: a file without an end fills no memory."""


class Bundle:
    """A bundle as it was when this object was made: config.json is read once."""

    def __init__(
        self, path: str | os.PathLike[str], *, config_file: str | os.PathLike[str] | None = None
    ) -> None:
        """Read the bundle at `path`; `config_file` is another file than its config.json.

        Raises ConfigInvalid when there is no config that can be read.
        """
        self._folder = os.path.abspath(path)
        self.config_file = None if config_file is None else os.path.abspath(config_file)
        """Where the config was read, absolute, if not in the bundle's config.json."""
        self.text = _read(self._folder) if self.config_file is None else _read_other(self.config_file)
        """config.json as it stands on disk: what the engine gets."""

    def __repr__(self) -> str:
        return f"Bundle({self._folder!r})"

    def __fspath__(self) -> str:
        return self._folder

    @functools.cached_property
    def path(self) -> Path:
        """The folder, absolute; symbolic links are left as they are."""
        from pathlib import Path  # costs seven modules, and the engine asks for none

        return Path(self._folder)

    @functools.cached_property
    def config(self) -> object:
        """config.json as values, not yet judged (see `problems`). Raises ConfigInvalid if it is no JSON.

        Read at the first use: who has the engine prove the text needs no values.
        """
        return spec.parse(self.text, str(self.config_file or self.path / CONFIG))

    @property
    def rootfs(self) -> Path:
        """The root file system: root.path, taken relative to the bundle. Raises ConfigInvalid without one."""
        root = self.config.get("root") if isinstance(self.config, dict) else None
        path = root.get("path") if isinstance(root, dict) else None
        if not isinstance(path, str) or not path:
            raise spec.invalid(self.problems(), CONFIG)
        return self.path / path

    def problems(self) -> list[Problem]:
        """List every breach of the runtime specification in the config, in document order."""
        return spec.validate(self.config)

    def check(self) -> None:
        """Raise ConfigInvalid if the config is invalid or its root file system is absent."""
        if problems := self.problems():
            raise spec.invalid(problems, CONFIG)
        rootfs = self.rootfs
        if os.path.isdir(rootfs):
            return
        what = "not a folder" if os.path.exists(rootfs) else "absent"
        inside = rootfs.is_relative_to(self.path)
        hint = "the path is relative to the bundle: put the files there, or name another folder"
        problem = Problem("/root/path", f'"{rootfs}" is {what}', hint if inside else None)
        raise spec.invalid([problem], CONFIG)

    @classmethod
    def make(
        cls,
        path: str | os.PathLike[str],
        *,
        rootfs: str | os.PathLike[str] | None = None,
        config: Mapping[str, object] | None = None,
    ) -> Bundle:
        """Write a bundle and read it back; the folder is made if need be, config.json must not be there yet.

        `config` is `spec.default_config()` by default. `rootfs` replaces its root.path: an existing folder, named
        absolutely; without it the path in the config stands, and no root file system is made.

        Raises ConfigInvalid when config.json is there, cannot be written, or has a value that JSON does not have.
        """
        folder = os.path.abspath(path)
        written = dict(spec.default_config() if config is None else config)
        if rootfs is not None:
            root = written.get("root")
            others = root if isinstance(root, dict) else {}
            written["root"] = {**others, "path": os.path.abspath(rootfs)}
        text = to_json(written, CONFIG, indent=4)
        try:
            os.makedirs(folder, exist_ok=True)
        except OSError as error:
            raise _unwritten(folder, error) from None
        _write_new(os.path.join(folder, CONFIG), text)
        return cls(folder)


def to_json(value: object, name: str, *, indent: int | None = None) -> bytes:
    """Write JSON in UTF-8. Raises ConfigInvalid for a value that JSON does not have; `name` is what it is called."""
    try:
        return json.dumps(value, indent=indent, ensure_ascii=False, allow_nan=False).encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise ConfigInvalid(f"{name}: cannot be written as JSON: {error}") from None


def _write_new(path: str, text: bytes) -> None:
    """Write a config and a line feed into a file of its own, of which nothing is left where it cannot be written."""
    try:
        with open(path, "xb") as file:
            try:
                file.write(text + b"\n")
                file.flush()
            except OSError:
                os.unlink(path)
                raise
    except OSError as error:
        raise _unwritten(path, error) from None


def _unwritten(path: str, error: OSError) -> ConfigInvalid:
    if isinstance(error, FileExistsError):
        hint = "remove it first, or name another folder"
        return ConfigInvalid(f'"{path}" is there already', errno=error.errno, hint=hint)
    return ConfigInvalid(f'cannot write "{path}": {cause(error.errno)}', errno=error.errno)


def read_whole(path: str | os.PathLike[str]) -> bytes:
    """Read a file. Raises ConfigInvalid if it is longer than a config can be, or its name is none; OSError."""
    try:
        with open(path, "rb") as file:
            return bounded(file, f'"{path}"')
    except ValueError:
        from estiba.spec.words import quote  # most starts need no word of it

        raise ConfigInvalid(f"{quote(os.fspath(path))} holds a NUL character") from None


def bounded(file: BinaryIO, name: str) -> bytes:
    """Read what is left of an open file. Raises ConfigInvalid if that is longer than a config can be."""
    text = file.read(LONGEST + 1)
    if len(text) > LONGEST:
        raise ConfigInvalid(f"{name} is longer than {LONGEST >> 20} MiB", hint="is it a config at all?")
    return text


def _read(folder: str) -> bytes:
    config = os.path.join(folder, CONFIG)
    try:
        return read_whole(config)
    except FileNotFoundError:
        if not os.path.exists(folder):
            raise ConfigInvalid(
                f'bundle "{folder}" is absent', hint="a bundle is the folder that holds config.json"
            ) from None
        raise ConfigInvalid(
            f'bundle "{folder}" has no config.json', hint="`estiba spec` writes one"
        ) from None
    except NotADirectoryError:
        raise ConfigInvalid(f'bundle "{folder}" is not a folder', hint=_not_a_folder(folder)) from None
    except IsADirectoryError:
        raise ConfigInvalid(f'"{config}" is a folder, expected a file') from None
    except OSError as error:
        raise ConfigInvalid(f'cannot read "{config}": {cause(error.errno)}', errno=error.errno) from None


def _read_other(file: str) -> bytes:
    try:
        return read_whole(file)
    except OSError as error:
        message = f'cannot read config "{file}": {cause(error.errno)}'
        raise ConfigInvalid(message, errno=error.errno) from None


def _not_a_folder(path: str) -> str | None:
    return "name the folder that it is in" if os.path.basename(path) == CONFIG else None
