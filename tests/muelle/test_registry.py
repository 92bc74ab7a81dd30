# SPDX-License-Identifier: Apache-2.0
"""pull, push, login: at a registry that is in a bad mood, and on a terminal. A good one is in tests/interchange."""

from __future__ import annotations

import os
import pty
import subprocess
from pathlib import Path

import pytest

from muelle.conftest import PROGRAM, Muelle
from support.registry import Fault, Handler, Registry, largest

pytestmark = pytest.mark.requires("root")


def answering(status: int, part: str = "/v2/", words: bytes = b"") -> Fault:
    """Return a fault: this status for every path with `part` in it; and that one may come again at once."""

    def fault(handler: Handler) -> bool:
        if part not in handler.path:
            return False
        handler.answer(status, words, Retry_After="0")
        return True

    return fault


def stopping(name: str, data: bytes) -> Fault:
    """Return a fault: each answer with this blob ends after a thousand bytes more."""

    def fault(handler: Handler) -> bool:
        if name not in handler.path or handler.command != "GET":
            return False
        start = int(handler.headers.get("Range", "bytes=0-").removeprefix("bytes=").split("-")[0])
        handler.cut(data[start:], 1000)
        return True

    return fault


def untouched(muelle: Muelle) -> None:
    """Hold that the store is as sound and as empty as it was."""
    assert muelle("images", "-aq").stdout == ""
    assert muelle("fsck").stdout == "the store is sound\n"
    assert os.listdir(muelle.store / "tmp") == []


REFUSALS = {
    "unknown": (401, "/v2/", b"", "HEAD /v2/web/manifests/1: 401", "`muelle login {domain}`, then again"),
    "absent": (
        404,
        "/manifests/",
        b'{"errors":[{"code":"MANIFEST_UNKNOWN","message":"manifest unknown"}]}',
        "GET /v2/web/manifests/1: 404 MANIFEST_UNKNOWN: manifest unknown",
        "is the name right? a private repository may answer so, too",
    ),
    "limited": (
        429,
        "/v2/web/blobs/{layer}",
        b'{"errors":[{"code":"TOOMANYREQUESTS","message":"slow down"}]}',
        "GET /v2/web/blobs/{layer}: 429 TOOMANYREQUESTS: slow down",
        "the registry limits how much one may ask; log in, or wait",
    ),
    "broken": (500, "/manifests/", b"", "HEAD /v2/web/manifests/1: 500", None),
}
"""Status, where it is answered, the registry's words; what is said, and the hint."""


@pytest.mark.parametrize("case", REFUSALS)
def test_a_pull_that_is_refused_says_what_the_registry_says(
    own_store: Muelle, registry: Registry, case: str
) -> None:
    """One line with the status and its words, one hint; in the store is what was there."""
    status, part, words, message, hint = REFUSALS[case]
    facts = {"domain": registry.domain, "layer": largest(registry)}
    registry.faults.append(answering(status, part.format(**facts), words))
    done = own_store("pull", "-q", f"{registry.domain}/web:1")
    said = f'registry "{registry.domain}": {message.format(**facts)}'
    expected = [said, *([f"hint: {hint.format(**facts)}"] if hint else [])]
    assert (done.returncode, done.stdout, done.stderr.splitlines()) == (1, "", expected)
    untouched(own_store)


def test_a_pull_that_breaks_off_each_time_says_how_far_it_came(own_store: Muelle, registry: Registry) -> None:
    """It goes on where it stopped, five times; then it gives up, and no name leads to anything."""
    name = largest(registry)
    data = registry.blobs[name]
    registry.faults.append(stopping(name, data))
    done = own_store("pull", f"{registry.domain}/web:1")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.splitlines()[-1].startswith(
        f'registry "{registry.domain}": blob {name} broke off 5 times, last at 5000 of {len(data)} bytes: '
    )
    untouched(own_store)


def test_a_blob_that_lies_is_caught(own_store: Muelle, registry: Registry) -> None:
    """Its digest and that of the bytes are said."""
    name = largest(registry)
    registry.blobs[name] = registry.blobs[name][:-1] + b"x"
    done = own_store("pull", f"{registry.domain}/web:1")
    assert (done.returncode, done.stdout) == (1, "")
    assert f"blob {name}: its bytes are sha256:" in done.stderr
    untouched(own_store)


@pytest.mark.parametrize(
    ("status", "words"), [(401, "401"), (403, "403"), (429, "429"), (500, "500"), (507, "507")]
)
def test_a_push_that_is_refused_says_so(
    own_store: Muelle, registry: Registry, status: int, words: str
) -> None:
    """The registry's tag stays where it was, and the store as well."""
    assert own_store("pull", "-q", f"{registry.domain}/web:1").returncode == 0
    before = dict(registry.manifests)
    registry.blobs.clear()
    registry.faults.append(
        answering(status, "/uploads/", b'{"errors":[{"code":"NO","message":"not today"}]}')
    )
    done = own_store("push", f"{registry.domain}/web:1", f"{registry.domain}/other:1")
    assert (done.returncode, done.stdout) == (1, "")
    line = done.stderr.splitlines()[0]
    assert line == f'registry "{registry.domain}": POST /v2/other/blobs/uploads/: {words} NO: not today'
    assert registry.manifests == before
    assert own_store("fsck").returncode == 0


