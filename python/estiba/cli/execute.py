# SPDX-License-Identifier: Apache-2.0
"""exec: a further program in a container."""

from __future__ import annotations

import json
import signal

from estiba import _core
from estiba.cli.container import has_terminal
from estiba.cli.files import read_json
from estiba.cli.parse import refusal
from estiba.cli.pidfd_socket import PidfdReceiver
from estiba.cli.report import warn
from estiba.cli.settings import root
from estiba.errors import ConfigInvalid, EstibaError
from estiba.lifecycle.exec_process import config_of, exec_process, is_id
from estiba.lifecycle.proof import judged_process

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from estiba.cli.parse import Parsed


def execute(parsed: Parsed) -> int:
    """Run a program in a container; return its exit code, or at once with --detach."""
    _core.check_preserved(count=parsed.options.number("preserve-fds") or 0)
    process = wanted(parsed)
    relayed = has_terminal(json.loads(process)) and parsed.options.text("console-socket") is None
    if parsed.options.flag("detach"):
        if relayed:
            raise ConfigInvalid(
                "process.json /terminal: a terminal is asked for and nothing takes it",
                pointer="/terminal",
                hint="give --console-socket, or leave --tty out",
            )
        begin(parsed, process).close()
        return 0
    from estiba.lifecycle.foreground import attend

    return attend(lambda console: begin(parsed, process, console), terminal=relayed)


def begin(parsed: Parsed, process: bytes, console_socket: str | None = None) -> _core.Process:
    """Start the program."""
    options = parsed.options
    receiver = PidfdReceiver(options.text("pidfd-socket"))
    started = _core.exec(
        root=root(parsed),
        id=parsed.words[0],
        process=process,
        pid_file=options.text("pid-file"),
        console_socket=console_socket or options.text("console-socket"),
        preserve_fds=options.number("preserve-fds") or 0,
        cgroup=options.text("cgroup"),
        ignore_paused=options.flag("ignore-paused"),
    )
    try:
        receiver.send(started)
    except EstibaError:
        started.kill(signal.SIGKILL)
        started.wait()
        raise
    warn(started.warnings, parsed.globals)
    return started


def wanted(parsed: Parsed) -> bytes:
    """Return the process object, judged: that of --process, or the container's own with what the options change."""
    file = parsed.options.text("process")
    if file:
        return judged_process(read_json(file, "process"), "standard input" if file == "-" else file)
    return judged_process(from_options(parsed), "process.json")


def from_options(parsed: Parsed) -> dict[str, Any]:
    """Make the process object out of the container's config and the options."""
    options = parsed.options
    if len(parsed.words) < 2:
        raise refusal("exec", "missing", what="COMMAND")
    groups = options.list("additional-gids")
    for group in groups:
        if not is_id(group):
            raise refusal("exec", "bad-value", what="--additional-gids", metavar="GID", value=group)
    return exec_process(
        config_of(root(parsed), parsed.words[0]),
        parsed.words[1:],
        env=options.list("env"),
        cwd=options.text("cwd"),
        user=options.text("user"),
        additional_gids=[int(group) for group in groups],
        capabilities=options.list("cap"),
        terminal=options.flag("tty"),
        no_new_privileges=options.flag("no-new-privs"),
        apparmor_profile=options.text("apparmor"),
        selinux_label=options.text("process-label"),
    )
