# SPDX-License-Identifier: Apache-2.0
"""What nobody foresaw, in one line as any other failure; the traceback is there for who asks for it."""

from __future__ import annotations

from pathlib import Path

from estiba.errors import InternalError, cause

TYPE_CHECKING = False
if TYPE_CHECKING:
    from estiba.cli.parse import Options

PACKAGE = Path(__file__).parents[1]
HINT = "`estiba --debug VERB ...` shows the traceback, for a report"


def internal(error: Exception, options: Options) -> InternalError:
    """Turn any exception into the error of this house; with --debug, print its traceback first."""
    if options.flag("debug"):
        import traceback

        traceback.print_exception(error)
    return InternalError(f"unforeseen {type(error).__name__}: {words(error)}{place(error)}", hint=HINT)


def words(error: Exception) -> str:
    """Say what the exception says, on one line; an error number in our words, as callers act on the kernel's."""
    if isinstance(error, OSError) and error.errno is not None:
        return f'"{error.filename}": {cause(error.errno)}' if error.filename else cause(error.errno)
    return " ".join(str(error).split()) or "it says nothing"


def place(error: Exception) -> str:
    """Name the innermost line of ours."""
    found = ""
    trace = error.__traceback__
    while trace is not None:
        file = Path(trace.tb_frame.f_code.co_filename)
        if file.is_relative_to(PACKAGE):
            found = f" ({file.relative_to(PACKAGE.parent)}:{trace.tb_lineno})"
        trace = trace.tb_next
    return found
