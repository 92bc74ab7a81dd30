# SPDX-License-Identifier: Apache-2.0
"""The Python door where it needs no container: texts, exit codes, the log, files."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from estiba.cli import listing, ps, report, unforeseen, update
from estiba.cli.main import VERBS, main
from estiba.cli.parse import Options, Refusal
from estiba.errors import HostUnsupported
from estiba.spec import default_config


def command(*args: str, where: Path, text: str = "") -> subprocess.CompletedProcess[str]:
    """Run the Python door."""
    line = [sys.executable, "-m", "estiba", *args]
    return subprocess.run(line, cwd=where, input=text, capture_output=True, text=True, check=False)


def test_spec_writes_a_config_that_validates(tmp_path: Path) -> None:
    """What we write, we accept."""
    assert main(["spec", "--bundle", str(tmp_path)]) == 0
    assert main(["validate", "--bundle", str(tmp_path)]) == 0


def test_spec_never_writes_over_a_config(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A second `spec` leaves the first file alone and says so."""
    config = tmp_path / "config.json"
    config.write_text("{}")
    assert main(["spec", "-b", str(tmp_path)]) == 1
    expected = f'"{config}" is there already\nhint: remove it first, or name another folder\n'
    assert (capsys.readouterr().err, config.read_text()) == (expected, "{}")


def test_spec_leaves_no_half_written_config(tmp_path: Path) -> None:
    """Where no more than a part of it has room."""
    line = ["prlimit", "--fsize=100", sys.executable, "-m", "estiba", "spec"]
    done = subprocess.run(line, cwd=tmp_path, stderr=subprocess.PIPE, text=True, check=False)
    assert (done.returncode, done.stderr) == (
        1,
        'cannot write "config.json": the file is too large (EFBIG)\n',
    )
    assert list(tmp_path.iterdir()) == []


def test_spec_writes_where_config_says(tmp_path: Path) -> None:
    """As create and run read it."""
    assert main(["spec", "--config", str(tmp_path / "other.json")]) == 0
    assert [path.name for path in tmp_path.iterdir()] == ["other.json"]


def test_validate_prints_every_problem_in_order(tmp_path: Path) -> None:
    """Standard input, all problems, exit code 1, nothing on stderr."""
    done = command(
        "validate", "-", where=tmp_path, text='{"ociVersion":"1.0.2","root":{"path":1},"process":1}'
    )
    pointers = re.findall(r"^standard input:1:\d+: (\S+):", done.stdout, re.MULTILINE)
    assert (done.returncode, pointers, done.stderr) == (1, ["/root/path", "/process"], "")


def test_validate_prints_json_for_programs(tmp_path: Path) -> None:
    """Each problem with its place, pointer, message and hint."""
    done = command("validate", "--format", "json", "-", where=tmp_path, text='{"ociVersion":1}')
    assert {frozenset(problem) for problem in json.loads(done.stdout)} == {
        frozenset(("level", "line", "column", "pointer", "message", "hint"))
    }


def test_help_of_every_verb_goes_to_standard_output(capsys: pytest.CaptureFixture[str]) -> None:
    """podman asks for `VERB --help` and looks at the exit code."""
    assert main(["exec", "--help"]) == 0
    output = capsys.readouterr()
    assert (output.out.splitlines()[0], output.err) == ("usage: estiba exec [OPTION...] ID [COMMAND...]", "")


def test_version_is_what_callers_parse(capsys: pytest.CaptureFixture[str]) -> None:
    """dockerd reads "NAME version VERSION" and "spec: VERSION"."""
    main(["--version"])
    assert re.fullmatch(r"estiba version \S+\nspec: 1\.\d+\.\d+\n", capsys.readouterr().out)


def test_features_has_what_containerd_asks_for(capsys: pytest.CaptureFixture[str]) -> None:
    """Mounts with mapped ids and recursive read-only mounts."""
    main(["features"])
    features = json.loads(capsys.readouterr().out)
    assert features["linux"]["mountExtensions"]["idmap"]["enabled"] is True
    assert "rro" in features["mountOptions"]


