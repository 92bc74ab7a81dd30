# SPDX-License-Identifier: Apache-2.0
"""Judge parts of a config that stand alone: the engine's prover first, and the rules only for what it asks about."""

from __future__ import annotations

import json

from estiba import _core, spec
from estiba.bundle import to_json
from estiba.tables.version import SPEC

PROCESS = '{"cwd": "/", "args": ["true"], "user": {"uid": 0, "gid": 0}}'


def judged_process(process: object, name: str, *, below: str = "") -> bytes:
    """Return a process object as the engine reads it.

    Raises ConfigInvalid with every problem. `name` is what messages call the document, `below` the pointer in it.
    """
    text = to_json(process, name).decode()
    if not _is_proved(text, "{}") and (problems := spec.validate_process(json.loads(text))):
        raise spec.invalid([each._replace(pointer=below + each.pointer) for each in problems], name)
    return text.encode()


def judged_resources(resources: object, name: str) -> bytes:
    """Return a resources object as the engine reads it. Raises ConfigInvalid with every problem."""
    text = to_json(resources, name).decode()
    is_proved = resources is not None and _is_proved(PROCESS, text)  # in a config null is as good as none
    if not is_proved and (problems := spec.validate_resources(json.loads(text))):
        raise spec.invalid(problems, name)
    return text.encode()


def _is_proved(process: str, resources: str) -> bool:
    """Ask the prover about the smallest config that holds them."""
    linux = f'{{"namespaces": [{{"type": "mount"}}], "resources": {resources}}}'
    config = (
        f'{{"ociVersion": "{SPEC}", "root": {{"path": "rootfs"}}, "process": {process}, "linux": {linux}}}'
    )
    return _core.prove(config=config.encode()) is None
