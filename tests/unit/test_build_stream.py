# SPDX-License-Identifier: Apache-2.0
"""What a build is made from where it comes by a stream: a Containerfile alone, or an archive that anybody may have made."""

from __future__ import annotations

import bz2
import gzip
import io
import itertools
import lzma
import os
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from estiba.build.recipe.text import LONGEST
from estiba.build.source import Source, from_folder
from estiba.build.stream import from_stream
from estiba.errors import BuildFailed

FROM = b"FROM scratch\n"


def tar(*members: tuple[str, bytes | str | None]) -> bytes:
    """Make an archive of files (bytes), links (str), FIFOs (None)."""
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as archive:
        for name, content in members:
            member = tarfile.TarInfo(name)
            if isinstance(content, bytes):
                member.size = len(content)
                archive.addfile(member, io.BytesIO(content))
            else:
                member.type = tarfile.FIFOTYPE if content is None else tarfile.SYMTYPE
                member.linkname = content or ""
                archive.addfile(member)
    return made.getvalue()


Read = Callable[..., Source]


@pytest.fixture
def read(tmp_path: Path) -> Iterator[Read]:
    """Read a stream, as a build does."""
    opened: list[Source] = []
    numbers = itertools.count()

    def from_bytes(data: bytes, file: str | None = None) -> Source:
        aside = tmp_path / str(next(numbers))
        aside.mkdir()
        opened.append(from_stream(io.BytesIO(data), file, str(aside)))
        return opened[-1]

    yield from_bytes
    for source in opened:
        source.tree.close()


def refused(read: Read, data: bytes, file: str | None = None) -> BuildFailed:
    """Return what is said of a stream."""
    with pytest.raises(BuildFailed) as caught:
        read(data, file)
    return caught.value


def test_a_containerfile_alone_has_an_empty_context(read: Read) -> None:
    """Whatever the folder is that the command runs in."""
    source = read(FROM)
    assert (source.text, source.file) == (FROM, "Containerfile")
    assert os.listdir(source.tree.fd) == []


@pytest.mark.parametrize("compress", [bytes, gzip.compress, bz2.compress, lzma.compress])
def test_an_archive_is_the_context(read: Read, compress: Callable[[bytes], bytes]) -> None:
    """With its own Containerfile and ignore file; nothing of the archive itself is left."""
    files = [("Dockerfile", FROM), (".dockerignore", b"b\n"), ("a", b"1"), ("b", b"2")]
    source = read(compress(tar(*files)))
    assert (source.text, source.file) == (FROM, "Dockerfile")
    assert sorted(os.listdir(source.tree.fd)) == sorted(name for name, _ in files)
    assert (source.tree.rule_against("a"), str(source.tree.rule_against("b"))) == (None, "b")
    assert os.listdir(Path(f"/proc/self/fd/{source.tree.fd}").resolve().parent) == ["context"]


def test_a_file_of_the_archive_may_be_named(read: Read) -> None:
    """By its path in it; one beside it is its ignore file."""
    source = read(tar(("sub/x", FROM), ("sub/x.containerignore", b"c\n")), "sub/x")
    assert (source.text, source.file) == (FROM, "sub/x")
    assert str(source.tree.rule_against("c")) == "c"


def test_the_same_text_is_the_same_place(read: Read, tmp_path: Path) -> None:
    """By which a build knows what the one before was made of; the folder that it is unpacked in is always another."""
    assert read(FROM).place == read(tar(("Containerfile", FROM))).place != read(FROM + FROM).place
    with from_folder(str(tmp_path), text=FROM).tree as tree:
        assert tree.name == "the build context"


def test_no_containerfile_of_an_archive_leads_out_of_it(read: Read) -> None:
    """Nor is it anything but a regular file: a FIFO would make us wait, a device do what it does."""
    linked = refused(read, tar(("x", "/etc/passwd")), "x")
    assert linked.message == 'cannot read "x" of the archive: absent (ENOENT)'
    assert refused(read, tar(("x", None)), "x").message == '"x" of the archive is not a regular file'


def test_no_ignore_file_of_an_archive_leads_out_of_it(read: Read) -> None:
    """A link to a file of the host is a link to nothing; a FIFO is refused."""
    linked = read(tar(("Containerfile", FROM), (".containerignore", "/etc/passwd")))
    assert linked.tree.ignored.rules == ()
    error = refused(read, tar(("Containerfile", FROM), (".dockerignore", None)))
    assert error.message == '".dockerignore" of the archive is not a regular file'


def test_what_is_neither_is_refused(read: Read) -> None:
    """With what there would have to be."""
    assert refused(read, tar(("a", b""))).message == "there is no Containerfile or Dockerfile in the archive"
    long = refused(read, b"#" * (LONGEST + 1))
    assert long.message == "the stream is no archive, and has more than 4 MiB, which no Containerfile has"
    named = refused(read, FROM, "x")
    assert named.message == "a Containerfile by a stream has no other name"
    assert named.hint == "leave out --file, or send an archive with that file in it"


def test_a_damaged_archive_is_refused(read: Read) -> None:
    """Its head alone says that it is one."""
    whole = gzip.compress(tar(("Containerfile", FROM), ("a", os.urandom(9000))))
    assert refused(read, whole[:-3000]).message.startswith('the archive "archive": ')
