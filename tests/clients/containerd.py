# SPDX-License-Identifier: Apache-2.0
"""containerd with root, state and socket of its own, called by ctr through the runc v2 shim."""

from __future__ import annotations

import os
from pathlib import Path

from clients.client import IMAGE, Client, wait_for_socket
from clients.site import Site
from support import processes

OFF = (
    "grpc.v1.cri",
    "snapshotter.v1.btrfs",
    "snapshotter.v1.devmapper",
    "snapshotter.v1.zfs",
    "snapshotter.v1.aufs",
)
CONFIG = """
version = 2
root = "{work}/root"
state = "{work}/state"
oom_score = 0
disabled_plugins = [{off}]
[grpc]
address = "{work}/socket"
"""
NAMESPACE = "test"


def prepare(site: Site, runtime: Path, image: Path) -> Containerd:
    """Start containerd in the site, and import the image."""
    work = site.folder
    off = ", ".join(f'"io.containerd.{name}"' for name in OFF)
    (work / "config.toml").write_text(CONFIG.format(work=work, off=off))
    (work / "bin").mkdir()
    (work / "bin" / "runc").symlink_to(runtime)  # with --uidmap, ctr 1.6 forgets --runc-binary and asks PATH
    environ = {"PATH": f"{work}/bin:{os.environ['PATH']}"}
    client = Containerd(
        site, ["ctr", "--address", f"{work}/socket", "-n", NAMESPACE], environ, [Path("/run")]
    )
    client.runtime = runtime
    client.start()
    client.must("image", "import", str(image))
    return client


class Containerd(Client):
    """ctr; every new container goes into the site's cgroup."""

    runtime: Path

    def start(self) -> None:
        """Start the daemon."""
        self._daemon = self.begin("containerd", "--config", f"{self.site.folder}/config.toml", raw=True)
        wait_for_socket(self.site.folder / "socket", self._daemon.process, self._daemon._err)

    def run(self, name: str, *program: str, flags: tuple[str, ...] = ("--rm",)) -> list[str]:
        """The words of `ctr run`."""
        runc = ["--runtime", "io.containerd.runc.v2", "--runc-binary", str(self.runtime)]
        # ctr asks for 1024 CPU shares unless told otherwise, which a view without that controller refuses
        shares = ["--cpu-shares", "0"] if self.site.view == "v2" else []
        place = ["--cgroup", f"{self.site.cgroup}/{name}"]
        return ["run", *runc, *place, *shares, *flags, IMAGE, name, *program]

    def sweep(self) -> None:
        """Remove all containers."""
        for line in self.out("task", "ls", "-q").splitlines():
            self.call("task", "delete", "-f", line)
        for line in self.out("container", "ls", "-q").splitlines():
            self.call("container", "delete", line)

    def close(self) -> None:
        """Stop the daemon."""
        self._daemon.process.terminate()
        processes.forget(self._daemon.process)
