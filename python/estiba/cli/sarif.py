# SPDX-License-Identifier: Apache-2.0
"""Problems as SARIF 2.1.0 (OASIS), which editors and continuous integration read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from estiba.tables.version import VERSION

if TYPE_CHECKING:
    from estiba.cli.validate import Finding

RULES = {
    "error": ("config-invalid", "The config breaks the runtime specification."),
    "warning": ("config-doubtful", "The config is valid, and likely says what was not meant."),
}
"""Level to the rule's id and what it holds."""


def log(file: str, findings: list[Finding]) -> dict[str, Any]:
    """Lay out one run over one file."""
    rules = [{"id": id, "shortDescription": {"text": text}} for id, text in RULES.values()]
    return {
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [
            {
                "tool": {"driver": {"name": "estiba", "version": VERSION, "rules": rules}},
                "columnKind": "unicodeCodePoints",
                "results": [result(quote(file), finding) for finding in findings],
            }
        ],
    }


def result(uri: str, finding: Finding) -> dict[str, Any]:
    """Lay out one finding."""
    hint = f"; {finding.problem.hint}" if finding.problem.hint else ""
    region = {"startLine": finding.position.line, "startColumn": finding.position.column}
    return {
        "ruleId": RULES[finding.level][0],
        "level": finding.level,
        "message": {"text": f"{finding.problem.message}{hint}"},
        "locations": [
            {
                "physicalLocation": {"artifactLocation": {"uri": uri}, "region": region},
                "logicalLocations": [{"fullyQualifiedName": finding.problem.pointer}],
            }
        ],
    }