def test_features_tells_of_each_part_that_is_there(capsys: pytest.CaptureFixture[str]) -> None:
    """Whether the runtime has it; whether the host does is another question (features-linux.md)."""
    main(["features"])
    linux = json.loads(capsys.readouterr().out)["linux"]
    there = {name for name, part in {**linux, **linux["cgroup"]}.items() if part in (True, {"enabled": True})}
    assert "MPOL_BIND" in linux["memoryPolicy"]["modes"]
    assert there == {"apparmor", "selinux", "v1", "v2", "rdma", "systemd", "systemdUser"}


def test_a_word_that_is_not_utf_8_is_named_by_its_number(tmp_path: Path) -> None:
    """As the native command names it."""
    done = command("state", "caf\udce9", where=tmp_path)
    assert (done.returncode, done.stderr) == (1, 'argument 2 is not UTF-8: "caf\\xe9"\n')


def test_log_as_json_has_one_record_with_the_whole_cause(tmp_path: Path) -> None:
    """containerd shows the message of the last record of level error."""
    log = tmp_path / "log.json"
    command("--log", str(log), "--log-format", "json", "validate", "absent.json", where=tmp_path)
    [record] = [json.loads(line) for line in log.read_text().splitlines()]
    assert record["level"] == "error"
    assert record["msg"] == 'cannot read config "absent.json": absent (ENOENT)'
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", record["time"])


def test_log_as_text_is_logfmt(tmp_path: Path) -> None:
    """Time, level and quoted message."""
    assert re.fullmatch(
        r'time="[0-9TZ:-]+" level=error msg="a \\"b\\""\n', report.record("error", 'a "b"', as_json=False)
    )


