# SPDX-License-Identifier: Apache-2.0
"""What `muelle bundle` makes is run by Debian's runc and crun as by estiba."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from estiba.images import Store
from estiba.images.archive.rootfs import import_
from estiba.images.reference import parse

MUELLE = Path(sys.executable).parent / "muelle"
WITHOUT_HYBRID = '! mountpoint -q /sys/fs/cgroup/unified || umount /sys/fs/cgroup/unified; exec "$@"'
"""crun before 1.9 refuses a host with controllers in a cgroup v2 tree beside those of v1: it is not shown that tree."""

SCRIPT = "id -u; pwd; echo $A; cat /etc/hostname; cat /data/file; touch /data/new"
RUNTIMES = {
    "estiba": [str(Path(sys.executable).parent / "estiba")],
    "runc": ["runc"],
    "crun": ["unshare", "--mount", "sh", "-c", WITHOUT_HYBRID, "sh", "crun"],
}


@pytest.fixture
def busybox(tmp_path: Path) -> Store:
    """A store with an image of busybox that has a user and a volume."""
    tree = tmp_path / "tree"
    for name in ("bin", "etc", "data", "srv"):
        (tree / name).mkdir(parents=True)
    shutil.copy(shutil.which("busybox") or "", tree / "bin/busybox")
    for name in ("sh", "id", "cat", "touch"):
        (tree / "bin" / name).symlink_to("busybox")
    (tree / "etc/passwd").write_text("app:x:7:7::/srv:/bin/sh\n")
    (tree / "data/file").write_text("from the image\n")
    os.chown(tree / "data", 7, 7)
    subprocess.run(["tar", "-C", tree, "-cf", tmp_path / "tree.tar", "."], check=True)
    store = Store.open(tmp_path / "busybox")
    config = {"User": "app", "WorkingDir": "/srv", "Env": ["A=b"], "Volumes": {"/data": {}}}
    with open(tmp_path / "tree.tar", "rb") as file:
        import_(store, file.fileno(), reference=parse("busybox"), config=config)
    return store


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_a_bundle_of_ours_runs(busybox: Store, tmp_path: Path, runtime: str) -> None:
    """User, folder, environment, names and volume are those of the image."""
    made = [MUELLE, "--store", busybox.root, "bundle", "--hostname", "own", "busybox", tmp_path / "made"]
    subprocess.run([*made, "sh", "-c", SCRIPT], check=True)
    root = tmp_path / "state"
    command = [*RUNTIMES[runtime], "--root", str(root), "run", f"bundle-{os.getpid()}-{runtime}"]
    done = subprocess.run(
        command,
        cwd=tmp_path / "made",
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "7\n/srv\nb\nown\nfrom the image\n"), done.stderr
    assert (tmp_path / "made/volumes/0/new").exists()
