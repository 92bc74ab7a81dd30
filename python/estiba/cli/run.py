# SPDX-License-Identifier: Apache-2.0
"""run: create without a gate, wait in the foreground, delete."""

from __future__ import annotations

from contextlib import ExitStack

from estiba import _core
from estiba.cli.container import bundle_of, has_terminal, make, remove
from estiba.cli.pidfd_socket import PidfdReceiver
from estiba.cli.settings import root
from estiba.errors import ConfigInvalid

TYPE_CHECKING = False
if TYPE_CHECKING:
    from estiba.cli.parse import Parsed


def run(parsed: Parsed) -> int:
    """Run a container; return its exit code, or at once with --detach."""
    _core.check_preserved(count=parsed.options.number("preserve-fds") or 0)
    bundle = bundle_of(parsed)
    config = bundle.config
    process = config.get("process") if isinstance(config, dict) else None
    relayed = has_terminal(process) and parsed.options.text("console-socket") is None
    detached = parsed.options.flag("detach")
    if detached and relayed:
        raise ConfigInvalid(
            "config.json /process/terminal: a detached run cannot relay a terminal",
            pointer="/process/terminal",
            hint="give --console-socket, or set terminal to false",
        )
    receiver = PidfdReceiver(parsed.options.text("pidfd-socket"))
    with ExitStack() as undo:

        def create(console_socket: str | None) -> _core.Process:
            # A relayed terminal is made first and given the caller's size; then the program may look at it.
            init = make(parsed, bundle, console_socket, gate=relayed)
            # From here on the container is ours to remove, whatever happens.
            undo.callback(remove, parsed, force=True)
            receiver.send(init)
            return init

        def start() -> None:
            _core.start(root=root(parsed), id=parsed.words[0])

        if detached:
            create(None).close()
            code = 0
        else:
            from estiba.lifecycle.foreground import attend

            code = attend(create, start if relayed else None, terminal=relayed)
        if detached or parsed.options.flag("keep"):
            undo.pop_all()
    return code
