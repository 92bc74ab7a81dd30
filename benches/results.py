# SPDX-License-Identifier: Apache-2.0
"""Where results lie: one file for each measurement, named by its day and machine."""

from __future__ import annotations

import json
from pathlib import Path

from report import Result

FOLDER = Path(__file__).resolve().parent / "results"
CHECKOUT = FOLDER.parents[1]


def write(result: Result, kind: str = "") -> Path:
    """Write a result beside the earlier ones; a second one of a day gets a number.

    What failed may name files of the checkout: where that is on this machine is left out.
    """
    FOLDER.mkdir(exist_ok=True)
    name = f"{result['date']}-{result['machine']['arch']}-{result['machine']['cpus']}cpu{kind}"
    path, number = FOLDER / f"{name}.json", 1
    while path.exists():
        number += 1
        path = FOLDER / f"{name}-{number}.json"
    path.write_text(json.dumps(result).replace(f"{CHECKOUT}/", "") + "\n")
    return path
