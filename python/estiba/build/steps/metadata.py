# SPDX-License-Identifier: Apache-2.0
"""Instructions that change the image's config and no file. Pure: a state and a resolved instruction in."""

from __future__ import annotations

import posixpath
import re
from typing import Any

from estiba.build.recipe import Instruction, render
from estiba.build.recipe.instructions import (
    Arg,
    Cmd,
    CommandLine,
    Entrypoint,
    Env,
    Expose,
    HealthCheck,
    Label,
    Maintainer,
    OnBuild,
    Place,
    Shell,
    StopSignal,
    User,
    Volume,
    Workdir,
)
from estiba.build.recipe.problems import Fault
from estiba.build.state import State
from estiba.spec.words import quote

PORT = re.compile(r"(\d{1,5})(?:-(\d{1,5}))?(?:/(tcp|udp|sctp))?", re.IGNORECASE)


def change(state: State, instruction: Instruction) -> None:
    """Change the config as the instruction says. Raise Fault for a value that means nothing."""
    config = state.config
    match instruction:
        case Arg():
            state.scope.declare(instruction)
        case Env():
            state.scope.set(instruction)
            config["Env"] = list(state.scope.environ)
        case Label():
            labels = {pair.name.text: pair.value.text for pair in instruction.pairs}
            config["Labels"] = {**(config.get("Labels") or {}), **labels}
        case User():
            config["User"] = instruction.user.text
        case Workdir():
            config["WorkingDir"] = below(state.folder, instruction.path.text)
        case Expose():
            ports = [port for word in instruction.ports for port in expanded(word.text, word.place)]
            config["ExposedPorts"] = {**(config.get("ExposedPorts") or {}), **{port: {} for port in ports}}
        case Volume():
            paths: dict[str, Any] = {word.text: {} for word in instruction.paths}
            config["Volumes"] = {**(config.get("Volumes") or {}), **paths}
        case Cmd():
            state.has_command = True
            config["Cmd"] = command(state, instruction.command)
        case Entrypoint():
            config["Entrypoint"] = command(state, instruction.command)
            if not state.has_command:
                config.pop("Cmd", None)
        case Shell():
            config["Shell"] = list(instruction.words)
        case StopSignal():
            config["StopSignal"] = instruction.signal.text
        case HealthCheck():
            config["Healthcheck"] = _health_check(state, instruction)
        case OnBuild():
            config["OnBuild"] = [*(config.get("OnBuild") or ()), instruction.text]
        case Maintainer():
            state.author = instruction.name
        case _:
            raise AssertionError(f"{render(instruction)} changes files")


def below(folder: str, path: str) -> str:
    """Return a path taken relative to the working directory, without "." and ".."."""
    return posixpath.normpath(posixpath.join("/", folder, path)).replace("//", "/")


def command(state: State, line: CommandLine) -> list[str]:
    """Return what is run: the shell form by the shell in force."""
    return [*state.shell, line.words[0]] if line.is_shell else list(line.words)


def expanded(text: str, place: Place) -> list[str]:
    """Return the ports of `80`, `53/udp`, `7000-7002`: each by itself, as Docker has them."""
    match = PORT.fullmatch(text)
    if match is None:
        raise Fault(place, f"{quote(text)} is not a port", "write 80, 53/udp or 7000-7002/tcp")
    first, last = int(match[1]), int(match[2] or match[1])
    if not 0 < first <= last < 65536:
        raise Fault(place, f"{quote(text)} is not a port", "ports are 1 to 65535, the smaller one first")
    return [f"{port}/{(match[3] or 'tcp').lower()}" for port in range(first, last + 1)]


def _health_check(state: State, check: HealthCheck) -> dict[str, Any]:
    if check.command is None:
        return {"Test": ["NONE"]}
    form = "CMD-SHELL" if check.command.is_shell else "CMD"
    times = {
        "Interval": check.interval,
        "Timeout": check.timeout,
        "StartPeriod": check.start_period,
        "StartInterval": check.start_interval,
        "Retries": check.retries,
    }
    return {
        "Test": [form, *check.command.words],
        **{name: value for name, value in times.items() if value},
    }
