# SPDX-License-Identifier: Apache-2.0
"""Measure builds, unpacking, packing and a run of image tools, in turns; print a table, write JSON and a plot.

As a command: `python benches/images.py --help`. The builders live in sites of their own, as in tests/compare.
"""

from __future__ import annotations

import argparse
import contextlib
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from statistics import median

HERE = Path(__file__).resolve().parent
sys.path += [str(HERE.parent / "tests"), str(HERE.parent / "tools")]

import report
import rounds
from compare import bases
from compare.builders import Buildah, Builder, BuildKit, Classic, Estiba
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

BUILDERS: dict[str, Callable[[Path, list[Path]], Builder]] = {
    "estiba": Estiba,
    "buildkit": BuildKit,
    "classic": Classic,
    "buildah": Buildah,
}
LAYER_TOOLS = ("estiba-layers", "umoci", "skopeo", "tar", "tar-sha256")
LAYER_CASES = ("unpack gzip", "unpack zstd", "pack gzip", "pack zstd")
BUILD_CASES = ("cold", "cached", "changed", "copy", "run")
CASES = (*BUILD_CASES, *LAYER_CASES)
DISK = 24 << 30
"""Bytes of the file system of all stores; the file of it has holes."""


def main() -> int:
    """Measure what was asked for; 1 if something failed."""
    options = _arguments()
    host = rounds.prepare_host()
    failures: list[str] = []
    count = 1 if options.check_only else options.rounds
    with _own_disk() as folder, _tools(folder, options) as tools:
        cases = rounds.measure(_benches(tools, folder, options), count, failures)
    result = rounds.result_of(
        host,
        {case: cases[case] for case in CASES if case in cases},
        failures,
        rounds=count,
        reference=options.reference,
        versions={tool.name: tool.version for tool in tools},
    )
    result["scale"] = "case"
    result["sizes"] = {tool.name: tool.sizes for tool in tools if tool.sizes}
    return rounds.tell(result, _render(result), "-images", is_kept=not options.check_only)


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
def _own_disk() -> Iterator[Path]:
    """Give a file system that nobody else writes to: what another has deleted slows ext4 down, what it writes syncs."""
    with tempfile.TemporaryDirectory(prefix="eb-") as name:
        image, folder = Path(name, "disk"), Path(name, "d")
        folder.mkdir()
        with image.open("wb") as file:
            file.truncate(DISK)
        subprocess.run(["mkfs.ext4", "-q", "-F", image], check=True)
        subprocess.run(["mount", "-o", "loop", image, folder], check=True)
        try:
            folder.chmod(0o755)
            Path(name).chmod(0o755)
            yield folder
        finally:
            subprocess.run(["umount", "--lazy", folder], check=True)


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
    return version_of(*words.get(name.removesuffix("-layers"), (name.removesuffix("-sha256"), "--version")))


def _contexts(folder: Path, options: argparse.Namespace) -> dict[str, Path]:
    contexts = {"steps": folder / "steps", "copy": folder / "copy"}
    for context in contexts.values():
        context.mkdir(parents=True)
    (contexts["steps"] / "Containerfile").write_text(containerfile("", ""))
    if "copy" in options.case:
        make_files(contexts["copy"])
    return contexts


def _benches(tools: Sequence[Tool], folder: Path, options: argparse.Namespace) -> list[rounds.Bench]:
    """Let each tool be called where it lives."""
    program = build(CHECKOUT / ".cache" / "benches")
    made = []
    for tool in tools:
        spawner = Spawner(program, folder / "said", options.timeout * 1000, tool.within())
        cases = {case: prepare for case, prepare in tool.cases().items() if case in options.case}
        made.append(rounds.Bench(tool.name, cases, spawner))
    return made


def _render(result: report.Result) -> str:
    rows = [("case", "tool", "wall min", "median", "to the reference, or the best other", "MB")]
    for case, samples in result["cases"].items():
        others = {name: kinds["wall_us"] for name, kinds in samples.items() if not name.startswith("estiba")}
        base = others.get(result["reference"]) or min(others.values(), key=median, default=None)
        for name, kinds in samples.items():
            wall = kinds["wall_us"]
            ratio = f"{median(wall) / median(base):.2f}" if base else ""
            size = result["sizes"].get(name, {}).get(case)
            cells = (f"{min(wall) / 1000:.0f}", f"{median(wall) / 1000:.0f}", ratio)
            rows.append((case, name, *cells, f"{size / 1e6:.1f}" if size else ""))
    title = "Image tools, ms of wall time; a daemon's work is in it, since the command waits for it."
    return "\n\n".join([report.heading(result), title, report.table(rows)]) + "\n"


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit("benches: interrupted")
