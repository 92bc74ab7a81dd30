# SPDX-License-Identifier: Apache-2.0
"""Every error that estiba raises: one class a kind, the facts as attributes, the text made once.

The leaves of this tree are the engine's `ErrorKind`s, which the Rust side finds by name, and what only Python
judges: ArgumentInvalid, and the leaves of ImageError and BuildError.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypedDict, Unpack

    from estiba.problems import BuildFileProblem, Problem

    class Facts(TypedDict, total=False):
        """What an error may know beside its message: each is an attribute of the classes that have it."""

        pointer: str | None
        errno: int | None
        hint: str | None
        problems: tuple[Problem, ...] | tuple[BuildFileProblem, ...]
        id: str
        status: str
        wanted: tuple[str, ...]
        argv: tuple[str, ...]
        exit_status: int | None
        milliseconds: int | None
        last_lines: tuple[str, ...]


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

    message: str
    """The whole line, pointer and cause included; of what is very long in quotes, the middle is left out."""
    pointer: str | None = None
    """JSON pointer into config.json, or into the process object of exec, where one is to blame."""
    errno: int | None = None
    """The kernel's error number where one is the cause."""
    hint: str | None = None
    """One line of advice, or None."""

    def __init__(self, message: str, **facts: Unpack[Facts]) -> None:
        self.message = one_line(message)
        super().__init__(self.message)
        for name, value in facts.items():
            if not hasattr(type(self), name):
                raise TypeError(f"{self.kind} has no {name}")
            setattr(self, name, value)

    @property
    def kind(self) -> str:
        """The name that programs switch on; the same in Rust, Python, logs and docs."""
        return type(self).__name__


def one_line(message: str) -> str:
    """Return a message as one line, whatever the names are that it is about: as the engine does."""
    return visible(_shortened(message))


def visible(text: str) -> str:
    """Write line feeds and what else would move a terminal as escapes."""
    if text.isprintable():
        return text
    known = {"\n": r"\n", "\t": r"\t", "\r": r"\r"}
    return "".join(known.get(c) or (f"\\u{{{ord(c):x}}}" if _is_control(c) else c) for c in text)


def _is_control(letter: str) -> bool:
    return letter < " " or "\x7f" <= letter < "\xa0"


def _shortened(message: str, longest: int = 512, kept: int = 200) -> str:
    """Leave out the middle of what is longer in quotes, as the engine does: a path may be of 4096 bytes."""
    if len(message) <= longest:
        return message
    parts = (p if len(p) <= longest else f"{p[:kept]}...{p[-kept:]}" for p in message.split('"'))
    return '"'.join(parts)


class ArgumentInvalid(EstibaError, ValueError):
    """A function of the library was given a value that means nothing: a time-out of -1 s, a signal "FOO"."""


class ConfigError(EstibaError):
    """config.json cannot be run as it is written."""


class ConfigInvalid(ConfigError):
    """config.json breaks the runtime specification."""

    problems: tuple[Problem, ...] = ()
    """Every breach, in document order."""


class ConfigUnsupported(ConfigError):
    """config.json is valid, but asks for what this build or this host lacks."""


class ContainerError(EstibaError):
    """The container is not there, or not in the state that the verb needs."""

    id: str = ""
    """Which container; "" where it is about several, or none."""


class ContainerNotFound(ContainerError):
    """No container of this id under the state root."""


class ContainerExists(ContainerError):
    """A container of this id exists already."""


class WrongState(ContainerError):
    """The verb needs another state (see `estiba.tables.transitions`)."""

    status: str = ""
    """The container's: creating, created, running, paused or stopped; "" where its record cannot be read."""
    wanted: tuple[str, ...] = ()
    """In which the verb is allowed."""


class HostError(EstibaError):
    """This host cannot do what was asked."""


class HostUnsupported(HostError):
    """A kernel or host feature is missing."""


class KernelRefused(HostError):
    """A system call failed; `errno` says how."""


class ProcessError(EstibaError):
    """A program that was to run did not, or failed."""


class HookFailed(ProcessError):
    """A hook exited with an error or ran into its time-out; `pointer` says which."""

    argv: tuple[str, ...] = ()
    """What it was called with."""
    exit_status: int | None = None
    """1..255, or 128 + n for signal n; None: it was killed, as its time was over."""
    milliseconds: int | None = None
    """How long it ran; None for hooks inside of the container."""


class ExecFailed(ProcessError):
    """The container's program could not be executed."""

    @property
    def what(self) -> str:
        """The message without the place in config.json, for who has not written one."""
        return self.message.removeprefix(f"config.json {self.pointer}: ")


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
    """A Containerfile breaks the rules of its language. The message begins with file:line:column of the first breach."""

    problems: tuple[BuildFileProblem, ...] = ()
    """Every breach, in the file's order."""


class BuildFailed(BuildError):
    """A step of a build failed."""

    exit_status: int | None = None
    """Of a RUN's program: 0..255, or 128 + n for signal n; None where no program was run."""
    last_lines: tuple[str, ...] = ()
    """What it said last, oldest first."""
