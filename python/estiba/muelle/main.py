# SPDX-License-Identifier: Apache-2.0
"""From argv to a verb's function, and from its error to the exit code."""

from __future__ import annotations

import os
from errno import EDQUOT, ENOENT, ENOSPC

from estiba.command_line.run import answer as call_verb
from estiba.command_line.run import run
from estiba.errors import BuildFileInvalid, EstibaError, ExecFailed
from estiba.muelle.parse import LANGUAGE, Parsed, Refusal
from estiba.tables.muelle import FAILURE_EXIT

FUNCTIONS: dict[str, str] = {
    "build": "building:build",
    "run": "run.verb:run",
    "bundle": "bundling:bundle",
    "containers": "listing:containers",
    "ps": "listing:ps",
    "rm": "listing:rm",
    "commit": "committing:commit",
    "images": "images:images",
    "inspect": "inspect:inspect",
    "history": "history:history",
    "diff": "differences:diff",
    "rollback": "history:rollback",
    "tag": "names:tag",
    "untag": "names:untag",
    "save": "moving:save",
    "import": "importing:import_",
    "export": "exporting:export",
    "load": "moving:load",
    "copy": "moving:copy",
    "pull": "registries:pull",
    "push": "registries:push",
    "login": "registries:login",
    "logout": "registries:logout",
    "rmi": "cleaning:rmi",
    "prune": "cleaning:prune",
    "fsck": "cleaning:fsck",
    "version": "version:version",
}
"""Verb to "module:function" of estiba.muelle, imported when it is called."""

AS_THE_USER = ("bundle", "login", "logout", "version")
"""They need no rights over other ids: a bundle of a user's is the user's own, with one id mapped."""


def main(args: list[str]) -> int:
    """Do what argv says; return the exit code."""
    return run(args, answer, refused, unforeseen)


def answer(args: list[str], parsed: Parsed) -> int:
    """Read argv into `parsed` and call the verb."""
    return call_verb(LANGUAGE, FUNCTIONS, "estiba.muelle", version, args, parsed, enter)


def enter(parsed: Parsed) -> None:
    """Become root of a user namespace where the user is not root and the verb is about other ids than the own one."""
    if os.geteuid() != 0 and parsed.verb not in AS_THE_USER:
        from estiba.muelle.unprivileged import become_root

        become_root()


def version(parsed: Parsed) -> int:
    """Print the versions."""
    from estiba.muelle.version import version

    return version(parsed)


def refused(error: Refusal | EstibaError, parsed: Parsed) -> int:
    """Tell of an argv that cannot be taken, or of a verb that has failed."""
    if isinstance(error, Refusal):
        return failed(error.message, error.hint, error.exit)
    if isinstance(error, BuildFileInvalid):
        return several(error)
    message = error.what if isinstance(error, ExecFailed) else error.message
    return failed(message, error.hint or advice(error, parsed.verb), exit_code(error, parsed.verb))


def several(error: BuildFileInvalid) -> int:
    """Tell of each problem of a Containerfile, in its order; return the exit code."""
    for problem in error.problems:
        failed(str(problem), problem.hint, 1)
    return 1


def failed(message: str, hint: str | None, code: int) -> int:
    """Tell of a failure: a line, and a hint where there is one; return `code`."""
    from estiba.muelle.output import tell

    tell(message, hint)
    return code


def advice(error: EstibaError, verb: str) -> str | None:
    """Return a hint for a failure that has none of its own: where the store is full, not a file of the caller's."""
    is_full = error.errno in (ENOSPC, EDQUOT) and verb not in ("save", "export", "bundle", "copy")
    return "`muelle prune` frees what no name uses" if is_full else None


def exit_code(error: EstibaError, verb: str) -> int:
    """Return what an error says itself, as a build's RUN that failed does, else the verb's code of failures.

    As a shell does, `run` tells a program that is not there (127) from one that cannot be executed (126).
    """
    own = getattr(error, "exit_status", None)
    if isinstance(own, int):
        return own
    if verb == "run" and isinstance(error, ExecFailed):
        return 127 if error.errno == ENOENT else 126
    return FAILURE_EXIT.get(verb, 1)


def unforeseen(error: Exception, parsed: Parsed) -> int:
    """Tell of what no code of ours has met: a full disk, a file that may not be read, or a bug."""
    code = FAILURE_EXIT.get(parsed.verb, 1)
    if parsed.globals.flag("debug"):
        from traceback import print_exception

        print_exception(error)
    if isinstance(error, OSError) and error.errno is not None:
        from estiba.errors import cause

        where = f'"{os.fsdecode(error.filename)}": ' if error.filename else ""
        return failed(f"{parsed.verb}: {where}{cause(error.errno)}", None, code)
    what = f"{type(error).__name__}: {error}".replace("\n", " ")
    hint = "run it again with --debug before the command, and report what it prints"
    return failed(f"{parsed.verb}: this is a bug in muelle: {what}", hint, code)