def test_without_log_there_is_no_log(tmp_path: Path) -> None:
    """A failure leaves no file."""
    command("start", where=tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_refusal_is_logged_too(tmp_path: Path) -> None:
    """Global options that were read before the mistake count."""
    log = tmp_path / "log"
    command("--log", str(log), "nonsense", where=tmp_path)
    assert '\\"nonsense\\" is not a command' in log.read_text()


def test_a_log_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    """The failure itself is told all the same."""
    done = command("--log", "no/log", "start", where=tmp_path)
    expected = 'estiba start: ID is missing\nhint: see `estiba start --help`\ncannot write the log "no/log": '
    assert done.stderr == expected + "absent (ENOENT)\n"


def test_what_nobody_foresaw_is_one_line_and_a_log_record(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """And a traceback for who asks for it."""
    monkeypatch.setitem(VERBS, "features", "features:nothing")
    monkeypatch.setattr(os, "dup2", lambda *_: None)  # pytest captures the descriptor
    log = tmp_path / "log"
    assert main(["--log", str(log), "features"]) == 1
    said = "unforeseen AttributeError: module 'estiba.cli.features' has no attribute 'nothing' (estiba/command_line/run.py:"
    error = capsys.readouterr().err
    assert error.startswith(said)
    assert error.splitlines()[1:] == [f"hint: {unforeseen.HINT}"]
    assert said in log.read_text()
    main(["--debug", "features"])
    error = capsys.readouterr().err
    assert error.startswith("Traceback (most recent call last):\n")
    assert said in error


def test_output_that_cannot_be_written_is_told_in_the_words_of_the_house(tmp_path: Path) -> None:
    """The kernel's own are an interface."""
    with open("/dev/full", "w", encoding="ascii") as full:
        line = [sys.executable, "-m", "estiba", "features"]
        done = subprocess.run(line, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    said = "cannot write standard output: no space or quota left (ENOSPC)\n"
    assert (done.returncode, done.stderr) == (1, said)


def test_a_failure_keeps_its_exit_code_where_nobody_can_be_told(tmp_path: Path) -> None:
    """Standard error may be full, too, and the log."""
    for verb, code in (("exec", 255), ("state", 1), ("list", 1)):
        with open("/dev/full", "w", encoding="ascii") as full:
            line = [sys.executable, "-m", "estiba", "--root", str(tmp_path), verb, "--nothing"]
            assert subprocess.run(line, stderr=full, check=False).returncode == code
    done = command("--log", "/dev/full", "start", where=tmp_path)
    assert done.stderr.endswith('cannot write the log "/dev/full": no space or quota left (ENOSPC)\n')
    assert "Traceback" not in done.stderr


def test_table_is_laid_out_as_runc_does() -> None:
    """Columns at least 12 wide with three spaces between, the last one unpadded."""
    rows = [["ID", "PID", "OWNER"], ["a-long-container", "1", "root"]]
    assert listing.table(rows) == (
        "ID                 PID         OWNER\na-long-container   1           root\n"
    )


def test_ps_keeps_the_container_and_its_threads() -> None:
    """Lines of other processes go, threads follow their process."""
    text = "UID PID CMD\nroot 1 init\nroot 7 sh\nroot - -\nroot 8 other\nroot - -\n"
    assert ps.select(text, {7}) == "UID PID CMD\nroot 7 sh\nroot - -\n"


def test_ps_needs_a_pid_column() -> None:
    """Without one nobody can tell whose process it is."""
    with pytest.raises(HostUnsupported, match="the output of ps\\(1\\) has no PID column"):
        ps.select("CMD\nsh\n", {1})


@pytest.mark.parametrize(
    ("text", "bytes_"),
    [
        ("-1", -1),
        ("512", 512),
        ("512b", 512),
        ("4k", 4096),
        ("64M", 64 << 20),
        ("2GiB", 2 << 30),
        ("1gb", 1 << 30),
        ("1.5g", 3 << 29),
        ("9007199254740993", 2**53 + 1),
    ],
)
def test_memory_is_read_with_its_unit(text: str, bytes_: int) -> None:
    """As people write it for other runtimes."""
    assert update.value("memory", text, "bytes") == bytes_


@pytest.mark.parametrize("text", ["", "m", "-2", "1.5.1g", "64q", "0x10", "١", "9" * 30])
def test_memory_that_is_no_amount_is_refused(text: str) -> None:
    """With the option, the value and what would do."""
    with pytest.raises(
        Refusal, match=re.escape(f'--memory takes bytes, as 536870912 or 512m, or -1, not "{text}"')
    ):
        update.value("memory", text, "bytes")


def test_options_of_update_go_over_the_resources() -> None:
    """What is not named stays."""
    options = Options()
    options.given = [("memory", "64m"), ("cpuset-cpus", "0-1")]
    merged = update.merged({"memory": {"limit": 1, "swap": 2}}, options)
    assert merged == {"memory": {"limit": 64 << 20, "swap": 2}, "cpu": {"cpus": "0-1"}}


START_MODULES = {
    "features": 47,
    "spec": 46,
    "list --help": 13,
    "list": 45,
    "gc": 47,
    "why": 61,
    "explain hostname": 66,
    "ps nobody": 22,
    "events --stats nobody": 55,
    "update --memory 64m nobody": 57,
    "exec --user 7 nobody true": 61,
    "validate config.json": 100,
    "check .": 118,
}
"""Most modules that a verb may import over a bare interpreter: each costs a third of a millisecond."""


@pytest.mark.parametrize("line", START_MODULES)
def test_verb_imports_few_modules(line: str, tmp_path: Path) -> None:
    """Start-up is a feature: 30 ms of CPU over the interpreter."""
    args = ["--root", str(tmp_path), *line.split()]
    if line.startswith(("validate", "check")):
        (tmp_path / "config.json").write_text(json.dumps(default_config()))
    program = (
        "import sys; before = set(sys.modules); from estiba.cli.main import main; "
        f"main({args!r}); new = set(sys.modules) - before; print(*sorted(new))"
    )
    python = [sys.executable, "-I", "-c", program]
    done = subprocess.run(python, cwd=tmp_path, capture_output=True, text=True, check=True)
    modules = done.stdout.splitlines()[-1].split()
    assert len(modules) <= START_MODULES[line], modules
    assert not {"jsonschema", "inspect", "dataclasses", "argparse", "subprocess"} & set(modules)
