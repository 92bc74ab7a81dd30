# SPDX-License-Identifier: Apache-2.0
"""podman with storage of its own, its runtime named as the shipped drop-in of containers.conf wants it."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

from clients.client import Client
from clients.site import Site, remove
from support.views import hierarchies

DROP_IN = Path(__file__).resolve().parents[2] / "data/data/share/containers/containers.conf.d/50-estiba.conf"
CONF = """
[containers]
netns = "none"
cgroups = "enabled"
default_ulimits = ["nofile=1024:4096", "nproc=1024:1024"]
{containers}
[engine]
cgroup_manager = "cgroupfs"
events_logger = "file"
"""
STORAGE = '[storage]\ndriver = "overlay"\ngraphroot = "{0}/graph"\nrunroot = "{0}/run"\n'


def prepare(site: Site, runtime: Path, image: Path) -> Client:
    """Write podman's configuration into the site's /etc/containers, and load the image."""
    etc, work = site.folder / "containers", site.folder
    no_pids = "pids_limit = 0" if site.view == "v2" else ""
    (etc / "containers.conf").write_text(CONF.format(containers=no_pids))
    (etc / "storage.conf").write_text(STORAGE.format(work))
    (etc / "containers.conf.d").mkdir()
    shutil.copy(DROP_IN, etc / "containers.conf.d")
    words = ["podman", "--root", f"{work}/graph", "--runroot", f"{work}/run", "--tmpdir", f"{work}/tmp"]
    environ = {"DISABLE_HC_SYSTEMD": "true", "TMPDIR": str(work)}
    client = Podman(site, [*words, "--runtime", str(runtime)], environ, [Path("/run")])
    client.must("load", "-i", str(image))
    return client


class Podman(Client):
    """podman; every new container goes into the site's cgroup."""

    def argv(self, words: Sequence[str]) -> list[str]:
        """Put the cgroup parent after the word that makes a container; for `build`, it is the very cgroup."""
        count = 2 if list(words[:2]) == ["pod", "create"] else 1
        makes = words[0] in ("run", "create", "build") or count == 2
        place = f"{self.site.cgroup}/built" if words[0] == "build" else self.site.cgroup
        parent = ["--cgroup-parent", place] if makes else []
        return [*self.words, *words[:count], *parent, *words[count:]]

    def sweep(self) -> None:
        """Remove all containers and pods."""
        self.call("pod", "rm", "-fa", "-t", "0")
        self.call("rm", "-fa", "-t", "0")
        for hierarchy in hierarchies():
            if not hierarchy.controllers & {"memory", "pids"}:  # podman 4.3 forgets a pod's cgroup there
                for pod in hierarchy.mountpoint.joinpath(self.site.cgroup.lstrip("/")).glob(
                    "[0-9a-f]*[0-9a-f]"
                ):
                    remove(pod)

    def close(self) -> None:
        """Nothing of podman runs between calls."""
