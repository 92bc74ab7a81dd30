# SPDX-License-Identifier: Apache-2.0
"""Bundles on disk: found, read, made, and what is said when they are not what they should be."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path
from typing import Any

import pytest

from estiba import spec
from estiba.bundle import Bundle
from estiba.errors import ConfigInvalid


def refusal(caught: pytest.ExceptionInfo[ConfigInvalid]) -> tuple[str, str | None]:
    """Read what the user reads."""
    return str(caught.value), caught.value.hint


def test_made_bundle_is_the_default_config_and_checks(tmp_path: Path) -> None:
    """Two calls to something that runs."""
    (tmp_path / "rootfs").mkdir()
    bundle = Bundle.make(tmp_path)
    bundle.check()
    assert bundle.config == spec.default_config()
    assert bundle.text == (tmp_path / "config.json").read_bytes()
    assert bundle.rootfs == tmp_path / "rootfs"


def test_make_takes_a_rootfs_from_elsewhere(tmp_path: Path) -> None:
    """The rest of the root section stays."""
    elsewhere = tmp_path / "image"
    elsewhere.mkdir()
    bundle = Bundle.make(tmp_path / "new" / "bundle", rootfs=elsewhere)
    bundle.check()
    assert bundle.rootfs == elsewhere
    assert json.loads(bundle.text)["root"] == {"path": str(elsewhere), "readonly": True}


def test_make_leaves_the_given_config_as_it_was(tmp_path: Path) -> None:
    """It may serve for many bundles."""
    config = spec.default_config()
    Bundle.make(tmp_path, rootfs="/somewhere", config=config)
    assert config == spec.default_config()


def test_make_never_overwrites_a_config(tmp_path: Path) -> None:
    """It may be the user's work."""
    (tmp_path / "config.json").write_text("mine")
    with pytest.raises(ConfigInvalid) as caught:
        Bundle.make(tmp_path)
    assert refusal(caught) == (
        f'"{tmp_path}/config.json" is there already',
        "remove it first, or name another folder",
    )
    assert (tmp_path / "config.json").read_text() == "mine"


