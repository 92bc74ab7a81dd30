# SPDX-License-Identifier: Apache-2.0
"""Pull and push, and what they do when a registry says no, stops in the middle or lies."""

from __future__ import annotations

import base64
import json
import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from estiba.errors import (
    BlobCorrupt,
    ImageError,
    ImageNotFound,
    ManifestInvalid,
    RegistryRefused,
    RegistryUnreachable,
    StoreError,
)
from estiba.images import Descriptor, Image, Index, Platform, Reference, Store, media
from estiba.images.platform import host
from estiba.images.reference import parse
from estiba.images.registry import credentials
from estiba.images.registry.auth import parse_challenge
from estiba.images.registry.credentials import Credentials
from estiba.images.registry.proxies import proxy_for
from estiba.images.registry.pull import pull
from estiba.images.registry.push import push
from support.images import put_image
from support.registry import Handler, Registry

WEB = parse("web")


@pytest.fixture(autouse=True)
def auth_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Credentials of the test's own."""
    path = tmp_path / "auth.json"
    monkeypatch.setenv("REGISTRY_AUTH_FILE", str(path))
    return path


@pytest.fixture
def registry() -> Iterator[Registry]:
    """A registry in a thread."""
    with Registry() as made:
        yield made


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """A store with `web`, whose base layer is large and hard to compress."""
    made = Store.open(tmp_path / "store")
    layers: list[dict[str, bytes | None]] = [{"base": os.urandom(300_000)}, {"a": b"1"}]
    made.references.move(WEB, put_image(made.blobs, layers), verb="build")
    return made


@pytest.fixture
def other(tmp_path: Path) -> Store:
    """An empty store."""
    return Store.open(tmp_path / "other")


@pytest.fixture
def remote(registry: Registry, store: Store) -> Reference:
    """What `web` is called at the registry, where it was pushed."""
    reference = parse(f"{registry.domain}/public:1")
    push(store, "web", reference)
    registry.log.clear()
    registry.headers.clear()
    return reference


def at_once(handler: Handler, status: int) -> bool:
    """Say no, and that one may come again at once."""
    handler.answer(status, b'{"errors":[{"code":"TOOMANYREQUESTS","message":"slow down"}]}', Retry_After="0")
    return True


def largest(registry: Registry) -> str:
    """Return the digest of the largest blob."""
    return max(registry.blobs, key=lambda one: len(registry.blobs[one]))


def test_image_is_the_same_after_push_and_pull(
    store: Store, other: Store, registry: Registry, remote: Reference
) -> None:
    """Digests and all; a second pull asks for the manifest's digest and nothing else."""
    assert pull(other, remote).digest == Image.resolve(store, "web").digest
    assert [
        (one, record.verb) for one in other.references.logged() for record in other.references.log(one)
    ] == [(remote, "pull")]
    assert sorted(other.blobs.iterate()) == sorted(store.blobs.iterate())
    registry.log.clear()
    pull(other, remote)
    assert [method for method, path in registry.log if path != "/v2/"] == ["HEAD"]


def test_pull_by_digest_takes_that_and_no_other(other: Store, registry: Registry, remote: Reference) -> None:
    """The reference is pinned; a registry that sends something else is caught."""
    digest = pull(other, remote).digest
    pinned = remote._replace(tag=None, digest=digest)
    assert pull(other, pinned).digest == digest
    assert other.references.get(pinned) is not None
    kind, data = registry.manifests["public", digest]
    registry.manifests["public", digest] = (kind, data + b" ")
    other.blobs.remove(digest)
    with pytest.raises(BlobCorrupt, match=digest):
        pull(other, pinned)


def test_pull_goes_on_where_a_connection_broke(other: Store, registry: Registry, remote: Reference) -> None:
    """Three times in one blob, by Range; and at a registry that knows no ranges."""
    name, cuts = largest(registry), [100_000, 50_000, 1]
    data = registry.blobs[name]

    def fault(handler: Handler) -> bool:
        if name not in handler.path or handler.command != "GET" or not cuts:
            return False
        start = int(handler.headers.get("Range", "bytes=0-").removeprefix("bytes=").split("-")[0])
        handler.cut(data[start:], cuts.pop(0))
        return True

    registry.faults.append(fault)
    pull(other, remote)
    ranges = [one["Range"] for one in registry.headers if "Range" in one]
    assert ranges == [f"bytes={start}-{len(data) - 1}" for start in (100_000, 150_000, 150_001)]
    other.blobs.remove(name)
    cuts.append(1000)

    def no_ranges(handler: Handler) -> bool:
        del handler.headers["Range"]
        return False

    registry.faults.append(no_ranges)
    pull(other, remote)
    assert other.blobs.read(name) == data


