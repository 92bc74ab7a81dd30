# SPDX-License-Identifier: Apache-2.0
"""What a registry wants to see before it answers: Basic, or a Bearer token that another server gives out.

distribution-spec leaves this to the registries; what all of them do is in distribution's "Token Authentication
Specification": a 401 with WWW-Authenticate says where and for what a token is to be had.
"""

from __future__ import annotations

import base64
import json
import re
import threading
import time
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlencode, urlsplit

from estiba.errors import RegistryRefused

if TYPE_CHECKING:
    from collections.abc import Callable

    from estiba.images.registry.credentials import Credentials

_PARAMETER = re.compile(r'([a-zA-Z_]+)="([^"]*)"|([a-zA-Z_]+)=([^",\s]+)')
_TOKEN_LIMIT = 1 << 20
_SHORTEST = 60
"""Seconds that a token lives if the server does not say."""


class Challenge(NamedTuple):
    """What a 401 asks for."""

    scheme: str
    """In lower case: "bearer", "basic"."""
    parameters: dict[str, str]


def parse_challenge(text: str) -> Challenge:
    """Return what a WWW-Authenticate header asks for; of several the first (RFC 9110, 11.6.1)."""
    scheme, _, rest = text.strip().partition(" ")
    found = {(a or c).lower(): b or d for a, b, c, d in _PARAMETER.findall(rest)}
    return Challenge(scheme.lower(), found)


class Authorizer:
    """Keeps what one registry was told, and its tokens by scope."""

    def __init__(
        self, domain: str, credentials: Credentials | None, fetch: Callable[..., tuple[int, bytes]]
    ) -> None:
        self._domain, self._credentials, self._fetch = domain, credentials, fetch
        self._tokens: dict[str, tuple[str, float]] = {}
        self._is_basic = False
        self._lock = threading.Lock()

    def header(self, scope: str) -> str | None:
        """Return the Authorization header for requests of this scope, None if nothing was asked for so far."""
        if self._is_basic and self._credentials:
            return _basic(self._credentials)
        token, until = self._tokens.get(scope, ("", 0.0))
        return f"Bearer {token}" if time.monotonic() < until else None

    def answer(self, challenge: Challenge, scope: str, shown: str | None) -> None:
        """Get what a 401 to a request that had shown `shown` asks for; nothing if another thread has got it meanwhile.

        Raises RegistryRefused if there is nothing that could be shown.
        """
        with self._lock:
            if self.header(scope) != shown:
                return
            if challenge.scheme == "basic":
                if self._credentials is None:
                    raise self._refused("wants a user and a password")
                self._is_basic = True
            elif challenge.scheme == "bearer":
                self._tokens[scope] = self._token(challenge.parameters, scope)
            else:
                raise self._refused(f'wants "{challenge.scheme}", which is not known here')

    def _token(self, parameters: dict[str, str], scope: str) -> tuple[str, float]:
        realm = parameters.get("realm", "")
        parts = urlsplit(realm)
        if parts.scheme not in ("https", "http") or not parts.hostname:
            raise self._refused(f'names "{realm[:200]}" as the place for tokens')
        wanted = {"service": parameters.get("service", ""), "scope": scope or parameters.get("scope", "")}
        wanted = {name: value for name, value in wanted.items() if value}
        headers: dict[str, str] = {}
        known = self._credentials
        if known and known.identity_token:
            form = wanted | {
                "grant_type": "refresh_token",
                "refresh_token": known.identity_token,
                "client_id": "estiba",
            }
            headers["Content-Type"] = "application/x-www-form-urlencoded"
            status, data = self._fetch("POST", realm, headers, urlencode(form).encode())
        else:
            if known:
                headers["Authorization"] = _basic(known)
            joint = "&" if parts.query else "?"
            each: dict[str, Any] = wanted | ({"scope": wanted["scope"].split()} if "scope" in wanted else {})
            query = urlencode(each, doseq=True)
            status, data = self._fetch("GET", f"{realm}{joint}{query}", headers, None)
        if status != 200:
            raise self._refused("gives no token" if known is None else "does not know the user", status)
        return self._read(data)

    def _read(self, data: bytes) -> tuple[str, float]:
        try:
            answer: dict[str, Any] = json.loads(data)
            token = answer.get("token") or answer["access_token"]
            seconds = int(answer.get("expires_in") or _SHORTEST)
        except (ValueError, KeyError, TypeError, AttributeError):
            raise self._refused("answers with something that is no token") from None
        if not isinstance(token, str) or not token.isascii() or not token.isprintable():
            raise self._refused("answers with something that is no token")
        return token, time.monotonic() + max(seconds - 10, 10)

    def _refused(self, why: str, status: int | None = None) -> RegistryRefused:
        code = f" ({status})" if status else ""
        return RegistryRefused(
            f'registry "{self._domain}" {why}{code}: access refused',
            hint=f"`muelle login {self._domain}`, then again",
        )


def _basic(credentials: Credentials) -> str:
    return "Basic " + base64.b64encode(f"{credentials.user}:{credentials.password}".encode()).decode()
