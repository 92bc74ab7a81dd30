# SPDX-License-Identifier: Apache-2.0
"""The mounts of RUN: caches, binds, tmpfs, secrets. None of them, and no mount point, is in the layer.

Sources are resolved inside their own root first, and mounted by what they were resolved to. Ids of caches are names:
they are hashed, so that no id is a path.
"""

from __future__ import annotations

import os
import posixpath
import stat
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from estiba.build.recipe.instructions import Mount
from estiba.errors import BuildFailed, TreeInvalid, cause
from estiba.images import snapshots
from estiba.images.durable import Lock
from estiba.images.trees import copy_tree
from estiba.rootfs.inside import open_inside
from estiba.rootfs.remove import remove_tree
from estiba.spec.words import quote

if TYPE_CHECKING:
    from estiba.build.context import Tree
    from estiba.build.steps.place import Place
    from estiba.build.steps.step import Surroundings

SECRETS = "/run/secrets"
STRENGTH = ("shared", "private", "locked")
"""Which sharing counts where the mounts of one cache differ: the last of these."""


def content(wanted: Iterable[Mount], number: int, around: Surroundings) -> dict[str, str]:
    """Return what of the mounts counts for the result: the files of binds. Caches and secrets do not."""
    found = {}
    for mount in wanted:
        if mount.kind != "bind":
            continue
        path = mount.source or "/"
        if mount.stage is None:
            found[f"{quote(path)} of the build context"] = _digest(around.context, path)
        else:
            found[quote(mount.stage)] = around.id_of(mount.stage, number)
    return found


def _digest(tree: Tree, path: str) -> str:
    try:
        return tree.digest(path)
    except TreeInvalid as error:
        if error.errno is None:
            raise
        hint = tree.why_left_out(path) or error.hint
        raise BuildFailed(f"{quote(path)} is not in {tree.name}", errno=error.errno, hint=hint) from None


def prepare(
    wanted: Sequence[Mount],
    number: int,
    around: Surroundings,
    place: Place,
    stubs: str,
    stack: ExitStack,
) -> tuple[list[dict[str, Any]], list[str]]:
    """Return the mounts of a container's config, and variables with secrets; `stack` takes back what was done.

    Raises BuildFailed.
    """
    made: list[dict[str, Any]] = []
    given: list[str] = []
    caches = _caches(wanted, number, around, stack)
    for position, mount in enumerate(wanted):
        aside = place.folder(f"mount{position}")
        if mount.kind == "secret":
            secret = _secret(mount, around)
            if secret is None:
                continue
            if mount.env:
                given.append(f"{mount.env}={secret.decode(errors='surrogateescape')}")
            if mount.env and not mount.target:
                continue
            target = mount.target or f"{SECRETS}/{_secret_id(mount)}"
            source = _secret_file(mount, secret, aside, stack)
            made.append(bind(source, target, is_read_only=True))
            _stub(stubs, target, is_folder=False)
            continue
        target = posixpath.join("/", mount.target or "/")
        if mount.kind == "tmpfs":
            options = ["nosuid", "nodev"] + ([f"size={mount.size}"] if mount.size else [])
            made.append({"destination": target, "type": "tmpfs", "source": "tmpfs", "options": options})
            _stub(stubs, target, is_folder=True)
        elif mount.kind == "cache":
            source = caches[_cache_name(mount)]
            made.append(bind(source, target, is_read_only=mount.is_read_only))
            _stub(stubs, target, is_folder=True)
        else:
            source = _bound(mount, number, around, aside, place, stack)
            made.append(bind(source, target, is_read_only=mount.is_read_only))
            _stub(stubs, target, is_folder=os.path.isdir(source))
    return made, given


def bind(source: str, target: str, *, is_read_only: bool) -> dict[str, Any]:
    """Return a bind mount of a config."""
    options = ["rbind", "nosuid", "nodev", "ro" if is_read_only else "rw"]
    return {"destination": target, "type": "bind", "source": source, "options": options}


def _stub(stubs: str, target: str, *, is_folder: bool) -> None:
    """Make a mount point in the layer of stubs. The folder is our own: nothing in it is a link."""
    parts = [part for part in posixpath.normpath("/" + target).split("/") if part]
    path = stubs
    for part in parts[:-1]:
        path = os.path.join(path, part)
        os.makedirs(path, 0o755, exist_ok=True)
    path = os.path.join(path, parts[-1])
    if is_folder:
        os.makedirs(path, 0o755, exist_ok=True)
    elif not os.path.exists(path):
        os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o644))


def _secret_id(mount: Mount) -> str:
    return mount.id or mount.source or posixpath.basename(mount.target or "")


