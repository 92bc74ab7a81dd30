# SPDX-License-Identifier: Apache-2.0
"""Sources of ADD that are fetched: by HTTP and HTTPS, and never from a sealed connection to an open one."""

from __future__ import annotations

import os
import re
from hashlib import sha256
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urljoin, urlsplit

from estiba.build.fetched import CHUNK, Fetched, Kept, fetched
from estiba.build.recipe.problems import Fault
from estiba.errors import cause
from estiba.spec.words import quote

if TYPE_CHECKING:
    from estiba.build.recipe.instructions import Word
    from estiba.build.steps.step import Surroundings

MODE = 0o600
"""What all builders give to a fetched file."""
REDIRECTS = 10
NOT_MODIFIED = 304
SCHEMES = ("http", "https")


class Remote:
    """One address: asked once, when its content or its digest is first needed."""

    def __init__(self, word: Word, checksum: Word | None, around: Surroundings) -> None:
        """`checksum` is what was promised. Raises Fault for an address that is none."""
        self.address = word.text
        self.name = file_name(word.text)
        """Of the file, "" where the address has none."""
        self._word, self._checksum, self._around = word, checksum, around
        self._kept = Kept(around.store)
        self._known = self._kept.find(self.address) if around.options.uses_cache else None
        self._folder: str | None = None
        self._digest = "" if checksum is None else checksum.text
        parts = urlsplit(word.text)
        if parts.scheme not in SCHEMES or not parts.hostname or parts.path.endswith(".git"):
            hint = "files by http and https are; fetch it in a RUN, or before the build"
            raise Fault(word.place, f"{quote(word.text)} is no source of ADD", hint)

    @property
    def digest(self) -> str:
        """What was promised; else the address is asked. Raises Fault."""
        if not self._digest:
            folder = self._around.aside()
            found = self._fetch(os.path.join(folder, self.stored_name), self._known)
            if found is None:
                assert self._known is not None
                self._digest = self._known.digest
            else:
                self._digest, self._folder = found, folder
        return self._digest

    @property
    def folder(self) -> str:
        """The folder that has the file alone, under `stored_name`. Raises Fault."""
        digest = self.digest
        if self._folder is None:
            folder = self._around.aside()
            file = os.path.join(folder, self.stored_name)
            if not self._is_taken(digest, file):
                found = self._fetch(file, None)
                if found != digest:
                    raise self._other(found)
            self._folder = folder
        return self._folder

    @property
    def stored_name(self) -> str:
        """The name that the file has in `folder`."""
        return self.name or "file"

    def _is_taken(self, digest: str, file: str) -> bool:
        """Take what an earlier build has fetched, if it has this digest."""
        known = self._known
        if known is None or known.digest != digest or not self._kept.copy(known, file):
            return False
        dress(file, known.modified)
        return True

    def _fetch(self, file: str, known: Fetched | None) -> str | None:
        """Write what the address has to a file, and keep it; return its digest. None: it has what is known, still."""
        from urllib3 import Timeout
        from urllib3.exceptions import HTTPError

        from estiba.images.registry.proxies import Pools

        pools = Pools(timeout=Timeout(connect=15, read=60), retries=False)
        try:
            place, answer = self._answer(pools, known)
            try:
                if answer.status == NOT_MODIFIED:
                    return None
                found = fetched(place, self._write(answer, file), answer.headers)
            finally:
                answer.close()
        except HTTPError as error:
            number = getattr(error.__cause__, "errno", None)
            raise self._fault(cause(number) if number else str(error)) from error
        finally:
            pools.clear()
        dress(file, found.modified)
        self._kept.keep(self.address, found, file)
        return found.digest

    def _answer(self, pools: Any, known: Fetched | None) -> tuple[str, Any]:
        """Ask, and go where one is sent; return where that is, and its answer."""
        address = self.address
        for _ in range(REDIRECTS):
            conditions = known.conditions(address) if known else {}
            answer = pools.request(
                "GET",
                address,
                headers={"User-Agent": "estiba", "Accept-Encoding": "identity", **conditions},
                preload_content=False,
                redirect=False,
            )
            if (target := answer.get_redirect_location()) is None or target is False:
                break
            answer.close()
            address, before = urljoin(address, target), address
            parts = urlsplit(address)
            if parts.scheme not in SCHEMES or (before.startswith("https:") and parts.scheme != "https"):
                raise self._fault(f"it sends us to {quote(address[:200])}, which is not HTTPS")
        else:
            raise self._fault("it sends us from one place to the next")
        if answer.status != 200 and not (conditions and answer.status == NOT_MODIFIED):
            answer.close()
            raise self._fault(f"{answer.status} {answer.reason or ''}".rstrip())
        return address, answer

    def _write(self, answer: Any, file: str) -> str:
        """Write an answer's content to a file; return its digest."""
        from urllib3.exceptions import HTTPError

        length = answer.headers.get("Content-Length", "")
        total = int(length) if re.fullmatch(r"[0-9]{1,18}", length) else None
        summed, done = sha256(), 0
        with open(file, "xb") as opened:
            try:
                while chunk := answer.read1(CHUNK, decode_content=False):
                    self._around.go_on()
                    opened.write(chunk)
                    summed.update(chunk)
                    done += len(chunk)
                    self._around.tell_amount("fetching", done, total)
            except HTTPError as error:
                of = "" if total is None else f" of {total}"
                raise self._fault(f"it broke off at {done}{of} bytes") from error
        return f"sha256:{summed.hexdigest()}"

    def _other(self, found: str | None) -> Fault:
        """Return what to raise for a file that is another than was promised, or than it was a moment ago."""
        message = f"{quote(self.address)} has the digest {found}"
        if self._checksum is None:
            return Fault(self._word.place, f"{message}, and had another when it was asked", "build again")
        hint = "look at what has changed there before you take it"
        return Fault(self._checksum.place, f"{message}, not the promised one", hint)

    def _fault(self, why: str) -> Fault:
        return Fault(self._word.place, f"{quote(self.address)} cannot be fetched: {why}")


def dress(file: str, modified: int) -> None:
    """Give a fetched file its mode and its time."""
    os.chmod(file, MODE)
    os.utime(file, (modified, modified))


def file_name(address: str) -> str:
    """Return the name that a file has by its address; "" where that ends with a slash."""
    name = unquote(urlsplit(address).path.rpartition("/")[2])
    return "" if name in (".", "..") or "/" in name or "\0" in name else name
