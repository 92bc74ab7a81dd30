# SPDX-License-Identifier: Apache-2.0
"""dockerd with folders and socket of its own, without networks, and the runtime under test as its default."""

from __future__ import annotations

from pathlib import Path

from clients.client import Client, wait_for_socket
from clients.site import Site
from support import processes

OPTIONS = [
    *("--bridge", "none", "--iptables=false", "--ip6tables=false"),
    *("--ip-forward=false", "--ip-masq=false", "--userland-proxy=false"),
    *("--storage-driver", "overlay2", "--oom-score-adjust", "0"),
    *("--exec-opt", "native.cgroupdriver=cgroupfs", "--default-runtime", "test"),
]


def prepare(site: Site, runtime: Path, image: Path) -> Docker:
    """Start dockerd in the site, and load the image."""
    work = site.folder
    environ = {"DOCKER_BUILDKIT": "0", "DOCKER_CONFIG": f"{work}/config"}
    client = Docker(site, ["docker", "-H", f"unix://{work}/socket"], environ, [Path("/run"), work / "exec"])
    client.start(runtime)
    client.until(lambda out: "Server" in out, "version")
    client.must("load", "-i", str(image))
    return client


class Docker(Client):
    """docker; dockerd puts every container into the site's cgroup."""

    def start(self, runtime: Path) -> None:
        """Start the daemon."""
        work = self.site.folder
        folders = ["--data-root", f"{work}/data", "--exec-root", f"{work}/exec", "-p", f"{work}/pid"]
        place = ["-H", f"unix://{work}/socket", "--cgroup-parent", self.site.cgroup]
        added = ["--add-runtime", f"test={runtime}"]
        self._daemon = self.begin("dockerd", *folders, *place, *added, *OPTIONS, raw=True)
        wait_for_socket(work / "socket", self._daemon.process, self._daemon._err)

    def sweep(self) -> None:
        """Remove all containers."""
        if names := self.out("ps", "-aq").split():
            self.call("rm", "-f", *names)

    def close(self) -> None:
        """Stop the daemon."""
        self._daemon.process.terminate()
        processes.forget(self._daemon.process)
