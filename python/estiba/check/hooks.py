# SPDX-License-Identifier: Apache-2.0
"""Hooks: are their programs there, and may they be executed?"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from estiba.check.inside import Inside
from estiba.check.presence import lacks
from estiba.problems import Problem
from estiba.spec.node import Node

ON_HOST = ("prestart", "createRuntime", "createContainer", "poststart", "poststop")
"""createContainer runs in the container's namespaces, with its program from the host (config.md "Hooks")."""


def check(config: Node) -> Iterator[Problem]:
    """Judge the hooks whose programs are the host's."""
    for name in ON_HOST:
        for hook in config.at("hooks", name).items():
            if path := hook.at("path").text():
                yield from _judge(hook.at("path"), Path(path), "on the host")


def check_inside(config: Node, inside: Inside) -> Iterator[Problem]:
    """Judge the hooks whose programs are the container's."""
    for hook in config.at("hooks", "startContainer").items():
        node = hook.at("path")
        try:
            found = inside.find(node.text()) if node.text() else None
        except FileNotFoundError:
            yield node.problem(f'the hook "{node.text()}" is absent in the container')
            continue
        if found is not None:
            yield from _judge(node, found, "in the container")


def _judge(node: Node, path: Path, where: str) -> Iterator[Problem]:
    if lack := lacks(path):
        yield node.problem(f'the hook "{node.text()}" is {lack} {where}')
    elif os.path.isdir(path):
        yield node.problem(f'the hook "{node.text()}" is a folder, expected a program')
    elif not os.access(path, os.X_OK):
        yield node.problem(f'the hook "{node.text()}" may not be executed', f'run `chmod +x "{path}"`')
