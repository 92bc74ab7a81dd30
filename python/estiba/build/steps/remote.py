# SPDX-License-Identifier: Apache-2.0
"""Sources of ADD that are fetched: by HTTP and HTTPS, and never from a sealed connection to an open one."""

from __future__ import annotations

import os
import re
from email.utils import parsedate_to_datetime
from hashlib import sha256
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urljoin, urlsplit

from estiba.build.recipe.problems import Fault
from estiba.errors import cause
from estiba.spec.words import quote

if TYPE_CHECKING:
    from collections.abc import Callable

    from estiba.build.recipe.instructions import Word

    Count = Callable[[int, int | None], None]
    """Takes how many bytes have come, and of how many, as far as that is known."""

MODE = 0o600
"""What all builders give to a fetched file."""
REDIRECTS = 10
CHUNK = 1 << 18
SCHEMES = ("http", "https")


class Remote:
    """One address: fetched once, when its content or its digest is first needed."""

    def __init__(self, word: Word, checksum: Word | None, aside: Callable[[], str], count: Count) -> None:
        """`checksum` is what was promised; `aside` makes a folder. Raises Fault for an address that is none."""
        self.address = word.text
        self.name = file_name(word.text)
        """Of the file, "" where the address has none."""
        self._word, self._checksum, self._aside, self._count = word, checksum, aside, count
        self._folder: str | None = None
        self._digest = ""
        parts = urlsplit(word.text)
        if parts.scheme not in SCHEMES or not parts.hostname or parts.path.endswith(".git"):
            hint = "files by http and https are; fetch it in a RUN, or before the build"
            raise Fault(word.place, f"{quote(word.text)} is no source of ADD", hint)

    @property
    def digest(self) -> str:
        """What was promised; else the address is asked. Raises Fault."""
        if self._checksum is not None:
            return self._checksum.text
        _ = self.folder
        return self._digest

    @property
    def folder(self) -> str:
        """The folder that has the file alone, under `stored_name`. Raises Fault."""
        if self._folder is None:
            folder = self._aside()
            self._digest = self._fetch(os.path.join(folder, self.stored_name))
            if self._checksum is not None and self._digest != self._checksum.text:
                message = f"{quote(self.address)} has the digest {self._digest}, not the promised one"
                raise Fault(
                    self._checksum.place, message, "look at what has changed there before you take it"
                )
            self._folder = folder
        return self._folder

    @property
    def stored_name(self) -> str:
        """The name that the file has in `folder`."""
        return self.name or "file"

    def _fetch(self, path: str) -> str:
        """Write what the address has to a file; return its digest."""
        from urllib3 import Timeout
        from urllib3.exceptions import HTTPError

        from estiba.images.registry.proxies import Pools

        pools = Pools(timeout=Timeout(connect=15, read=60), retries=False)
        try:
            answer = self._answer(pools)
            try:
                return self._write(answer, path)
            finally:
                answer.close()
        except HTTPError as error:
            number = getattr(error.__cause__, "errno", None)
            raise self._fault(cause(number) if number else str(error)) from error
        finally:
            pools.clear()

    def _answer(self, pools: Any) -> Any:
        """Ask, and go where one is sent."""
        address = self.address
        for _ in range(REDIRECTS):
            answer = pools.request(
                "GET",
                address,
                headers={"User-Agent": "estiba", "Accept-Encoding": "identity"},
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
        if answer.status != 200:
            answer.close()
            raise self._fault(f"{answer.status} {answer.reason or ''}".rstrip())
        return answer

    def _write(self, answer: Any, path: str) -> str:
        from urllib3.exceptions import HTTPError

        length = answer.headers.get("Content-Length", "")
        total = int(length) if re.fullmatch(r"[0-9]{1,18}", length) else None
        summed, done = sha256(), 0
        with open(path, "xb") as file:
            try:
                for chunk in answer.stream(CHUNK, decode_content=False):
                    file.write(chunk)
                    summed.update(chunk)
                    done += len(chunk)
                    self._count(done, total)
            except HTTPError as error:
                of = "" if total is None else f" of {total}"
                raise self._fault(f"it broke off at {done}{of} bytes") from error
            os.fchmod(file.fileno(), MODE)
        modified = seconds_of(answer.headers.get("Last-Modified", ""))
        os.utime(path, (modified, modified))
        return f"sha256:{summed.hexdigest()}"

    def _fault(self, why: str) -> Fault:
        return Fault(self._word.place, f"{quote(self.address)} cannot be fetched: {why}")


def file_name(address: str) -> str:
    """Return the name that a file has by its address; "" where that ends with a slash."""
    name = unquote(urlsplit(address).path.rpartition("/")[2])
    return "" if name in (".", "..") or "/" in name or "\0" in name else name


def seconds_of(text: str) -> int:
    """Return what Last-Modified says; 0 where it says nothing: the same file is the same layer whenever it came."""
    try:
        return max(0, int(parsedate_to_datetime(text).timestamp()))
    except (ValueError, TypeError, OverflowError):
        return 0
