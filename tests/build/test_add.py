# SPDX-License-Identifier: Apache-2.0
"""ADD from an address: what comes, what it becomes, what is found again, and what is said when it does not come."""

from __future__ import annotations

import hashlib
import io
import stat
import tarfile
import threading
from collections.abc import Iterator
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self

import pytest

from estiba.build.progress import Verdict
from estiba.errors import BuildFileInvalid
from estiba.images.collect import prune
from support.builds import Site

MODIFIED = "Wed, 21 Oct 2015 07:28:00 GMT"
SECONDS = 1445412480


class Web:
    """A server of files; `asked` has the paths that were asked for, `on` what each was asked for on, `sent` the answers."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.asked: list[str] = []
        self.on: list[str | None] = []
        self.sent: list[int] = []
        self.headers = {"Last-Modified": MODIFIED}
        """Of each file."""
        self.has_etags = False
        """Whether they have ETags, too."""
        self.moved: str | None = None
        """The server that /moved/ leads to, if it is another."""
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
        self.web.on.append(self.headers["If-None-Match"] or self.headers["If-Modified-Since"])
        _, _, rest = self.path[1:].partition("/")
        if self.path.startswith("/moved/"):
            self.send_response(302)
            self.send_header(
                "Location", f"{self.web.moved or self.web.address}/{rest}?signed={len(self.web.asked)}"
            )
            self.end_headers()
            return
        data = self.web.files.get(
            (rest if self.path.startswith("/cut/") else self.path[1:]).partition("?")[0]
        )
        if data is None:
            self.send_error(404)
            return
        headers = dict(self.web.headers)
        if self.web.has_etags:
            headers["ETag"] = f'"{hashlib.sha256(data).hexdigest()}"'
        if self.web.on[-1] is not None and self.web.on[-1] in headers.values():
            self.send_response(304)
            self.end_headers()
            return
        self.send_response(200)
        self.send_header("Content-Length", str(len(data)))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data[: len(data) // 2] if self.path.startswith("/cut/") else data)

    def send_response(self, code: int, message: str | None = None) -> None:
        """Note each answer."""
        self.web.sent.append(code)
        super().send_response(code, message)

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
    web.headers.clear()
    text = f"ADD {web.address}/file /file\n"
    site.build(text)
    site.build(text)
    assert site.verdicts()[text.strip()] == (Verdict.CACHED, None)
    web.files["file"] = b"changed"
    site.build(text)
    reason = f'the content of "{web.address}/file" has changed'
    assert site.verdicts()[text.strip()] == (Verdict.DONE, reason)


@pytest.mark.parametrize("has_etags", [True, False])
def test_what_has_not_changed_is_asked_for_and_not_sent_again(
    site: Site, web: Web, *, has_etags: bool
) -> None:
    """By its ETag, else by its time; a step that has to be done again takes what is kept, with its time."""
    web.has_etags = has_etags
    text = f"ADD {web.address}/file /file\n"
    first = site.build(text)
    assert site.build(text).digest == first.digest
    assert (web.sent, site.verdicts()[text.strip()]) == ([200, 304], (Verdict.CACHED, None))
    image = site.build(f"RUN echo > /new\n{text}")
    found = site.files(image, layers=1)["file"]
    assert (stat.S_IMODE(found.st_mode), int(found.st_mtime), found.st_size) == (0o600, SECONDS, 9)
    assert web.sent == [200, 304, 304]
    if has_etags:
        web.files["file"] = b"changed"
        assert site.files(site.build(text))["file"].st_size == len(b"changed")
        assert site.build(text).digest != first.digest
        assert web.sent[3:] == [200, 304]
    site.build(text, uses_cache=False)
    assert (web.on[-1], web.sent[-1]) == (None, 200)


def test_a_kept_file_with_the_promised_digest_is_not_asked_for(site: Site, web: Web) -> None:
    text = f"ADD {promised(b'from afar')} {web.address}/file /file\n"
    site.build(text)
    image = site.build(f"RUN echo > /new\n{text}")
    assert (site.files(image, layers=1)["file"].st_size, web.sent) == (9, [200])


def test_a_kept_file_that_is_damaged_or_gone_is_fetched_again(site: Site, web: Web) -> None:
    """It is held against its digest; and what comes instead against the one that it had."""
    text = f"ADD {web.address}/file /file\n"
    site.build(text)
    blob = Path(site.store.blobs.path(f"sha256:{hashlib.sha256(b'from afar').hexdigest()}"))
    blob.write_bytes(b"from aFar")
    image = site.build(f"RUN echo 1 > /new\n{text}")
    assert (site.files(image, layers=1)["file"].st_size, web.sent) == (9, [200, 304, 200])
    web.files["file"] = b"changed"
    with pytest.raises(BuildFileInvalid) as raised:
        site.build(f"RUN echo 2 > /new\n{text}")
    assert str(raised.value).endswith(", and had another when it was asked")
    site.build(text)
    site.store.blobs.remove(f"sha256:{hashlib.sha256(b'changed').hexdigest()}")
    site.build(text)
    assert web.sent[3:] == [304, 200, 304, 200]


@pytest.mark.parametrize("headers", [{}, {"ETag": "bare"}, {"Last-Modified": "now"}])
def test_what_cannot_be_told_from_what_comes_after_it_is_not_kept(
    site: Site, web: Web, headers: dict[str, str]
) -> None:
    """A time of this minute may be that of the next file, too."""
    web.headers = {
        name: formatdate(usegmt=True) if value == "now" else value for name, value in headers.items()
    }
    before = set(site.store.blobs.iterate())
    text = f"ADD {web.address}/file /file\n"
    site.build(text)
    site.build(text)
    assert (web.on, web.sent) == ([None, None], [200, 200])
    assert f"sha256:{hashlib.sha256(b'from afar').hexdigest()}" not in {*site.store.blobs.iterate()} - before


def test_only_where_a_file_came_from_is_asked_on_its_etag(site: Site, web: Web) -> None:
    """A signed address is the same place; another server knows nothing of it."""
    web.has_etags = True
    text = f"ADD {web.address}/moved/file /file\n"
    site.build(text)
    site.build(text)
    assert web.sent == [302, 200, 302, 304]
    assert web.on[2] is None and web.on[3] is not None
    with Web() as other:
        other.files, other.has_etags, web.moved = web.files, True, other.address
        site.build(text)
        assert (other.on, other.sent) == ([None], [200])
        assert site.verdicts()[text.strip()] == (Verdict.CACHED, None)


def test_kept_files_go_with_the_cache(site: Site, web: Web) -> None:
    site.build(f"ADD {web.address}/file /file\n")
    blob = f"sha256:{hashlib.sha256(b'from afar').hexdigest()}"
    assert blob not in prune(site.store).blobs
    assert site.store.blobs.has(blob)
    assert blob in prune(site.store, cache=True).blobs
    assert not site.store.blobs.has(blob)


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
