# SPDX-License-Identifier: Apache-2.0
"""From argv to a verb's function, and from whatever it raises to the exit code."""

from __future__ import annotations

import os
import sys

from estiba.command_line.read import Language, Parsed, Refusal
from estiba.errors import EstibaError, KernelRefused, cause

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

STDOUT, STDERR = 1, 2


def run(
    args: list[str],
    answer: Callable[[list[str], Parsed], int],
    failed: Callable[[Refusal | EstibaError, Parsed], int],
    unforeseen: Callable[[Exception, Parsed], int],
) -> int:
    """Do what argv says; return the exit code."""
    parsed = Parsed()
    try:
        code = answer(args, parsed)
        flush()
        return code
    except (Refusal, EstibaError) as error:
        try:
            sys.stdout.flush()
        except OSError:
            leave(STDOUT)
        return failed(error, parsed)
    except BrokenPipeError:
        leave(STDOUT)
        return 1
    except KeyboardInterrupt:
        return 130
    except Exception as error:  # noqa: BLE001 - whatever it is, people get one line and an exit code
        leave(STDOUT)
        return unforeseen(error, parsed)


def answer(
    language: Language,
    functions: Mapping[str, str],
    package: str,
    version: Callable[[Parsed], int],
    args: list[str],
    parsed: Parsed,
    before: Callable[[Parsed], None] | None = None,
) -> int:
    """Read argv into `parsed` and call the verb's function, a "module:function" of `package`; `before` comes first."""
    language.parse(args, parsed)
    if parsed.globals.flag("version"):
        return version(parsed)
    if parsed.globals.flag("help") or parsed.options.flag("help"):
        from estiba.command_line.help import text

        say(text(language, parsed.verb))
        return 0
    from importlib import import_module

    if before:
        before(parsed)
    module, _, function = functions[parsed.verb].partition(":")
    code: int = getattr(import_module(f"{package}.{module}"), function)(parsed)
    return code


def say(text: str) -> None:
    """Write data to standard output. Raises KernelRefused, and BrokenPipeError where nobody reads any more."""
    _to_stdout(lambda: sys.stdout.write(text))


def flush() -> None:
    """Bring what has been said to its reader. Raises as `say`."""
    _to_stdout(sys.stdout.flush)


def _to_stdout(write: Callable[[], object]) -> None:
    try:
        write()
    except BrokenPipeError:
        raise
    except OSError as error:
        raise KernelRefused(f"cannot write standard output: {cause(error.errno)}") from None


def complain(text: str) -> None:
    """Write to standard error. Where that cannot be, nobody is to be told, and the exit code still says it."""
    try:
        sys.stderr.write(text)
    except OSError:
        leave(STDERR)


def leave(descriptor: int) -> None:
    """Send what is left for a standard stream nowhere: what cannot be written now, Python would try again at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), descriptor)
