# SPDX-License-Identifier: Apache-2.0
"""Write docs/faults.md: what estiba, runc and crun say of the same broken bundles (tests/support/faults.py).

Run as root: `python tools/faults_page.py RUNC CRUN > docs/faults.md`. Each runtime really runs each bundle; estiba's
words are those that tests hold (tests/golden/faults).
"""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(REPOSITORY / "tests"))

from estiba.spec import default_config
from support import processes, rootfs, views
from support.bundles import Bundle, make_bundle
from support.faults import FAULTS, Fault, stored

SECONDS = 20
CGROUP = f"/estiba-faults-{os.getpid()}"

HEAD = """\
# The same fault under three runtimes

{count} bundles with one fault each, run by estiba, {versions}. Written by `tools/faults_page.py` from true runs
as root, the others' on cgroup v2 alone, as crun wants it; times and the bundle's paths are shortened, nothing
else. What estiba says is held by a test through both of its doors; `estiba check` says it without a start.

"""


def main(runtimes: list[str]) -> None:
    """Write the page."""
    processes.become_subreaper()
    views.leave_host_mounts()
    view = views.View("v2")
    names = [version(path) for path in runtimes]
    parts = [HEAD.format(count=len(FAULTS), versions=" and ".join(names))]
    with tempfile.TemporaryDirectory(prefix="et-") as place:
        prepared = Path(place) / "busybox"
        rootfs.prepare(prepared)
        for name, fault in FAULTS.items():
            ours, checked, _ = stored(name)
            parts += [f"## {fault.title}\n\n", block("estiba run", ours)]
            if checked:
                parts.append(block("estiba check", checked))
            for number, path in enumerate(runtimes):
                said = run([*view.enter(), path], fault, Path(place) / f"{name}-{number}", prepared)
                parts.append(block(names[number], said))
    view.close()
    sys.stdout.write("".join(parts))


def version(path: str) -> str:
    """Return "runc 1.1.5" or the like."""
    line = subprocess.run([path, "--version"], capture_output=True, text=True, check=True).stdout.split("\n")[
        0
    ]
    return line.replace(" version", "")


def block(title: str, text: str) -> str:
    """Lay out what a runtime says."""
    return f"**{title}**\n\n```\n{text.rstrip() or '(nothing)'}\n```\n\n"


def run(runtime: list[str], fault: Fault, folder: Path, prepared: Path) -> str:
    """Run a broken bundle; return what was said, and the exit code."""
    config = make_bundle(folder, folder.name, default_config(), ["true"], fault.changes, prepared)
    if "linux" in config.config and "/linux/cgroupsPath" not in fault.changes:
        config.change("/linux/cgroupsPath", f"{CGROUP}/{config.id}")
    fault.prepare(config)
    root = ["--root", str(folder.parent / "state")]
    try:
        done = subprocess.run(
            [*runtime, *root, "run", "--bundle", str(folder), config.id],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
        said = f"{done.stdout}{done.stderr}".rstrip() + f"\n(exit code {done.returncode})"
    except subprocess.TimeoutExpired:
        said = f"(no end within {SECONDS} s)"
    subprocess.run([*runtime, *root, "delete", "--force", config.id], capture_output=True, check=False)
    remove_cgroups(config)
    return shortened(said, config)


def shortened(said: str, config: Bundle) -> str:
    """Replace what differs from run to run."""
    text = re.sub(r'(?m)^(time="[^"]*" |\d{4}-\d\d-\d\dT\S+ )', "", said)
    return text.replace(str(config.path), "BUNDLE").replace(CGROUP, "").replace(config.id, "ID")


def remove_cgroups(config: Bundle) -> None:
    """Remove what a failed run has left of its cgroup."""
    for hierarchy in views.hierarchies():
        ours = hierarchy.mountpoint / CGROUP.lstrip("/")
        for folder in (ours / config.id, ours):
            with contextlib.suppress(OSError):
                folder.rmdir()


if __name__ == "__main__":
    main(sys.argv[1:])
