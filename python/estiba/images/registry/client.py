# SPDX-License-Identifier: Apache-2.0
"""One registry, spoken to by distribution-spec: requests with their answer to 401, retries, refusals in words.

Plain HTTP and certificates that nobody vouches for are for this machine's own registry, or by `insecure`.
"""

from __future__ import annotations

import json
import os
import random
import ssl
import threading
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import urljoin, urlsplit

import urllib3
from urllib3.exceptions import (
    HTTPError,
    InsecureRequestWarning,
    NewConnectionError,
    SSLError,
)

from estiba.errors import RegistryRefused, RegistryUnreachable
from estiba.images.reference import DEFAULT_DOMAIN
from estiba.images.registry import credentials as known_credentials
from estiba.images.registry import patience
from estiba.images.registry.auth import Authorizer, parse_challenge
from estiba.images.registry.proxies import Pools, is_loopback

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from estiba.images.reference import Reference
    from estiba.images.registry.credentials import Credentials

TRIES = 5
_REDIRECTS = 6
_COMMIT = 60.0
"""Seconds that a registry may take for an answer to what was sent: it looks through a blob first."""
_ANSWER_LIMIT = 1 << 20
_BLOCK = 1 << 18
"""Bytes of a file that are sent in one go."""
_AGAIN = frozenset({408, 425, 429, 500, 502, 503, 504})
_HOSTS = {DEFAULT_DOMAIN: "registry-1.docker.io"}
_CERTIFICATES = ("/etc/containers/certs.d", "/etc/docker/certs.d")

Response = urllib3.BaseHTTPResponse


