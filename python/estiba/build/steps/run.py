# SPDX-License-Identifier: Apache-2.0
"""RUN: a program in a container of its own, on the tree so far; what it changed is the layer.

Mount points, and /etc/hosts and /etc/resolv.conf, lie in a layer of stubs below all others: whatever is mounted
there, nothing of it remains in the image.
"""

from __future__ import annotations

import itertools
import json
import os
import posixpath
import threading
from collections import deque
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from estiba.build.cache import Inputs
from estiba.build.progress.lines import Lines
from estiba.build.recipe import render
from estiba.build.recipe.instructions import Run
from estiba.build.steps import mounts
from estiba.build.steps.step import Step, Surroundings
from estiba.bundle import Bundle
from estiba.errors import ArgumentInvalid, BuildFailed
from estiba.lifecycle import Container
from estiba.rootfs.users import find_user
from estiba.spec.container import container_config

if TYPE_CHECKING:
    from estiba.build.state import State
    from estiba.build.steps.place import Place

PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
HOSTNAME = "build"
LAST_LINES = 20
"""Of the output, kept for the error."""
STUBS = ("dev", "etc", "proc", "sys")
SCRIPT = "/dev/run-script"
"""Where a RUN that is one here-document with a line `#!` finds it."""
FILES = ("hosts", "resolv.conf")
"""Of the host's /etc: the network is the host's."""

_numbers = itertools.count(1)


def prepare(state: State, run: Run, number: int, around: Surroundings) -> Step:
    """Make the step of a resolved RUN in stage `number`."""
    arguments = state.scope.arguments
    settings = {
        "user": state.user,
        "working directory": state.folder,
        "environment": list(state.scope.environ),
        "command": words(state, run),
        "network": network(run, around),
    }
    content = mounts.content(run.mounts, number, around)
    inputs = Inputs(render(run), arguments, settings, content)
    environment = environ(state, around)
    user, folder, args = state.user, state.folder, words(state, run)

    def perform(place: Place) -> None:
        stubs = _stubs(place)
        with ExitStack() as stack:
            bound, given = mounts.prepare(run.mounts, number, around, place, stubs, stack)
            rootfs = stack.enter_context(place.mounted(stubs))
            config = container_config(
                rootfs=rootfs,
                args=args,
                env=[*environment, *given],
                cwd=folder,
                user=_user(rootfs, user),
                hostname=HOSTNAME,
                has_host_network=network(run, around) == "host",
            )
            config["mounts"] += [*_host_files(place), *_script(place, run), *bound]
            _execute(place, config, run, around)

    return Step(inputs, perform)


def words(state: State, run: Run) -> list[str]:
    """Return the argument vector."""
    if _is_program(run):
        return [SCRIPT]
    if not run.command.is_shell and not run.is_script:
        return list(run.command.words)
    return [*state.shell, run.shell_line]


def _is_program(run: Run) -> bool:
    """Tell whether the command is a here-document that names its own interpreter."""
    return run.is_script and run.here_documents[0].content.startswith("#!")


def network(run: Run, around: Surroundings) -> str:
    """Return "host" or "none"."""
    return around.options.network if run.network == "default" else run.network


def environ(state: State, around: Surroundings) -> list[str]:
    """Return what the program finds: the image's variables, the build's, the proxies."""
    merged = dict(each.partition("=")[::2] for each in (PATH,))
    merged |= around.proxies
    merged |= state.scope.variables
    return [f"{name}={value}" for name, value in merged.items()]


def _stubs(place: Place) -> str:
    """Make the layer that has nothing but places to mount at."""
    stubs = place.folder("stubs")
    os.chmod(stubs, 0o755)
    for name in STUBS:
        os.mkdir(os.path.join(stubs, name), 0o755)
    for name in FILES:
        os.close(os.open(os.path.join(stubs, "etc", name), os.O_CREAT | os.O_WRONLY, 0o644))
    return stubs


def _script(place: Place, run: Run) -> list[dict[str, Any]]:
    """Write a here-document that is a program; /dev is not of the image, so nothing of it stays."""
    if not _is_program(run):
        return []
    path = os.path.join(place.path, "script")
    with open(path, "x", encoding="utf-8") as file:
        file.write(run.here_documents[0].content)
    os.chmod(path, 0o755)
    return [mounts.bind(path, SCRIPT, is_read_only=True)]


def _host_files(place: Place) -> list[dict[str, Any]]:
    """Copy the host's /etc/hosts and resolv.conf, which the program may change for itself."""
    found = []
    for name in FILES:
        path = os.path.join(place.path, name)
        try:
            with open(f"/etc/{name}", "rb") as file:
                text = file.read(1 << 20)
        except OSError:
            text = b""
        if name == "hosts":
            text += f"\n127.0.1.1\t{HOSTNAME}\n".encode()
        with open(path, "xb") as file:
            file.write(text)
        os.chmod(path, 0o644)
        found.append(mounts.bind(path, f"/etc/{name}", is_read_only=False))
    return found


def _user(rootfs: str, user: str) -> dict[str, Any]:
    """Look USER up in the tree's own /etc/passwd."""
    root = os.open(rootfs, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        found = find_user(root, user)
    except ArgumentInvalid as error:
        raise BuildFailed(error.message, hint=error.hint) from None
    finally:
        os.close(root)
    return {"uid": found.uid, "gid": found.gid, "additionalGids": list(found.additional_gids)}


def _execute(place: Place, config: dict[str, Any], run: Run, around: Surroundings) -> None:
    """Run the container, and hand its output on as it comes. Raises BuildFailed."""
    bundle = place.folder("bundle")
    with open(os.path.join(bundle, "config.json"), "w", encoding="utf-8") as file:
        json.dump(config, file)
    last: deque[str] = deque(maxlen=LAST_LINES)
    reader, writer = os.pipe2(os.O_CLOEXEC)
    nothing = os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)
    listener = threading.Thread(target=_listen, args=(reader, last, around), name="estiba-output")
    listener.start()
    try:
        name = f"build-{os.getpid()}-{next(_numbers)}"
        manager: Any = "disabled" if place.is_rootless else "cgroupfs"
        stdio = (nothing, writer, writer)
        status = Container.run(name, Bundle(bundle), stdio=stdio, cgroup_manager=manager)
    finally:
        os.close(writer)
        os.close(nothing)
        listener.join()
    if status:
        said = f"signal {status - 128}" if status > 128 else f"exit code {status}"
        command = posixpath.basename(config["process"]["args"][0])
        raise BuildFailed(
            f"RUN failed with {said}",
            hint=None if last else f"{command} has written nothing",
            exit_status=status,
            last_lines=tuple(last),
        )


def _listen(reader: int, last: deque[str], around: Surroundings) -> None:
    lines = Lines()
    with open(reader, "rb", buffering=0) as pipe:
        while data := pipe.read(65536):
            for line in lines.feed(data):
                last.append(line)
                around.say(line)
    for line in lines.end():
        last.append(line)
        around.say(line)
