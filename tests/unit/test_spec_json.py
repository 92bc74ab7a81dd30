# SPDX-License-Identifier: Apache-2.0
"""Text that is no JSON, or none that the engine reads: where, what, and which habit is behind it."""

from __future__ import annotations

import pytest

from estiba import spec
from estiba.errors import ConfigInvalid

FAULTS = [
    ("", "config.json: the file is empty", "`estiba spec` writes a config to start from"),
    (
        '{"a": 1',
        'config.json:1:8: expected "," or "}", found the end of the file',
        "the file ends too early: is it cut off?",
    ),
    (
        '{\n  "a": 1\n  "b": 2\n}',
        'config.json:3:3: expected "," or "}", found "b"',
        "a comma is missing before it",
    ),
    (
        '{"a": [1, 2,\n]}',
        'config.json:2:1: expected something after the comma, found "]"',
        'remove the comma before "]"',
    ),
    ('{"a": [1, 2}', 'config.json:1:12: expected "," or "]", found "}"', None),
    ('{"a" 1}', 'config.json:1:6: expected ":" after the name, found "1"', None),
    (
        "{'a': 1}",
        "config.json:1:2: expected a name in double quotes, found \"'a'\"",
        "strings stand in double quotes",
    ),
    ('{"a": True}', 'config.json:1:7: expected a value, found "True"', "write true"),
    ('{"a": 1} // end', 'config.json:1:10: expected the end of the file, found "//"', "JSON has no comments"),
    ('{"a": 022}', 'config.json:1:8: expected "," or "}", found "22"', "a number does not start with 0"),
    ('{"a": NaN}', 'config.json:1:7: "NaN" is not a number here', None),
    ('{"a": 1e999}', 'config.json:1:7: "1e999" is not a number here', None),
    ('{"a": "x', "config.json:1:7: the string that starts here has no end", None),
    (
        '{"a": "\\x"}',
        "config.json:1:8: an escape that JSON does not have",
        'it has \\" \\\\ \\/ \\b \\f \\n \\r \\t \\uXXXX',
    ),
    (
        '{"a": "x\n"}',
        'config.json:1:9: "\\n" as it is in a string',
        "write it as \\n, \\t or \\u00XX; or is a quote missing before it?",
    ),
    (
        b"\xef\xbb\xbf{}",
        "config.json:1:1: a byte order mark, which JSON does not have",
        "save the file as UTF-8 without it",
    ),
    (b'{\n"a": "\xff"}', "config.json:2:7: byte 0xff is not UTF-8", "save the file as UTF-8"),
    (
        '{"a": ["\\ud800"]}',
        'config.json /a/0: "\\ud800" has half of a surrogate pair',
        "write the character itself, as UTF-8",
    ),
    (
        '{"a": {"b": 1,\n "b": 2}}',
        'config.json:2:2: "b" is there twice in one object',
        "the first is at config.json:1:8",
    ),
    ("[" * 128 + "]" * 128, "config.json: more than 127 arrays and objects in each other", None),
    ("[" * 100_000, "config.json: more than 127 arrays and objects in each other", None),
]


@pytest.mark.parametrize(("text", "message", "hint"), FAULTS, ids=[f"{text[:20]!r}" for text, *_ in FAULTS])
def test_text_that_is_no_json_gets_a_teaching_error(
    text: str | bytes, message: str, hint: str | None
) -> None:
    """One line with the place and what belongs there, one with advice."""
    with pytest.raises(ConfigInvalid) as caught:
        spec.parse(text, "config.json")
    assert (str(caught.value), caught.value.hint) == (message, hint)


def test_bytes_and_text_read_alike() -> None:
    """The command has bytes, a program may have text."""
    assert spec.parse(b'{"a": "\xc3\xa9"}', "x") == spec.parse('{"a": "é"}', "x") == {"a": "é"}


def test_deepest_nesting_is_read() -> None:
    """The limit is where it is said to be."""
    deep = spec.parse("[" * 127 + "1" + "]" * 127, "x")
    for _ in range(127):
        assert isinstance(deep, list)
        (deep,) = deep
    assert deep == 1


def test_error_has_no_trace_of_the_reader() -> None:
    """Python's own error says the same worse: it is neither cause nor context."""
    with pytest.raises(ConfigInvalid) as caught:
        spec.parse("{", "x")
    assert caught.value.__suppress_context__
