# SPDX-License-Identifier: Apache-2.0
"""What holds for every config: no surprise in the validator, problems that point into the document."""

from __future__ import annotations

import json
from typing import Any

import jsonschema
from configs import JSON, any_configs, shaped, valid_configs
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from estiba import spec
from estiba.errors import ConfigInvalid
from estiba.problems import Problem
from estiba.spec import shape
from estiba.spec.node import keys_of
from estiba.spec.schema import CONFIG

many = settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))


@many
@given(valid_configs())
def test_config_that_obeys_the_rules_is_valid(config: Any) -> None:
    """The rules refuse nothing that they need not."""
    assert spec.validate(config) == []


@many
@given(shaped())
def test_config_of_the_right_shape_has_no_problem_of_shape(config: Any) -> None:
    """Generator and validator read the schema alike."""
    assert shape.problems(config, "CONFIG") == []


@many
@given(any_configs() | shaped() | JSON)
def test_first_look_at_a_shape_and_jsonschema_agree(config: Any) -> None:
    """What the first look takes is not shown to jsonschema."""
    assert shape.conforms(config, CONFIG) == (next(shape.faults(config, "CONFIG"), None) is None)


def test_first_look_knows_every_keyword_of_the_schema() -> None:
    """jsonschema knows more; those that only describe count for nothing."""
    ours = {"$schema", "title", "description", "expected", "hint"}
    known = set(jsonschema.Draft202012Validator.VALIDATORS)
    assert keywords(CONFIG) - ours <= shape.KEYWORDS <= known


def keywords(schema: Any) -> set[str]:
    """Every keyword of a schema and of those in it."""
    inner = [*schema.get("properties", {}).values()]
    inner += [schema[key] for key in ("items", "additionalProperties") if key in schema]
    return set(schema).union(*map(keywords, inner))


@many
@given(any_configs() | JSON)
def test_every_problem_is_one_line_that_points_into_the_document(config: Any) -> None:
    """Nothing raises, whatever the document; problems come in order and once."""
    problems = spec.validate(config)
    for problem in problems + spec.warnings(config):
        check_sentence(problem, config)
    assert len(set(problems)) == len(problems)


def check_sentence(problem: Problem, document: Any) -> None:
    """The pointer resolves, and no line is broken, empty or longer than a terminal can bear."""
    node = document
    for key in keys_of(problem.pointer):
        node = node[int(key)] if isinstance(node, list) else node[key]
    for line in (problem.message, problem.hint):
        if line is not None:
            assert line
            assert line.isprintable()
            assert len(line) < 400


@many
@given(any_configs())
def test_config_survives_the_way_through_its_text(config: Any) -> None:
    """What json writes, parse reads, and the verdict is the same."""
    text = json.dumps(config)
    assert spec.parse(text, "x") == config
    assert spec.validate(spec.parse(text, "x")) == spec.validate(config)


@many
@given(any_configs().map(json.dumps), st.data())
def test_text_that_is_cut_or_altered_is_read_or_explained(text: str, data: st.DataObject) -> None:
    """One error class, one line, for every text."""
    at = data.draw(st.integers(0, len(text)))
    altered = data.draw(
        st.sampled_from(
            [text[:at], text[:at] + ",}]:\"'{[\\x0"[at % 10] + text[at:], text[:at] + text[at + 1 :]]
        )
    )
    try:
        spec.parse(altered, "config.json")
    except ConfigInvalid as error:
        assert str(error).startswith("config.json")
        assert str(error).isprintable()


@many
@given(st.binary(max_size=40) | st.text(max_size=40))
def test_any_bytes_are_read_or_explained(text: bytes | str) -> None:
    """The file may hold anything."""
    try:
        spec.parse(text, "config.json")
    except ConfigInvalid as error:
        assert str(error).startswith("config.json")


@many
@given(JSON, JSON)
def test_parts_alone_are_judged_without_surprise(process: Any, resources: Any) -> None:
    """exec and update hand in what users write."""
    spec.validate_process(process)
    spec.validate_resources(resources)
