# SPDX-License-Identifier: Apache-2.0
"""rmi, prune, fsck: what nobody needs goes, what is damaged is found."""

from __future__ import annotations

from typing import TYPE_CHECKING

from estiba.build.clearing import clear
from estiba.build.containers import sweep as sweep_builds
from estiba.errors import ImageNotFound, ReferenceInvalid
from estiba.images import collect
from estiba.images.fsck import fsck as look_through
from estiba.images.image import find
from estiba.images.store import Store
from estiba.muelle import containers, output
from estiba.muelle.each import each
from estiba.muelle.listing import remove
from estiba.muelle.run.volumes import remove_unused
from estiba.muelle.standing import standing_of
from estiba.muelle.sweep import sweep

if TYPE_CHECKING:
    from estiba.images.collect import Pruned
    from estiba.images.reference import Reference
    from estiba.muelle.parse import Parsed

EVERY = 1 << 30
"""More versions than a name has."""


def rmi(parsed: Parsed) -> int:
    """Take names away and forget their past; then remove what nobody uses any more."""
    store, is_forced = Store.open(parsed.globals.text("store")), parsed.options.flag("force")
    done, code = each(
        parsed.words,
        lambda word: take_away(store, word, is_forced=is_forced),
        unless=ImageNotFound if is_forced else None,
    )
    if done:
        tell(collect.prune(store, keep_versions=EVERY, nameless=False), verb="removed")
    return code


def take_away(store: Store, word: str, *, is_forced: bool) -> None:
    """Take a name away, or by an id all names of an image. Raises ImageNotFound, ReferenceInvalid."""
    descriptor, reference = find(store, word)
    names = [name for name, found in store.references.iterate() if found.digest == descriptor.digest]
    if reference is not None and reference.digest is None:
        names = [reference]
    elif len(names) > 1 and not is_forced:
        listed = ", ".join(name.familiar for name in names)
        raise ReferenceInvalid(
            f'"{word}" has several names: {listed}', hint="name one, or take all by --force"
        )
    store.references.drop(descriptor.digest)
    for name in names:
        untag(store, name)


def untag(store: Store, name: Reference) -> None:
    """Let a name stand for nothing, and forget that it ever did. Raises ImageNotFound."""
    if store.references.get(name) is None:
        raise ImageNotFound(f'"{name.familiar}" names no image')
    store.references.remove(name)
    store.references.forget(name)
    output.write(f"untagged: {name.familiar}\n")


def prune(parsed: Parsed) -> int:
    """Remove what nobody uses, and say how much it was."""
    store, options = Store.open(parsed.globals.text("store")), parsed.options
    is_dry, everything = options.flag("dry-run"), options.flag("all")
    gone = {kept.id for kept in containers.abandoned(containers.folder_of(store))}
    if not is_dry:
        sweep(store)
        sweep_builds(parsed.globals.text("root"))
    if options.flag("containers"):
        gone |= prune_containers(store, gone, is_dry=is_dry)
    if options.flag("volumes"):
        for name in remove_unused(store, gone=gone, dry_run=is_dry):
            output.write(f"volume: {name}\n")
    keep, with_cache = options.number("keep"), everything or options.flag("cache")
    pruned = collect.prune(
        store,
        keep_versions=keep if keep is not None else 1 if everything else collect.KEPT_VERSIONS,
        cache=with_cache,
        without_containers=gone,
        dry_run=is_dry,
    )
    verb = "would be removed" if is_dry else "removed"
    tell(pruned, verb=verb)
    if with_cache and (cleared := clear(store, dry_run=is_dry)).caches:
        output.write(f"{verb}: {cleared.caches} caches of RUN, {output.size(cleared.size)}\n")
    return 0


def prune_containers(store: Store, gone: set[str], *, is_dry: bool) -> set[str]:
    """Remove the containers that have ended, but for those that are gone; return their ids."""
    ended = [
        kept
        for kept in containers.iterate(containers.folder_of(store))
        if kept.id not in gone and standing_of(kept).status in ("exited", "lost")
    ]
    for kept in ended:
        output.write(f"container: {kept.name}\n")
        if not is_dry:
            remove(kept, is_forced=False)
    return {kept.id for kept in ended}


def tell(pruned: Pruned, *, verb: str) -> None:
    """Say what has gone, and how much room that makes."""
    for name in pruned.forgotten:
        output.write(f"forgotten: {name.familiar}\n")
    for digest in pruned.images:
        output.write(f"image: {digest}\n")
    total = output.size(pruned.blob_bytes + pruned.layer_bytes)
    output.write(f"{verb}: {len(pruned.blobs)} blobs, {len(pruned.layers)} unpacked layers, {total}\n")


def fsck(parsed: Parsed) -> int:
    """Tell of all that is wrong; return 1 if something stays so."""
    faults = look_through(Store.open(parsed.globals.text("store")), repair=parsed.options.flag("repair"))
    for fault in faults:
        done = f" ({fault.done})" if fault.done else ""
        output.write(f"{fault.what} {fault.subject}: {fault.message}{done}\n")
        if fault.hint and not fault.done:
            output.write(f"hint: {fault.hint}\n")
    if not faults:
        output.write("the store is sound\n")
    return 1 if any(not fault.done for fault in faults) else 0
