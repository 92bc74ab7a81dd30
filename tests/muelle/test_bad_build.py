# SPDX-License-Identifier: Apache-2.0
"""Builds that cannot succeed: one sentence with its place, no image, what was there before still whole."""

from __future__ import annotations

import os
import pty
import re
import subprocess
from pathlib import Path

import pytest

from muelle.conftest import PROGRAM, Muelle
from support.registry import Registry

pytestmark = pytest.mark.requires("root")


@pytest.fixture
def web(folder: Path) -> Path:
    """A build context."""
    made = folder / "web"
    made.mkdir()
    (made / "file").write_text("x")
    return made


def refused(muelle: Muelle, web: Path, text: str, *words: str, code: int = 1) -> list[str]:
    """Build what fails, `web` staying what it was; return what is said of it."""
    before = muelle("images", "--format", "{{.Repository}} {{.ID}}").stdout
    (web / "Containerfile").write_text(text)
    done = muelle("build", "--progress", "quiet", "-t", "web", *words, web)
    assert (done.returncode, done.stdout) == (code, "")
    assert muelle("images", "--format", "{{.Repository}} {{.ID}}").stdout == before
    assert muelle("fsck").stdout == "the store is sound\n"
    assert [name for name in os.listdir(muelle.store / "tmp") if name != ".guard"] == []
    assert muelle.out("busybox", "echo", "on") == "on\n"
    return done.stderr.splitlines()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("FORM busybox\n", ['1:1: "FORM" is not an instruction', 'hint: did you mean "FROM"?']),
        ("", ["1:1: there is no FROM", "hint: begin with FROM IMAGE, or FROM scratch"]),
        (
            "FROM busybox\nCOPY file\n",
            ['2:6: COPY needs a source and a destination, and there is only "file"'],
        ),
        ("FROM busybox\nENV A\n", ['2:5: ENV "A" has no value', "hint: write A=VALUE"]),
        (
            "FROM busybox\nRUN --mount=type=cach,target=/x true\n",
            ['2:18: "cach" is not a type of mount', 'hint: did you mean "cache"?'],
        ),
        (
            "FROM busybox\nEXPOSE 80 99999\n",
            ['2:11: "99999" is not a port: 1 to 65535, the lower one first'],
        ),
    ],
)
def test_an_error_in_the_containerfile_has_its_place(
    own_store: Muelle, web: Path, text: str, said: list[str]
) -> None:
    """File, line, column; what was found, and what was expected."""
    assert refused(own_store, web, text) == [f"Containerfile:{said[0]}", *said[1:]]


def test_a_base_that_is_nowhere(own_store: Muelle, web: Path) -> None:
    """Neither in the store nor at its registry, in the registry's words; a name that is like it is proposed."""
    with Registry() as registry:
        name = f"{registry.domain}/none:1"
        said = (
            f'registry "{registry.domain}": GET /v2/none/manifests/1: 404 MANIFEST_UNKNOWN: no such manifest'
        )
        assert refused(own_store, web, f"FROM {name}\n") == [
            f'Containerfile:1:6: there is no image "{name}" in the store, and {said}',
            "hint: is the name right? a private repository may answer so, too",
        ]
    assert refused(own_store, web, "FROM 127.0.0.1:1/none\n")[0] == (
        'Containerfile:1:6: there is no image "127.0.0.1:1/none" in the store, and registry "127.0.0.1:1" does not answer: '
        "nobody listens there (ECONNREFUSED)"
    )


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("COPY absent /", '2:6: "absent" is not in the build context'),
        ("COPY file absent /to/", '2:11: "absent" is not in the build context'),
        ("COPY ab* /", '2:6: nothing in the build context matches "ab*"'),
        ("COPY --from=busybox /absent /", '2:21: "/absent" is not in "busybox"'),
    ],
)
def test_a_source_that_is_not_there(own_store: Muelle, web: Path, line: str, said: str) -> None:
    assert refused(own_store, web, f"FROM busybox\n{line}\n")[0] == f"Containerfile:{said}"


def test_a_run_that_fails_says_its_last_lines_and_how_to_enter(own_store: Muelle, web: Path) -> None:
    """The exit code is the program's; what it has written is there when one enters."""
    script = "RUN echo half > /half; seq 100; echo why >&2; exit 7"
    said = refused(own_store, web, f"FROM busybox\nRUN echo one > /one\n{script}\n", code=7)
    assert said[-3:-1] == ["why", f"Containerfile:3: {script}: RUN failed with exit code 7"]
    assert "100" in said
    found = re.fullmatch(
        r"hint: `muelle run -it --rm ([0-9a-f]{12}) sh` enters what this step has left", said[-1]
    )
    assert found
    assert own_store.out(found[1], "cat", "/one", "/half") == "one\nhalf\n"


@pytest.mark.parametrize(
    ("text", "code", "said"),
    [
        (
            'FROM busybox\nRUN ["/nope", "x"]\n',
            127,
            [
                'Containerfile:2: RUN ["/nope", "x"]: exec "/nope": no such file or directory',
                "hint: the path is looked up inside the container's root file system",
            ],
        ),
        (
            "FROM scratch\nCOPY file /\nRUN echo hi\n",
            127,
            [
                'Containerfile:3: RUN echo hi: exec "/bin/sh": no such file or directory',
                'hint: where there is no shell, write RUN ["/program", "argument"]',
            ],
        ),
        (
            'FROM busybox\nCOPY file /x\nRUN ["/x"]\n',
            126,
            ['Containerfile:3: RUN ["/x"]: exec "/x": permission denied'],
        ),
    ],
)
def test_a_run_whose_program_does_not_start(
    own_store: Muelle, web: Path, text: str, code: int, said: list[str]
) -> None:
    """The exit codes are those that a shell has for it."""
    assert refused(own_store, web, text, code=code)[: len(said)] == said


