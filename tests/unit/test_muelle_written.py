# SPDX-License-Identifier: Apache-2.0
"""Where save and export write: a file is replaced when its successor is whole, and nothing but a file is."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from estiba.errors import ArgumentInvalid
from estiba.muelle.written import written


def write(target: Path, data: bytes) -> None:
    """Write data there as save does."""
    with written("save", str(target)) as out:
        os.write(out, data)


def test_a_file_is_replaced_when_the_new_one_is_whole(tmp_path: Path) -> None:
    """What fails leaves the old one, and nothing beside it."""
    target = tmp_path / "made.tar"
    write(target, b"old")
    with pytest.raises(KeyboardInterrupt), written("save", str(target)) as out:
        os.write(out, b"half")
        raise KeyboardInterrupt
    assert (target.read_bytes(), os.listdir(tmp_path)) == (b"old", ["made.tar"])
    write(target, b"new")
    assert (target.read_bytes(), os.listdir(tmp_path)) == (b"new", ["made.tar"])


def test_what_is_no_file_is_written_to_and_stays(tmp_path: Path) -> None:
    """A FIFO here; /dev/null and /dev/stdout are of the kind."""
    target = tmp_path / "fifo"
    os.mkfifo(target)
    reader = os.open(target, os.O_RDONLY | os.O_NONBLOCK)
    try:
        write(target, b"archive")
        assert os.read(reader, 100) == b"archive"
    finally:
        os.close(reader)
    assert target.is_fifo()
    assert os.listdir(tmp_path) == ["fifo"]


def test_a_link_is_followed_and_stays(tmp_path: Path) -> None:
    """To a file that is there, and to one that is not yet."""
    (tmp_path / "elsewhere").mkdir()
    target = tmp_path / "link"
    target.symlink_to("elsewhere/made.tar")
    for data in (b"first", b"second"):
        write(target, data)
        assert target.is_symlink()
        assert (tmp_path / "elsewhere/made.tar").read_bytes() == data
    assert os.listdir(tmp_path / "elsewhere") == ["made.tar"]


@pytest.mark.parametrize(("target", "why"), [("folder", "EISDIR"), ("absent/made", "ENOENT")])
def test_a_target_that_cannot_be_written_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, target: str, why: str
) -> None:
    """And nothing is left beside it."""
    (tmp_path / "folder").mkdir()
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ArgumentInvalid, match=why) as caught:
        write(Path(target), b"")
    assert caught.value.message.startswith(f'save: "{target}": ')
    assert os.listdir(tmp_path) == ["folder"]
