# SPDX-License-Identifier: Apache-2.0
"""The OCI config: made, read and judged. Pure: values in, values or problems out, no files, no kernel."""

from __future__ import annotations

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
