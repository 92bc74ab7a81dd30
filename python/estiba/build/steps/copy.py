# SPDX-License-Identifier: Apache-2.0
"""COPY, ADD and WORKDIR: files from the build context, a stage, an image, an archive or the recipe itself.

Owners of the context's files mean nothing in an image: they become root's unless --chown says whose. Files of a stage
or an image keep theirs.
"""

from __future__ import annotations

import os
import posixpath
import re
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from typing import TYPE_CHECKING, NamedTuple

from estiba.build.cache import Inputs
from estiba.build.context import Tree
from estiba.build.recipe import render
from estiba.build.recipe.instructions import Add, Copy, HereDocument, Word, Workdir
from estiba.build.recipe.instructions import Place as At
from estiba.build.recipe.problems import Fault
from estiba.build.recipe.readers.copy import CHECKSUM
from estiba.build.steps import archives
from estiba.build.steps.metadata import below
from estiba.build.steps.step import Step, Surroundings
from estiba.errors import ArgumentInvalid, BuildFailed, TreeInvalid
from estiba.images.trees import copy_tree, make_folder
from estiba.rootfs.users import find_group, find_user, is_digits
from estiba.spec.words import quote

if TYPE_CHECKING:
    from estiba.build.state import State
    from estiba.build.steps.place import Place
    from estiba.build.steps.remote import Remote


class Owner(NamedTuple):
    """Whose the copies are; None: as in the source."""

    uid: int | None
    gid: int | None


def prepare(state: State, copy: Copy | Add, number: int, around: Surroundings) -> Step:
    """Make the step of a resolved COPY or ADD in stage `number`. Raises Fault, TreeInvalid."""
    tree = _tree(copy, number, around)
    paths, remotes = _paths(copy, tree), _remotes(copy, around)
    target = _target(state, copy, len(paths) + len(remotes) + len(_documents(copy)))
    excluded = tuple(word.text for word in copy.excludes)
    _check_names(copy, remotes, target)
    content = {quote(path): _digest(tree, path, excluded, copy) for path in paths}
    content |= {quote(each.address): each.digest for each in remotes}
    for document in _documents(copy):
        content[f"<<{document.name}"] = sha256(document.content.encode()).hexdigest()
    known = _known_owner(state, copy, tree, around)
    settings = {"working directory": state.folder, **({"owner": list(known)} if known else {})}
    inputs = Inputs(render(copy), {}, settings, content, is_alone=copy.is_linked)

    def perform(place: Place) -> None:
        with place.opened() as root:
            owner = known or _owner(root, copy, tree)
            mode = copy.mode.text if copy.mode else None
            for path in paths:
                _one(copy, tree, path, root, target, owner, mode, excluded, place)
            for each in remotes:
                _fetched(copy, each, root, target, owner, mode, place)
            for document in _documents(copy):
                _document(document, root, target, owner, mode, place)

    return Step(inputs, perform)


def prepare_workdir(state: State, workdir: Workdir) -> Step:
    """Make the step that makes the working directory, whose the user in force is to be."""
    path, user = below(state.folder, workdir.path.text), state.user

    def perform(place: Place) -> None:
        with place.opened() as root:
            try:
                uid, gid = _ids(root, user)
            except ArgumentInvalid as error:
                raise BuildFailed(error.message, hint=error.hint) from None
            make_folder(root, path, uid=uid, gid=gid)

    return Step(Inputs(f"WORKDIR {path}", settings={"user": user}), perform)


def _tree(copy: Copy | Add, number: int, around: Surroundings) -> Tree:
    if isinstance(copy, Copy) and copy.stage is not None:
        return around.tree_of(copy.stage.text, number)
    return around.context


def _documents(copy: Copy | Add) -> list[HereDocument]:
    return [source for source in copy.sources if isinstance(source, HereDocument)]


def _paths(copy: Copy | Add, tree: Tree) -> list[str]:
    """List the sources, wildcards expanded; one that matches nothing is an error."""
    found: list[str] = []
    for source in copy.sources:
        if not isinstance(source, Word) or (isinstance(copy, Add) and _is_remote(source.text)):
            continue
        expanded = tree.expand(source.text)
        if not expanded:
            raise Fault(source.place, f"nothing in {tree.name} matches {quote(source.text)}")
        found += expanded
    return found


def _remotes(copy: Copy | Add, around: Surroundings) -> list[Remote]:
    """List the sources that are fetched. Raises Fault for addresses and checksums that are none."""
    if not isinstance(copy, Add):
        return []
    words = [source for source in copy.sources if isinstance(source, Word) and _is_remote(source.text)]
    if copy.checksum is not None:
        if len(words) != 1 or len(copy.sources) != 1:
            raise Fault(copy.checksum.place, "--checksum is for one source that is fetched, and no other")
        if not CHECKSUM.fullmatch(copy.checksum.text):
            hint = "write sha256: and 64 hexadecimal digits"
            raise Fault(copy.checksum.place, f"--checksum is a digest, not {quote(copy.checksum.text)}", hint)
    if not words:
        return []
    from estiba.build.steps.remote import Remote  # 40 modules, and hardly a build fetches anything

    return [Remote(word, copy.checksum, around) for word in words]


def _is_remote(source: str) -> bool:
    """Tell whether a source is an address, of whatever kind."""
    return bool(re.match(r"[a-zA-Z][a-zA-Z0-9+.-]*://|git@", source))


def _check_names(copy: Copy | Add, remotes: list[Remote], target: str) -> None:
    for each in remotes:
        if not each.name and target.endswith("/"):
            hint = "name the file: a destination without a slash at its end"
            raise Fault(copy.target.place, f"{quote(each.address)} has no name for a file in it", hint)


