# SPDX-License-Identifier: Apache-2.0
"""containers, ps, rm: what `run` has left."""

from __future__ import annotations

import re
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from estiba.errors import ArgumentInvalid, ContainerError, ContainerNotFound, ReferenceInvalid, WrongState
from estiba.images.reference import parse as parse_reference
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
    from estiba.muelle.parse import Options, Parsed

STATUSES = ("running", "paused", "created", "creating", "exited", "lost")
"""As `ps` shows them."""


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
    shown = [described(*row) for row in asked_for(store, parsed.options, with_ended=with_ended)]
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


def asked_for(store: Store, options: Options, *, with_ended: bool) -> list[tuple[Kept, Standing]]:
    """Return the containers that are to be listed, newest first; who asks for a status or the last ones, asks of all."""
    from estiba.muelle.filters import Filter, has_label, wanted_by

    filters = {
        "status": Filter(lambda row, value: row[1].status == value, STATUSES),
        "name": Filter(lambda row, value: has_name(row[0], value)),
        "id": Filter(lambda row, value: row[0].id.startswith(value)),
        "label": Filter(lambda row, value: has_label(row[0].record.get("labels") or {}, value)),
        "ancestor": Filter(lambda row, value: is_of(row[0].record, value)),
        "exited": Filter(lambda row, value: str(row[0].record.get("exitCode")) == value),
    }
    texts = options.list("filter")
    is_wanted = wanted_by(texts, filters)
    last = 1 if options.flag("latest") else options.number("last")
    with_ended |= last is not None or any(text.startswith(("status=", "exited=")) for text in texts)
    found = list(kept_containers.iterate(kept_containers.folder_of(store)))[::-1]
    rows = [(kept, standing_of(kept)) for kept in found]
    rows = [row for row in rows if with_ended or row[1].status not in ("exited", "lost")]
    return [row for row in rows if is_wanted(row)][:last]


def has_name(kept: Kept, pattern: str) -> bool:
    """Return whether a container's name has what a regular expression finds; Docker's begin with a slash."""
    try:
        return re.search(pattern.replace("^/", "^"), kept.name) is not None
    except re.error as error:
        raise ArgumentInvalid(f"--filter: name is no regular expression: {error}") from None


def is_of(record: dict[str, Any], image: str) -> bool:
    """Return whether a container was made of an image: a name, or the beginning of an id or digest."""
    if familiar(str(record.get("reference"))) == familiar(image):
        return True
    digits = image.removeprefix("sha256:")
    ids = [str(record.get("image")), *record.get("parts", [])[:1]]
    return any(id.removeprefix("sha256:").startswith(digits) for id in ids)


def familiar(text: str) -> str:
    """Return a name as people write it, its tag included; a text that is none as it is."""
    try:
        return parse_reference(text).familiar
    except ReferenceInvalid:
        return text


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
