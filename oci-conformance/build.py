# SPDX-License-Identifier: Apache-2.0
"""Get and build the OCI's validation programs, pinned and cached; nothing of their source is committed.

The module comes from the Go proxy. It has no go.mod, so it is copied and built with the one that lies here.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
from pathlib import Path

HERE = Path(__file__).resolve().parent
CACHE = HERE.parent / ".cache" / "oci-conformance"

MODULE = "github.com/opencontainers/runtime-tools@v0.9.0"
SUM = "h1:FYgwVsKRI/H9hU32MJ/4MLOzXWodKK5zsQavY8NPMkU="
PINS = ("go.mod", "go.sum")

NOT_PROGRAMS = ("runtimetest",)  # runs inside the containers of the others


class Unavailable(Exception):
    """The programs cannot be had here, and why."""


def programs() -> Path:
    """Return the folder of the built programs, with the root file system beside them; build them at first."""
    pins = b"".join((HERE / name).read_bytes() for name in PINS)
    folder = CACHE / hashlib.sha256(MODULE.encode() + pins).hexdigest()[:12]
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "programs").is_dir():
            _build(folder)
    return folder / "programs"


def names(folder: Path) -> list[str]:
    """List the validation programs in a built folder."""
    found = (p.name for p in folder.iterdir() if os.access(p, os.X_OK) and not p.suffixes)
    return sorted(name for name in found if name not in NOT_PROGRAMS)


def _build(folder: Path) -> None:
    source, built = folder / "source", folder / "built"
    for left in (source, built):
        shutil.rmtree(left, ignore_errors=True)  # of an interrupted build
    _copy(_module(), source)
    for name in PINS:
        shutil.copy(HERE / name, source / name)
    built.mkdir()
    options = ("build", "-p", "2", "-mod=readonly", "-trimpath", "-ldflags=-s -w", "-o", str(built))
    # The container's root file system has no libraries.
    _go(*options, "./cmd/runtimetest", "./validation/...", cwd=source, CGO_ENABLED="0")
    for archive in source.glob("rootfs-*.tar.gz"):
        shutil.copy(archive, built)
    shutil.rmtree(source)
    built.rename(folder / "programs")  # the last step, so that this folder is complete when it is there


def _module() -> Path:
    """Return the module's folder in the Go module cache; what was downloaded must have the pinned sum."""
    said = json.loads(_go("mod", "download", "-json", MODULE, cwd=CACHE))
    if said["Sum"] != SUM:
        raise Unavailable(f"{MODULE} has the sum {said['Sum']}, pinned is {SUM}")
    return Path(said["Dir"])


def _copy(module: Path, to: Path) -> None:
    """Copy a module; the cache holds its files read-only."""
    shutil.copytree(module, to, copy_function=shutil.copyfile)
    for path in (to, *to.rglob("*")):
        if path.is_dir():
            path.chmod(0o755)


def _go(*argv: str, cwd: Path, **environ: str) -> str:
    env = {**os.environ, "GOFLAGS": "", "GOWORK": "off", "GOTOOLCHAIN": "local", **environ}
    try:
        done = subprocess.run(
            ["go", *argv],
            cwd=cwd,
            env=env,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
    except FileNotFoundError:
        raise Unavailable("go is absent: the OCI's programs are written in Go") from None
    if done.returncode:
        raise Unavailable(f"go {argv[0]}: " + "; ".join(done.stderr.strip().splitlines()[-4:]))
    return done.stdout


if __name__ == "__main__":
    print(programs())
