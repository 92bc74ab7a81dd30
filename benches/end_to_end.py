# SPDX-License-Identifier: Apache-2.0
"""Measure containerd, podman and Docker end to end over estiba and its peers, in turns; print a table, write JSON.

As a command: `python benches/end_to_end.py --help`. The clients are those of tests/clients, in the same private places.
"""

from __future__ import annotations

import argparse
import contextlib
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
import rounds
from clients import containerd, docker, podman
from clients.client import IMAGE, Client
from clients.site import Site
from image_archive import write_archive
from runtimes import CHECKOUT, Runtime, find
from spawner import Spawner, build
from support import views

CLIENTS = ("ctr", "podman", "docker")


class Over(NamedTuple):
    """One client over one runtime."""

    client: Client
    runtime: Runtime

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
    host = rounds.prepare_host()
    found = find(options.runtime, options.only)
    failures: list[str] = []
    count = 2 if options.check_only else options.rounds
    cases: dict[str, report.Samples] = {}
    for name in options.client or CLIENTS:
        with _benches(name, found, options) as benches:
            cases |= rounds.measure(benches, count, failures)
    versions = {runtime.name: runtime.version for runtime in found}
    result = rounds.result_of(
        host, cases, failures, rounds=count, reference=options.reference, versions=versions
    )
    result["view"] = options.view
    return rounds.tell(result, _render(result), "-clients", is_kept=not options.check_only)


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
def _benches(
    name: str, found: Sequence[Runtime], options: argparse.Namespace
) -> Iterator[list[rounds.Bench]]:
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
        yield [_bench(name, Over(client, runtime), spawner) for runtime in found]
        client.close()
    finally:
        site.close()
        shutil.rmtree(folder)


def _bench(name: str, over: Over, spawner: Spawner) -> rounds.Bench:
    def prepare(number: int) -> list[str]:
        return over.argv(f"{over.runtime.name}-{number}")

    return rounds.Bench(over.runtime.name, {name: prepare}, spawner, over.client.sweep)


def _prepared(name: str, site: Site, programs: dict[str, Path], image: Path) -> Client:
    first = next(iter(programs.values()))
    if name == "docker":
        return docker.prepare(
            site, first, image, {f"bench-{runtime}": path for runtime, path in programs.items()}
        )
    return {"ctr": containerd.prepare, "podman": podman.prepare}[name](site, first, image)


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
