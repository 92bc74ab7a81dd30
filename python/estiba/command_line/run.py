# SPDX-License-Identifier: Apache-2.0
"""From argv to a verb's function, and from whatever it raises to the exit code."""

from __future__ import annotations

import os
import sys

from estiba.command_line.read import Language, Parsed, Refusal
from estiba.errors import EstibaError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


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
        sys.stdout.flush()
        return code
    except (Refusal, EstibaError) as error:
        return failed(error, parsed)
    except BrokenPipeError:
        leave_stdout()
        return 1
    except KeyboardInterrupt:
        return 130
    except Exception as error:  # noqa: BLE001 - whatever it is, people get one line and an exit code
        leave_stdout()
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

        sys.stdout.write(text(language, parsed.verb))
        return 0
    from importlib import import_module

    if before:
        before(parsed)
    module, _, function = functions[parsed.verb].partition(":")
    code: int = getattr(import_module(f"{package}.{module}"), function)(parsed)
    return code


def leave_stdout() -> None:
    """Send what is left for standard output nowhere: what cannot be written now, Python would try again at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
