# SPDX-License-Identifier: Apache-2.0
"""login, push, pull and logout as people type them, at Debian's registry: open, with a password, with TLS."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from estiba.images import Image, Store

from .conftest import Running

MUELLE = Path(sys.executable).parent / "muelle"


def muelle(
    store: Store, *words: str, before: Sequence[str] = (), said: str = ""
) -> subprocess.CompletedProcess[str]:
    """Run a command line over a store."""
    command = [*before, str(MUELLE), "--store", store.root, *words]
    return subprocess.run(command, input=said, capture_output=True, text=True, timeout=60, check=False)


def done(store: Store, *words: str, said: str = "") -> str:
    """Run one that has to work; return what it prints."""
    made = muelle(store, *words, said=said)
    assert made.returncode == 0, made.stderr
    return made.stdout


def test_an_image_goes_to_a_registry_and_comes_back(
    store: Store, other: Store, web: Image, registry: Running
) -> None:
    """The digest is printed both times, and is the same; with -q it is all that is."""
    name = f"{registry.domain}/some/web:1"
    if registry.login:
        refused = muelle(store, "push", "web", name)
        assert (refused.returncode, refused.stdout) == (1, "")
        assert refused.stderr == (
            f'registry "{registry.domain}" wants a user and a password: access refused\n'
            f"hint: `muelle login {registry.domain}`, then again\n"
        )
        done(store, "login", "-u", "me", "--password-stdin", registry.domain, said="secret\n")
    assert done(store, "push", "web", name) == f"pushed: {name} {web.digest}\n"
    assert done(other, "pull", name) == f"pulled: {name} {web.digest}\n"
    assert done(other, "pull", "-q", name) == f"{web.id}\n"
    assert done(other, "push", "-q", name) == f"{web.digest}\n"
    assert done(other, "history", "-q", name) == done(store, "history", "-q", "web")
    assert done(other, "fsck") == "the store is sound\n"


def test_each_blob_is_told_of(store: Store, other: Store, web: Image, registry: Running) -> None:
    """A line for each, on standard error where there is no terminal: sent, taken over, there already."""
    if registry.login:
        done(store, "login", "-u", "me", "--password-stdin", registry.domain, said="secret")
    first, second = f"{registry.domain}/a:1", f"{registry.domain}/b:1"
    layers = [f"layer {one.digest[7:19]}: " for one in web.manifest.layers]

    def told(text: str) -> list[str]:
        return sorted(line.partition(": ")[2] for line in text.splitlines() if line.startswith("layer "))

    pushed = muelle(store, "push", "web", first)
    assert all(layer in pushed.stderr for layer in layers)
    assert all(line.endswith("B") for line in told(pushed.stderr))
    done(store, "tag", "web", first)
    again = muelle(store, "push", "web", second)
    assert told(again.stderr) == ["taken from another repository of the registry"] * 3
    again = muelle(store, "push", "web", second)
    assert told(again.stderr) == ["there already"] * 3
    assert told(muelle(other, "pull", first).stderr) == told(pushed.stderr)
    assert told(muelle(other, "pull", second).stderr) == ["there already"] * 3


def test_a_wrong_password_is_refused_and_not_kept(store: Store, registry: Running) -> None:
    """The right one is kept for the user alone, until logout."""
    if not registry.login:
        assert done(store, "login", "-u", "me", "-p", "any", registry.domain).startswith("logged in to ")
        return
    auth = Path(os.environ["REGISTRY_AUTH_FILE"])
    wrong = muelle(store, "login", "-u", "me", "--password-stdin", registry.domain, said="wrong")
    assert (wrong.returncode, wrong.stdout) == (1, "")
    assert wrong.stderr.splitlines()[0].startswith(
        f'registry "{registry.domain}": GET /v2/: 401 UNAUTHORIZED'
    )
    assert wrong.stderr.splitlines()[1] == "hint: is it the right user, and the right password?"
    assert not auth.exists()
    said = done(store, "login", "-u", "me", "--password-stdin", registry.domain, said="secret\n")
    assert said == f"logged in to {registry.domain}; the password is in {auth}\n"
    assert auth.stat().st_mode & 0o777 == 0o600
    assert list(json.loads(auth.read_text())["auths"]) == [registry.domain]
    assert done(store, "logout", registry.domain) == f"logged out of {registry.domain}\n"
    assert done(store, "logout", registry.domain) == f"not logged in to {registry.domain}\n"
    assert muelle(store, "push", "web", f"{registry.domain}/web").returncode == 1


def test_a_name_that_is_not_there_says_so(store: Store, other: Store, registry: Running) -> None:
    if registry.login:
        done(store, "login", "-u", "me", "--password-stdin", registry.domain, said="secret")
    made = muelle(other, "pull", f"{registry.domain}/none:1")
    assert (made.returncode, made.stdout) == (1, "")
    assert f'registry "{registry.domain}": GET /v2/none/manifests/1: 404 MANIFEST_UNKNOWN' in made.stderr
    assert "hint: is the name right?" in made.stderr
    assert done(other, "images", "-q") == ""


def test_a_certificate_that_nobody_vouches_for_is_refused(
    store: Store, other: Store, web: Image, distant: Running, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Unless it is given: by --cert-dir, or in the user's own folder; or nobody is to look, by --insecure."""
    name, before = f"{distant.domain}/web:1", ["nsenter", f"--net=/proc/{distant.pid}/ns/net"]
    refused = muelle(store, "push", "web", name, before=before)
    assert (refused.returncode, refused.stdout) == (1, "")
    assert refused.stderr.splitlines()[0].startswith(f'registry "{distant.domain}" does not answer: ')
    assert "certificate verify failed" in refused.stderr
    assert refused.stderr.splitlines()[1] == (
        "hint: put the certificate that vouches for it into "
        f"/etc/containers/certs.d/{distant.domain}/ca.crt, or name its folder by --cert-dir"
    )
    given, home = tmp_path / "given", tmp_path / "home"
    own = home / "containers/certs.d" / distant.domain
    for folder in (given, own):
        folder.mkdir(parents=True)
        shutil.copy(tmp_path / "tls.crt", folder / "ca.crt")
    pushed = muelle(store, "push", "--cert-dir", str(given), "web", name, before=before)
    assert (pushed.returncode, pushed.stdout) == (0, f"pushed: {name} {web.digest}\n")
    assert muelle(other, "pull", name, before=before).returncode == 1
    assert done(other, "images", "-q") == ""
    assert muelle(other, "pull", "--insecure", name, before=before).returncode == 0
    monkeypatch.setenv("XDG_CONFIG_HOME", str(home))
    assert muelle(other, "pull", name, before=before).returncode == 0
    made = muelle(other, "pull", "--cert-dir", "absent", name, before=before)
    assert made.stderr == '--cert-dir: "absent" is not a folder\n'