class Registry:
    """A registry as one user sees it. A context: it keeps connections. Threads may share it."""

    def __init__(
        self,
        domain: str,
        *,
        credentials: Credentials | None = None,
        insecure: bool = False,
        path: str = "",
        certificates: str | None = None,
        say: Callable[[str], None] | None = None,
    ) -> None:
        """Speak to `domain`; by default as who `estiba.images.registry.credentials` says, for the repository `path`.

        `certificates`: a folder with those (*.crt) that vouch for the registry, besides the usual ones. Raises
        RegistryUnreachable for what is no certificate. `say` is called, by several threads, for each wait that is long.
        """
        self.domain = domain
        self._say = say
        self._host = _HOSTS.get(domain, domain)
        self._lenient = insecure or is_loopback(domain)
        self._pool = Pools(
            maxsize=8,
            blocksize=_BLOCK,
            timeout=urllib3.Timeout(connect=15, read=patience.STALL),
            retries=False,
            ssl_context=_tls(domain, certificates, is_lenient=self._lenient),
        )
        known = credentials or known_credentials.find(domain, path)
        self._authorizer = Authorizer(domain, known, self._fetch_token)
        self._base: str | None = None
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.clear()

    @property
    def base(self) -> str:
        """Where the API begins: "https://host"; "http://host" where that is allowed and nothing else answers."""
        with self._lock:
            if self._base is None:
                secure = f"https://{self._host}"
                is_secure = not self._lenient or self._answers(secure)
                self._base = secure if is_secure else f"http://{self._host}"
            return self._base

    def check(self) -> None:
        """Ask whether this is a registry that knows the user. Raises RegistryRefused, RegistryUnreachable."""
        self.request("GET", "/v2/", scope="", accept=(200,))

    def request(
        self,
        method: str,
        place: str,
        *,
        scope: str,
        accept: Iterable[int],
        headers: Mapping[str, str] | None = None,
        body: Any = None,
        stream: bool = False,
    ) -> Response:
        """Send a request and return an answer whose status is one of `accept`.

        `place`: a path, or an address that the registry gave. `body`: bytes, or a function that returns a fresh file
        for each try. `scope`: of the token, where the registry wants one; several have a space between them. With
        `stream` the caller reads the answer's content and releases the connection.
        Raises RegistryRefused, RegistryUnreachable.
        """
        address = urljoin(self.base + "/", place)
        self._check_plain(address)
        accepted = frozenset(accept)
        challenged = False
        for left in range(TRIES - 1, -1, -1):
            shown = self._authorizer.header(scope)
            try:
                answer = self._send(method, address, shown, headers, body)
            except HTTPError as error:
                if left == 0 or isinstance(error, SSLError | NewConnectionError):
                    raise self._unreachable(error) from error
                self.say(f"{patience.why(error)}; trying again")
                self._wait(None, TRIES - left)
                continue
            if answer.status in accepted:
                if not stream:
                    answer.drain_conn()
                return answer
            if answer.status == 401 and not challenged and "WWW-Authenticate" in answer.headers:
                answer.drain_conn()
                challenged = True
                self._authorizer.answer(parse_challenge(answer.headers["WWW-Authenticate"]), scope, shown)
            elif answer.status in _AGAIN and left and (patience.asked(answer) or 0) <= patience.LONGEST:
                answer.drain_conn()
                self._wait(patience.asked(answer), TRIES - left)
            else:
                raise self.refusal(answer, f"{method} {urlsplit(address).path}")
        raise self._unreachable(None)

    def refusal(self, answer: Response, what: str) -> RegistryRefused:
        """Return what to raise for an answer that is a no, in the registry's words as far as it has any."""
        try:
            data = answer.read(_ANSWER_LIMIT)
            errors = json.loads(data)["errors"]
            words = "; ".join(f"{one.get('code')}: {one.get('message')}" for one in errors)[:500]
        except (HTTPError, ValueError, KeyError, TypeError, AttributeError):
            words = ""
        answer.release_conn()
        hints = {
            401: f"`muelle login {self.domain}`, then again",
            403: f"`muelle login {self.domain}` as who may do this",
            404: "is the name right? a private repository may answer so, too",
            429: "the registry limits how much one may ask; log in, or wait",
        }
        text = f'registry "{self.domain}": {what}: {answer.status}'
        hint = hints.get(answer.status)
        if answer.status in _AGAIN and (seconds := patience.asked(answer) or 0) > patience.LONGEST:
            hint = f"the registry asks to come again in {seconds:g} s"
        return RegistryRefused(f"{text} {words}".rstrip(), hint=hint)

    def say(self, message: str) -> None:
        """Tell whoever waits."""
        if self._say is not None:
            self._say(f'registry "{self.domain}": {message}')

    def _send(
        self,
        method: str,
        address: str,
        authorization: str | None,
        headers: Mapping[str, str] | None,
        body: Any,
    ) -> Response:
        """Send a request, and again to where the registry keeps its blobs, if it sends us there."""
        for _ in range(_REDIRECTS):
            answer = self._send_once(method, address, authorization, headers, body)
            if not (target := answer.get_redirect_location()):
                return answer
            answer.drain_conn()
            address = urljoin(address, target)
            self._check_plain(address)
        raise RegistryRefused(f'registry "{self.domain}": sends us from one place to the next')

    def _send_once(
        self,
        method: str,
        address: str,
        authorization: str | None,
        headers: Mapping[str, str] | None,
        body: Any,
    ) -> Response:
        sent = dict(headers or {}) | {"User-Agent": "estiba"}
        if authorization and urlsplit(address).netloc == self._host:  # it is shown to nobody else
            sent["Authorization"] = authorization
        content = body() if callable(body) else body
        read = patience.STALL if body is None else _COMMIT
        try:
            return self._pool.request(
                method,
                address,
                headers=sent,
                body=content,
                preload_content=False,
                redirect=False,
                timeout=urllib3.Timeout(connect=15, read=read),
            )
        finally:
            if callable(body):
                content.close()

    def _fetch_token(
        self, method: str, address: str, headers: dict[str, str], body: bytes | None
    ) -> tuple[int, bytes]:
        self._check_plain(address)
        for left in range(TRIES - 1, -1, -1):
            try:
                answer = self._pool.request(
                    method, address, headers=headers, body=body, preload_content=False
                )
                data = answer.read(_ANSWER_LIMIT)
                answer.release_conn()
            except HTTPError as error:
                if left == 0 or isinstance(error, SSLError | NewConnectionError):
                    raise self._unreachable(error) from error
                self.say(f"{patience.why(error)}; trying again")
                self._wait(None, TRIES - left)
                continue
            seconds = patience.asked(answer)
            if answer.status not in _AGAIN or left == 0 or (seconds or 0) > patience.LONGEST:
                return answer.status, data
            self._wait(seconds, TRIES - left)
        raise self._unreachable(None)

    def _check_plain(self, address: str) -> None:
        parts = urlsplit(address)
        if parts.scheme == "https" or (parts.scheme == "http" and self.base.startswith("http:")):
            return
        raise RegistryRefused(f'registry "{self.domain}": sends us to "{address[:200]}", which is not HTTPS')

    def _answers(self, base: str) -> bool:
        try:
            self._pool.request("GET", f"{base}/v2/", preload_content=False, retries=False).release_conn()
        except HTTPError:
            return False
        return True

    def _wait(self, asked: float | None, tried: int) -> None:
        """Wait before the next try: as long as the registry says, else longer each time and not all at once."""
        if asked:
            self.say(f"it asks to wait {asked:g} s")
        patience.pause(2.0**tried * random.uniform(0.1, 0.3) if asked is None else asked)

    def _unreachable(self, error: HTTPError | None) -> RegistryUnreachable:
        hint = None
        if isinstance(error, SSLError):
            place = f"{_CERTIFICATES[0]}/{self.domain}/ca.crt"
            hint = f"put the certificate that vouches for it into {place}, or name its folder by --cert-dir"
        elif isinstance(error, NewConnectionError):
            hint = "is the name right, and does the network reach it?"
        why = f"{TRIES} tries failed" if error is None else patience.why(error)
        return RegistryUnreachable(f'registry "{self.domain}" does not answer: {why}', hint=hint)


def repository_scope(reference: Reference, actions: str) -> str:
    """Return the scope of a token for a repository: `actions` is "pull" or "pull,push"."""
    return f"repository:{reference.path}:{actions}"


def _tls(domain: str, certificates: str | None, *, is_lenient: bool) -> ssl.SSLContext:
    context = ssl.create_default_context()
    given = [certificates] if certificates else []
    found = list(_certificates([*given, *(os.path.join(place, domain) for place in _places())]))
    for path in found:
        try:
            context.load_verify_locations(path)
        except (OSError, ssl.SSLError) as error:
            raise RegistryUnreachable(f'certificate "{path}" cannot be read: {error}') from error
    if is_lenient and not found:
        urllib3.disable_warnings(InsecureRequestWarning)  # that was decided, and is in the docstring above
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _places() -> list[str]:
    config = os.environ.get("XDG_CONFIG_HOME") or os.path.expanduser("~/.config")
    return [os.path.join(config, "containers/certs.d"), *_CERTIFICATES]


def _certificates(folders: Iterable[str]) -> Iterator[str]:
    for folder in folders:
        if os.path.isdir(folder):
            for name in sorted(os.listdir(folder)):
                if name.endswith(".crt"):
                    yield os.path.join(folder, name)