def _secret(mount: Mount, around: Surroundings) -> bytes | None:
    found = around.options.secrets.get(_secret_id(mount))
    if found is None and mount.is_required:
        hint = f"give it by --secret id={_secret_id(mount)},src=FILE"
        raise BuildFailed(f"the secret {quote(_secret_id(mount))} was not given", hint=hint)
    return found


def _secret_file(mount: Mount, secret: bytes, aside: str, stack: ExitStack) -> str:
    """Write a secret into memory that only this thread sees."""
    snapshots.private_mounts()
    snapshots.mount_memory(aside)
    stack.callback(snapshots.unmount, aside)
    path = os.path.join(aside, "secret")
    with open(path, "xb") as file:
        file.write(secret)
        os.fchown(file.fileno(), mount.user or 0, mount.group or 0)
        os.fchmod(file.fileno(), 0o400 if mount.mode is None else mount.mode)
    return path


def _caches(wanted: Iterable[Mount], number: int, around: Surroundings, stack: ExitStack) -> dict[str, str]:
    """Return the folders of a step's caches by their names, each locked once, as the strongest sharing says.

    All steps take them in the order of their names, and none waits for a stage, which may want them too, while it
    holds one: so nobody waits for ever.
    """
    mounts: dict[str, list[Mount]] = {}
    trees: dict[str, Tree] = {}
    for mount in wanted:
        if mount.kind == "cache":
            mounts.setdefault(_cache_name(mount), []).append(mount)
            if mount.stage:
                trees[mount.stage] = around.tree_of(mount.stage, number)
    return {name: _cache(name, mounts[name], trees, around, stack) for name in sorted(mounts)}


def _cache_name(mount: Mount) -> str:
    return sha256(posixpath.normpath(mount.id or mount.target or "/").encode()).hexdigest()


def _cache(
    name: str, mounts: Sequence[Mount], trees: Mapping[str, Tree], around: Surroundings, stack: ExitStack
) -> str:
    """Return the folder of a cache, locked for all mounts of it that a step has."""
    sharing = max((mount.sharing for mount in mounts), key=STRENGTH.index)
    top = around.store.folder("cache-mounts")
    for copy in range(1000):
        folder = os.path.join(top, name if copy == 0 else f"{name}.{copy}")
        os.makedirs(folder, 0o700, exist_ok=True)
        lock = Lock(os.path.join(folder, "lock"), shared=sharing == "shared")
        if lock.take(wait=sharing != "private"):
            stack.callback(lock.release)
            break
    else:
        raise BuildFailed(f"the cache {quote(mounts[0].id or mounts[0].target)} is used by 1000 others")
    data = os.path.join(folder, "data")
    with Lock(os.path.join(folder, "beginning")):  # others may share the cache
        if not os.path.exists(data):
            first = next((mount for mount in mounts if mount.stage), mounts[0])
            _begin(first, trees.get(first.stage or ""), os.path.join(folder, "new"), data)
    return data


def _begin(mount: Mount, tree: Tree | None, aside: str, data: str) -> None:
    """Make the folder of a cache, with the files of `tree` that `source=` names."""
    remove_tree(aside)  # of a build that was killed
    os.mkdir(aside)
    if tree is not None:
        target = os.open(aside, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            copy_tree(tree.fd, mount.source or "/", target, "/")
        finally:
            os.close(target)
    os.chown(aside, mount.user or 0, mount.group or 0)
    os.chmod(aside, 0o755 if mount.mode is None else mount.mode)
    os.rename(aside, data)


def _bound(
    mount: Mount, number: int, around: Surroundings, aside: str, place: Place, stack: ExitStack
) -> str:
    """Return the path of what is bound; what is written to it is thrown away."""
    tree = around.context if mount.stage is None else around.tree_of(mount.stage, number)
    path = mount.source or "/"
    copied = os.path.join(aside, "copy")
    os.mkdir(copied, 0o755)
    # A copy is what a bind of a context with an ignore file has to be; sharing blocks makes it cheap where it can be.
    target = os.open(copied, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        found = open_inside(tree.fd, path)
        is_folder = stat.S_ISDIR(os.fstat(found).st_mode)
        os.close(found)
        name = "tree" if is_folder else "file"
        owner = None if tree.keeps_ids else 0
        copy_tree(tree.fd, path, target, name, uid=owner, gid=owner, ignored=tree.ignored.patterns)
    except OSError as error:
        raise BuildFailed(f"{quote(path)} of {tree.name}: {cause(error.errno)}", errno=error.errno) from None
    finally:
        os.close(target)
    return os.path.join(copied, name)
