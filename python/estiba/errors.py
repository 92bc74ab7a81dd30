# SPDX-License-Identifier: Apache-2.0
"""Every error that estiba raises: one class a kind, the facts as attributes, the text made once.

The leaves of this tree are the engine's `ErrorKind`s, which the Rust side finds by name, and what only Python
judges: ArgumentInvalid, and the leaves of ImageError and BuildError.
"""

from __future__ import annotations

from typing import NamedTuple


class Problem(NamedTuple):
    """One thing that is wrong with a config.json, or with a part of one that stands alone."""

    pointer: str
    """JSON pointer (RFC 6901) of the offending value; "" is the whole document."""
    message: str
    """What is wrong, one line, without the pointer."""
    hint: str | None = None
    """What to do about it, if there is something to say."""

    document: str = "config.json"
    """What the pointer points into: "process.json" for exec, "resources" for update, or the name of the file."""

    def __str__(self) -> str:
        where = f"{self.document} {self.pointer}" if self.pointer else self.document
        return f"{where}: {self.message}"


class BuildFileProblem(NamedTuple):
    """One thing that is wrong with a Containerfile."""

    file: str
    """Its name as it was given."""
    line: int
    """From 1."""
    column: int
    """From 1, in characters."""
    message: str
    """What is wrong, one line, without the place."""
    hint: str | None = None
    """What to do about it, if there is something to say."""

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}: {self.message}"


def cause(errno: int | None) -> str:
    """Say what an error number means in the words of this house: `access refused (EACCES)`."""
    from estiba.tables.errnos import ERRNOS
    from estiba.tables.phrases import ERRNO_WORDS

    name = next((name for name, number in ERRNOS.items() if number == errno), f"errno {errno}")
    words = ERRNO_WORDS.get(name)
    return f"{words} ({name})" if words else name


class EstibaWarning(UserWarning):
    """What went wrong and stopped nothing."""


class EstibaError(Exception):
    """What went wrong, where, and what to do.

    `str(error)` is the line that the command prints; the hint is apart.
    """

    def __init__(
        self,
        message: str,
        *,
        pointer: str | None = None,
        errno: int | None = None,
        hint: str | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        """The whole line, pointer and cause included."""
        self.pointer = pointer
        """JSON pointer into config.json, or into the process object of exec, where one is to blame."""
        self.errno = errno
        """The kernel's error number where one is the cause."""
        self.hint = hint
        """One line of advice, or None."""

    @property
    def kind(self) -> str:
        """The name that programs switch on; the same in Rust, Python, logs and docs."""
        return type(self).__name__


class ArgumentInvalid(EstibaError, ValueError):
    """A function of the library was given a value that means nothing: a time-out of -1 s, a signal "FOO"."""


class ConfigError(EstibaError):
    """config.json cannot be run as it is written."""


class ConfigInvalid(ConfigError):
    """config.json breaks the runtime specification; `problems` has every breach, in document order."""

    def __init__(
        self,
        message: str,
        *,
        pointer: str | None = None,
        errno: int | None = None,
        hint: str | None = None,
        problems: tuple[Problem, ...] = (),
    ) -> None:
        super().__init__(message, pointer=pointer, errno=errno, hint=hint)
        self.problems = problems


class ConfigUnsupported(ConfigError):
    """config.json is valid, but asks for what this build or this host lacks."""


class ContainerError(EstibaError):
    """The container is not there, or not in the state that the verb needs."""


class ContainerNotFound(ContainerError):
    """No container of this id under the state root."""


class ContainerExists(ContainerError):
    """A container of this id exists already."""


class WrongState(ContainerError):
    """The verb needs another state (see `estiba.tables.transitions`)."""


class HostError(EstibaError):
    """This host cannot do what was asked."""


class HostUnsupported(HostError):
    """A kernel or host feature is missing."""


class KernelRefused(HostError):
    """A system call failed; `errno` says how."""


class ProcessError(EstibaError):
    """A program that was to run did not, or failed."""


class HookFailed(ProcessError):
    """A hook exited with an error or ran into its time-out."""


class ExecFailed(ProcessError):
    """The container's program could not be executed."""


class InternalError(EstibaError):
    """This is a bug in estiba; the message says what to report."""


class ImageError(EstibaError):
    """An image, its store or a registry is not as it has to be. Its leaves are Python's alone."""


class ReferenceInvalid(ImageError):
    """A text is no name of an image, no tag, no digest and no platform."""


class ImageNotFound(ImageError):
    """The store has no image of this name, digest or id."""


class BlobNotFound(ImageError):
    """The store has not the blob that an image is made of."""


class BlobCorrupt(ImageError):
    """Bytes are not what their digest or their size says."""


class ManifestInvalid(ImageError):
    """A manifest, an index or an image's config breaks the image specification."""


class LayerInvalid(ImageError):
    """A layer's archive cannot be unpacked, or a tree holds what no layer can say; the message names the entry."""


class TreeInvalid(ImageError):
    """A tree of files has what cannot be copied, or cannot take what is copied into it."""


class ArchiveInvalid(ImageError):
    """A file that images are to be loaded from is no such archive, or a damaged one."""


class StoreError(ImageError):
    """The store cannot be opened, read or written."""


class RegistryRefused(ImageError):
    """A registry answered, and the answer is no."""


class RegistryUnreachable(ImageError):
    """A registry did not answer, or stopped in the middle, however often it was asked."""


class BuildError(EstibaError):
    """An image could not be built. Its leaves are Python's alone."""


class BuildFileInvalid(BuildError):
    """A Containerfile breaks the rules of its language; `problems` has every breach, in the file's order.

    The message begins with file:line:column of the first.
    """

    def __init__(
        self,
        message: str,
        *,
        pointer: str | None = None,
        errno: int | None = None,
        hint: str | None = None,
        problems: tuple[BuildFileProblem, ...] = (),
    ) -> None:
        super().__init__(message, pointer=pointer, errno=errno, hint=hint)
        self.problems = problems


class BuildFailed(BuildError):
    """A step of a build failed; `exit_status` and `last_lines` are those of a RUN's program."""

    def __init__(
        self,
        message: str,
        *,
        pointer: str | None = None,
        errno: int | None = None,
        hint: str | None = None,
        exit_status: int | None = None,
        last_lines: tuple[str, ...] = (),
    ) -> None:
        super().__init__(message, pointer=pointer, errno=errno, hint=hint)
        self.exit_status = exit_status
        """0..255, or 128 + n for signal n; None where no program was run."""
        self.last_lines = last_lines
        """What it said last, oldest first."""