def test_relative_bundle_is_taken_from_the_current_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And stays there when the program goes elsewhere."""
    Bundle.make(tmp_path / "b")
    monkeypatch.chdir(tmp_path)
    bundle = Bundle("b")
    monkeypatch.chdir("/")
    assert (bundle.path, bundle.rootfs) == (tmp_path / "b", tmp_path / "b" / "rootfs")


def test_missing_folder_is_named(tmp_path: Path) -> None:
    """In words for the command and the library alike."""
    with pytest.raises(ConfigInvalid) as caught:
        Bundle(tmp_path / "typo")
    assert refusal(caught) == (
        f'bundle "{tmp_path}/typo" is absent',
        "a bundle is the folder that holds config.json",
    )


def test_missing_config_is_told_from_a_missing_folder(tmp_path: Path) -> None:
    """The hint is another one."""
    with pytest.raises(ConfigInvalid) as caught:
        Bundle(tmp_path)
    assert refusal(caught) == (f'bundle "{tmp_path}" has no config.json', "`estiba spec` writes one")


def test_path_of_the_config_itself_gets_a_hint(tmp_path: Path) -> None:
    """A bundle is the folder."""
    Bundle.make(tmp_path)
    with pytest.raises(ConfigInvalid) as caught:
        Bundle(tmp_path / "config.json")
    assert refusal(caught) == (
        f'bundle "{tmp_path}/config.json" is not a folder',
        "name the folder that it is in",
    )


def test_config_that_is_a_folder_is_refused(tmp_path: Path) -> None:
    """As a bind mount of a missing file leaves it."""
    (tmp_path / "config.json").mkdir()
    with pytest.raises(ConfigInvalid) as caught:
        Bundle(tmp_path)
    assert refusal(caught) == (f'"{tmp_path}/config.json" is a folder, expected a file', None)


def test_config_that_is_no_json_names_file_line_and_column(tmp_path: Path) -> None:
    """With the path that an editor can open."""
    (tmp_path / "config.json").write_text('{\n"ociVersion" "1.2.0"}')
    with pytest.raises(ConfigInvalid) as caught:
        Bundle(tmp_path).check()
    assert str(caught.value) == f'{tmp_path}/config.json:2:14: expected ":" after the name, found "1.2.0"'


@pytest.mark.parametrize(
    ("path", "hint"),
    [
        ("rootfs", "the path is relative to the bundle: put the files there, or name another folder"),
        ("{}/elsewhere", None),
    ],
)
def test_missing_rootfs_says_what_the_path_resolved_to(tmp_path: Path, path: str, hint: str | None) -> None:
    """The config has only half of it."""
    config: Any = spec.default_config()
    config["root"]["path"] = path.format(tmp_path)
    bundle = Bundle.make(tmp_path / "b", config=config)
    with pytest.raises(ConfigInvalid) as caught:
        bundle.check()
    resolved = os.path.join(tmp_path, "b", path.format(tmp_path))
    assert refusal(caught) == (f'config.json /root/path: "{resolved}" is absent', hint)
    assert caught.value.pointer == "/root/path"


def test_rootfs_that_is_a_file_is_refused(tmp_path: Path) -> None:
    """An image that was not unpacked."""
    (tmp_path / "rootfs").write_text("")
    with pytest.raises(ConfigInvalid, match="is not a folder"):
        Bundle.make(tmp_path).check()


def test_check_raises_with_all_problems(tmp_path: Path) -> None:
    """So that a user mends them in one go."""
    config: Any = spec.default_config()
    config["process"]["args"] = []
    config["process"]["cwd"] = ""
    with pytest.raises(ConfigInvalid) as caught:
        Bundle.make(tmp_path, config=config).check()
    assert [problem.pointer for problem in caught.value.problems] == ["/process/args", "/process/cwd"]


@pytest.mark.parametrize("text", ["5", "{}", '{"root": {}}', '{"root": {"path": ""}}'])
def test_rootfs_of_a_config_without_one_is_the_problem_of_the_config(tmp_path: Path, text: str) -> None:
    """Not an AttributeError."""
    (tmp_path / "config.json").write_text(text)
    bundle = Bundle(tmp_path)
    with pytest.raises(ConfigInvalid):
        _ = bundle.rootfs


def test_a_file_that_is_too_long_for_a_config_is_refused(tmp_path: Path) -> None:
    """Before it fills the memory: it need not have an end."""
    with open(tmp_path / "config.json", "wb") as file:
        file.truncate(1 << 40)
    with pytest.raises(ConfigInvalid, match=f'^"{tmp_path}/config.json" is longer than 64 MiB$'):
        Bundle(tmp_path)
    with pytest.raises(ConfigInvalid, match='^"/dev/zero" is longer than 64 MiB$'):
        Bundle(tmp_path, config_file="/dev/zero")


@pytest.mark.parametrize("name", ["loop", "loop/b", "x" * 5000, "a\0b"])
def test_a_path_where_no_bundle_can_be_is_refused(tmp_path: Path, name: str) -> None:
    """With the kernel's reason, as every other one."""
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(ConfigInvalid, match="ELOOP|ENAMETOOLONG|NUL") as caught:
        Bundle(tmp_path / name)
    assert caught.value.errno in (errno.ELOOP, errno.ENAMETOOLONG, None)


@pytest.mark.parametrize("value", [object(), float("nan"), "\ud800", {1, 2}])
def test_a_config_that_is_no_json_makes_no_bundle(tmp_path: Path, value: object) -> None:
    """And no folder."""
    with pytest.raises(ConfigInvalid, match=r"^config.json: cannot be written as JSON: "):
        Bundle.make(tmp_path / "b", config={"ociVersion": value})
    assert list(tmp_path.iterdir()) == []


def test_a_bundle_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    """Nothing is left of it."""
    (tmp_path / "file").touch()
    for name, said in (("file", "is there already"), ("file/b", "ENOTDIR"), ("x" * 300, "ENAMETOOLONG")):
        with pytest.raises(ConfigInvalid, match=said):
            Bundle.make(tmp_path / name)
    assert [each.name for each in tmp_path.iterdir()] == ["file"]
