# SPDX-License-Identifier: Apache-2.0
"""What is measured of image tools: builds, unpacking and packing, and a run; what of it each tool can do, and how.

Every case is made anew each round, and what is not the case's own work is done before the clock starts.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from abc import ABC, abstractmethod
from pathlib import Path

from compare.builders import RUNC, Buildah, Builder, BuildKit, Classic, Estiba
from rounds import Prepare

STEPS = 20
FILES = 10_000
LAYER_BYTES = 200_000_000

Argv = list[str]


def containerfile(first: str, tenth: str) -> str:
    """Return a Containerfile of twenty small RUNs; a new word in a line makes its step, and those below, new."""
    words = {1: first, STEPS // 2: tenth}
    lines = [f"RUN echo {number} {words.get(number, '')} > /file-{number}" for number in range(1, STEPS + 1)]
    return "\n".join(["FROM localhost/base:busybox", *lines, ""])


def make_files(folder: Path) -> None:
    """Make the 10,000 files of the COPY case: a hundred folders of small files, as a project has them."""
    for number in range(FILES):
        path = folder / "tree" / f"{number // 100:02}" / f"{number % 100:02}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"file {number}\n" * (number % 60 + 1))
    (folder / "Containerfile").write_text("FROM localhost/base:busybox\nCOPY tree /tree\n")


def make_layer_tree(folder: Path) -> None:
    """Make a tree of about 200 MB: what this machine's programs are made of, which compresses as software does."""
    taken = 0
    for source in sorted(Path("/usr/lib").rglob("*")):
        if source.is_file() and not source.is_symlink() and taken < LAYER_BYTES:
            target = folder / source.relative_to("/")
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, target)
            taken += source.stat().st_size


class Tool(ABC):
    """One tool, ready to be measured."""

    name: str
    version: str
    sizes: dict[str, int]
    """Bytes of what a case has packed, the last time."""

    @abstractmethod
    def cases(self) -> dict[str, Prepare]:
        """Name the cases that it can do."""

    @abstractmethod
    def within(self) -> list[str]:
        """Return the words that start a command where the tool lives."""


class BuilderTool(Tool):
    """A builder: the build cases, and a run where it can."""

    def __init__(self, builder: Builder, version: str, contexts: dict[str, Path]) -> None:
        self.builder, self.name, self.version, self.sizes = builder, builder.name, version, {}
        self._contexts = contexts

    def within(self) -> list[str]:
        """Enter the site, with the client's environment; neither is in the figures."""
        client = self.builder.client
        return [
            *self.builder.site.enter(),
            "env",
            *(f"{key}={value}" for key, value in client.environ.items()),
        ]

    def cases(self) -> dict[str, Prepare]:
        """The four builds; the cold one comes before those that need its result."""
        found: dict[str, Prepare] = {
            "cold": lambda number: self._steps(f"{self.name}-{number}", "0"),
            "cached": lambda number: self._steps(f"{self.name}-{number}", "0"),
            "changed": lambda number: self._steps(f"{self.name}-{number}", "1"),
            "copy": self._copy,
        }
        if isinstance(self.builder, BuildKit | Classic | Estiba):
            found["run"] = lambda number: self._argv("run", "--rm", "localhost/base:busybox", "true")
        return found

    def _steps(self, first: str, tenth: str) -> Argv:
        context = self._contexts["steps"]
        (context / "Containerfile").write_text(containerfile(first, tenth))
        return self._build(context)

    def _copy(self, number: int) -> Argv:
        context = self._contexts["copy"]
        (context / "tree" / "00" / "00.txt").write_text(f"round {number} of {self.name}\n")
        return self._build(context)

    def _build(self, context: Path) -> Argv:
        words = {
            Buildah: [
                *("build", "-q", "--layers", "--pull-never", "--isolation", "oci"),
                *("--runtime", str(RUNC), "--network", "host"),
            ],
            BuildKit: ["build", "-q", "--network", "host"],
            Classic: ["build", "-q", "--network", "host"],
            Estiba: ["build", "-q"],
        }[type(self.builder)]
        return self._argv(
            *words, "--tag", "localhost/bench:latest", "-f", str(context / "Containerfile"), str(context)
        )

    def _argv(self, *words: str) -> Argv:
        name, *rest = self.builder.client.argv(words)
        return [shutil.which(name) or name, *rest]