def test_registry_that_stops_each_time_is_given_up(
    other: Store, registry: Registry, remote: Reference
) -> None:
    """With how far it came; no name leads to anything."""
    name = largest(registry)
    registry.faults.append(
        lambda handler: name in handler.path and (handler.cut(registry.blobs[name], 7) or True)
    )
    with pytest.raises(RegistryUnreachable, match=f"{name} broke off 5 times"):
        pull(other, remote)
    assert list(other.references.iterate()) == []


@pytest.mark.parametrize("change", ["flipped", "longer", "shorter"])
def test_registry_that_lies_is_caught(
    other: Store, registry: Registry, remote: Reference, change: str
) -> None:
    """The blob has no name in the store, nor has the image."""
    name = largest(registry)
    data = registry.blobs[name]
    registry.blobs[name] = {"flipped": b"x" + data[1:], "longer": data + b"x", "shorter": data[:-1]}[change]
    with pytest.raises((BlobCorrupt, RegistryUnreachable)):
        pull(other, remote)
    assert not other.blobs.has(name)
    assert list(other.references.iterate()) == []


def test_busy_registry_is_asked_again_when_it_says(
    other: Store, registry: Registry, remote: Reference
) -> None:
    """429, 500 and 503, each answered in the end."""
    left = [429, 500, 503]
    registry.faults.append(lambda handler: bool(left) and at_once(handler, left.pop()))
    pull(other, remote)
    assert left == []


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


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{}",
        b"x" * ((4 << 20) + 1),
        b'{"schemaVersion":2,"layers":[],"manifests":[]}',
        b'{"schemaVersion":1}',
    ],
    ids=["empty", "nothing", "long", "both", "old"],
)
def test_manifest_that_is_none_is_refused(
    other: Store, registry: Registry, remote: Reference, data: bytes
) -> None:
    """Too long, no JSON, two things at once, another age."""
    registry.manifests["public", "1"] = (media.OCI_MANIFEST, data)
    digest = registry.put(data)
    registry.manifests["public", digest] = (media.OCI_MANIFEST, data)
    with pytest.raises((ManifestInvalid, RegistryRefused)):
        pull(other, remote)
    assert list(other.references.iterate()) == other.references.nameless() == []


@pytest.mark.parametrize("kind", ["basic", "bearer"])
def test_registry_is_shown_who_one_is(
    store: Store, other: Store, registry: Registry, auth_file: Path, kind: str
) -> None:
    """Without credentials one is told to log in; with them both directions work, a token is asked for once a scope."""
    registry.auth = kind
    target = parse(f"{registry.domain}/mine:1")
    with pytest.raises(RegistryRefused, match="access refused") as raised:
        push(store, "web", target)
    assert raised.value.hint == f"`muelle login {registry.domain}`, then again"
    assert credentials.save(registry.domain, Credentials("me", "wrong")) == str(auth_file)
    with pytest.raises(RegistryRefused, match="401"):
        push(store, "web", target)
    credentials.save(registry.domain, Credentials("me", "secret"))
    registry.log.clear()
    push(store, "web", target)
    pull(other, target)
    assert len(registry.asked("GET", "/token")) == {"basic": 0, "bearer": 2}[kind]


def test_public_image_needs_no_credentials(other: Store, registry: Registry, remote: Reference) -> None:
    """A token is given to anybody."""
    registry.auth = "bearer"
    pull(other, remote)


def test_token_is_not_shown_to_where_blobs_are_kept(
    other: Store, registry: Registry, remote: Reference
) -> None:
    """The registry sends us elsewhere; what is for it alone stays with it."""
    with Registry() as storage:
        storage.blobs = registry.blobs
        registry.auth = "bearer"

        def elsewhere(handler: Handler) -> bool:
            if "/blobs/" not in handler.path or "Authorization" not in handler.headers:
                return False
            handler.answer(307, Location=f"http://{storage.domain}{handler.path}")
            return True

        registry.faults.append(elsewhere)
        pull(other, remote)
        assert storage.headers
        assert not any("Authorization" in one for one in storage.headers)


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


