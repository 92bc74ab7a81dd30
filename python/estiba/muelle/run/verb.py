# SPDX-License-Identifier: Apache-2.0
"""run: a container of an image in the foreground.

    image ─► layers ─► folder in the store ─► overlay, in a mount namespace of ours ─► config ─► engine ─► exit code

What is mounted goes with this process; what the container has written stays in its folder, unless it goes too.
"""

from __future__ import annotations

import json
import os
import warnings
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from estiba.errors import ArgumentInvalid, EstibaWarning
from estiba.images import snapshots
from estiba.images.store import Store
from estiba.lifecycle.container import Container
from estiba.lifecycle.foreground import attend
from estiba.lifecycle.options import usual_cgroup_manager
from estiba.muelle import containers, output
from estiba.muelle.conversion import volumes
from estiba.muelle.find import found_or_pulled
from estiba.muelle.run.config import Place, config_of
from estiba.muelle.run.init import init_program
from estiba.muelle.run.mounts import entry, mounts
from estiba.muelle.run.names import write_names
from estiba.muelle.run.record import record_of, write_cidfile
from estiba.muelle.run.stubs import stubs
from estiba.muelle.run.volumes import source_of
from estiba.muelle.sweep import sweep

if TYPE_CHECKING:
    from collections.abc import Sequence

    from estiba.images.image import Image
    from estiba.muelle.containers import Kept
    from estiba.muelle.parse import Options, Parsed


def run(parsed: Parsed) -> int:
    """Run the image's program, or the one that is named; return its exit code."""
    options = parsed.options
    refuse_terminal(options)
    tell_warnings()
    store = Store.open(parsed.globals.text("store"))
    sweep(store)
    with store.using():
        image = found_or_pulled(store, parsed.words[0], options)
        below = image.lowers()
        kept, lock = containers.make(containers.folder_of(store), record_of(parsed, image))
    try:
        write_cidfile(options.text("cidfile"), kept.id)
        code = attended(parsed, store, image, kept, below)
        if not options.flag("rm"):
            kept.record.update(exitCode=code, finished=output.now())
            containers.write(kept)
            return code
    except BaseException:
        containers.remove(kept)
        raise
    finally:
        os.close(lock)
    containers.remove(kept)
    return code


def attended(parsed: Parsed, store: Store, image: Image, kept: Kept, below: Sequence[str]) -> int:
    """Mount, start, wait; return the exit code. Nothing is left but what the container has written."""
    options, folder = parsed.options, kept.folder
    merged, upper, work = (str(folder / name) for name in ("merged", "upper", "work"))
    with ExitStack() as undo:
        be_like(upper, below[-1] if below else None)
        snapshots.private_mounts()
        stack = [stubs(store), *below]
        undo.enter_context(snapshots.mounted(merged, stack, upper, work, is_rootless=store.is_rootless))
        root = os.open(merged, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        undo.callback(os.close, root)
        config = written_config(parsed, store, image, kept, root)
        stdin = 0 if options.flag("interactive") else os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)
        if stdin:
            undo.callback(os.close, stdin)
        has_terminal = bool(config["process"]["terminal"])
        container = Container(kept.id, root=kept.root)

        def make(console: str | None) -> Any:
            nonlocal container
            containers.refuse_condemned(kept)
            begin = Container.create if has_terminal else Container.launch
            container = begin(
                kept.id,
                folder,
                root=kept.root,
                console_socket=console,
                stdio=None if has_terminal else (stdin, 1, 2),
                cgroup_manager=usual_cgroup_manager(is_rootless=store.is_rootless),
            )
            undo.callback(container.delete, force=True)
            containers.refuse_condemned(kept)
            if not options.flag("rm"):
                (folder / "remove").unlink()
            return container.init

        return attend(
            make,
            (lambda: container.start()) if has_terminal else None,
            terminal=has_terminal,
            typed=options.flag("interactive"),
        )


def written_config(parsed: Parsed, store: Store, image: Image, kept: Kept, root: int) -> dict[str, Any]:
    """Write config.json and the files that it mounts; return the config."""
    options, folder = parsed.options, kept.folder
    has_host_network = options.text("network") == "host"
    hostname = options.text("hostname") or (os.uname().nodename if has_host_network else kept.id[:12])
    added = write_names(folder, hostname, has_host_network=has_host_network, added=options.list("add-host"))
    for number, mount in enumerate(mounts(options, volumes(image.config))):
        added.append(entry(mount, source_of(mount, store, folder / "volumes" / str(number), root)))
    place = Place(str(folder / "merged"), root, hostname, parsed.words[0], store.is_rootless)
    config = config_of(image.config, parsed.words[1:], options, place, added, init_program(options))
    if parent := options.text("cgroup-parent"):
        config["linux"]["cgroupsPath"] = f"{parent.rstrip('/')}/{kept.id}"
    (folder / "config.json").write_text(json.dumps(config))
    return config


def be_like(upper: str, lower: str | None) -> None:
    """Give the upper layer's own folder the owner and mode of the one below it: it is what / of the container shows."""
    if lower is None:
        return
    status = os.stat(lower)
    os.chown(upper, status.st_uid, status.st_gid)
    os.chmod(upper, status.st_mode & 0o7777)


def refuse_terminal(options: Options) -> None:
    """Refuse to relay a terminal that is not there, before anything is made."""
    if options.flag("tty") and options.flag("interactive") and not os.isatty(0):
        hint = "leave out -t: a program that reads a pipe needs no terminal"
        raise ArgumentInvalid("-it: standard input is not a terminal", hint=hint)


def tell_warnings() -> None:
    """Tell of warnings as of failures: one line, without the place in our own code."""

    def show(message: Warning | str, *_place: object, **_more: object) -> None:
        output.warn(str(message))

    warnings.showwarning = show
    warnings.simplefilter("always", EstibaWarning)
