# SPDX-License-Identifier: Apache-2.0
"""Measure estiba against its peers in a private place; print a table, write a JSON file and a plot.

As a command: `python benches/run.py --help`.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

import collect
import plot
import report
import results
import runtimes
import spawner
import stage

HERE = Path(__file__).resolve().parent
WORK = Path("/run/estiba-bench")  # on the tmpfs of the private mount namespace


def main() -> int:
    """Enter the place of the measurement, or, inside it, measure and report."""
    options = _arguments()
    program = spawner.build(runtimes.CHECKOUT / ".cache" / "benches")
    if not options.inside:
        name = f"estiba-bench-{os.getpid()}"
        stage.enter(program, [sys.executable, str(HERE / "run.py"), *sys.argv[1:], "--inside", name])
    found = runtimes.find(options.runtime, options.only)
    if not found:
        hint = "hint: run `python tools/peers.py`, or name one: --runtime NAME=PATH"
        raise SystemExit(f"benches: no runtime to measure\n{hint}")
    stage.mount_views()
    try:
        result = collect.measure(_plan(options, program), found)
    finally:
        stage.clear_cgroups(options.inside)
    if any(result["cases"].values()):
        sys.stdout.write(report.render(result))
        if not options.check_only:
            path = results.write(result)
            path.with_suffix(".svg").write_text(plot.draw(result))
            print(f"\nwritten: benches/results/{path.name} and .svg")
    for line in result["failures"]:
        print(f"benches: {line}", file=sys.stderr)
    return 1 if result["failures"] else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Measure estiba against its peers.")
    add = parser.add_argument
    add("--rounds", type=int, default=40, help="measured rounds, after one that warms up")
    add("--runtime", action="append", default=[], metavar="NAME=PATH", help="one more runtime")
    add("--only", action="append", default=[], metavar="NAME", help="only the runtimes named so")
    add("--reference", default="crun", help="what the ratios are taken to")
    add("--callers", default="1,2,8,32", help="how many callers at once, by commas; empty: none")
    add("--exec-callers", default="1,8", help="the same for exec")
    add("--list", default="1,100,1000", help="how many containers to list, by commas; empty: none")
    add("--timeout", type=int, default=20, help="seconds after which a command is killed")
    add("--check-only", action="store_true", help="two rounds and no files: does it all work?")
    add("--inside", help=argparse.SUPPRESS)
    return parser.parse_args()


def _plan(options: argparse.Namespace, program: Path) -> collect.Plan:
    callers, execs, listed = (
        [int(count) for count in text.split(",") if count]
        for text in (options.callers, options.exec_callers, options.list)
    )
    if options.check_only:
        rounds, repeats, callers, listed = 2, 1, callers[:2], listed[:1]
    else:
        rounds, repeats = options.rounds, 3
    spawn = spawner.Spawner(program, WORK / "said", options.timeout * 1000)
    where = (spawn, WORK, options.inside, options.reference)
    return collect.Plan(*where, rounds, callers, execs, listed, repeats)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit("benches: interrupted")
