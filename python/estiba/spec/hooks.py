# SPDX-License-Identifier: Apache-2.0
"""Rules for `hooks`."""

from __future__ import annotations

from collections.abc import Iterator

from estiba.problems import Problem
from estiba.spec import process
from estiba.spec.node import Node
from estiba.tables.features import HOOKS


def check(config: Node) -> Iterator[Problem]:
    """Judge the environment of each hook."""
    for kind in HOOKS:
        for hook in config.at("hooks", kind).items():
            yield from process.environment(hook.at("env"))
