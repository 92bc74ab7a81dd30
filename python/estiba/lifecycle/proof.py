# SPDX-License-Identifier: Apache-2.0
"""Judge parts of a config that stand alone: the engine's prover first, and the rules only for what it asks about.

The rules need jsonschema, which takes 100 ms to load.
"""

from __future__ import annotations

import json

from estiba import _core, spec
from estiba.tables.version import SPEC

PROCESS = {"cwd": "/", "args": ["true"], "user": {"uid": 0, "gid": 0}}
NAMESPACES = [{"type": "mount"}]


def judge_process(process: object, name: str) -> None:
    """Raise ConfigInvalid with every problem of a process object; `name` is what messages call it."""
    if not _is_proved(process, {}) and (problems := spec.validate_process(process)):
        raise spec.invalid(problems, name)


def judge_resources(resources: object, name: str) -> None:
    """Raise ConfigInvalid with every problem of a resources object."""
    if not _is_proved(PROCESS, resources) and (problems := spec.validate_resources(resources)):
        raise spec.invalid(problems, name)


def _is_proved(process: object, resources: object) -> bool:
    """Ask the prover about the smallest config that holds them."""
    config = {
        "ociVersion": SPEC,
        "root": {"path": "rootfs"},
        "process": process,
        "linux": {"namespaces": NAMESPACES, "resources": resources},
    }
    return _core.prove(config=json.dumps(config).encode()) is None
