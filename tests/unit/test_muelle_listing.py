# SPDX-License-Identifier: Apache-2.0
"""ps and containers: which are listed, in which order, and how they are printed."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from estiba.images import Store
from estiba.muelle import containers
from estiba.muelle.main import main

IMAGE = "sha256:" + 64 * "a"


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """A store with three containers that have ended, and one whose `run` was killed."""
    made = Store.open(tmp_path / "store")
    records: list[dict[str, Any]] = [
        {"name": "web", "reference": "web", "exitCode": 0, "labels": {"role": "front", "own": ""}},
        {"name": "db", "reference": "docker.io/library/db:1", "exitCode": 3, "labels": {"role": "back"}},
        {"name": "web-2", "reference": "web:latest", "exitCode": 0, "labels": {"role": "front"}},
        {"name": None, "reference": IMAGE[7:19], "image": IMAGE, "exitCode": None, "labels": {}},
    ]
    for number, record in enumerate(records):
        created = f"2026-01-01T00:00:00.00000{number}Z"
        kept, lock = containers.make(containers.folder_of(made), {"created": created, "parts": [], **record})
        (kept.folder / "remove").unlink()
        os.close(lock)
    return made


@pytest.fixture
def listed(store: Store, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> Callable[..., list[str]]:
    """Run `ps` and return its lines: names alone, unless a format is said."""

    def run(*args: str) -> list[str]:
        form = () if "--format" in args else ("--format", "{{.Names}}")
        assert main(["--store", store.root, "--root", str(tmp_path / "state"), "ps", *args, *form]) == 0
        return capfd.readouterr().out.splitlines()

    return run


@pytest.mark.parametrize(
    ("args", "names"),
    [
        ([], []),
        (["-a"], ["", "web-2", "db", "web"]),
        (["-l"], [""]),
        (["-n", "2"], ["", "web-2"]),
        (["-n", "9", "-f", "name=web"], ["web-2", "web"]),
        (["-f", "status=exited"], ["web-2", "db", "web"]),
        (["-f", "status=exited", "-f", "status=lost"], ["", "web-2", "db", "web"]),
        (["-f", "name=web"], []),
        (["-af", "name=^/web$"], ["web"]),
        (["-a", "-f", "name=db", "-f", "name=b-"], ["web-2", "db"]),
        (["-a", "-f", "label=role=front"], ["web-2", "web"]),
        (["-a", "-f", "label=role=front", "-f", "label=own"], ["web"]),
        (["-a", "-f", "ancestor=web"], ["web-2", "web"]),
        (["-a", "-f", "ancestor=db:1"], ["db"]),
        (["-a", "-f", "ancestor=aaaaaaaa"], [""]),
        (["-f", "exited=3"], ["db"]),
    ],
)
def test_ps_lists_what_is_asked_for(
    listed: Callable[..., list[str]], args: list[str], names: list[str]
) -> None:
    """Newest first; who asks for a status or the last ones means ended ones, too."""
    assert listed(*args) == names


def test_a_table_may_have_columns_of_ones_own(listed: Callable[..., list[str]]) -> None:
    """Their titles are the names of the fields, whose letters may be of any case."""
    lines = listed("-f", "exited=3", "--format", r"table {{.Names}}\t{{.image}}")
    assert lines == ["NAMES   IMAGE", "db      docker.io/library/db:1"]


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("statis=exited", '"statis" is no filter here', 'did you mean "status"?'),
        ("status=exitd", 'status is not "exitd"', 'did you mean "exited"?'),
        ("name", '"name" has no value', None),
        ("name=[", "name is no regular expression: unterminated character set at position 0", None),
    ],
)
def test_filters_that_mean_nothing_are_refused(
    store: Store, capfd: pytest.CaptureFixture[str], text: str, message: str, hint: str | None
) -> None:
    assert main(["--store", store.root, "ps", "-a", "--filter", text]) == 1
    said = f"--filter: {message}\n"
    assert capfd.readouterr() == ("", f"{said}hint: {hint}\n" if hint else said)