def test_a_name_moves_only_when_all_is_there(own_store: Muelle, registry: Registry) -> None:
    """What it stood for stays, with its layers, when a pull of a newer one fails."""
    name = f"{registry.domain}/web:1"
    assert own_store("pull", "-q", name).returncode == 0
    (own_store.store.parent / "Containerfile").write_text(f"FROM {name}\nRUN echo new > /new\n")
    assert own_store("build", "-q", "-t", "newer", own_store.store.parent).returncode == 0
    assert own_store("push", "-q", "newer", name).returncode == 0
    assert own_store("rmi", "newer").returncode == 0
    assert own_store("prune", "-a").returncode == 0
    registry.faults.append(answering(404, "/v2/web/blobs/"))
    done = own_store("pull", name)
    assert done.returncode == 1
    assert own_store("history", "--versions", name).stdout.count("pull") == 1
    assert own_store.out(name, "sh", "-c", "test ! -e /new && echo old") == "old\n"


def test_an_image_of_another_platform_than_is_asked_for_is_fetched(
    own_store: Muelle, registry: Registry
) -> None:
    """As if there were none; what the name stands for stays where there is none at the registry either."""
    name = f"{registry.domain}/web:1"
    assert own_store("pull", "-q", name).returncode == 0
    assert own_store.run("--rm", "--platform", "linux/amd64", name, "true").returncode == 0
    done = own_store.run("--rm", "--platform", "linux/arm64", name, "true")
    assert done.stderr.splitlines()[-2] == f'"{name}" is for linux/amd64, not for linux/arm64'
    registry.faults.append(answering(404, "/manifests/"))
    done = own_store.run("--rm", "--platform", "linux/arm64", name, "true")
    assert done.stderr.startswith(
        f'"{name}" is for linux/amd64, not for linux/arm64, and registry "{registry.domain}": GET '
    )
    done = own_store.run("--rm", "--pull", "never", "--platform", "linux/arm64", name, "true")
    assert done.stderr.startswith(f'"{name}" is for linux/amd64, not for linux/arm64\n')
    assert own_store.out(name, "echo", "well") == "well\n"


def pulling(folder: Path, name: str) -> dict[str, tuple[str | Path, ...]]:
    """Return the verbs that fetch an image by themselves; what follows their own name goes behind each."""
    (folder / "Containerfile").write_text(f"FROM {name}\nLABEL a=b\n")
    return {
        "run": ("--rm", name, "true"),
        "build": ("-q", folder),
        "bundle": (name, folder / "made"),
    }


@pytest.mark.parametrize("verb", ["run", "build", "bundle"])
def test_verbs_that_fetch_an_image_take_what_pull_takes(
    own_store: Muelle, registry: Registry, folder: Path, verb: str
) -> None:
    """Plain HTTP from a registry elsewhere, here behind a proxy, only by --insecure; certificates by --cert-dir."""
    for name in ("no_proxy", "NO_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"):
        own_store.environ.pop(name, None)
    own_store.environ["http_proxy"] = f"http://{registry.domain}"
    words = pulling(folder, "nowhere.invalid/web:1")[verb]
    refused = own_store(verb, *words)
    assert '"nowhere.invalid" has no address that can be found' in refused.stderr
    assert own_store(verb, "--cert-dir", "absent", *words).stderr == '--cert-dir: "absent" is not a folder\n'
    (folder / "broken.crt").write_text("none")
    refused = own_store(verb, "--cert-dir", folder, *words)
    assert f'certificate "{folder}/broken.crt" cannot be read: ' in refused.stderr
    assert registry.log == []
    done = own_store(verb, "--insecure", *words)
    assert done.returncode == 0, done.stderr


def test_login_at_a_registry_that_knows_nobody_keeps_nothing(own_store: Muelle, registry: Registry) -> None:
    """Whatever it says."""
    for auth in ("basic", "bearer"):
        registry.auth = auth
        done = own_store("login", "-u", "me", "--password-stdin", registry.domain, input="wrong")
        assert (done.returncode, done.stdout) == (1, "")
        assert "401" in done.stderr.splitlines()[0]
        assert done.stderr.splitlines()[1] == "hint: is it the right user, and the right password?"
        kept = Path(own_store.environ["REGISTRY_AUTH_FILE"])
        assert not kept.exists() or registry.domain not in kept.read_text()
        done = own_store("login", "-u", "me", "--password-stdin", registry.domain, input="secret")
        assert done.returncode == 0, done.stderr
        assert own_store("pull", "-q", f"{registry.domain}/web:1").returncode == 0
        assert own_store("logout", registry.domain).returncode == 0
    done = own_store("login", "-u", "me", registry.domain)
    assert done.stderr.splitlines()[0] == "login: the password is missing"


def test_a_terminal_shows_bars_and_keeps_a_line_for_each_blob(own_store: Muelle, registry: Registry) -> None:
    """The name is printed once more, on standard output."""
    ours, theirs = pty.openpty()
    environ = {**own_store.environ, "TERM": "xterm", "COLUMNS": "100"}
    words: list[str | Path] = [PROGRAM, "pull", f"{registry.domain}/web:1"]
    with subprocess.Popen(words, env=environ, stdin=theirs, stdout=subprocess.PIPE, stderr=theirs) as process:
        os.close(theirs)
        shown = b""
        try:
            while data := os.read(ours, 4096):
                shown += data
        except OSError:
            pass  # EIO: nobody has the other end any more
        assert process.stdout
        said = process.stdout.read().decode()
    os.close(ours)
    assert process.returncode == 0
    assert said.startswith(f"pulled: {registry.domain}/web:1 sha256:")
    digits = largest(registry).removeprefix("sha256:")[:12]
    assert f"layer {digits}: ".encode() in shown
    assert b"\x1b[" in shown