def test_every_problem_of_a_containerfile_is_told_at_once(own_store: Muelle, web: Path) -> None:
    """A line each, in the file's order, each with its hint."""
    assert refused(own_store, web, "FORM busybox\nRUN x\nCOPY a\n") == [
        'Containerfile:1:1: "FORM" is not an instruction',
        'hint: did you mean "FROM"?',
        "Containerfile:2:1: RUN stands before the first FROM",
        "hint: only ARG may",
        'Containerfile:3:6: COPY needs a source and a destination, and there is only "a"',
    ]


def test_on_a_terminal_the_last_lines_stay(own_store: Muelle, web: Path) -> None:
    """Where the display moves, what it showed of the step would be gone."""
    (web / "Containerfile").write_text("FROM busybox\nRUN echo why; exit 3\n")
    ours, theirs = pty.openpty()
    environ = {**own_store.environ, "TERM": "xterm", "COLUMNS": "100"}
    shown = b""
    with subprocess.Popen([PROGRAM, "build", web], env=environ, stdout=theirs, stderr=theirs) as process:
        os.close(theirs)
        try:
            while data := os.read(ours, 4096):
                shown += data
        except OSError:
            pass  # EIO: nobody has the other end any more
    os.close(ours)
    assert process.returncode == 3
    assert b"\rwhy\r\nContainerfile:2: RUN echo why; exit 3: RUN failed with exit code 3\r\n" in shown


def test_a_containerfile_is_looked_for_from_here(own_store: Muelle, web: Path) -> None:
    """One that is in the context is named whole."""
    (web / "Containerfile").write_text("FROM busybox\n")
    done = own_store("build", "-f", "Containerfile", web)
    assert done.stderr.splitlines() == [
        'cannot read "Containerfile": absent (ENOENT)',
        f'hint: it is looked for from here, not from the context: did you mean "{web}/Containerfile"?',
    ]
    assert own_store("build", "-f", "nowhere", web).stderr == 'cannot read "nowhere": absent (ENOENT)\n'


def test_a_run_that_a_signal_ends(own_store: Muelle, web: Path) -> None:
    """128 and its number."""
    said = refused(own_store, web, "FROM busybox\nRUN sh -c 'kill -9 $$'; exit $?\n", code=137)
    assert said[-2] == "Containerfile:2: RUN sh -c 'kill -9 $$'; exit $?: RUN failed with signal 9"


def test_a_base_whose_layer_is_damaged(own_store: Muelle, web: Path) -> None:
    """Its blob is named; what to do is said; what needs only its unpacked layer goes on."""
    assert own_store("prune", "-a").returncode == 0
    blobs = own_store.store / "oci/blobs/sha256"
    layer = max(blobs.iterdir(), key=lambda path: path.stat().st_size)
    whole = layer.read_bytes()
    layer.write_bytes(whole[:-1000] + bytes(1000))
    (web / "Containerfile").write_text("FROM busybox\nRUN true > /x\n")
    for words in (
        ["build", "-q", "-t", "web", web],
        ["run", "--rm", "busybox", "true"],
        ["bundle", "busybox", web / "bundle"],
        ["save", "-o", web / "x.tar", "busybox"],
        ["export", "-o", web / "x.tar", "busybox"],
    ):
        done = own_store(*words)
        assert (done.returncode, done.stdout) == (125 if words[0] == "run" else 1, "")
        assert f"sha256:{layer.name}" in done.stderr.splitlines()[0]
    assert sorted(os.listdir(web)) == ["Containerfile", "file"]
    done = own_store("fsck")
    assert done.returncode == 1
    assert f"sha256:{layer.name}" in done.stdout
    layer.write_bytes(whole)
    assert own_store("fsck").stdout == "the store is sound\n"
    assert own_store.out("busybox", "echo", "on") == "on\n"


def test_what_is_likely_not_meant_is_told_and_built_all_the_same(own_store: Muelle, tmp_path: Path) -> None:
    """An array that is none, and a --build-arg that nobody asks for."""
    (tmp_path / "Containerfile").write_text("FROM scratch\nARG USED\nCMD ['serve']\n")
    done = own_store("build", "--build-arg", "USED=1", "--build-arg", "UNSED=1", tmp_path)
    assert done.returncode == 0
    told = [line for line in done.stderr.splitlines() if line.startswith("warning: ")]
    assert told[0].startswith("warning: Containerfile:3:5: ")
    assert told[1:] == ["warning: --build-arg UNSED: no ARG of Containerfile asks for it"]


@pytest.mark.parametrize("word", ["SIGFOO", "999", "0"])
def test_a_stop_signal_that_is_none_is_refused(own_store: Muelle, tmp_path: Path, word: str) -> None:
    (tmp_path / "Containerfile").write_text(f"FROM scratch\nSTOPSIGNAL {word}\n")
    done = own_store("build", tmp_path)
    assert done.returncode == 1
    assert f'Containerfile:2:12: "{word}" is not a signal' in done.stderr