def test_blob_is_sent_again_to_where_a_redirect_leads(store: Store, registry: Registry) -> None:
    """Whole: a request with a length and no body would wait for ever."""

    def moved(handler: Handler) -> bool:
        if handler.command != "PUT" or "/uploads/1?" not in handler.path:
            return False
        handler.answer(307, Location=handler.path.replace("/uploads/1?", "/uploads/2?"))
        return True

    registry.faults.append(moved)
    push(store, "web", parse(f"{registry.domain}/public:1"))
    assert len(registry.asked("PUT", "/uploads/2?")) == len(registry.blobs) == 3


def test_index_is_pulled_for_one_platform(
    store: Store, other: Store, registry: Registry, remote: Reference
) -> None:
    """The reference points to the index; what there is not is said with what there is; a push sends what is here."""
    web = Image.resolve(store, "web").descriptor
    foreign = put_image(store.blobs, [{"foreign": b"x"}])
    entries = (web._replace(platform=host()), foreign._replace(platform=Platform("linux", "s390x")))
    data = Index(entries).to_bytes()
    index = Descriptor(media.OCI_INDEX, store.blobs.put(data), len(data))
    store.references.move(parse("multi"), index, verb="build")
    target = remote._replace(tag="multi")
    assert push(store, "multi", target) == index
    assert pull(other, target).digest == web.digest
    assert other.references.get(target) == index
    assert not other.blobs.has(foreign.digest)
    assert pull(other, target, platform=Platform("linux", "s390x")).digest == foreign.digest
    with pytest.raises(ImageNotFound, match="no image for linux/riscv64") as raised:
        pull(other, target, platform=Platform("linux", "riscv64"))
    assert "linux/s390x" in (raised.value.hint or "")
    third = Store.open(Path(other.root).parent / "third")
    pull(third, target)
    assert push(third, str(target), remote._replace(tag="part")).digest == web.digest


def test_push_sends_only_what_is_missing(store: Store, registry: Registry, remote: Reference) -> None:
    """Nothing the second time; for a neighbour's blobs a word is enough; the name of the neighbour is ours."""
    push(store, "web", remote)
    assert registry.asked("POST", "/uploads/") == []
    store.references.move(remote, Image.resolve(store, "web").descriptor, verb="tag")
    blobs = dict(registry.blobs)
    registry.faults.append(
        lambda handler: (
            handler.command == "HEAD" and "/fresh/" in handler.path and (handler.answer(404) or True)
        )
    )
    push(store, "web", parse(f"{registry.domain}/fresh:1"))
    posts = registry.asked("POST", "/v2/fresh/blobs/uploads/")
    assert len(posts) == len(blobs) == 3
    assert all("mount=sha256" in one and "from=public" in one for one in posts)
    assert registry.asked("PUT", "/v2/fresh/blobs/") == []


@pytest.mark.parametrize("is_shared", [True, False])
def test_blobs_of_a_neighbour_need_a_token_for_both(
    store: Store, registry: Registry, remote: Reference, auth_file: Path, *, is_shared: bool
) -> None:
    """Where no token is given for the neighbour, the blobs are sent."""
    registry.auth = "bearer"
    pair = base64.b64encode(b"me:secret").decode()
    auth_file.write_text(json.dumps({"auths": {registry.domain: {"auth": pair}}}))
    store.references.move(remote, Image.resolve(store, "web").descriptor, verb="tag")

    def fault(handler: Handler) -> bool:
        if handler.command == "HEAD" and "/fresh/" in handler.path and registry.is_shown_token(handler):
            handler.answer(404)
            return True
        if not is_shared and handler.path.startswith("/token?") and "public" in handler.path:
            handler.answer(403)
            return True
        return False

    registry.faults.append(fault)
    push(store, "web", parse(f"{registry.domain}/fresh:1"))
    assert len(registry.asked("PUT", "/v2/fresh/blobs/")) == (0 if is_shared else 3)


