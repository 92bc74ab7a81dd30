# SPDX-License-Identifier: Apache-2.0
"""What the options of `muelle build` mean, before anything is built."""

from __future__ import annotations

import io
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from estiba.errors import ArgumentInvalid, ReferenceInvalid
from estiba.muelle.building import context_of, text_of, wanted_by
from estiba.muelle.parse import Parsed, parse


def given(*args: str, context: str = ".") -> Parsed:
    """Return `muelle build ARGS CONTEXT`, parsed."""
    parsed = Parsed()
    parse(["build", *args, context], parsed)
    return parsed


def wanted(*args: str) -> Any:
    """Return what the options ask for."""
    return wanted_by(given(*args).options)


def test_options_reach_the_build(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each of them, in the builder's own types."""
    monkeypatch.setenv("HERE", "from here")
    monkeypatch.delenv("ABSENT", raising=False)
    asked = wanted(
        *("-t", "web", "-t", "localhost:5000/web:2", "--target", "base", "--no-cache", "--network", "none"),
        *("--build-arg", "A=1", "--build-arg", "HERE", "--build-arg", "ABSENT", "--label", "own=label"),
        *(
            "--compression",
            "zstd",
            "--compression-level",
            "7",
            "--timestamp",
            "0",
            "--platform",
            "linux/arm64",
        ),
    )
    assert asked.names == ("docker.io/library/web:latest", "localhost:5000/web:2")
    assert (asked.target, asked.uses_cache, asked.network) == ("base", False, "none")
    assert asked.arguments == {"A": "1", "HERE": "from here"}
    assert asked.labels == {"own": "label"}
    assert (asked.compression, asked.level, asked.epoch) == ("zstd", 7, 0)
    assert str(asked.platform) == "linux/arm64"


def test_nothing_asked_is_the_builders_default(monkeypatch: pytest.MonkeyPatch) -> None:
    """The host's network, gzip, the cache."""
    monkeypatch.delenv("SOURCE_DATE_EPOCH", raising=False)
    asked = wanted()
    assert (asked.network, asked.compression, asked.uses_cache, asked.epoch) == ("host", "gzip", True, None)
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "17")
    assert wanted().epoch == 17


def test_secrets_come_from_files_and_variables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By src, by env, or by what is called as the secret is."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TOKEN", "from the environment")
    monkeypatch.delenv("key", raising=False)
    (tmp_path / "file").write_bytes(b"from a file")
    (tmp_path / "key").write_bytes(b"called so")
    secrets = wanted(
        *("--secret", "id=one,src=file", "--secret", "id=two,env=TOKEN"),
        *("--secret", "id=TOKEN", "--secret", "id=key"),
    ).secrets
    assert secrets == {
        "one": b"from a file",
        "two": b"from the environment",
        "TOKEN": b"from the environment",
        "key": b"called so",
    }


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["--secret", "src=/etc/passwd"], '--secret: "src=/etc/passwd" has no id'),
        (["--secret", "id=a,sorce=b"], '--secret: "sorce" is not known'),
        (["--secret", "id=a,src=/absent"], '--secret: "/absent": absent (ENOENT)'),
        (["--secret", "id=a,env=ABSENT"], '--secret: the variable "ABSENT" is not set'),
        (["--build-arg", "=x"], '--build-arg: "=x" has no name before the ='),
        (["--label", "=x"], '--label: "=x" has no name before the ='),
    ],
)
def test_options_that_mean_nothing_are_refused(
    args: list[str], message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before a build begins."""
    monkeypatch.delenv("ABSENT", raising=False)
    with pytest.raises(ArgumentInvalid) as caught:
        wanted(*args)
    assert caught.value.message == message


def test_a_name_that_is_none_is_refused_before_the_build() -> None:
    """Not after an hour."""
    with pytest.raises(ReferenceInvalid):
        wanted("-t", "Web")


def test_standard_input_is_a_context_or_a_containerfile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A context where - stands in its place; a Containerfile where it stands in that of one, beside a folder."""
    stream = io.BytesIO(b"FROM scratch\n")
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=stream))
    assert context_of("-") is stream
    assert text_of(given("-f", "x").options, stream) is None
    assert text_of(given("-f", "x").options, str(tmp_path)) is None
    assert text_of(given("-f", "-").options, context_of(str(tmp_path))) == b"FROM scratch\n"


@pytest.mark.parametrize(
    ("context", "message"),
    [
        ("/absent", 'build: "/absent" is absent'),
        ("/etc/passwd", 'build: "/etc/passwd" is not a folder'),
        ("https://example.org/x.git", 'build: "https://example.org/x.git" is not a folder'),
    ],
)
def test_a_context_that_is_no_folder_is_refused(context: str, message: str) -> None:
    """With what it is instead."""
    with pytest.raises(ArgumentInvalid) as caught:
        context_of(context)
    assert caught.value.message == message
