# SPDX-License-Identifier: Apache-2.0
"""run: create, start, wait in the foreground, delete."""

from __future__ import annotations

from typing import TYPE_CHECKING

from estiba import _core
from estiba.cli.container import make, send_pidfd
from estiba.cli.settings import root

if TYPE_CHECKING:
    from estiba.cli.parse import Parsed


def run(parsed: Parsed) -> int:
    """Run a container; return its exit code, or at once with --detach."""
    if parsed.options.flag("detach"):
        begin(parsed).close()
        return 0
    from estiba.cli.foreground import Foreground

    with Foreground() as foreground:
        code = foreground.wait(begin(parsed))
    if not parsed.options.flag("keep"):
        _core.delete(root=root(parsed), id=parsed.words[0], force=True)
    return code


def begin(parsed: Parsed) -> _core.Process:
    """Create and start; what cannot be started is deleted."""
    init = make(parsed)
    try:
        send_pidfd(parsed, init)
        _core.start(root=root(parsed), id=parsed.words[0])
    except BaseException:
        _core.delete(root=root(parsed), id=parsed.words[0], force=True)
        raise
    return init
