# SPDX-License-Identifier: Apache-2.0
"""ps: the processes of a container, by ps(1) or as a JSON list of process ids."""

from __future__ import annotations

import os

from estiba import _core
from estiba.cli.settings import root
from estiba.command_line.run import say
from estiba.errors import HostUnsupported

TYPE_CHECKING = False
if TYPE_CHECKING:
    from estiba.cli.parse import Parsed

DEFAULT = ["-ef"]


def ps(parsed: Parsed) -> int:
    """Print the container's lines of `ps ARGUMENT...`, or its process ids as JSON."""
    pids = _core.processes(root=root(parsed), id=parsed.words[0])
    if parsed.options.text("format") == "json":
        say("[" + ",".join(map(str, pids)) + "]\n")
        return 0
    say(select(run_ps(parsed.words[1:] or DEFAULT), set(pids)))
    return 0


def select(text: str, pids: set[int]) -> str:
    """Keep the title and the lines of these processes, and of their threads that follow them."""
    title, *lines = text.splitlines()
    columns = title.split()
    if "PID" not in columns:
        hint = "let ps print a PID column, as `-o pid,args` does"
        raise HostUnsupported("the output of ps(1) has no PID column", hint=hint)
    at = columns.index("PID")
    kept, follows = [title], False
    for line in lines:
        fields = line.split(None, at + 1)
        number = fields[at] if len(fields) > at else ""
        # A thread of the process above has "-" for its id under `ps -m`.
        follows = follows if number == "-" else number.isdigit() and int(number) in pids
        if follows:
            kept.append(line)
    return "".join(f"{line}\n" for line in kept)


def run_ps(args: list[str]) -> str:
    """Run ps(1) and return what it prints; its complaints go to our stderr."""
    reader, writer = os.pipe2(os.O_CLOEXEC)
    try:
        pid = os.posix_spawnp(
            "ps", ["ps", *args], os.environ, file_actions=[(os.POSIX_SPAWN_DUP2, writer, 1)]
        )
    except OSError:
        os.close(reader)
        hint = "install procps, or use --format json"
        raise HostUnsupported("ps(1) cannot be run", hint=hint) from None
    finally:
        os.close(writer)
    with open(reader, encoding="utf-8", errors="replace") as output:
        text = output.read()
    _pid, status = os.waitpid(pid, 0)
    if os.waitstatus_to_exitcode(status) or not text:
        raise HostUnsupported(f"`ps {' '.join(args)}` failed", hint="its arguments are those of ps(1)")
    return text
