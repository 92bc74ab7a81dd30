# SPDX-License-Identifier: Apache-2.0
"""The container of a RUN, on the tree so far; what its program changes is the layer.

Mount points, and /etc/hosts and /etc/resolv.conf, lie in a layer of stubs below all others: whatever is mounted
there, nothing of it remains in the image.
"""

from __future__ import annotations

import json
import os
import posixpath
import threading
from collections import deque
from contextlib import ExitStack
from errno import ENOENT
from typing import TYPE_CHECKING, Any

from estiba.build.progress.lines import Lines
from estiba.build.steps import mounts
from estiba.build.steps.run import SCRIPT
from estiba.bundle import Bundle
from estiba.errors import ArgumentInvalid, BuildFailed, ExecFailed
from estiba.lifecycle.options import usual_cgroup_manager
from estiba.rootfs.users import find_user
from estiba.spec.container import container_config

if TYPE_CHECKING:
    from estiba.build.steps.place import Place
    from estiba.build.steps.run import Program
    from estiba.build.steps.step import Surroundings

HOSTNAME = "build"
LAST_LINES = 20
"""Of the output, kept for the error."""
NOT_FOUND, NOT_EXECUTABLE = 127, 126
"""What a shell exits with for a program that is not there, or is none."""
NO_SHELL = 'where there is no shell, write RUN ["/program", "argument"]'
STUBS = ("dev", "etc", "proc", "sys")
FILES = ("hosts", "resolv.conf")
"""Of the host's /etc: the network is the host's."""


def perform(program: Program, number: int, around: Surroundings, place: Place) -> None:
    """Run a program of stage `number` in a container of its own, in `place`. Raises BuildFailed."""
    stubs = _stubs(place.folder("stubs")) if program.mounts else _shared_stubs(place)
    with ExitStack() as stack:
        bound, given = mounts.prepare(program.mounts, number, around, place, stubs, stack)
        rootfs = stack.enter_context(place.mounted(stubs))
        config = container_config(
            rootfs=rootfs,
            args=program.args,
            env=[*program.environ, *given],
            cwd=program.folder,
            user=_user(rootfs, program.user),
            hostname=HOSTNAME,
            has_host_network=program.network == "host",
            is_rootless=place.is_rootless,
        )
        config["mounts"] += [
            *_host_files(place.small_folder("files")),
            *_script(place, program.script),
            *bound,
        ]
        _execute(place, config, around)


def _shared_stubs(place: Place) -> str:
    """Return the layer of stubs of all steps of the build that have no mounts of their own.

    On the disk as the other layers: where overlayfs finds several file systems, files are on another device than their
    folders, and `find -xdev` would see none.
    """
    shared = os.path.join(os.path.dirname(place.path), "stubs")
    if not os.path.isdir(shared):
        made = _stubs(place.folder("stubs"))
        try:
            os.rename(made, shared)
        except OSError:  # another stage was faster
            return made
    return shared


def _stubs(stubs: str) -> str:
    """Make the layer that has nothing but places to mount at, in an empty folder."""
    os.chmod(stubs, 0o755)
    for name in STUBS:
        os.mkdir(os.path.join(stubs, name), 0o755)
    for name in FILES:
        os.close(os.open(os.path.join(stubs, "etc", name), os.O_CREAT | os.O_WRONLY, 0o644))
    return stubs


def _script(place: Place, script: str | None) -> list[dict[str, Any]]:
    """Write a here-document that is a program; /dev is not of the image, so nothing of it stays."""
    if script is None:
        return []
    path = os.path.join(place.path, "script")
    with open(path, "x", encoding="utf-8") as file:
        file.write(script)
    os.chmod(path, 0o755)
    return [mounts.bind(path, SCRIPT, is_read_only=True)]


def _host_files(folder: str) -> list[dict[str, Any]]:
    """Copy the host's /etc/hosts and resolv.conf, which the program may change for itself."""
    found = []
    for name in FILES:
        path = os.path.join(folder, name)
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


def _execute(place: Place, config: dict[str, Any], around: Surroundings) -> None:
    """Run the container, and hand its output on as it comes. Raises BuildFailed."""
    bundle = place.small_folder("bundle")
    with open(os.path.join(bundle, "config.json"), "w", encoding="utf-8") as file:
        file.write(json.dumps(config))  # json.dump takes its time: it encodes in Python
    last: deque[str] = deque(maxlen=LAST_LINES)
    reader, writer = os.pipe2(os.O_CLOEXEC)
    nothing = os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)
    listener = threading.Thread(target=_listen, args=(reader, last, around), name="estiba-output")
    listener.start()
    try:
        manager = usual_cgroup_manager(is_rootless=place.is_rootless)
        stdio = (nothing, writer, writer)
        status = around.containers.run(Bundle(bundle), stdio=stdio, cgroup_manager=manager)
    except ExecFailed as error:
        lacks_shell = posixpath.basename(config["process"]["args"][0]) == "sh"
        raise BuildFailed(
            error.what,
            errno=error.errno,
            hint=NO_SHELL if lacks_shell else error.hint,
            exit_status=NOT_FOUND if error.errno == ENOENT else NOT_EXECUTABLE,
        ) from error
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
