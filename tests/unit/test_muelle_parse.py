# SPDX-License-Identifier: Apache-2.0
"""muelle's command line: what Docker's users write is taken as they mean it, the rest refused in words."""

from __future__ import annotations

import re

import pytest

from estiba.cli.parse import VERBS as VERBS_OF_ESTIBA
from estiba.muelle import parse as module
from estiba.muelle.parse import Parsed, Refusal, parse, size
from estiba.tables.elsewhere import ELSEWHERE
from estiba.tables.muelle import VERBS as VERBS_OF_MUELLE
from estiba.tables.muelle import OptionSpec, VerbSpec

OPTIONS: tuple[OptionSpec, ...] = (
    ("interactive", "i", "flag", "", ""),
    ("tty", "t", "flag", "", ""),
    ("env", "e", "list", "NAME=VALUE", ""),
    ("memory", "m", "size", "BYTES", ""),
    ("cpus", "", "decimal", "N", ""),
    ("pids-limit", "", "number", "N", ""),
    ("pull", "", "choice", "always|missing|never", ""),
    ("help", "", "flag", "", ""),
)
VERBS: dict[str, VerbSpec] = {
    "run": ("", (("NAME", "one", ""), ("COMMAND", "rest", "")), OPTIONS),
    "rmi": ("", (("NAME", "some", ""),), OPTIONS),
    "tag": ("", (("NAME", "one", ""), ("TARGET", "one", "the new name")), OPTIONS),
    "diff": ("", (("NAME", "one", ""), ("OTHER", "optional", "")), OPTIONS),
}


@pytest.fixture(autouse=True)
def small_table(monkeypatch: pytest.MonkeyPatch) -> None:
    """Parse by a table that no new verb changes."""
    monkeypatch.setattr(module.LANGUAGE, "verbs", VERBS)


def read(*args: str) -> Parsed:
    """Parse an argv."""
    parsed = Parsed()
    parse(list(args), parsed)
    return parsed


def refused(*args: str) -> tuple[str, str]:
    """Return the message and the hint of a refusal."""
    with pytest.raises(Refusal) as caught:
        read(*args)
    return caught.value.message, caught.value.hint


def test_letters_of_flags_stand_together() -> None:
    """`-it` is `-i -t`."""
    parsed = read("run", "-it", "web")
    assert parsed.options.flag("interactive") and parsed.options.flag("tty")


@pytest.mark.parametrize("words", [["-e", "A=B"], ["-eA=B"], ["-e=A=B"], ["--env", "A=B"], ["--env=A=B"]])
def test_a_value_follows_its_option_in_each_usual_way(words: list[str]) -> None:
    """By the next word, by an equals sign, or at once."""
    assert read("run", *words, "web").options.list("env") == ["A=B"]


def test_a_flag_before_a_letter_with_a_value() -> None:
    """`-tm 64m` is `-t -m 64m`."""
    parsed = read("run", "-tm", "64m", "web")
    assert parsed.options.flag("tty") and parsed.options.size("memory") == 64 << 20


def test_what_follows_the_image_of_run_belongs_to_the_program() -> None:
    """Dashes and all."""
    parsed = read("run", "-t", "web", "ls", "-l", "--", "-t")
    assert parsed.words == ["web", "ls", "-l", "--", "-t"]


def test_options_may_follow_the_words_of_other_verbs() -> None:
    """`rmi web --tty` is `rmi --tty web`; two dashes end the options."""
    parsed = read("rmi", "web", "-t", "--", "-odd")
    assert (parsed.words, parsed.options.flag("tty")) == (["web", "-odd"], True)


def test_a_flag_may_be_switched_off() -> None:
    """`--tty=false`, also by its letter."""
    assert not read("run", "--tty", "-t=false", "web").options.flag("tty")


