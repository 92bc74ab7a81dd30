# SPDX-License-Identifier: Apache-2.0
"""run: create, start, wait in the foreground, delete."""

from __future__ import annotations

from typing import TYPE_CHECKING

from estiba import _core
from estiba.cli.container import bundle_of, make, send_pidfd
from estiba.cli.settings import root
from estiba.errors import ConfigInvalid

if TYPE_CHECKING:
    from estiba.bundle import Bundle
    from estiba.cli.parse import Parsed


def run(parsed: Parsed) -> int:
    """Run a container; return its exit code, or at once with --detach."""
    bundle = bundle_of(parsed)
    relayed = has_terminal(bundle) and parsed.options.text("console-socket") is None
    if parsed.options.flag("detach"):
        if relayed:
            raise ConfigInvalid(
                "config.json /process/terminal: a detached run cannot relay a terminal",
                pointer="/process/terminal",
                hint="give --console-socket, or set terminal to false",
            )
        begin(parsed, bundle).close()
        return 0
    from estiba.cli.foreground import attend

    code = attend(lambda console: begin(parsed, bundle, console), terminal=relayed)
    if not parsed.options.flag("keep"):
        _core.delete(root=root(parsed), id=parsed.words[0], force=True)
    return code


def begin(parsed: Parsed, bundle: Bundle, console_socket: str | None = None) -> _core.Process:
    """Create and start; what cannot be started is deleted."""
    init = make(parsed, bundle, console_socket)
    try:
        send_pidfd(parsed, init)
        _core.start(root=root(parsed), id=parsed.words[0])
    except BaseException:
        _core.delete(root=root(parsed), id=parsed.words[0], force=True)
        raise
    return init


def has_terminal(bundle: Bundle) -> bool:
    """Return whether the program of a valid config gets a terminal."""
    config = bundle.config
    process = config.get("process") if isinstance(config, dict) else None
    return isinstance(process, dict) and process.get("terminal") is True
