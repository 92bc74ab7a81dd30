# SPDX-License-Identifier: Apache-2.0
"""All that is wrong with a config, at once: first its shape, then what its values have to do with each other."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from estiba.errors import ConfigInvalid
from estiba.problems import Problem
from estiba.spec import (
    devices,
    document,
    hooks,
    id_mappings,
    linux,
    mounts,
    namespaces,
    process,
    resources,
    seccomp,
    shape,
    sysctl,
)
from estiba.spec.node import Node
from estiba.spec.order import in_document_order

Rule = Callable[[Node], Iterator[Problem]]

RULES: tuple[Rule, ...] = (
    document.check,
    lambda config: process.check(config.at("process")),
    hooks.check,
    mounts.check,
    namespaces.check,
    id_mappings.check,
    sysctl.check,
    devices.check,
    resources.check,
    seccomp.check,
    linux.check,
)
"""One a section; each skips what has not the shape that it needs."""


def validate(config: object) -> list[Problem]:
    """List every breach of the runtime specification, in document order; none means that it can be planned."""
    return _judge(config, "CONFIG", RULES)


def validate_process(value: object) -> list[Problem]:
    """List every breach in a process object that stands alone, as for exec."""
    return _judge(value, "PROCESS", (process.check,))


def validate_resources(value: object) -> list[Problem]:
    """List every breach in a resources object that stands alone, as for update."""
    return _judge(value, "RESOURCES", (resources.limits,))


def invalid(problems: Iterable[Problem], name: str = "config.json") -> ConfigInvalid:
    """Make the error of these problems: it speaks of the first, and has them all. `name` is the file's."""
    every = tuple(problem._replace(document=name) for problem in problems)
    first, more = every[0], len(every) - 1
    rest = f" (and {more} more {'problem' if more == 1 else 'problems'})" if more else ""
    message = f"{first}{rest}"
    return ConfigInvalid(message, pointer=first.pointer, hint=first.hint, problems=every)


def _judge(value: object, schema: str, rules: tuple[Rule, ...]) -> list[Problem]:
    found = shape.problems(value, schema)
    for rule in rules:
        found.extend(rule(Node(value)))
    return in_document_order(found, value) if found else found