@pytest.mark.parametrize(
    ("text", "bytes_"),
    [
        ("0", 0),
        ("64", 64),
        ("64b", 64),
        ("1k", 1024),
        ("1kb", 1024),
        ("1.5g", 3 << 29),
        ("2T", 2 << 40),
        ("1PiB", 1 << 50),
    ],
)
def test_sizes_are_counted_in_powers_of_1024(text: str, bytes_: int) -> None:
    """As Docker does."""
    assert size(text) == bytes_


@pytest.mark.parametrize("text", ["", "m", "ib", "12x", "-1", "1.2.3", "1 m", "١"])
def test_no_size_is_made_of_what_means_none(text: str) -> None:
    """Nothing is guessed."""
    assert size(text) is None


@pytest.mark.parametrize(
    ("args", "message", "hint"),
    [
        ([], "no command given", "see `muelle --help`"),
        (["rum", "web"], '"rum" is not a command', 'did you mean "run"?'),
        (
            ["run", "--memroy", "1m", "web"],
            'muelle run: "--memroy" is not an option',
            'did you mean "--memory"?',
        ),
        (
            ["logs", "web"],
            '"logs" is not a command',
            "a container lives as long as its `muelle run`, which is its terminal, its log and its exit code",
        ),
        (
            ["run", "-itd", "web"],
            'muelle run: "-d" is not an option',
            "`run` stays in the foreground; a shell's & or a systemd service puts it behind",
        ),
        (
            ["rmi", "--store", "x", "web"],
            'muelle rmi: "--store" is not an option',
            "it stands before the command: `muelle --store ... rmi`",
        ),
        (["run", "-x", "web"], 'muelle run: "-x" is not an option', "see `muelle run --help`"),
        (["run", "-tx", "web"], 'muelle run: "-x" is not an option', "see `muelle run --help`"),
        (["run", "-tty", "web"], 'muelle run: "-y" is not an option', 'did you mean "--tty"?'),
        (["rmi", "web", "-e"], "muelle rmi: --env needs a value (NAME=VALUE)", "see `muelle rmi --help`"),
        (
            ["run", "--tty=perhaps", "web"],
            'muelle run: --tty is a flag: true or false may follow, not "perhaps"',
            "see `muelle run --help`",
        ),
        (
            ["run", "-m", "lots", "web"],
            'muelle run: --memory takes a number of bytes, or one with k, m, g or t behind it, not "lots"',
            "see `muelle run --help`",
        ),
        (
            ["run", "--cpus", "two", "web"],
            'muelle run: --cpus takes a number such as 1.5, not "two"',
            "see `muelle run --help`",
        ),
        (
            ["run", "--pull", "allways", "web"],
            'muelle run: --pull takes always|missing|never, not "allways"',
            'did you mean "always"?',
        ),
        (["run", "-t"], "muelle run: NAME is missing", "see `muelle run --help`"),
        (["rmi"], "muelle rmi: NAME is missing", "see `muelle rmi --help`"),
        (["tag", "web"], "muelle tag: TARGET is missing", "TARGET is the new name"),
        (["diff", "a", "b", "c"], 'muelle diff: "c" is one argument too many', "see `muelle diff --help`"),
    ],
)
def test_refusals_say_what_is_wrong_and_what_was_likely_meant(
    args: list[str], message: str, hint: str
) -> None:
    """A line, then a hint."""
    assert refused(*args) == (message, hint)


def test_what_is_said_to_be_done_otherwise_is_not_there_and_its_verbs_are() -> None:
    """A hint that names a command or an option is true of the tables."""
    for verb, typed in ELSEWHERE.items():
        has = (
            {name for option in VERBS_OF_MUELLE[verb][2] for name in (f"--{option[0]}", f"-{option[1]}")}
            if verb
            else VERBS_OF_MUELLE
        )
        assert set(typed) & set(has) == set()
        for hint in typed.values():
            for named in re.findall("`(muelle|estiba) ([a-z]+)", hint):
                assert named[1] in (VERBS_OF_MUELLE if named[0] == "muelle" else VERBS_OF_ESTIBA), hint
