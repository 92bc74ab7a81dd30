# SPDX-License-Identifier: Apache-2.0
"""Where one client lives: private mount, pid and network namespaces, an own /run, and a cgroup of the test's own.

All that a client starts is in the site's pid namespace, so what it leaves is found there, and ends with the site.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from support import processes
from support.processes import Pipe
from support.views import Hierarchy, hierarchies, host_is_pure_v2

# The last program is the namespace's init: the clients leave orphans, which it reaps at once.
SETUP = """
set -e
folder=$1 view=$2
shift 2
mount -t tmpfs -o mode=755 tmpfs /run
ip link set lo up
mkdir "$folder/containers"
cp /etc/containers/policy.json "$folder/containers"
mount --bind "$folder/containers" /etc/containers
for other in /usr/bin/crun /usr/sbin/runc; do
    case " $* " in *" $other "*) ;; *) mount --bind /bin/false "$other" ;; esac
done
if [ "$view" = v2 ]; then
    umount -l /sys/fs/cgroup
    mount -t cgroup2 none /sys/fs/cgroup
fi
echo ready
exec catatonit -P
"""
KEPT = ("keeper", "conmon", "buildkit")  # the site's own cgroup, and what podman and BuildKit make once
KEPT_MOUNTS = ("graph/overlay", "exec/netns/default")
UNSHARE = (
    *("setpriv", "--pdeathsig", "KILL", "unshare", "--mount", "--propagation", "private"),
    *("--pid", "--net", "--fork", "--kill-child", "--mount-proc"),
)


class Site:
    """One client's namespaces, in one cgroup view, with a folder for all that it keeps.

    Other runtimes than those under test fail there, so that no client falls back on one unseen.
    """

    def __init__(self, name: str, view: str, folder: Path, *runtimes: Path) -> None:
        self.name, self.view, self.folder = name, view, folder
        self.cgroup = f"/estiba-{name}-{os.getpid()}"
        folder.mkdir(mode=0o755)
        pipe = Pipe()
        set_up = "v2" if view == "v2" and not host_is_pure_v2() else "as-it-is"
        self._outer = processes.popen(
            [*UNSHARE, "sh", "-c", SETUP, "sh", str(folder), set_up, *map(str, runtimes)], stdout=pipe
        )
        line = pipe.readline()
        pipe.close()
        if line != "ready":
            raise RuntimeError(f"no namespaces for {name} in the {view} view")
        self.pid = processes.children(self._outer.pid)[0]
        for hierarchy in self._kept():
            keeper = hierarchy.mountpoint / self.cgroup.lstrip("/") / "keeper"
            keeper.mkdir(parents=True)
            (keeper / "cgroup.procs").write_text(str(self.pid))

    def _kept(self) -> list[Hierarchy]:
        """The hierarchies where the site's init holds the cgroup; a new cpuset takes no process before it is set up."""
        return [h for h in hierarchies() if "cpuset" not in h.controllers or h.is_v2]

    def enter(self) -> list[str]:
        """The words before a command that put it into this site."""
        return ["nsenter", f"--target={self.pid}", "--mount", "--pid", "--net", f"--wdns={self.folder}"]

    def inside(self, path: str) -> Path:
        """Where this process sees a path of the site."""
        return Path(f"/proc/{self.pid}/root", path.lstrip("/"))

    def processes(self) -> set[int]:
        """The processes of this site but its init and those that it is about to reap, as this process numbers them."""
        return {pid for pid in processes.descendants(self.pid) if not processes.is_zombie(pid)}

    def cgroups(self) -> set[Path]:
        """The cgroups below the site's own, but for those that are there for good."""
        found = set()
        for hierarchy in hierarchies():
            for folder, folders, _ in os.walk(hierarchy.mountpoint / self.cgroup.lstrip("/")):
                found |= {Path(folder, name) for name in folders if name not in KEPT}
        return found

    def mounts(self) -> set[str]:
        """The mount points of this site, but for those that a client makes once, or that come and go."""
        lines = Path(f"/proc/{self.pid}/mountinfo").read_text().splitlines()
        return {line.split()[4] for line in lines} - {f"{self.folder}/{name}" for name in KEPT_MOUNTS}

    def close(self) -> None:
        """End every process of the site, and remove its cgroups."""
        self._outer.kill()
        processes.forget(self._outer)
        processes.ended(self.pid, 20)
        processes.reap_orphans()
        for cgroup in sorted(self.cgroups(), reverse=True):
            remove(cgroup)
        for hierarchy in hierarchies():
            top = hierarchy.mountpoint / self.cgroup.lstrip("/")
            for cgroup in (*(top / name for name in KEPT), top):
                remove(cgroup)


def remove(cgroup: Path) -> None:
    """Remove a cgroup, if it is there and empty."""
    with contextlib.suppress(OSError):
        cgroup.rmdir()
