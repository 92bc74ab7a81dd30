# SPDX-License-Identifier: Apache-2.0
"""What `estiba validate` and `estiba explain` print: places in the file, warnings apart, SARIF, meanings."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from estiba.cli.main import main
from estiba.spec import default_config
from estiba.spec.positions import positions
from estiba.spec.schema import CONFIG

BROKEN = """\
{
  "ociVersion": "1.2.0",
  "root": {"path": "rootfs"},
  "mounts": [
    {"destination": "/a", "type": "tmpfs"},
    {"destination": "/b", "source": "/b",
     "options": ["rbnd"]}
  ],
  "process": {"cwd": "/", "arg": ["true"], "user": {"uid": 0, "gid": 0}},
  "hostname": 5,
  "linux": {"namespaces": [{"type": "mount"}, {"type": "uts"}]}
}
"""


def validated(tmp_path: Path, text: str, *options: str) -> int:
    """Validate a text as a file."""
    (tmp_path / "config.json").write_text(text)
    return main(["validate", *options, str(tmp_path / "config.json")])


def test_every_finding_has_its_line_and_column(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """In the order of the file, warnings among them and marked, hints below."""
    assert validated(tmp_path, BROKEN) == 1
    said = capsys.readouterr().out.replace(str(tmp_path / "config.json"), "FILE").splitlines()
    assert said == [
        'FILE:7:18: /mounts/1/options/0: "rbnd" is not a mount option',
        'hint: did you mean "rbind"?',
        'FILE:9:14: /process: "args" is missing',
        'hint: "arg" is there: names are exact',
        'FILE:9:34: warning: /process/arg: unknown property "arg" is ignored',
        'hint: did you mean "args"?',
        "FILE:10:15: /hostname: found the number 5, expected a string",
        'hint: write "5"',
    ]


def test_warnings_alone_do_not_fail(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A doubtful config is valid."""
    config = default_config()
    config["hostnme"] = "web"
    assert validated(tmp_path, json.dumps(config)) == 0
    assert 'warning: /hostnme: unknown property "hostnme" is ignored\n' in capsys.readouterr().out


def test_a_valid_config_is_passed_in_silence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """As a compiler does."""
    assert validated(tmp_path, json.dumps(default_config())) == 0
    assert capsys.readouterr() == ("", "")


def test_sarif_names_file_place_and_level(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The facts that editors show."""
    assert validated(tmp_path, BROKEN, "--format", "sarif") == 1
    log: dict[str, Any] = json.loads(capsys.readouterr().out)
    [run] = log["runs"]
    levels = {rule["id"] for rule in run["tool"]["driver"]["rules"]}
    first, *_, last = run["results"]
    assert (log["version"], run["columnKind"]) == ("2.1.0", "unicodeCodePoints")
    assert {result["ruleId"] for result in run["results"]} == levels
    assert first["message"]["text"] == '"rbnd" is not a mount option; did you mean "rbind"?'
    place = last["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"] == str(tmp_path / "config.json")
    assert place["region"] == {"startLine": 10, "startColumn": 15}


def pointers(value: object, pointer: str = "") -> dict[str, object]:
    """Every value of a document by its pointer."""
    found = {pointer: value}
    entries = (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    )
    for key, inner in entries:
        found |= pointers(inner, f"{pointer}/{str(key).replace('~', '~0').replace('/', '~1')}")
    return found


@pytest.mark.parametrize("indent", [None, 1])
def test_positions_are_where_the_values_begin(indent: int | None) -> None:
    """Of every value, whatever its name has in it."""
    document = {**default_config(), 'a/~"\n{[é': [{}, [], [[1], {"": None}], "}]", {"x": {"y": -1.5e3}}]}
    text = json.dumps(document, indent=indent, ensure_ascii=False)
    lines = text.split("\n")
    values = pointers(document)
    for pointer, (line, column) in positions(text, values).items():
        rest = "\n".join([lines[line - 1][column - 1 :], *lines[line:]])
        assert json.JSONDecoder().raw_decode(rest)[0] == values[pointer], pointer


def test_what_is_absent_has_the_place_of_what_should_hold_it() -> None:
    """So that every problem points somewhere."""
    places = positions('{"a": {"b": 1}}', ["/a/c", "/x/y", "/a/b/0"])
    assert [places[pointer].column for pointer in ("/a/c", "/x/y", "/a/b/0")] == [7, 1, 13]


def test_explain_tells_what_a_property_means(capsys: pytest.CaptureFixture[str]) -> None:
    """Description and what belongs there."""
    assert main(["explain", "linux.resources.memory.swap"]) == 0
    assert capsys.readouterr().out == (
        "linux.resources.memory.swap: limit of memory and swap together\n"
        "  a number of bytes, or -1 for no limit\n"
    )


@pytest.mark.parametrize("path", ["mounts.destination", "mounts[3].destination", "/mounts/3/destination"])
def test_explain_takes_dots_brackets_and_pointers(path: str, capsys: pytest.CaptureFixture[str]) -> None:
    """However the property was found."""
    assert main(["explain", path]) == 0
    assert capsys.readouterr().out.startswith("mounts[].destination: ")


@pytest.mark.parametrize("path", ["linux.sysctl", "annotations"])
def test_explain_takes_names_with_dots(path: str, capsys: pytest.CaptureFixture[str]) -> None:
    """As they stand in the config."""
    assert main(["explain", f"{path}.net.ipv4.ip_forward"]) == 0
    assert capsys.readouterr().out == f"{path}.*: a value\n  a string\n"


def test_explain_lists_what_is_inside_and_asks_what_was_meant(capsys: pytest.CaptureFixture[str]) -> None:
    """Without a word the whole config; a misspelt one is refused with the near one."""
    assert main(["explain"]) == 0
    listed = [line.split()[0] for line in capsys.readouterr().out.split("\n\n")[1].splitlines()]
    assert listed == [
        *CONFIG["required"],
        *(name for name in CONFIG["properties"] if name not in CONFIG["required"]),
    ]
    assert main(["explain", "linux.resources.memory.swop"]) == 1
    assert capsys.readouterr().err == (
        'linux.resources.memory has no property "swop"\nhint: did you mean "swap"?\n'
    )
    for path, command in (("nonsense", "estiba explain"), ("root.nonsense", "estiba explain root")):
        assert main(["explain", path]) == 1
        assert capsys.readouterr().err.endswith(f"hint: `{command}` lists what is there\n")


def every_schema(schema: Any, path: str = "") -> list[tuple[str, Any]]:
    """Each schema inside with its dotted path."""
    found = [(path, schema)]
    for name, inner in schema.get("properties", {}).items():
        found += every_schema(inner, f"{path}.{name}".lstrip("."))
    for key in ("items", "additionalProperties"):
        if key in schema and "properties" in schema[key]:
            found += every_schema(schema[key], path)[1:] if key == "items" else []
    return found


def test_every_property_of_the_schema_can_be_explained(capsys: pytest.CaptureFixture[str]) -> None:
    """None lacks its description."""
    schemas = every_schema(CONFIG)
    for path, schema in schemas:
        assert main(["explain", path]) == 0
        assert schema["description"] in capsys.readouterr().out, path
    assert len(schemas) > 150
