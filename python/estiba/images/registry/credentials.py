# SPDX-License-Identifier: Apache-2.0
"""Who one is at a registry: Docker's config.json and podman's auth.json, read where these tools keep them.

A helper program that holds the password is asked as docker-credential-helpers says: its name is in the file.
"""

from __future__ import annotations

import base64
import binascii
import json
import os
import re
from typing import Any, NamedTuple

from estiba.errors import RegistryRefused, StoreError
from estiba.images.durable import read_bounded, replace_file
from estiba.images.reference import DEFAULT_DOMAIN

_DOCKER_KEY = "https://index.docker.io/v1/"
_LIMIT = 1 << 20
_HELPER = re.compile(r"[a-z0-9][a-z0-9._-]*")
_HELPER_SECONDS = 30


class Credentials(NamedTuple):
    """A user's name with a password, or a token that stands for both."""

    user: str = ""
    password: str = ""
    identity_token: str | None = None
    """An OAuth 2 refresh token."""


def find(domain: str, path: str = "") -> Credentials | None:
    """Return what the files say for a repository, None if nothing: podman's may name a part of a registry.

    Raises StoreError for a file that cannot be read, RegistryRefused for a helper that fails.
    """
    for name in _files():
        document = _read(name)
        auths = document.get("auths")
        for key in _keys(domain, path):
            if (helper := _helper(document, key)) and (found := _ask(helper, key)):
                return found
            entry = auths.get(key) if isinstance(auths, dict) else None
            if isinstance(entry, dict) and (found := _entry(entry, name, key)):
                return found
    return None


def save(domain: str, credentials: Credentials) -> str:
    """Write what `login` learned into the first of the files; return its path. Raises StoreError."""
    name = _files()[0]
    document = _read(name)
    entry: dict[str, str] = {}
    if credentials.identity_token:
        entry["identitytoken"] = credentials.identity_token
    pair = f"{credentials.user}:{credentials.password}".encode()
    entry["auth"] = base64.b64encode(pair).decode()
    document.setdefault("auths", {})[_keys(domain, "")[0]] = entry
    _write(name, document)
    return name


def forget(domain: str) -> bool:
    """Remove a registry's entries from all the files; return whether there was one. Raises StoreError."""
    found = False
    for name in _files():
        document = _read(name)
        auths = document.get("auths")
        if isinstance(auths, dict) and (keys := [key for key in _keys(domain, "") if key in auths]):
            for key in keys:
                del auths[key]
            _write(name, document)
            found = True
    return found


def _files() -> list[str]:
    """Return where credentials may be, podman's places before Docker's."""
    home = os.path.expanduser("~")
    if chosen := os.environ.get("REGISTRY_AUTH_FILE"):
        return [os.path.abspath(chosen)]
    if chosen := os.environ.get("DOCKER_CONFIG"):
        return [os.path.join(os.path.abspath(chosen), "config.json")]
    runtime = os.environ.get("XDG_RUNTIME_DIR") or f"/run/user/{os.getuid()}"
    config = os.environ.get("XDG_CONFIG_HOME") or os.path.join(home, ".config")
    places = [os.path.join(runtime, "containers"), os.path.join(config, "containers")]
    places = [os.path.join(place, "auth.json") for place in places if os.path.isdir(os.path.dirname(place))]
    return [*places, os.path.join(home, ".docker", "config.json")]


def _keys(domain: str, path: str) -> list[str]:
    """Return the names of a registry in these files, the narrowest first."""
    parts = path.split("/") if path else []
    narrow = ["/".join([domain, *parts[:count]]) for count in range(len(parts), 0, -1)]
    host = [_DOCKER_KEY, DEFAULT_DOMAIN, "index.docker.io"] if domain == DEFAULT_DOMAIN else [domain]
    return [*narrow, *host, f"https://{domain}", f"https://{domain}/v1/", f"https://{domain}/v2/"]


def _read(name: str) -> dict[str, Any]:
    try:
        document = json.loads(read_bounded(os.path.realpath(name), _LIMIT))
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except (OSError, ValueError) as error:
        raise StoreError(f'credentials "{name}" cannot be read: {error}') from error
    return document if isinstance(document, dict) else {}


def _write(name: str, document: dict[str, Any]) -> None:
    os.makedirs(os.path.dirname(name), 0o700, exist_ok=True)
    replace_file(os.path.realpath(name), json.dumps(document, indent=2).encode(), mode=0o600)


def _entry(entry: dict[str, Any], name: str, key: str) -> Credentials | None:
    token = entry.get("identitytoken") or None
    text = entry.get("auth")
    if not text:
        return Credentials(identity_token=token) if token else None
    try:
        user, _, password = base64.b64decode(text, validate=True).decode().rstrip("\0").partition(":")
    except (binascii.Error, UnicodeDecodeError, TypeError, ValueError) as error:
        raise StoreError(f'credentials "{name}": auths/{key}/auth: {error}') from None
    return Credentials(user, password, token)


def _helper(document: dict[str, Any], key: str) -> str | None:
    helpers = document.get("credHelpers")
    name = (helpers.get(key) if isinstance(helpers, dict) else None) or document.get("credsStore")
    return name if isinstance(name, str) and _HELPER.fullmatch(name) else None


def _ask(helper: str, key: str) -> Credentials | None:
    """Ask docker-credential-HELPER for a registry; it says no by its exit status."""
    import subprocess

    program = f"docker-credential-{helper}"
    try:
        done = subprocess.run(
            [program, "get"], input=key.encode(), capture_output=True, check=False, timeout=_HELPER_SECONDS
        )
        answer = json.loads(done.stdout) if done.returncode == 0 else {}
    except (OSError, ValueError, subprocess.TimeoutExpired) as error:
        raise RegistryRefused(f'"{program}", which the credentials name, failed: {error}') from error
    user, secret = answer.get("Username"), answer.get("Secret")
    if not secret:
        return None
    return Credentials(identity_token=secret) if user == "<token>" else Credentials(user or "", secret)