class LayerTool(Tool):
    """What unpacks and packs a layer of 200 MB: files in `work`, made by `make_layers`."""

    def __init__(self, name: str, version: str, work: Path) -> None:
        self.name, self.version, self._work, self.sizes = name, version, work, {}
        self._packed = ""
        self._target = work / f"target-{name}"

    def within(self) -> list[str]:
        """Run beside us."""
        return []

    def cases(self) -> dict[str, Prepare]:
        """What it can do of the four; each begins without the result of the round before."""
        return {case: self._prepare(case, words) for case, words in self._commands().items()}

    def _prepare(self, case: str, words: Argv) -> Prepare:
        def prepare(number: int) -> Argv:
            target = self._target
            self._weigh(target)
            self._packed = case if case.startswith("pack") else ""
            shutil.rmtree(target, ignore_errors=True)
            target.mkdir()
            os.sync()
            return words

        return prepare

    def _weigh(self, target: Path) -> None:
        """Note the size of what the case before has packed."""
        if self._packed:
            files = [path for path in target.rglob("*") if path.is_file()]
            self.sizes[self._packed] = max((path.stat().st_size for path in files), default=0)

    def _commands(self) -> dict[str, Argv]:
        work, target = self._work, self._target
        if self.name == "umoci":
            return {
                "unpack gzip": [
                    "/usr/bin/umoci",
                    "unpack",
                    "--image",
                    f"{work}/layout:gzip",
                    f"{target}/bundle",
                ]
            }
        if self.name == "skopeo":
            pack = [
                "/usr/bin/skopeo",
                "copy",
                "-q",
                "--dest-compress",
                f"dir:{work}/plain",
                f"dir:{target}/copy",
            ]
            return {"pack gzip": pack, "pack zstd": [*pack[:4], "--dest-compress-format", "zstd", *pack[4:]]}
        if self.name.startswith("tar"):
            return self._pipes(is_digested=self.name == "tar-sha256")
        layer = [sys.executable, str(Path(__file__).with_name("layer.py"))]
        return {
            "unpack gzip": [*layer, "unpack", f"{work}/layer.tar.gz", f"{target}/tree"],
            "unpack zstd": [*layer, "unpack", f"{work}/layer.tar.zst", f"{target}/tree"],
            "pack gzip": [*layer, "pack", f"{work}/layer", f"{target}/layer", "gzip"],
            "pack zstd": [*layer, "pack", f"{work}/layer", f"{target}/layer", "zstd"],
        }

    def _pipes(self, *, is_digested: bool) -> dict[str, Argv]:
        """What a shell does with tar: as it comes, or with the two digests that a layer has, each taken by a tee."""
        work, target = self._work, self._target
        digest = "tee >(openssl sha256 >&2)"
        then, last = (f"| {digest} |", f"| {digest}") if is_digested else ("|", "")
        found: dict[str, str] = {}
        for compression, program, suffix in (("gzip", "gzip", "gz"), ("zstd", "zstd -q", "zst")):
            layer = f"{work}/layer.tar.{suffix}"
            inflate = f"{digest} < {layer} | {program} -dc" if is_digested else f"{program} -dc {layer}"
            found |= {
                f"unpack {compression}": f"{inflate} {then} tar -C {target} -xf -",
                f"pack {compression}": f"tar -C {work}/layer -cf - . {then} {program} {last} > {target}/layer",
            }
        return {case: ["/bin/bash", "-c", words] for case, words in found.items()}


def make_layers(work: Path) -> None:
    """Make the layer as a folder, as gzip and zstd, in an OCI layout and plain, by tools that are none of ours."""
    make_layer_tree(work / "layer")
    layout = work / "layout"
    tar = f"tar -C {work}/layer --sort=name -cf - ."
    for words in (
        ("sh", "-c", f"{tar} | gzip > {work}/layer.tar.gz"),
        ("sh", "-c", f"{tar} | zstd -q > {work}/layer.tar.zst"),
        ("umoci", "init", "--layout", f"{layout}"),
        ("umoci", "new", "--image", f"{layout}:gzip"),
        ("umoci", "insert", "--image", f"{layout}:gzip", f"{work}/layer", "/"),
        # To a folder, since skopeo keeps the compression of what it copies to a layout.
        ("skopeo", "copy", "--dest-decompress", f"oci:{layout}:gzip", f"dir:{work}/plain"),
    ):
        subprocess.run(words, check=True, capture_output=True)


def version_of(*words: str) -> str:
    """Return the first number with dots in what a command says of itself."""
    said = subprocess.run(words, capture_output=True, text=True, check=False).stdout
    return next((word.strip(",") for word in said.split() if word[:1].isdigit() and "." in word), "unknown")
