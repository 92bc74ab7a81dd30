# SPDX-License-Identifier: Apache-2.0
"""One registry, spoken to: when it says no, sends us elsewhere, is not there, or is behind a proxy."""

from __future__ import annotations

import threading

import pytest

from estiba.errors import ImageError, RegistryRefused, RegistryUnreachable
from estiba.images import Reference, Store
from estiba.images.reference import parse
from estiba.images.registry import patience
from estiba.images.registry.proxies import proxy_for
from estiba.images.registry.pull import pull
from support.registry import Handler, Registry, at_once, largest


def test_busy_registry_is_asked_again_when_it_says(
    other: Store, registry: Registry, remote: Reference
) -> None:
    """429, 500 and 503, each answered in the end."""
    left = [429, 500, 503]
    registry.faults.append(lambda handler: bool(left) and at_once(handler, left.pop()))
    pull(other, remote)
    assert left == []


def test_wait_that_a_registry_asks_for_is_told(
    other: Store, registry: Registry, remote: Reference, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And waited for, up to a minute; beyond, it is a refusal."""
    from estiba.images.registry.client import Registry as Client

    waits: list[float] = []
    monkeypatch.setattr(patience, "pause", waits.append)
    left, said = ["60"], list[str]()

    def busy(handler: Handler) -> bool:
        if left:
            handler.answer(429, Retry_After=left.pop())
            return True
        return False

    registry.faults.append(lambda handler: handler.path != "/v2/" and busy(handler))
    with Client(registry.domain, say=said.append) as client:
        pull(other, remote, registry=client)
        assert (waits, said) == ([60.0], [f'registry "{registry.domain}": it asks to wait 60 s'])
        left.append("86400")
        with pytest.raises(RegistryRefused, match="429") as raised:
            pull(other, remote, registry=client)
    assert raised.value.hint == "the registry asks to come again in 86400 s"
    assert waits == [60.0]


def test_registry_that_stalls_is_told_and_tried_again(
    other: Store, registry: Registry, remote: Reference, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A body of which no more comes, while the connection stays."""
    from estiba.images.registry.client import Registry as Client

    monkeypatch.setattr(patience, "STALL", 0.2)
    name, stalls, over, said = largest(registry), [1], threading.Event(), list[str]()

    def stall(handler: Handler) -> bool:
        if name not in handler.path or not stalls:
            return False
        stalls.pop()
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(registry.blobs[name])))
        handler.end_headers()
        handler.wfile.write(registry.blobs[name][:1000])
        over.wait()
        handler.close_connection = True
        return True

    registry.faults.append(stall)
    try:
        with Client(registry.domain, say=said.append) as client:
            pull(other, remote, registry=client)
    finally:
        over.set()
    assert other.blobs.has(name)
    (line,) = said
    assert line.startswith(f'registry "{registry.domain}": blob {name} stopped at ')
    assert line.endswith(" bytes: nothing came for 0.2 s; going on")


@pytest.mark.parametrize(
    ("status", "hint"), [(429, "limits"), (500, None), (403, "as who may"), (404, "name right")]
)
def test_registry_that_says_no_is_quoted(
    other: Store, registry: Registry, remote: Reference, status: int, hint: str | None
) -> None:
    """Status and words; then a hint."""
    registry.faults.append(lambda handler: "manifests" in handler.path and at_once(handler, status))
    with pytest.raises(RegistryRefused, match=f"{status}") as raised:
        pull(other, remote)
    assert (raised.value.hint is None) if hint is None else hint in str(raised.value.hint)
    assert list(other.references.iterate()) == []


def test_redirects_lead_on_from_where_they_were_given(
    other: Store, registry: Registry, remote: Reference
) -> None:
    """A second one may be relative to the first."""
    name = largest(registry)

    def moved(handler: Handler) -> bool:
        if handler.path == f"/v2/public/blobs/{name}":
            handler.answer(307, Location="/store/first")
        elif handler.path == "/store/first":
            handler.answer(308, Location="second")
        elif handler.path == "/store/second":
            handler.answer(200, registry.blobs[name])
        return handler.path.startswith("/store/") or handler.path.endswith(name)

    registry.faults.append(moved)
    pull(other, remote)
    assert other.blobs.has(name)


def test_registry_that_is_not_there_is_said(other: Store) -> None:
    """By its name and the reason, at once."""
    with pytest.raises(RegistryUnreachable, match=r'"127.0.0.1:1" does not answer: .* \(ECONNREFUSED\)'):
        pull(other, parse("127.0.0.1:1/x"))
    with pytest.raises(RegistryUnreachable, match='"none.invalid" has no address that can be found'):
        pull(other, parse("none.invalid/x"))


def test_registry_sends_us_nowhere_that_is_not_https(other: Store) -> None:
    """A registry whose connection is sealed must not lead us, or our password, into the open."""
    from estiba.images.registry.client import Registry as Client

    with Client("example.invalid") as client, pytest.raises(ImageError, match="not HTTPS"):
        client.request("GET", "http://example.invalid/v2/", scope="", accept=(200,))


@pytest.mark.parametrize(
    ("address", "environ", "expected"),
    [
        ("https://a.io/v2/", {}, None),
        ("https://a.io/v2/", {"https_proxy": "http://p:1"}, "http://p:1"),
        ("https://a.io/v2/", {"HTTPS_PROXY": "p:1"}, "http://p:1"),
        ("https://a.io/v2/", {"ALL_PROXY": "http://p:1", "https_proxy": "http://q:2"}, "http://q:2"),
        ("http://a.io/", {"HTTP_PROXY": "http://p:1"}, None),
        ("http://a.io/", {"http_proxy": "http://p:1"}, "http://p:1"),
        ("https://a.io/", {"ALL_PROXY": "http://p:1", "no_proxy": "b.io, a.io"}, None),
        ("https://x.a.io/", {"ALL_PROXY": "http://p:1", "NO_PROXY": ".a.io"}, None),
        ("https://x.a.io/", {"ALL_PROXY": "http://p:1", "NO_PROXY": "*"}, None),
        ("https://xa.io/", {"ALL_PROXY": "http://p:1", "NO_PROXY": "a.io,"}, "http://p:1"),
        ("https://a.io:5000/", {"ALL_PROXY": "http://p:1", "NO_PROXY": "a.io:5000"}, None),
        ("https://a.io:5001/", {"ALL_PROXY": "http://p:1", "NO_PROXY": "a.io:5000"}, "http://p:1"),
        ("http://127.0.0.1:5000/", {"ALL_PROXY": "http://p:1"}, None),
        ("http://[::1]:5000/", {"ALL_PROXY": "http://p:1"}, None),
        ("http://localhost/", {"ALL_PROXY": "http://p:1"}, None),
    ],
)
def test_proxy_is_the_environments(
    monkeypatch: pytest.MonkeyPatch, address: str, environ: dict[str, str], expected: str | None
) -> None:
    """As curl reads it; this machine's own registries are not asked for at a proxy."""
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    assert proxy_for(address) == expected


def test_images_are_pulled_by_a_proxy(
    other: Store, registry: Registry, remote: Reference, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A registry that no name server knows is reached by it."""
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.setenv("http_proxy", f"http://{registry.domain}")
    pull(other, parse("nowhere.invalid/public:1"), insecure=True)
    assert all(path.startswith("http://nowhere.invalid/v2/") for _, path in registry.log)
