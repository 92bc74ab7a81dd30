# SPDX-License-Identifier: Apache-2.0
"""Measure builds, unpacking, packing and a run of image tools, in turns; print a table, write JSON and a plot.

As a command: `python benches/images.py --help`. The builders live in sites of their own, as in tests/compare.
"""

from __future__ import annotations

import argparse
import contextlib
import datetime
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import median

HERE = Path(__file__).resolve().parent
sys.path += [str(HERE.parent / "tests"), str(HERE.parent / "tools")]

import plot
import report
import results
from collect import in_turns, machine
from compare import bases
from compare.builders import Buildah, BuildKit, Classic, Estiba
from image_cases import (
    BuilderTool,
    LayerTool,
    Tool,
    containerfile,
    make_files,
    make_layers,
    version_of,
)
from runtimes import CHECKOUT
from spawner import Spawner, build
from support import processes, views

BUILDERS = {"estiba": Estiba, "buildkit": BuildKit, "classic": Classic, "buildah": Buildah}
LAYER_TOOLS = ("estiba-layers", "umoci", "skopeo", "tar")
LAYER_CASES = ("unpack gzip", "unpack zstd", "pack gzip", "pack zstd")
BUILD_CASES = ("cold", "cached", "changed", "copy", "run")
CASES = (*BUILD_CASES, *LAYER_CASES)


def main() -> int:
    """Measure what was asked for; 1 if something failed."""
    options = _arguments()
    if os.geteuid():
        raise SystemExit("benches: the builders are measured as root")
    processes.become_subreaper()
    views.leave_host_mounts()
    folder = Path(tempfile.mkdtemp(prefix="eb-"))
    folder.chmod(0o755)
    load_before = round(os.getloadavg()[0], 1)
    try:
        with _tools(folder, options) as tools:
            result = _measure(tools, folder, options)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    result["machine"] = {**machine(), "load_before": load_before, "load_after": round(os.getloadavg()[0], 1)}
    sys.stdout.write(_render(result))
    if not options.check_only:
        path = results.write(result, "-images")
        path.with_suffix(".svg").write_text(plot.draw(result))
        print(f"\nwritten: benches/results/{path.name} and .svg")
    for line in result["failures"]:
        print(f"benches: {line}", file=sys.stderr)
    return 1 if result["failures"] else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Measure image tools against each other.")
    add = parser.add_argument
    add("case", nargs="*", metavar="CASE", help=f"of {', '.join(CASES)}; all if none is named")
    add("--rounds", type=int, default=5, help="measured rounds, after one that warms up")
    add("--only", action="append", default=[], metavar="NAME", help="only the tools named so")
    add("--reference", default="buildkit", help="what the ratios are taken to")
    add("--timeout", type=int, default=120, help="seconds after which a command is killed")
    add("--check-only", action="store_true", help="one round and no files: does it all work?")
    options = parser.parse_args()
    if unknown := set(options.case) - set(CASES):
        parser.error(f"no case {', '.join(unknown)}; there are {', '.join(CASES)}")
    options.case = options.case or list(CASES)
    return options


@contextlib.contextmanager
def _tools(folder: Path, options: argparse.Namespace) -> Iterator[list[Tool]]:
    """Start all tools, each with its base image and contexts of its own."""
    base = folder / "busybox.tar"
    bases.busybox(base)
    tools: list[Tool] = []
    layers = folder / "layers"
    if set(LAYER_CASES) & set(options.case):
        layers.mkdir()
        make_layers(layers)
        tools += [
            LayerTool(name, _version(name), layers)
            for name in LAYER_TOOLS
            if not options.only or name in options.only
        ]
    with contextlib.ExitStack() as stack:
        for name, kind in BUILDERS.items():
            if set(BUILD_CASES) & set(options.case) and (not options.only or name in options.only):
                builder = kind(folder / name, [base])
                stack.callback(builder.close)
                contexts = _contexts(folder / f"{name}-contexts", options)
                tools.append(BuilderTool(builder, _version(name), contexts))
        yield tools


def _version(name: str) -> str:
    words = {
        "estiba": (sys.executable, "-I", "-m", "estiba.muelle", "--version"),
        "buildkit": ("/usr/bin/docker", "--version"),
        "classic": ("/usr/bin/docker", "--version"),
    }
    return version_of(*words.get(name.removesuffix("-layers"), (name, "--version")))


def _contexts(folder: Path, options: argparse.Namespace) -> dict[str, Path]:
    contexts = {"steps": folder / "steps", "copy": folder / "copy"}
    for context in contexts.values():
        context.mkdir(parents=True)
    (contexts["steps"] / "Containerfile").write_text(containerfile("", ""))
    if "copy" in options.case:
        make_files(contexts["copy"])
    return contexts


def _measure(tools: Sequence[Tool], folder: Path, options: argparse.Namespace) -> report.Result:
    """Run every round; the first of all, which fills caches, does not count."""
    rounds = 1 if options.check_only else options.rounds
    program = build(CHECKOUT / ".cache" / "benches")
    failures: list[str] = []
    samples: dict[str, report.Samples] = {case: {} for case in options.case}
    spawners = {
        tool.name: Spawner(program, folder / "said", options.timeout * 1000, tool.within()) for tool in tools
    }
    for tool, number in in_turns(tools, rounds + 1):
        for case, prepare in tool.cases().items():
            if case not in options.case:
                continue
            spawner = spawners[tool.name]
            cost = spawner.one(prepare(number))
            if cost.status:
                said = "; ".join(line.strip() for line in spawner.said().splitlines()[-3:])[:400]
                failures.append(f"{tool.name}, {case}, round {number}: status {cost.status}: {said}")
            elif number:
                kinds = samples[case].setdefault(tool.name, {"wall_us": [], "cpu_us": []})
                kinds["wall_us"].append(round(cost.wall_us, 1))
                kinds["cpu_us"].append(round(cost.cpu_us, 1))
    return {
        "format": 1,
        "date": datetime.date.today().isoformat(),
        "rounds": rounds,
        "reference": options.reference,
        "runtimes": {tool.name: tool.version for tool in tools},
        "cases": {case: found for case, found in samples.items() if found},
        "failures": failures,
    }


def _render(result: report.Result) -> str:
    rows = [("case", "tool", "wall min", "median", "to the reference, or the best other")]
    for case, samples in result["cases"].items():
        others = {name: kinds["wall_us"] for name, kinds in samples.items() if not name.startswith("estiba")}
        base = others.get(result["reference"]) or min(others.values(), key=median, default=None)
        for name, kinds in samples.items():
            wall = kinds["wall_us"]
            ratio = f"{median(wall) / median(base):.2f}" if base else ""
            rows.append((case, name, f"{min(wall) / 1000:.0f}", f"{median(wall) / 1000:.0f}", ratio))
    title = "Image tools, ms of wall time; a daemon's work is in it, since the command waits for it."
    return "\n\n".join([report.heading(result), title, report.table(rows)]) + "\n"


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit("benches: interrupted")
