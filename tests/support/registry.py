# SPDX-License-Identifier: Apache-2.0
"""A registry in a thread, that misbehaves as it is told: what a real one does only on its worst days."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

Fault = Callable[["Handler"], bool]
"""Answers a request itself and returns True, or lets it pass."""


class Registry:
    """Blobs and manifests in memory. `log` has each request's method and path; `faults` are asked in turn, first."""

    def __init__(self) -> None:
        self.blobs: dict[str, bytes] = {}
        self.manifests: dict[tuple[str, str], tuple[str, bytes]] = {}
        self.log: list[tuple[str, str]] = []
        self.headers: list[dict[str, str]] = []
        self.faults: list[Fault] = []
        self.closed = threading.Event()
        """Set when the registry goes: an answer without an end ends then."""
        self.auth: str | None = None
        """None, "basic" or "bearer"; who is let in is me, whose password is secret."""
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), type("Bound", (Handler,), {"registry": self}))
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))

    @property
    def domain(self) -> str:
        """Where it listens."""
        return f"127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.closed.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def asked(self, method: str, part: str) -> list[str]:
        """Return the paths with `part` in them that were asked for by `method`."""
        return [path for verb, path in self.log if verb == method and part in path]

    def is_shown_token(self, handler: Handler, scope: str = "") -> bool:
        """Return whether a request shows a token, which is for `scope`, say "repository:public:pull"."""
        kind, _, token = handler.headers.get("Authorization", "").partition(" T-")
        name, _, action = scope.rpartition(":")
        granted = [one.rpartition(":") for one in token.split()]
        return kind == "Bearer" and (
            not scope or any(of == name and action in actions.split(",") for of, _, actions in granted)
        )

    def put(self, data: bytes) -> str:
        """Take a blob."""
        name = f"sha256:{hashlib.sha256(data).hexdigest()}"
        self.blobs[name] = data
        return name


class Handler(BaseHTTPRequestHandler):
    """One request."""

    registry: Registry
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Answer GET, HEAD and all others by what the path says."""
        self.registry.log.append((self.command, self.path))
        self.registry.headers.append(dict(self.headers))
        self.body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if any(fault(self) for fault in self.registry.faults) or not self._is_let_in():
            return
        path = urlsplit(self.path).path
        if found := re.fullmatch(r"/v2/(.+)/manifests/([^/]+)", path):
            self._manifest(*found.groups())
        elif found := re.fullmatch(r"/v2/(.+)/blobs/uploads/(.*)", path):
            self._upload(*found.groups())
        elif found := re.fullmatch(r"/v2/(.+)/blobs/([^/]+)", path):
            self._blob(found[2])
        else:
            self.answer(200, b"{}")

    do_HEAD = do_PUT = do_POST = do_GET

    def answer(self, status: int, data: bytes = b"", **headers: str) -> None:
        """Send an answer; `Content_Type` is Content-Type."""
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def cut(self, data: bytes, count: int) -> None:
        """Promise all of `data`, send the first bytes, and hang up."""
        self.send_response(206 if "Range" in self.headers else 200)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data[:count])
        self.close_connection = True

    def log_message(self, *_: Any) -> None:
        """Say nothing."""

    def _is_let_in(self) -> bool:
        kind, shown = self.registry.auth, self.headers.get("Authorization", "")
        pair = "Basic " + base64.b64encode(b"me:secret").decode()
        query = parse_qs(urlsplit(self.path).query)
        if urlsplit(self.path).path == "/token":
            good = shown == pair or query.get("scope") == ["repository:public:pull"]
            token = {"token": "T-" + " ".join(query.get("scope", [])), "expires_in": 300}
            self.answer(200 if good else 401, json.dumps(token if good else {}).encode())
            return False
        if (
            kind is None
            or (kind == "basic" and shown == pair)
            or (kind == "bearer" and self.registry.is_shown_token(self))
        ):
            return True
        wants = 'Basic realm="x"'
        if kind == "bearer":
            actions = "pull" if self.command in ("GET", "HEAD") else "pull,push"
            name = self.path.split("/manifests/")[0].split("/blobs/")[0].removeprefix("/v2/")
            wants = f'Bearer realm="http://{self.registry.domain}/token",service="s",scope="repository:{name}:{actions}"'
        self.answer(401, WWW_Authenticate=wants)
        return False

    def _manifest(self, name: str, which: str) -> None:
        known = self.registry.manifests
        if self.command == "PUT":
            digest = f"sha256:{hashlib.sha256(self.body).hexdigest()}"
            known[name, which] = known[name, digest] = (self.headers["Content-Type"], self.body)
            self.answer(201, Docker_Content_Digest=digest)
        elif (name, which) in known:
            kind, data = known[name, which]
            digest = f"sha256:{hashlib.sha256(data).hexdigest()}"
            self.answer(200, data, Content_Type=kind, Docker_Content_Digest=digest)
        else:
            self.answer(404, b'{"errors":[{"code":"MANIFEST_UNKNOWN","message":"no such manifest"}]}')

    def _blob(self, digest: str) -> None:
        data = self.registry.blobs.get(digest)
        if data is None:
            self.answer(404)
        elif found := re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers.get("Range", "")):
            self.answer(206, data[int(found[1]) : int(found[2]) + 1])
        else:
            self.answer(200, data)

    def _upload(self, name: str, _: str) -> None:
        query = parse_qs(urlsplit(self.path).query)
        if self.command == "POST":
            mounted = query.get("mount", [""])[0] in self.registry.blobs
            if mounted and self.registry.auth == "bearer":
                mounted = self.registry.is_shown_token(self, f"repository:{query['from'][0]}:pull")
            self.answer(201 if mounted else 202, Location=f"/v2/{name}/blobs/uploads/1?state=x")
        else:
            digest = self.registry.put(self.body)
            self.answer(201 if [digest] == query["digest"] else 400)


def at_once(handler: Handler, status: int) -> bool:
    """Say no, and that one may come again at once."""
    handler.answer(status, b'{"errors":[{"code":"TOOMANYREQUESTS","message":"slow down"}]}', Retry_After="0")
    return True


def largest(registry: Registry) -> str:
    """Return the digest of the largest blob."""
    return max(registry.blobs, key=lambda one: len(registry.blobs[one]))
