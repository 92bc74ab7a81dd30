# SPDX-License-Identifier: Apache-2.0
"""containers, ps, rm: what `run` has left."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from estiba.errors import ContainerError, ContainerNotFound, WrongState
from estiba.images.store import Store
from estiba.muelle import containers as kept_containers
from estiba.muelle import output
from estiba.muelle.containers import SHORT
from estiba.muelle.each import each
from estiba.muelle.history import LONGEST, one_line
from estiba.muelle.standing import Standing, standing_of
from estiba.muelle.sweep import sweep

if TYPE_CHECKING:
    from estiba.muelle.containers import Kept
    from estiba.muelle.parse import Parsed


def containers(parsed: Parsed) -> int:
    """List all containers, newest first."""
    return listed(parsed, with_ended=True)


def ps(parsed: Parsed) -> int:
    """List those that run, with --all the others as well."""
    return listed(parsed, with_ended=parsed.options.flag("all"))


def listed(parsed: Parsed, *, with_ended: bool) -> int:
    """List containers."""
    store = Store.open(parsed.globals.text("store"))
    sweep(store)
    found = list(kept_containers.iterate(kept_containers.folder_of(store)))[::-1]
    rows = [(kept, standing_of(kept)) for kept in found]
    shown = [described(*row) for row in rows if with_ended or row[1].status not in ("exited", "lost")]
    is_whole = parsed.options.flag("no-trunc")
    length = 64 if is_whole else SHORT
    if parsed.options.flag("quiet"):
        output.write("".join(f"{row['ID'][:length]}\n" for row in shown))
        return 0
    output.listing(
        parsed.options.text("format"),
        (
            ("CONTAINER ID", lambda row: row["ID"][:length]),
            ("IMAGE", lambda row: row["Image"]),
            ("COMMAND", lambda row: one_line(row["Command"], None if is_whole else LONGEST // 2)),
            ("CREATED", lambda row: output.since(row["CreatedAt"])),
            ("STATUS", lambda row: row["Status"]),
            ("NAME", lambda row: row["Names"]),
        ),
        shown,
    )
    return 0


def described(kept: Kept, standing: Standing) -> dict[str, Any]:
    """Return a container as programs read it."""
    record = kept.record
    return {
        "ID": kept.id,
        "Names": record.get("name") or "",
        "Image": record.get("reference") or "",
        "ImageID": record.get("image") or "",
        "Command": " ".join(record.get("command") or ()),
        "CreatedAt": record.get("created") or "",
        "State": standing.status,
        "Status": status_words(kept, standing),
        "Pid": standing.pid,
        "ExitCode": record.get("exitCode"),
        "Labels": record.get("labels") or {},
    }


def status_words(kept: Kept, standing: Standing) -> str:
    """Return how it stands, as people say it."""
    if standing.status == "exited":
        return f"exited ({kept.record.get('exitCode')}) {output.since(kept.record.get('finished'))}".rstrip()
    return standing.status


def rm(parsed: Parsed) -> int:
    """Remove containers; of those that cannot go each is told, and the others go."""
    store, is_forced = Store.open(parsed.globals.text("store")), parsed.options.flag("force")
    sweep(store)
    folder = kept_containers.folder_of(store)

    def gone(word: str) -> None:
        remove(kept_containers.find(folder, word), is_forced=is_forced)
        output.write(f"{word}\n")

    _done, code = each(parsed.words, gone, unless=ContainerNotFound if is_forced else None)
    return code


def remove(kept: Kept, *, is_forced: bool) -> None:
    """Remove one container; one that runs only by force. Raises WrongState."""
    from estiba.lifecycle.container import Container

    standing = standing_of(kept)
    if standing.status not in ("exited", "lost") and not is_forced:
        hint = f"`muelle rm --force {kept.name}` kills it first"
        message = f'container "{kept.name}" is {standing.status}'
        raise WrongState(message, hint=hint, id=kept.id, status=standing.status)
    container = Container(kept.id, root=kept.root)
    if is_forced:
        kept_containers.condemn(kept)
        with suppress(ContainerError):
            container.kill("KILL")
        kept_containers.left_alone(kept)
    container.delete(force=True)
    kept_containers.remove(kept)
