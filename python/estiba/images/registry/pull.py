# SPDX-License-Identifier: Apache-2.0
"""Pull an image: its manifest by name, then what is missing here by digest, several blobs at once.

A connection that breaks is taken up again where it broke. Bytes are held against their digest while they come; a layer
that is here is unpacked while others come, which proves its diff id; and the name moves when all are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from urllib3.exceptions import HTTPError

from estiba.errors import BlobCorrupt, ImageNotFound, RegistryRefused, RegistryUnreachable
from estiba.images import digest as digests
from estiba.images import manifest as manifests
from estiba.images import media
from estiba.images import platform as platforms
from estiba.images.blobs import DOCUMENT_LIMIT
from estiba.images.image import Image
from estiba.images.layers import stacked
from estiba.images.manifest import Descriptor, Index
from estiba.images.reach import missing
from estiba.images.registry.client import TRIES, Registry, repository_scope
from estiba.images.registry.patience import why
from estiba.images.registry.transfers import Transfers, quiet

if TYPE_CHECKING:
    from collections.abc import Container
    from concurrent.futures import Future

    from estiba.images.blobs import BlobWriter
    from estiba.images.layers import Wanted
    from estiba.images.platform import Platform
    from estiba.images.reference import Reference
    from estiba.images.registry.client import Response
    from estiba.images.registry.transfers import Progress
    from estiba.images.store import Store

AT_ONCE = 4
"""Blobs that are fetched side by side."""
_CHUNK = 1 << 18
_ACCEPT = f"{media.OCI_INDEX}, {media.DOCKER_LIST}, {media.OCI_MANIFEST}, {media.DOCKER_MANIFEST}"


def pull(
    store: Store,
    reference: Reference,
    *,
    platform: Platform | None = None,
    registry: Registry | None = None,
    insecure: bool = False,
    who: str | None = None,
    progress: Progress = quiet,
) -> Image:
    """Fetch the image that `reference` names at its registry, and let the store's reference point to it.

    Of an index the image for `platform` (by default this machine's) is fetched, and the reference points to the index.
    Raises RegistryRefused, RegistryUnreachable, BlobCorrupt, ManifestInvalid, LayerInvalid, ImageNotFound, StoreError,
    KernelRefused.
    """
    own = registry or Registry(reference.domain, insecure=insecure, path=reference.path)
    try:
        with store.using():
            fetcher = _Fetcher(store, reference, own, progress)
            top = fetcher.document(reference.digest or reference.tag or "latest")
            manifest = fetcher.choose(top, platform)
            image = Image(store, manifest, reference=reference)
            fetcher.parts(image)
            if reference.tag:
                store.references.move(reference._replace(digest=None), top, verb="pull", who=who)
            else:
                store.references.move(reference, top, verb="pull", who=who)
            return image
    finally:
        if registry is None:
            own.__exit__()


class _Fetcher:
    """One pull."""

    def __init__(self, store: Store, reference: Reference, registry: Registry, progress: Progress) -> None:
        self._store, self._reference, self._registry = store, reference, registry
        self._transfers = Transfers(progress)
        self._scope = repository_scope(reference, "pull")
        self._place = f"/v2/{reference.path}"

    def document(self, which: str, *, expected: Descriptor | None = None) -> Descriptor:
        """Fetch a manifest or index by tag or digest, unless it is here already; return its descriptor."""
        headers = {"Accept": _ACCEPT}
        place = f"{self._place}/manifests/{which}"
        head = self._registry.request(
            "HEAD", place, scope=self._scope, accept=(200, 404, 405), headers=headers
        )
        digest = which if digests.is_digest(which) else head.headers.get("Docker-Content-Digest", "")
        kind = head.headers.get("Content-Type", "").partition(";")[0].strip()
        if head.status == 200 and digests.is_digest(digest) and self._store.blobs.has(digest):
            data = self._store.blobs.read(digest)
        else:
            if head.status == 200 and digests.is_digest(digest):
                place = f"{self._place}/manifests/{digest}"  # the tag may move meanwhile
            data, kind = self._get_document(place, headers, kind)
        return self._keep(data, kind, digest if digests.is_digest(digest) else None, expected)

    def choose(self, top: Descriptor, platform: Platform | None) -> Descriptor:
        """Return the manifest that `top` leads to, fetched."""
        for _ in range(3):
            if not top.is_index:
                return top
            document = manifests.parse(self._store.blobs.read(top.digest), where=f"index {top.digest}")
            assert isinstance(document, Index)
            wanted = platform or platforms.host()
            chosen = document.pick(wanted)
            if chosen is None:
                offered = ", ".join(sorted({str(one.platform) for one in document.manifests if one.platform}))
                name = self._reference.familiar
                raise ImageNotFound(
                    f'"{name}" has no image for {wanted}', hint=f"it has: {offered or 'none'}"
                )
            top = self.document(chosen.digest, expected=chosen)
        raise ImageNotFound(f'"{self._reference.familiar}": an index in an index in an index')

    def parts(self, image: Image) -> None:
        """Fetch the config and the layers that are not here, and unpack the layers; the first failure ends it."""
        absent = {one.digest for one in missing(self._store.blobs, image.descriptor)}
        layers = {one.digest: one for one in image.manifest.layers}
        for one in layers.values():
            if one.media_type in media.LAYERS and one.digest not in absent:
                self._transfers.tell(one, "present", one.size)
        if not absent and all(self._store.layers.is_proved(one) for one in self._stack(image)):
            return
        from concurrent.futures import ThreadPoolExecutor

        with ThreadPoolExecutor(min(AT_ONCE, 1 + len(layers))) as pool:
            stack = pool.submit(self._stack, image)  # the first, since the others wait for it
            futures: list[Future[Any]] = [stack]
            futures += [pool.submit(self._layer, one, stack, absent) for one in layers.values()]
            self._transfers.wait(futures)

    def _stack(self, image: Image) -> list[Wanted]:
        """Return the layers that can be unpacked, as the config has them, which is fetched if it is not here."""
        if not self._store.blobs.has(image.id):
            self._blob(image.manifest.config)
        layers = stacked(zip(image.config.diff_ids, image.manifest.layers, strict=True))
        return [one for one in layers if one.descriptor.media_type in media.LAYERS]

    def _layer(self, layer: Descriptor, stack: Future[list[Wanted]], absent: Container[str]) -> None:
        if layer.digest in absent:
            self._blob(layer)
        for wanted in stack.result():
            if wanted.descriptor.digest == layer.digest:
                self._store.layers.prove(wanted)

    def _get_document(self, place: str, headers: dict[str, str], kind: str) -> tuple[bytes, str]:
        answer = self._registry.request(
            "GET", place, scope=self._scope, accept=(200,), headers=headers, stream=True
        )
        try:
            data = answer.read(DOCUMENT_LIMIT + 1)
        except HTTPError as error:
            raise RegistryUnreachable(f'registry "{self._registry.domain}": {place}: {why(error)}') from error
        finally:
            answer.release_conn()
        if len(data) > DOCUMENT_LIMIT:
            raise RegistryRefused(
                f'registry "{self._registry.domain}": {place}: longer than {DOCUMENT_LIMIT} bytes'
            )
        return data, answer.headers.get("Content-Type", kind).partition(";")[0].strip()

    def _keep(self, data: bytes, kind: str, digest: str | None, expected: Descriptor | None) -> Descriptor:
        found = digests.of_bytes(data)
        if digest and found != digest:
            raise BlobCorrupt(f'registry "{self._registry.domain}": manifest {digest}: its bytes are {found}')
        if expected and expected.size != len(data):
            raise BlobCorrupt(f"manifest {found}: {len(data)} bytes, where {expected.size} were promised")
        known = kind if kind in media.MANIFESTS | media.INDEXES else None
        promised = expected.media_type if expected else known
        document = manifests.parse(data, media_type=promised, where=f"manifest {found}")
        return Descriptor(document.media_type, self._store.blobs.put(data), len(data))

    def _blob(self, one: Descriptor) -> None:
        """Fetch one blob, going on from where a connection broke."""
        self._transfers.tell(one, "moving", 0)
        with self._store.blobs.writer(expected=one.digest, size=one.size) as writer:
            for tried in range(1, TRIES + 1):
                try:
                    self._go_on(one, writer)
                    break
                except HTTPError as error:
                    if tried == TRIES:
                        raise RegistryUnreachable(
                            f'registry "{self._registry.domain}": blob {one.digest} broke off {TRIES} times, '
                            f"last at {writer.written} of {one.size} bytes: {why(error)}"
                        ) from error
                    self._registry.say(
                        f"blob {one.digest} stopped at {writer.written} of {one.size} bytes: {why(error)}; going on"
                    )
                except BlobCorrupt as error:
                    raise self._damaged(error.message) from error
            try:
                writer.commit()
            except BlobCorrupt as error:
                raise self._damaged(error.message) from error
        self._transfers.tell(one, "moved", one.size)

    def _damaged(self, message: str) -> BlobCorrupt:
        hint = "what the registry has is damaged, or was changed on its way; nothing of it was kept"
        return BlobCorrupt(f'registry "{self._registry.domain}": {message}', hint=hint)

    def _go_on(self, one: Descriptor, writer: BlobWriter) -> None:
        if writer.written == one.size and one.size:
            return
        headers = {"Accept-Encoding": "identity"}
        if writer.written:
            headers["Range"] = f"bytes={writer.written}-{one.size - 1}"
        place = f"{self._place}/blobs/{one.digest}"
        answer = self._registry.request(
            "GET", place, scope=self._scope, accept=(200, 206, 416), headers=headers, stream=True
        )
        try:
            length = answer.headers.get("Content-Length", "") if answer.status == 200 else ""
            if answer.status == 416 or (length.isdigit() and int(length) < one.size):
                has = writer.written if answer.status == 416 else int(length)
                raise BlobCorrupt(f"blob {one.digest}: {has} bytes, where {one.size} were promised")
            _skip(answer, writer.written if answer.status == 200 else 0)
            while chunk := answer.read1(_CHUNK, decode_content=False):
                writer.write(chunk)
                self._transfers.tell(one, "moving", writer.written)
        finally:
            answer.close()
        if writer.written < one.size:
            raise HTTPError("the connection ended too early")


def _skip(answer: Response, count: int) -> None:
    """Pass over what is here already, from a registry that does not go on in the middle."""
    while count and (data := answer.read(min(count, _CHUNK), decode_content=False)):
        count -= len(data)
