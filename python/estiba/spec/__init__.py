# SPDX-License-Identifier: Apache-2.0
"""The OCI config: made, read and judged. Pure: values in, values or problems out, no files, no kernel.

default_config      what `estiba spec` writes
parse               JSON text to values, or a teaching error
validate            all problems of a config.json, in document order; also validate_process (exec),
                    validate_resources (update)
warnings            what is allowed, but likely not meant
invalid             problems to the one error that has them all
"""

from __future__ import annotations

import importlib

TYPE_CHECKING = False
if TYPE_CHECKING:
    from estiba.spec.default import default_config
    from estiba.spec.doubts import warnings
    from estiba.spec.json_text import parse
    from estiba.spec.validation import invalid, validate, validate_process, validate_resources

__all__ = [
    "default_config",
    "invalid",
    "parse",
    "validate",
    "validate_process",
    "validate_resources",
    "warnings",
]

# Imported at the first use: `estiba spec` has no use for the rules, and its start is counted in milliseconds.
_HOMES = {
    "default_config": "estiba.spec.default",
    "invalid": "estiba.spec.validation",
    "parse": "estiba.spec.json_text",
    "validate": "estiba.spec.validation",
    "validate_process": "estiba.spec.validation",
    "validate_resources": "estiba.spec.validation",
    "warnings": "estiba.spec.doubts",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)
