# SPDX-License-Identifier: Apache-2.0
"""Push an image: blobs that the repository lacks, by reference from a neighbour where that is enough; then the manifest."""

from __future__ import annotations

import os
from functools import partial
from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode, urlsplit

from estiba.errors import ImageError, RegistryRefused
from estiba.images import media
from estiba.images.image import find, pick_here
from estiba.images.reach import reachable
from estiba.images.registry.client import Registry, repository_scope
from estiba.images.registry.pull import AT_ONCE
from estiba.images.registry.transfers import Transfers, quiet

if TYPE_CHECKING:
    from collections.abc import Callable

    from estiba.images.manifest import Descriptor
    from estiba.images.reference import Reference
    from estiba.images.registry.client import Response
    from estiba.images.registry.transfers import Progress
    from estiba.images.store import Store


def push(
    store: Store,
    text: str,
    target: Reference,
    *,
    registry: Registry | None = None,
    insecure: bool = False,
    progress: Progress = quiet,
) -> Descriptor:
    """Send the image that `text` names to the registry under `target`; return the descriptor of what is there now.

    An index is sent whole if all its images are here, else its image for this machine is. Blobs go as they are in
    the store, so that the digests are the same there. Raises RegistryRefused, RegistryUnreachable, ImageNotFound,
    BlobNotFound, BlobCorrupt, ManifestInvalid.
    """
    own = registry or Registry(target.domain, insecure=insecure, path=target.path)
    try:
        with store.using():
            top = _whole(store, find(store, text)[0])
            parts = list(reachable(store.blobs, top))
            documents = [one for one in parts if one.media_type in media.MANIFESTS | media.INDEXES]
            sender = _Sender(store, target, own, progress)
            known = {one.digest for one in documents}
            sender.blobs(
                [one for one in parts if one.digest not in known and one.media_type not in media.FOREIGN]
            )
            for one in reversed(documents):
                sender.document(one, one.digest)
            if target.tag:
                sender.document(top, target.tag)
            return top
    finally:
        if registry is None:
            own.__exit__()


def _whole(store: Store, top: Descriptor) -> Descriptor:
    """Return `top`, or its image for this machine, or the only one, if not all of an index is here."""
    if not top.is_index:
        return top
    from estiba.images import manifest as manifests

    document = manifests.parse(store.blobs.read(top.digest), where=f"index {top.digest}")
    assert isinstance(document, manifests.Index)
    return (
        top if all(store.blobs.has(one.digest) for one in document.manifests) else pick_here(store.blobs, top)
    )


class _Sender:
    """One push."""

    def __init__(self, store: Store, target: Reference, registry: Registry, progress: Progress) -> None:
        self._store, self._target, self._registry = store, target, registry
        self._transfers = Transfers(progress)
        self._scope = repository_scope(target, "pull,push")
        self._place = f"/v2/{target.path}"
        self._neighbours = _neighbours(store, target)

    def blobs(self, parts: list[Descriptor]) -> None:
        """Send blobs side by side, each once."""
        from concurrent.futures import ThreadPoolExecutor

        wanted = list({one.digest: one for one in parts}.values())
        with ThreadPoolExecutor(AT_ONCE) as pool:
            self._transfers.wait([pool.submit(self._blob, one) for one in wanted])

    def document(self, one: Descriptor, which: str) -> None:
        """Put a manifest or index under a tag or its digest."""
        answer = self._registry.request(
            "PUT",
            f"{self._place}/manifests/{which}",
            scope=self._scope,
            accept=(201, 202),
            headers={"Content-Type": one.media_type},
            body=self._store.blobs.read(one.digest),
        )
        said = answer.headers.get("Docker-Content-Digest")
        if said and said != one.digest:
            raise RegistryRefused(f'registry "{self._registry.domain}": took {one.digest} for {said}')

    def _blob(self, one: Descriptor) -> None:
        place = f"{self._place}/blobs/{one.digest}"
        if self._registry.request("HEAD", place, scope=self._scope, accept=(200, 404)).status == 200:
            self._transfers.tell(one, "present", one.size)
            return
        answer = self._mounted(one) or self._begun()
        if answer.status == 201:
            self._transfers.tell(one, "mounted", one.size)
            return
        self._transfers.tell(one, "moving", 0)
        self._upload(one, answer.headers.get("Location", ""))
        self._transfers.tell(one, "moved", one.size)

    def _mounted(self, one: Descriptor) -> Response | None:
        """Ask for a blob of a neighbour: 201 if it is ours now, else 202; None if there is none that we may read."""
        neighbour = self._neighbours.get(one.digest)
        if neighbour is None:
            return None
        scope = f"{self._scope} {repository_scope(self._target._replace(path=neighbour), 'pull')}"
        try:
            return self._begun("?" + urlencode({"mount": one.digest, "from": neighbour}), scope)
        except RegistryRefused:
            return None

    def _begun(self, query: str = "", scope: str = "") -> Response:
        place = f"{self._place}/blobs/uploads/{query}"
        return self._registry.request("POST", place, scope=scope or self._scope, accept=(201, 202))

    def _upload(self, one: Descriptor, location: str) -> None:
        """Send a blob in one piece to where the registry wants it."""
        if not location:
            raise RegistryRefused(f'registry "{self._registry.domain}": does not say where to upload')
        joint = "&" if urlsplit(location).query else "?"
        self._registry.request(
            "PUT",
            f"{location}{joint}digest={quote(one.digest)}",
            scope=self._scope,
            accept=(201, 204),
            headers={"Content-Type": "application/octet-stream", "Content-Length": str(one.size)},
            body=lambda: _Told(
                self._store.blobs.open(one.digest), partial(self._transfers.tell, one, "moving")
            ),
        )


class _Told:
    """A file that tells how much of it was read."""

    def __init__(self, descriptor: int, tell: Callable[[int], None]) -> None:
        self._file = os.fdopen(descriptor, "rb")
        self._tell = tell
        self._done = 0

    def read(self, count: int = -1) -> bytes:
        """Read on. urllib3 takes whatever has this."""
        data = self._file.read(count)
        self._done += len(data)
        self._tell(self._done)
        return data

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def _neighbours(store: Store, target: Reference) -> dict[str, str]:
    """Return for each blob another repository of the same registry that should have it: our own names say so."""
    found: dict[str, str] = {}
    for reference, descriptor in store.references.iterate():
        if reference.domain != target.domain or reference.path == target.path:
            continue
        try:
            for one in reachable(store.blobs, descriptor):
                found.setdefault(one.digest, reference.path)
        except ImageError:
            continue  # damaged, or not whole: fsck tells of it
    return found
