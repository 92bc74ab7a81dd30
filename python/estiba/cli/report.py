# SPDX-License-Identifier: Apache-2.0
"""How a failure is told: a line and a hint for people on stderr, one record in the log where one was asked for."""

from __future__ import annotations

import os

from estiba.command_line.run import complain, flush
from estiba.errors import cause

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from estiba.cli.parse import Options


def failure(message: str, hint: str | None, options: Options, code: int) -> int:
    """Tell of a failure; return `code`. `options` are the global ones."""
    flush()
    complain(f"{message}\nhint: {hint}\n" if hint else f"{message}\n")
    _log("error", f"{message}; hint: {hint}" if hint else message, options)
    return code


def warn(messages: Iterable[str], options: Options) -> None:
    """Tell of what went wrong and stopped nothing."""
    for message in messages:
        flush()
        complain(f"warning: {message}\n")
        if options.flag("debug") or options.text("log-level") != "error":
            _log("warning", message, options)


def _log(level: str, message: str, options: Options) -> None:
    log = options.text("log")
    if log:
        append(log, record(level, message, as_json=options.text("log-format") == "json"))


def record(level: str, message: str, *, as_json: bool) -> str:
    """Write one log record. containerd shows the message of the last one with level "error"."""
    import json
    import time

    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    if as_json:
        return json.dumps({"level": level, "msg": message, "time": now}) + "\n"
    return f'time="{now}" level={level} msg={json.dumps(message, ensure_ascii=False)}\n'


def append(path: str, text: str) -> None:
    """Add a record to the log by one write, so that records of several processes do not mix.

    Without waiting for who might read a FIFO.
    """
    try:
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NONBLOCK
        log = os.open(path, flags, 0o644)
        try:
            os.write(log, text.encode(errors="backslashreplace"))
        finally:
            os.close(log)
    except OSError as error:
        complain(f'cannot write the log "{path}": {cause(error.errno)}\n')
