# SPDX-License-Identifier: Apache-2.0
"""ADD from an address: what comes, what it becomes, what is found again, and what is said when it does not come."""

from __future__ import annotations

import hashlib
import io
import stat
import tarfile
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self

import pytest

from estiba.build.progress import Verdict
from estiba.errors import BuildFileInvalid
from support.builds import Site

MODIFIED = "Wed, 21 Oct 2015 07:28:00 GMT"
SECONDS = 1445412480


class Web:
    """A server of files; `asked` has the paths that were asked for."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.asked: list[str] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), type("Bound", (Handler,), {"web": self}))
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self.address = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class Handler(BaseHTTPRequestHandler):
    """One request."""

    web: Web

    def do_GET(self) -> None:
        """Answer with the file; /moved/X leads to /X, /cut/X ends in the middle of it."""
        self.web.asked.append(self.path)
        _, _, rest = self.path[1:].partition("/")
        if self.path.startswith("/moved/"):
            self.send_response(302)
            self.send_header("Location", f"/{rest}")
            self.end_headers()
            return
        data = self.web.files.get(
            (rest if self.path.startswith("/cut/") else self.path[1:]).partition("?")[0]
        )
        if data is None:
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("Content-Length", str(len(data)))
        self.send_header("Last-Modified", MODIFIED)
        self.end_headers()
        self.wfile.write(data[: len(data) // 2] if self.path.startswith("/cut/") else data)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@pytest.fixture
def site(folder: Path, prepared: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """A place to build at."""
    monkeypatch.setenv("ESTIBA_ROOT", str(folder / "state"))
    yield Site(folder, prepared)


@pytest.fixture
def web() -> Iterator[Web]:
    """A server with one file."""
    with Web() as made:
        made.files["file"] = b"from afar"
        yield made


def promised(data: bytes) -> str:
    """Return the option that promises these bytes."""
    return f"--checksum=sha256:{hashlib.sha256(data).hexdigest()}"


def test_a_file_is_fetched_with_its_time_and_for_root_alone(site: Site, web: Web) -> None:
    """Below a folder by the name in the address, else as the destination says; owner and mode can be said."""
    image = site.build(
        f"ADD {web.address}/file?x=1 /to/\nADD {web.address}/moved/file /as\n"
        f"ADD --chown=app --chmod=755 {web.address}/file /own\n"
    )
    files = site.files(image)
    found = files["to/file"]
    assert (stat.S_IMODE(found.st_mode), found.st_uid, int(found.st_mtime)) == (0o600, 0, SECONDS)
    assert files["as"].st_size == files["own"].st_size == len(b"from afar")
    assert (stat.S_IMODE(files["own"].st_mode), files["own"].st_uid) == (0o755, 7)


def test_what_was_promised_is_held_and_not_fetched_again(site: Site, web: Web) -> None:
    text = f"ADD {promised(b'from afar')} {web.address}/file /file\n"
    first = site.build(text)
    assert len(web.asked) == 1
    web.files["file"] = b"changed!!"
    assert site.build(text).digest == first.digest
    assert len(web.asked) == 1
    with pytest.raises(BuildFileInvalid) as raised:
        site.build(text, uses_cache=False)
    digest = hashlib.sha256(b"changed!!").hexdigest()
    assert f'"{web.address}/file" has the digest sha256:{digest}, not the promised one' in str(raised.value)
    assert raised.value.hint == "look at what has changed there before you take it"


def test_without_a_promise_the_content_decides(site: Site, web: Web) -> None:
    text = f"ADD {web.address}/file /file\n"
    site.build(text)
    site.build(text)
    assert site.verdicts()[text.strip()] == (Verdict.CACHED, None)
    web.files["file"] = b"changed"
    site.build(text)
    reason = f'the content of "{web.address}/file" has changed'
    assert site.verdicts()[text.strip()] == (Verdict.DONE, reason)


def test_an_archive_is_unpacked_only_where_that_is_said(site: Site, web: Web) -> None:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        archive.addfile(tarfile.TarInfo("inside"))
    web.files["a.tar.gz"] = packed.getvalue()
    files = site.files(
        site.build(f"ADD {web.address}/a.tar.gz /as/\nADD --unpack=true {web.address}/a.tar.gz /out/\n")
    )
    assert "as/a.tar.gz" in files and "out/inside" in files and "out/a.tar.gz" not in files


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("ADD {web}/none /x", '5: "{web}/none" cannot be fetched: 404 Not Found'),
        ("ADD {web}/cut/file /x", '5: "{web}/cut/file" cannot be fetched: it broke off at 4 of 9 bytes'),
        (
            "ADD http://127.0.0.1:1/x /x",
            '5: "http://127.0.0.1:1/x" cannot be fetched: nobody listens there (ECONNREFUSED)',
        ),
        ("ADD ftp://example.org/x /x", '5: "ftp://example.org/x" is no source of ADD'),
        ("ADD https://example.org/x.git /x", '5: "https://example.org/x.git" is no source of ADD'),
        ("ADD {web}/ /x/", '{at}: "{web}/" has no name for a file in it'),
        (
            "ADD " + promised(b"") + " passwd /x",
            "16: --checksum is for one source that is fetched, and no other",
        ),
    ],
)
def test_what_does_not_come_is_said_with_its_place(site: Site, web: Web, line: str, said: str) -> None:
    """File, line, column, address and cause; there is no image."""
    text = line.format(web=web.address)
    with pytest.raises(BuildFileInvalid) as raised:
        site.build(f"{text}\n")
    expected = said.format(web=web.address, at=text.rfind("/x/") + 1)
    assert str(raised.value) == f"Containerfile:4:{expected}"
    assert site.store.references.nameless() == []