def test_push_that_is_interrupted_is_begun_again(store: Store, registry: Registry) -> None:
    """The whole body is sent once more."""
    left = [500, 503]

    def fault(handler: Handler) -> bool:
        return (
            handler.command == "PUT"
            and "uploads" in handler.path
            and bool(left)
            and at_once(handler, left.pop())
        )

    registry.faults.append(fault)
    push(store, "web", parse(f"{registry.domain}/public:1"))
    assert len(registry.blobs) == 3


def test_registry_that_is_not_there_is_said(other: Store) -> None:
    """By its name and the reason, at once."""
    with pytest.raises(RegistryUnreachable, match=r'"127.0.0.1:1" does not answer: .* \(ECONNREFUSED\)'):
        pull(other, parse("127.0.0.1:1/x"))
    with pytest.raises(RegistryUnreachable, match='"none.invalid" has no address that can be found'):
        pull(other, parse("none.invalid/x"))


@pytest.mark.parametrize(
    ("text", "scheme", "parameters"),
    [
        (
            'Bearer realm="https://a/t",service="s",scope="repository:a/b:pull,push"',
            "bearer",
            {"realm": "https://a/t", "service": "s", "scope": "repository:a/b:pull,push"},
        ),
        ("basic realm=x", "basic", {"realm": "x"}),
        ("", "", {}),
    ],
)
def test_challenge_is_read(text: str, scheme: str, parameters: dict[str, str]) -> None:
    """Commas inside of quotes belong to the value."""
    assert parse_challenge(text) == (scheme, parameters)


def test_credentials_are_found_where_other_tools_keep_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Docker's file and podman's; the narrowest entry of a repository; a helper; Docker Hub's old name."""
    monkeypatch.delenv("REGISTRY_AUTH_FILE")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "run"))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    (tmp_path / "run" / "containers").mkdir(parents=True)
    (tmp_path / ".docker").mkdir()

    def auth(pair: str) -> dict[str, str]:
        return {"auth": base64.b64encode(pair.encode()).decode()}

    podman = {"auths": {"q.io": auth("wide:1"), "q.io/a/b": auth("narrow:2:3")}}
    (tmp_path / "run" / "containers" / "auth.json").write_text(json.dumps(podman))
    docker = {
        "auths": {"https://index.docker.io/v1/": auth("hub:4"), "t.io": {"identitytoken": "t"}},
        "credHelpers": {"h.io": "test"},
    }
    (tmp_path / ".docker" / "config.json").write_text(json.dumps(docker))
    helper = tmp_path / "docker-credential-test"
    helper.write_text('#!/bin/sh\nread key\necho "{\\"Username\\": \\"me\\", \\"Secret\\": \\"$key\\"}"\n')
    helper.chmod(0o755)
    assert credentials.find("q.io", "a/c") == Credentials("wide", "1")
    assert credentials.find("q.io", "a/b/c") == Credentials("narrow", "2:3")
    assert credentials.find("docker.io", "library/x") == Credentials("hub", "4")
    assert credentials.find("t.io") == Credentials(identity_token="t")
    assert credentials.find("h.io") == Credentials("me", "h.io")
    assert credentials.find("none.io") is None


def test_login_is_for_oneself_alone_and_can_be_undone(auth_file: Path) -> None:
    """The file is nobody else's to read; what else is in it stays."""
    auth_file.write_text('{"auths": {"a.io": {"auth": "YTpi"}}, "other": 1}')
    credentials.save("b.io", Credentials("me", "secret"))
    assert stat.S_IMODE(auth_file.stat().st_mode) == 0o600
    assert credentials.find("b.io") == Credentials("me", "secret")
    assert (credentials.forget("b.io"), credentials.forget("b.io")) == (True, False)
    assert json.loads(auth_file.read_text()) == {"auths": {"a.io": {"auth": "YTpi"}}, "other": 1}


@pytest.mark.parametrize("text", ["{", '{"auths": {"a.io": {"auth": "%"}}}'])
def test_damaged_credentials_are_said(auth_file: Path, text: str) -> None:
    """By their file."""
    auth_file.write_text(text)
    with pytest.raises(StoreError, match="auth.json"):
        credentials.find("a.io")


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
