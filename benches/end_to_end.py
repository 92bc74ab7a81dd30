# SPDX-License-Identifier: Apache-2.0
"""Measure containerd, podman and Docker end to end over estiba and its peers, in turns; print a table, write JSON.

As a command: `python benches/end_to_end.py --help`. The clients are those of tests/clients, in the same private places.
"""

from __future__ import annotations

import argparse
import contextlib
import datetime
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import median
from typing import NamedTuple

HERE = Path(__file__).resolve().parent
sys.path += [str(HERE.parent / "tests"), str(HERE.parent / "tools")]

import report
import results
from clients import containerd, docker, podman
from clients.client import IMAGE, Client
from clients.site import Site
from collect import in_turns, machine
from image_archive import write_archive
from runtimes import CHECKOUT, Runtime, find
from spawner import Spawner, build
from support import processes, views

CLIENTS = ("ctr", "podman", "docker")


class Bench(NamedTuple):
    """One runtime under one client."""

    client: Client
    runtime: Runtime
    spawner: Spawner

    def argv(self, container: str) -> list[str]:
        """Return the argv, by path, of a container that runs true(1) and is removed."""
        name, *words = self._words(container)
        return [shutil.which(name) or name, *words]

    def _words(self, container: str) -> list[str]:
        client, path = self.client, Path(self.runtime.program)
        if isinstance(client, containerd.Containerd):
            client.runtime = path
            return client.argv(client.run(container, "true"))
        if isinstance(client, podman.Podman):
            client.words[-1] = str(path)
            return client.argv(["run", "--rm", "--name", container, IMAGE, "true"])
        chosen = ["--runtime", f"bench-{self.runtime.name}"]  # dockerd keeps "runc" for itself
        return client.argv(["run", "--rm", *chosen, "--name", container, IMAGE, "true"])


def main() -> int:
    """Measure what was asked for; 1 if a run failed."""
    options = _arguments()
    if os.geteuid():
        raise SystemExit("benches: the clients are measured as root")
    processes.become_subreaper()
    views.leave_host_mounts()
    found = find(options.runtime, options.only)
    result: report.Result = {
        "format": 1,
        "date": datetime.date.today().isoformat(),
        "rounds": 2 if options.check_only else options.rounds,
        "reference": options.reference,
        "view": options.view,
        "runtimes": {runtime.name: runtime.version for runtime in found},
        "cases": {},
        "failures": [],
    }
    load_before = round(os.getloadavg()[0], 1)
    for name in options.client or CLIENTS:
        with _benches(name, found, options) as benches:
            result["cases"][name] = _measure(benches, result["rounds"], result["failures"])
    loads = {"load_before": load_before, "load_after": round(os.getloadavg()[0], 1)}
    result["machine"] = {**machine(), **loads}
    sys.stdout.write(_render(result))
    if not options.check_only:
        print(f"\nwritten: benches/results/{results.write(result, '-clients').name}")
    for line in result["failures"]:
        print(f"benches: {line}", file=sys.stderr)
    return 1 if result["failures"] else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description="Measure containerd, podman and Docker over several runtimes."
    )
    add = parser.add_argument
    add("client", nargs="*", metavar="CLIENT", help=f"of {', '.join(CLIENTS)}; all if none is named")
    add("--rounds", type=int, default=20, help="measured rounds, after one that warms up")
    add("--view", choices=views.available(), default="v2", help="the view of the cgroups")
    add("--runtime", action="append", default=[], metavar="NAME=PATH", help="one more runtime")
    add("--only", action="append", default=[], metavar="NAME", help="only the runtimes named so")
    add("--reference", default="crun", help="what the ratios are taken to")
    add("--timeout", type=int, default=60, help="seconds after which a command is killed")
    add("--check-only", action="store_true", help="two rounds and no files: does it all work?")
    options = parser.parse_args()
    if unknown := set(options.client) - set(CLIENTS):
        parser.error(f"no client {', '.join(unknown)}; there are {', '.join(CLIENTS)}")
    return options


@contextlib.contextmanager
def _benches(name: str, found: Sequence[Runtime], options: argparse.Namespace) -> Iterator[list[Bench]]:
    """Start a client in a place of its own, ready to be measured over every runtime."""
    programs = {runtime.name: Path(runtime.program) for runtime in found}
    folder = Path(tempfile.mkdtemp(prefix="eb-"))
    folder.chmod(0o755)
    site = Site(name, options.view, folder / "site", *programs.values())
    try:
        image = folder / "image.tar"
        write_archive(image, IMAGE, Path("/bin/busybox"))
        client = _prepared(name, site, programs, image)
        # As systemd does on every host.
        subprocess.run([*site.enter(), "mount", "-t", "bpf", "none", "/sys/fs/bpf"], check=True)
        # env(1) is before the spawner and so not in the figures.
        within = [*site.enter(), "env", *(f"{key}={value}" for key, value in client.environ.items())]
        spawner = Spawner(build(CHECKOUT / ".cache/benches"), folder / "said", options.timeout * 1000, within)
        yield [Bench(client, runtime, spawner) for runtime in found]
        client.close()
    finally:
        site.close()
        shutil.rmtree(folder)


def _prepared(name: str, site: Site, programs: dict[str, Path], image: Path) -> Client:
    first = next(iter(programs.values()))
    if name == "docker":
        return docker.prepare(
            site, first, image, {f"bench-{runtime}": path for runtime, path in programs.items()}
        )
    return {"ctr": containerd.prepare, "podman": podman.prepare}[name](site, first, image)


def _measure(benches: Sequence[Bench], rounds: int, failures: list[str]) -> report.Samples:
    """Run every round; the first of all, which fills caches, does not count."""
    able = [bench for bench in benches if _one(bench, "warm", failures) is not None]
    samples: report.Samples = {bench.runtime.name: {"wall_us": []} for bench in able}
    for bench, number in in_turns(able, rounds):
        wall = _one(bench, str(number), failures)
        if wall is not None:
            samples[bench.runtime.name]["wall_us"].append(round(wall, 1))
    return {name: kinds for name, kinds in samples.items() if kinds["wall_us"]}


def _one(bench: Bench, turn: str, failures: list[str]) -> float | None:
    """Return what a run took in microseconds; a failed one is told, and counts for nothing."""
    cost = bench.spawner.one(bench.argv(f"{bench.runtime.name}-{turn}"))
    if not cost.status:
        return cost.wall_us
    said = "; ".join(line.strip() for line in bench.spawner.said().splitlines()[-2:])[:300]
    failures.append(
        f"{bench.client.site.name} over {bench.runtime.name}, {turn}: status {cost.status}: {said}"
    )
    bench.client.sweep()
    return None


def _render(result: report.Result) -> str:
    rows = [("client", "runtime", "wall min", "median", "ratio of minima", "of medians")]
    for client, samples in result["cases"].items():
        base = samples.get(result["reference"], {}).get("wall_us")
        for name, kinds in samples.items():
            figures = [min(kinds["wall_us"]), median(kinds["wall_us"])]
            ratios = (
                [f"{figures[0] / min(base):.2f}", f"{figures[1] / median(base):.2f}"] if base else ["", ""]
            )
            rows.append((f"{client} run", name, *(f"{figure / 1000:.1f}" for figure in figures), *ratios))
    title = f"Clients end to end, {result['view']} view, `run --rm` of true, ms."
    return "\n\n".join([report.heading(result), title, report.table(rows)]) + "\n"


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit("benches: interrupted")
