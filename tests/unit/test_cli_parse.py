# SPDX-License-Identifier: Apache-2.0
"""The Python parser answers the golden command lines as the native one does."""

from __future__ import annotations

from pathlib import Path

import pytest

from estiba.cli.parse import Parsed, Refusal, parse
from estiba.tables import arguments

GOLDEN = Path(__file__).resolve().parents[1] / "golden" / "arguments.txt"
CASES = [case.strip("\n") for case in GOLDEN.read_text().split("\n\n") if case.startswith("$")]


def told(line: str) -> str:
    """Parse a golden line and write down what came of it."""
    args = ["" if word == "''" else word for word in line.split(" ")[1:]]
    parsed = Parsed()
    try:
        parse(args, parsed)
    except Refusal as refusal:
        return f"  refused {refusal.message}\n  hint {refusal.hint}\n  exit {refusal.exit}"
    lines = [f"  global {name}={value}" for name, value in parsed.globals.given]
    lines += [f"  verb {parsed.verb}"] if parsed.verb else []
    lines += [f"  option {name}={value}" for name, value in parsed.options.given]
    lines += [f"  word {word or chr(39) * 2}" for word in parsed.words]
    return "\n".join(lines)


@pytest.mark.parametrize("case", CASES, ids=[case.partition("\n")[0] for case in CASES])
def test_golden_command_line_is_answered_as_written(case: str) -> None:
    """One case of tests/golden/arguments.txt."""
    line, _, expected = case.partition("\n")
    assert told(line) == expected


def test_option_after_the_id_belongs_to_the_verb() -> None:
    """containerd and people write `update ID --memory N` as well as the other way round."""
    parsed = Parsed()
    parse(["update", "web", "--memory", "64m", "--cpu-quota", "-1"], parsed)
    assert (parsed.words, parsed.options.given) == (["web"], [("memory", "64m"), ("cpu-quota", "-1")])


def test_arguments_of_ps_keep_their_dashes() -> None:
    """`ps ID -ef` hands -ef to ps(1)."""
    parsed = Parsed()
    parse(["ps", "--format", "table", "web", "-o", "pid,cmd"], parsed)
    assert parsed.words == ["web", "-o", "pid,cmd"]


def test_standard_input_is_a_value() -> None:
    """`update --resources=- ID` and `--resources - ID`, as containerd and Docker write them."""
    for form in (["--resources=-"], ["--resources", "-"], ["-r", "-"]):
        parsed = Parsed()
        parse(["update", *form, "web"], parsed)
        assert (parsed.options.text("resources"), parsed.words) == ("-", ["web"])


def test_every_option_is_named_once_a_verb() -> None:
    """No name or letter stands for two options of one verb."""
    for verb, (_summary, _words, options) in {**arguments.NATIVE, **arguments.PYTHON}.items():
        names = [name for option in options for name in option[:2] if name]
        assert len(names) == len(set(names)), verb
