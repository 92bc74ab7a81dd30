# SPDX-License-Identifier: Apache-2.0
"""dockerd with folders and socket of its own, without networks, and the runtime under test as its default."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from clients.client import Client, wait_for_socket
from clients.site import Site
from support import processes

OPTIONS = [
    *("--bridge", "none", "--iptables=false", "--ip6tables=false"),
    *("--ip-forward=false", "--ip-masq=false", "--userland-proxy=false"),
    *("--storage-driver", "overlay2", "--oom-score-adjust", "0"),
    *("--exec-opt", "native.cgroupdriver=cgroupfs", "--default-runtime", "test", "--live-restore"),
]


def prepare(site: Site, runtime: Path, image: Path, others: Mapping[str, Path] | None = None) -> Docker:
    """Start dockerd in the site, and load the image; `others` are runtimes that `--runtime NAME` takes."""
    work = site.folder
    environ = {"DOCKER_BUILDKIT": "0", "DOCKER_CONFIG": f"{work}/config"}
    (work / "bin").mkdir()
    (work / "bin" / "runc").symlink_to(runtime)  # BuildKit of Docker 20.10 asks PATH for it
    environ["PATH"] = f"{work}/bin:{os.environ['PATH']}"
    client = Docker(
        site, ["/usr/bin/docker", "-H", f"unix://{work}/socket"], environ, [Path("/run"), work / "exec"]
    )
    client.runtimes = {"test": runtime, **(others or {})}
    client.start()
    client.must("load", "-i", str(image))
    return client


class Docker(Client):
    """docker; dockerd puts every container into the site's cgroup."""

    runtimes: dict[str, Path]

    def start(self) -> None:
        """Start the daemon, and wait until it answers."""
        work = self.site.folder
        folders = ["--data-root", f"{work}/data", "--exec-root", f"{work}/exec", "-p", f"{work}/pid"]
        place = ["-H", f"unix://{work}/socket", "--cgroup-parent", self.site.cgroup]
        added = [f"--add-runtime={name}={path}" for name, path in self.runtimes.items()]
        self._daemon = self.begin("dockerd", *folders, *place, *added, *OPTIONS, raw=True)
        wait_for_socket(work / "socket", self._daemon.process, self._daemon._err)
        self.until(lambda out: "Server" in out, "version")

    def restart(self) -> None:
        """Stop the daemon and start it again; the containers run on."""
        self.close()
        self.start()

    def sweep(self) -> None:
        """Remove all containers."""
        if names := self.out("ps", "-aq").split():
            self.call("rm", "-f", *names)

    def close(self) -> None:
        """Stop the daemon."""
        self._daemon.process.terminate()
        processes.forget(self._daemon.process)
