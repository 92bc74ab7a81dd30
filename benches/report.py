# SPDX-License-Identifier: Apache-2.0
"""Turn a result file into the table that people read. Pure: data in, text out.

As a command:

    python benches/report.py benches/results/FILE.json
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable
from pathlib import Path
from statistics import median
from typing import Any

# JSON as run.py writes it; README.md has the fields.
Result = dict[str, Any]
Samples = dict[str, dict[str, list[float]]]  # runtime -> "wall_us", "cpu_us" -> one number a round

FIVE = ("create", "start", "state", "kill", "delete")
COUNTS = {
    "peak_kib": "peak RSS of run, KiB",
    "init_rss_kib": "RSS of a created container's init, KiB",
    "init_pss_kib": "PSS of a created container's init, KiB",
    "faults": "minor page faults of run",
    "syscalls": "system calls of run, container included",
}


def with_sum(cases: dict[str, Samples]) -> dict[str, Samples]:
    """Add the sum of the five verbs of a life, round by round, where they were measured."""
    if "create" not in cases:
        return cases
    sums: Samples = {}
    for name in cases["create"]:
        sums[name] = {}
        for kind in ("wall_us", "cpu_us"):
            rounds = zip(*(cases[verb][name][kind] for verb in FIVE), strict=True)
            sums[name][kind] = [sum(of_round) for of_round in rounds]
    return {**cases, "the five": sums}


def render(result: Result) -> str:
    """Write all tables of a result as Markdown."""
    reference = result["reference"]
    parts = [heading(result), _times(with_sum(result["cases"]), reference)]
    for verb, key in (("run", "callers"), ("exec", "exec_callers")):
        if result.get(key):
            parts.append(_callers(verb, result[key], reference))
    if result.get("counts"):
        parts.append(_counts(result["counts"]))
    if result["failures"]:
        lines = (f"- {line}" for line in result["failures"])
        parts.append("\n".join(["Failed, and not in the figures:", "", *lines]))
    return "\n\n".join(parts) + "\n"


def heading(result: Result) -> str:
    """Say where, when and what was measured."""
    machine = result["machine"]
    names = ", ".join(f"{name} {version}" for name, version in result["runtimes"].items())
    return (
        f"{result['date']}, {machine['cpus']} CPUs ({machine['cpu']}), {machine['arch']}, "
        f"kernel {machine['kernel']}, "
        f"load {machine['load_before']} before and {machine['load_after']} after.\n"
        f"{names}. {result['rounds']} interleaved rounds; ratios of medians to {result['reference']}."
    )


def _times(cases: dict[str, Samples], reference: str) -> str:
    head = ("case", "runtime", "wall min", "median", "CPU min", "median", "wall ratio", "CPU ratio")
    rows: list[tuple[str, ...]] = [head]
    for case, samples in cases.items():
        for name, kinds in samples.items():
            wall, cpu = kinds["wall_us"], kinds["cpu_us"]
            base = samples.get(reference)
            ratios = ["", ""]
            if base:
                ratios = [f"{median(kinds[kind]) / median(base[kind]):.2f}" for kind in ("wall_us", "cpu_us")]
            figures = (f"{number / 1000:.2f}" for number in (min(wall), median(wall), min(cpu), median(cpu)))
            rows.append((case, name, *figures, *ratios))
    return "Times in ms.\n\n" + table(rows)


def _callers(verb: str, callers: dict[str, dict[str, list[float]]], reference: str) -> str:
    rows = [("callers", "runtime", f"{verb}s/s median", "best", "ratio")]
    for count, by_runtime in callers.items():
        for name, rates in by_runtime.items():
            base = by_runtime.get(reference)
            ratio = f"{median(rates) / median(base):.2f}" if base else ""
            rows.append((count, name, f"{median(rates):.1f}", f"{max(rates):.1f}", ratio))
    return f"Many callers of {verb} at once.\n\n" + table(rows)


def _counts(counts: dict[str, dict[str, float]]) -> str:
    rows = [("count", *counts)]
    for key, title in COUNTS.items():
        rows.append((title, *(f"{by_key[key]:.0f}" if key in by_key else "" for by_key in counts.values())))
    return "Counts, the least seen.\n\n" + table(rows)


def table(rows: Iterable[tuple[str, ...]]) -> str:
    """Align the cells of a Markdown table; the first row is its head."""
    listed = list(rows)
    widths = [max(len(cell) for cell in column) for column in zip(*listed, strict=True)]
    padded = ([cell.ljust(width) for cell, width in zip(row, widths, strict=True)] for row in listed)
    lines = [f"| {' | '.join(row)} |" for row in padded]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(lines)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Print the tables of a result.")
    parser.add_argument("file", type=Path, help="of benches/results, as JSON")
    sys.stdout.write(render(json.loads(parser.parse_args().file.read_text())))
