# SPDX-License-Identifier: Apache-2.0
"""The short verbs: create, start, state, kill, delete, pause, resume."""

from __future__ import annotations

from estiba import _core
from estiba.cli.parse import refusal
from estiba.cli.pidfd_socket import PidfdReceiver
from estiba.cli.report import warn
from estiba.cli.settings import cgroup_manager, root
from estiba.command_line.run import say
from estiba.errors import ArgumentInvalid, EstibaError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from estiba.bundle import Bundle
    from estiba.cli.parse import Parsed


def create(parsed: Parsed) -> int:
    """Create a container; it waits for `start`."""
    _core.check_preserved(count=parsed.options.number("preserve-fds") or 0)
    bundle = bundle_of(parsed)
    receiver = PidfdReceiver(parsed.options.text("pidfd-socket"))
    init = make(parsed, bundle)
    try:
        receiver.send(init)
    except EstibaError:
        remove(parsed, force=True)
        raise
    init.close()
    return 0


def bundle_of(parsed: Parsed) -> Bundle:
    """Read the bundle of --bundle and judge its config, unless the engine proves it.

    Raises ConfigInvalid with every problem.
    """
    from estiba.lifecycle.judged_bundle import judged_bundle

    return judged_bundle(
        parsed.options.text("bundle") or ".",
        root=root(parsed),
        id=parsed.words[0],
        config_file=parsed.options.text("config"),
    )


def make(
    parsed: Parsed, bundle: Bundle, console_socket: str | None = None, *, gate: bool = True
) -> _core.Process:
    """Create the container that the options of create and run describe; without a gate its program runs at once."""
    init = _core.create(
        root=root(parsed),
        id=parsed.words[0],
        bundle=str(bundle.path),
        config=bundle.text,
        config_file=bundle.config_file,
        pid_file=parsed.options.text("pid-file"),
        console_socket=console_socket or parsed.options.text("console-socket"),
        preserve_fds=parsed.options.number("preserve-fds") or 0,
        no_pivot=parsed.options.flag("no-pivot"),
        no_new_keyring=parsed.options.flag("no-new-keyring"),
        cgroup_manager=cgroup_manager(parsed),
        gate=gate,
    )
    warn(init.warnings, parsed.globals)
    return init


def has_terminal(process: object) -> bool:
    """Return whether a process object asks for a terminal."""
    return isinstance(process, dict) and process.get("terminal") is True


def start(parsed: Parsed) -> int:
    """Run the program of a created container."""
    _core.start(root=root(parsed), id=parsed.words[0])
    return 0


def state(parsed: Parsed) -> int:
    """Print the OCI state."""
    text = _core.state(root=root(parsed), id=parsed.words[0])
    say(text if text.endswith("\n") else f"{text}\n")
    return 0


def kill(parsed: Parsed) -> int:
    """Send a signal."""
    from estiba.lifecycle.signal_number import signal_number

    word = parsed.words[1] if len(parsed.words) > 1 else "TERM"
    try:
        number = signal_number(word)
    except ArgumentInvalid:
        raise refusal("kill", "not-a-signal", hint="signal", value=word) from None
    _core.kill(root=root(parsed), id=parsed.words[0], signal=number, all=parsed.options.flag("all"))
    return 0


def delete(parsed: Parsed) -> int:
    """Remove a container."""
    remove(parsed, force=parsed.options.flag("force"))
    return 0


def remove(parsed: Parsed, *, force: bool) -> None:
    """Remove the container of the command line, and tell of poststop hooks that failed."""
    warn(_core.delete(root=root(parsed), id=parsed.words[0], force=force), parsed.globals)


def pause(parsed: Parsed) -> int:
    """Freeze all processes."""
    _core.pause(root=root(parsed), id=parsed.words[0])
    return 0


def resume(parsed: Parsed) -> int:
    """Let them go on."""
    _core.resume(root=root(parsed), id=parsed.words[0])
    return 0
