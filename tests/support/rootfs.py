# SPDX-License-Identifier: Apache-2.0
"""A root file system of static busybox, cheap enough that each bundle has its own."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

FOLDERS = ("bin", "dev", "etc", "home", "proc", "root", "run", "sys", "tmp", "var", "mnt")

# The applets that the tests' programs use; a name that is missing here shows at once as "not found".
_NAMES = (
    "[ cat chmod chown cp cut date dd df echo env expr false find getopt grep head hostname id ip kill ln ls mkdir "
    "mkfifo mknod mount mv nc nproc printenv printf ps pwd readlink rm rmdir sed setsid sh sleep sort stat "
    "stty sync tail tee test timeout touch tr true tty ulimit umount uname uniq unshare wc which xargs yes"
)
APPLETS = tuple(_NAMES.split())


def prepare(folder: Path) -> None:
    """Copy busybox to where all roots of this session link it from."""
    source = next((p for p in ("/bin/busybox", "/usr/bin/busybox") if Path(p).exists()), None)
    if source is None:
        raise FileNotFoundError("busybox is absent: tools/install-debian.sh installs busybox-static")
    folder.mkdir()
    shutil.copy(source, folder / "busybox")
    (folder / "busybox").chmod(0o755)


def make(root: Path, prepared: Path) -> None:
    """Make a root file system at `root`: an empty tree, busybox and a hard link for each applet."""
    root.mkdir()
    for name in FOLDERS:
        (root / name).mkdir()
    (root / "tmp").chmod(0o1777)
    (root / "etc" / "passwd").write_text("root:x:0:0:root:/root:/bin/sh\nseven:x:7:7::/home:/bin/sh\n")
    (root / "etc" / "group").write_text("root:x:0:\nseven:x:7:\n")
    for name in ("busybox", *APPLETS):
        os.link(prepared / "busybox", root / "bin" / name)
