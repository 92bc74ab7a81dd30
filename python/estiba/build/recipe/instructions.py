# SPDX-License-Identifier: Apache-2.0
"""What a Containerfile says, typed: one NamedTuple an instruction, every word with its place.

A `Word` is as written: quotes, escapes and variables are still in it where its instruction replaces variables
(`estiba.build.recipe.resolve` does so when the step is reached, since only then the variables are known).
"""

from __future__ import annotations

from typing import Literal, NamedTuple


class Place(NamedTuple):
    """Where something stands; both count from 1, the column in characters."""

    line: int
    column: int


class Word(NamedTuple):
    """A piece of an instruction as written."""

    text: str
    place: Place


class HereDocument(NamedTuple):
    """The lines between `<<NAME` and NAME."""

    name: str
    """The delimiter without its quotes; the file's name where COPY or ADD makes one of it."""
    content: str
    """With its last newline; `<<-` has taken the leading tabs."""
    expands: bool
    """Whether COPY and ADD replace variables in it: not if the delimiter is quoted."""
    place: Place
    """Of the `<<`."""


class CommandLine(NamedTuple):
    """What is to be run: a line for the shell, or the words of an argument vector."""

    words: tuple[str, ...]
    """The shell form has one, the line as written; the exec form may have none."""
    is_shell: bool
    place: Place


class Pair(NamedTuple):
    """`NAME=value` of ENV or LABEL."""

    name: Word
    value: Word


class Declared(NamedTuple):
    """`NAME` or `NAME=default` of ARG."""

    name: Word
    default: Word | None


class Mount(NamedTuple):
    """One `--mount` of RUN. Read from `word` again, with variables replaced, when the step is reached."""

    word: Word
    """The option's value as written: `type=cache,target=/var/cache/apt`."""
    kind: Literal["bind", "cache", "tmpfs", "secret"]
    target: str | None
    source: str | None
    """A path in the context, or in the stage or image that `stage` names."""
    stage: str | None
    """`from=`: the name or number of a stage, or an image; never holds a variable."""
    is_read_only: bool
    id: str | None
    """Of a cache (None: its target is its id) or of a secret."""
    sharing: Literal["shared", "private", "locked"]
    is_required: bool
    mode: int | None
    user: int | None
    group: int | None
    size: int | None
    """Of a tmpfs, in bytes; None is unlimited."""
    env: str | None
    """The variable that shall hold the secret."""


class From(NamedTuple):
    """FROM: begins a stage."""

    place: Place
    image: Word
    """`scratch`, a stage's name, or an image's reference."""
    platform: Word | None
    name: Word | None
    """After AS, in lower case: stages are found without regard to case."""


class Arg(NamedTuple):
    """ARG."""

    place: Place
    arguments: tuple[Declared, ...]


class Env(NamedTuple):
    """ENV. All values see the variables as they were before the instruction."""

    place: Place
    pairs: tuple[Pair, ...]


class Label(NamedTuple):
    """LABEL."""

    place: Place
    pairs: tuple[Pair, ...]


class Run(NamedTuple):
    """RUN."""

    place: Place
    command: CommandLine
    here_documents: tuple[HereDocument, ...]
    mounts: tuple[Mount, ...]
    network: Literal["default", "none", "host"]
    is_script: bool
    """The whole command is one here-document; a first line `#!` makes it a program of its own."""

    @property
    def shell_line(self) -> str:
        """What the shell is to be given: the line, here-documents and all. Only of the shell form."""
        if self.is_script:
            return self.here_documents[0].content.removesuffix("\n")
        bodies = (f"\n{document.content}{document.name}" for document in self.here_documents)
        return self.command.words[0] + "".join(bodies)


class Copy(NamedTuple):
    """COPY."""

    place: Place
    sources: tuple[Word | HereDocument, ...]
    target: Word
    stage: Word | None
    """`--from`: the name or number of a stage, or an image; never holds a variable."""
    owner: Word | None
    """`--chown`: USER[:GROUP], names or numbers."""
    mode: Word | None
    """`--chmod`: octal, or symbolic as chmod(1) takes it."""
    is_linked: bool
    keeps_parents: bool
    excludes: tuple[Word, ...]
    is_json: bool


class Add(NamedTuple):
    """ADD."""

    place: Place
    sources: tuple[Word | HereDocument, ...]
    target: Word
    owner: Word | None
    mode: Word | None
    checksum: Word | None
    """`--checksum`: sha256:HEX of a remote source."""
    unpacks: bool | None
    """`--unpack`; None: local archives are unpacked, remote ones are not."""
    is_linked: bool
    excludes: tuple[Word, ...]
    is_json: bool


class Workdir(NamedTuple):
    """WORKDIR."""

    place: Place
    path: Word


class User(NamedTuple):
    """USER."""

    place: Place
    user: Word


class Expose(NamedTuple):
    """EXPOSE. A word may hold several ports once its variables are replaced."""

    place: Place
    ports: tuple[Word, ...]


class Volume(NamedTuple):
    """VOLUME."""

    place: Place
    paths: tuple[Word, ...]
    is_json: bool


class Entrypoint(NamedTuple):
    """ENTRYPOINT; an empty exec form takes away what the base had."""

    place: Place
    command: CommandLine


class Cmd(NamedTuple):
    """CMD."""

    place: Place
    command: CommandLine


class Shell(NamedTuple):
    """SHELL: what runs the shell form from here on."""

    place: Place
    words: tuple[str, ...]


class StopSignal(NamedTuple):
    """STOPSIGNAL."""

    place: Place
    signal: Word


class HealthCheck(NamedTuple):
    """HEALTHCHECK; the times in nanoseconds as the config has them, None where it says nothing."""

    place: Place
    command: CommandLine | None
    """None: HEALTHCHECK NONE, which takes away what the base had."""
    interval: int | None
    timeout: int | None
    start_period: int | None
    start_interval: int | None
    retries: int | None


class OnBuild(NamedTuple):
    """ONBUILD: an instruction for the images built on this one."""

    place: Place
    text: str
    """As the config keeps it: one instruction, its here-documents below it."""
    instruction: Instruction


class Maintainer(NamedTuple):
    """MAINTAINER: the older form of LABEL maintainer=."""

    place: Place
    name: str


Instruction = (
    From
    | Arg
    | Env
    | Label
    | Run
    | Copy
    | Add
    | Workdir
    | User
    | Expose
    | Volume
    | Entrypoint
    | Cmd
    | Shell
    | StopSignal
    | HealthCheck
    | OnBuild
    | Maintainer
)


class Stage(NamedTuple):
    """FROM and what follows it."""

    base: From
    instructions: tuple[Instruction, ...]

    @property
    def name(self) -> str | None:
        """What `--from` and `--target` may call it, besides its number."""
        return self.base.name.text if self.base.name else None


class Warned(NamedTuple):
    """What is allowed, but likely not meant."""

    place: Place
    message: str
    hint: str | None


class Recipe(NamedTuple):
    """A whole Containerfile."""

    file: str
    """Its name, as messages show it."""
    escape: str
    r"""The escape character: `\`, or a back quote by directive."""
    syntax: str | None
    """The directive `# syntax=`: read, and without effect."""
    arguments: tuple[Arg, ...]
    """Those before the first FROM: for FROM lines, and for the stages that declare them again."""
    stages: tuple[Stage, ...]
    warnings: tuple[Warned, ...]