def _digest(tree: Tree, path: str, excluded: tuple[str, ...], copy: Copy | Add) -> str:
    try:
        return tree.digest(path, excluded)
    except TreeInvalid as error:
        if error.errno is None:
            raise
        hint = tree.why_left_out(path) or error.hint
        raise Fault(_place_of(copy, path), f"{quote(path)} is not in {tree.name}", hint) from None


def _place_of(copy: Copy | Add, path: str) -> At:
    words = [source for source in copy.sources if isinstance(source, Word)]
    return next((word.place for word in words if word.text == path), copy.place)


def _target(state: State, copy: Copy | Add, count: int) -> str:
    """Return where the copies go, absolute; a slash at the end says that it is a folder."""
    text = copy.target.text
    is_folder = text.endswith(("/", "/.", "/..")) or text in (".", "..")
    if count > 1 and not is_folder:
        hint = f"write {quote(text + '/')}"
        raise Fault(
            copy.target.place, f"{count} sources need a folder, and {quote(text)} may be a file", hint
        )
    path = below(state.folder, text)
    return f"{path}/" if is_folder and path != "/" else path


def _known_owner(state: State, copy: Copy | Add, tree: Tree, around: Surroundings) -> Owner | None:
    """Look names up for a layer that knows nothing of those below it: whose the copies are is a part of its key."""
    if (
        not copy.is_linked
        or copy.owner is None
        or all(is_digits(part) for part in copy.owner.text.split(":"))
    ):
        return None
    root = around.root_of(state.layer)
    try:
        return _owner(root, copy, tree)
    finally:
        os.close(root)


def _owner(root: int, copy: Copy | Add, tree: Tree) -> Owner:
    """Look --chown up in the tree that is copied into."""
    if copy.owner is None:
        return Owner(None, None) if tree.keeps_ids else Owner(0, 0)
    try:
        return Owner(*_ids(root, copy.owner.text))
    except ArgumentInvalid as error:
        raise Fault(copy.owner.place, error.message, error.hint) from None


def _ids(root: int, text: str) -> tuple[int, int]:
    """Look USER[:GROUP] up; a number alone is the group's too, as in Docker. Raises ArgumentInvalid."""
    user, _, group = text.partition(":")
    found = find_user(root, user)
    if group:
        return found.uid, find_group(root, group)
    return found.uid, found.uid if is_digits(user) else found.gid


def _one(
    copy: Copy | Add,
    tree: Tree,
    path: str,
    root: int,
    target: str,
    owner: Owner,
    mode: str | None,
    excluded: tuple[str, ...],
    place: Place,
) -> None:
    if isinstance(copy, Add) and copy.unpacks is not False and archives.is_archive(tree, path):
        _unpacked(tree, path, root, target, owner, mode, copy, place)
        return
    if isinstance(copy, Copy) and copy.keeps_parents:
        target = _with_parents(path, target, tree)
    copy_tree(
        tree.fd,
        path,
        root,
        target,
        uid=owner.uid,
        gid=owner.gid,
        mode=mode,
        ignored=tree.ignored.patterns,
        excluded=excluded,
    )


def _with_parents(path: str, target: str, tree: Tree) -> str:
    """Return the target with the folders that the source is in: all, or those behind "/./"."""
    kept = path.rpartition("/./")[2].strip("/")
    if tree.is_folder(path):
        return posixpath.join(target, kept)
    folder = posixpath.dirname(kept)
    return posixpath.join(target, folder) + "/"


def _unpacked(
    tree: Tree,
    path: str,
    root: int,
    target: str,
    owner: Owner,
    mode: str | None,
    add: Add,
    place: Place,
) -> None:
    """Unpack an archive aside, then copy it: what is in it cannot reach out, nor change the target folder."""
    aside = place.folder(f"unpacked-{os.urandom(4).hex()}")
    archives.unpack(tree, path, aside)
    uid, gid = (0, 0) if add.owner is None else owner
    make_folder(root, target, uid=uid or 0, gid=gid or 0)
    with _opened(aside) as source:
        copy_tree(source, "/", root, target, mode=mode)  # an archive says whose its files are


def _fetched(
    copy: Copy | Add,
    source: Remote,
    root: int,
    target: str,
    owner: Owner,
    mode: str | None,
    place: Place,
) -> None:
    """Copy what was fetched; an archive is unpacked only where that was asked for."""
    with Tree(_open(source.folder), quote(source.address), keeps_ids=False) as tree:
        name = source.stored_name
        if isinstance(copy, Add) and copy.unpacks and archives.is_archive(tree, name):
            _unpacked(tree, name, root, target, owner, mode, copy, place)
        else:
            copy_tree(tree.fd, name, root, target, uid=owner.uid, gid=owner.gid, mode=mode)


def _document(
    document: HereDocument, root: int, target: str, owner: Owner, mode: str | None, place: Place
) -> None:
    """A here-document is a file of its name, 0644."""
    aside = place.folder(f"document-{os.urandom(4).hex()}")
    name = posixpath.basename(document.name) or "file"
    with open(os.path.join(aside, name), "xb") as file:
        file.write(document.content.encode())
        os.fchmod(file.fileno(), 0o644)
    with _opened(aside) as source:
        copy_tree(source, name, root, target, uid=owner.uid or 0, gid=owner.gid or 0, mode=mode)


@contextmanager
def _opened(folder: str) -> Iterator[int]:
    descriptor = _open(folder)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _open(folder: str) -> int:
    return os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
