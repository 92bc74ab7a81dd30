# SPDX-License-Identifier: Apache-2.0
"""Who one is at a registry: credentials where other tools keep them, and what they are shown to."""

from __future__ import annotations

import base64
import json
import stat
from pathlib import Path

import pytest

from estiba.errors import RegistryRefused, StoreError
from estiba.images import Reference, Store
from estiba.images.reference import parse
from estiba.images.registry import credentials
from estiba.images.registry.auth import parse_challenge
from estiba.images.registry.credentials import Credentials
from estiba.images.registry.pull import pull
from estiba.images.registry.push import push
from support.registry import Handler, Registry


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
