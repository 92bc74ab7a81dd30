# SPDX-License-Identifier: Apache-2.0
"""The guest's system: a Debian of the host's own release on an ext4 disk, its kernel, and an initramfs of drivers.

Made by mmdebstrap from the host's own package sources and kept in .cache/vm, one folder a recipe: what this file and
the folder guest say is the recipe, and a changed one makes a new image.
"""

from __future__ import annotations

import hashlib
import lzma
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import NamedTuple

CHECKOUT = Path(__file__).resolve().parents[2]
CACHE = CHECKOUT / ".cache" / "vm"
GUEST = Path(__file__).resolve().parent / "guest"

PACKAGES = (
    "apparmor",
    "busybox-static",
    "dbus",
    "iproute2",
    "kmod",
    "libseccomp2",
    "mount",
    "procps",
    "python3",
    "strace",
    "systemd-sysv",
    "uidmap",
    "util-linux",
)
LEFT_OUT = ("/usr/share/man/*", "/usr/share/doc/*", "/usr/share/locale/*", "/usr/share/info/*")
DRIVERS = ("virtio_pci", "virtio_blk", "overlay")
"""What systemd and the tests need before there is anybody who loads modules on demand."""

SIZE = 4 << 30
"""Of the disk; the file is sparse."""


class Image(NamedTuple):
    """What QEMU boots."""

    disk: Path
    initramfs: Path
    kernel: Path
    python: str
    """The guest's Python, as "3.11"."""


def image() -> Image:
    """Return the image of the present recipe, made if it is not there (some minutes, as root)."""
    folder = CACHE / recipe()
    if not folder.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="new-", dir=CACHE) as name:
            new = Path(name)
            new.chmod(0o755)  # apt downloads as a user of its own
            _make(new)
            for old in CACHE.iterdir():
                if old != new:
                    shutil.rmtree(old)
            (new / "image").rename(folder)
    [kernel] = folder.glob("vmlinuz-*")
    return Image(folder / "disk", folder / "initramfs", kernel, (folder / "python").read_text())


def recipe() -> str:
    """Name the recipe by what it says."""
    texts = [path.read_bytes() for path in (Path(__file__), *sorted(GUEST.iterdir()))]
    return hashlib.sha256(b"\0".join(texts)).hexdigest()[:16]


def _make(new: Path) -> None:
    """Make new/image, with what it takes beside it."""
    root, folder = new / "root", new / "image"
    folder.mkdir()
    _bootstrap(root)
    [kernel] = (root / "boot").glob("vmlinuz-*")
    shutil.copy(kernel, folder)
    (folder / "python").write_text((root / "usr/bin/python3").readlink().name.removeprefix("python"))
    write_disk(folder / "disk", root, SIZE)
    _write_initramfs(folder / "initramfs", root, new / "initramfs")


def _bootstrap(root: Path) -> None:
    keep_small = [f"--dpkgopt=path-exclude={pattern}" for pattern in LEFT_OUT]
    keep_small += ["--aptopt=APT::Install-Recommends false", "--aptopt=Acquire::Languages none"]
    hook = f"--customize-hook={GUEST / 'configure.sh'}"
    packages = f"--include={','.join(PACKAGES)}"
    words = ["mmdebstrap", "--quiet", "--mode=root", "--variant=minbase", *keep_small, packages, hook]
    release = dict(line.split("=", 1) for line in Path("/etc/os-release").read_text().splitlines() if line)
    subprocess.run([*words, release["VERSION_CODENAME"], root, *_sources()], check=True)


def _sources() -> list[str]:
    """Return Debian's own sources of this host, as lines of sources.list(5)."""
    words = ["apt-get", "indextargets", "--format", "$(ORIGIN) deb $(SITE) $(RELEASE) $(COMPONENT)"]
    done = subprocess.run([*words, "Created-By: Packages"], check=True, capture_output=True, text=True)
    lines = [line.removeprefix("Debian ") for line in done.stdout.splitlines() if line.startswith("Debian ")]
    if not lines:
        raise RuntimeError("no Debian source in apt: the guest is made of the host's; run apt-get update")
    return lines


def write_disk(disk: Path, content: Path, size: int) -> None:
    """Write an ext4 file system with what is in a folder; owners and modes are kept."""
    options = "lazy_itable_init=1,nodiscard"
    words = ["mke2fs", "-q", "-t", "ext4", "-O", "^has_journal,^metadata_csum", "-E", options, "-m", "0"]
    with disk.open("wb") as file:
        file.truncate(size)
    subprocess.run([*words, "-d", content, disk], check=True)


def _write_initramfs(archive: Path, root: Path, folder: Path) -> None:
    """Write a cpio archive of busybox, the drivers and the script that loads them."""
    for name in ("bin", "dev", "modules", "newroot", "proc", "sys"):
        (folder / name).mkdir(parents=True)
    shutil.copy(root / "bin/busybox", folder / "bin/busybox")
    for applet in ("insmod", "mount", "sh", "switch_root"):
        (folder / "bin" / applet).symlink_to("busybox")
    names = [_unpacked(path, folder / "modules") for path in _drivers(root)]
    (folder / "modules/order").write_text("".join(f"{name}\n" for name in names))
    shutil.copy(GUEST / "first-process.sh", folder / "init")
    found = "\0".join(str(path.relative_to(folder)) for path in sorted(folder.rglob("*")))
    words = ["cpio", "--quiet", "--create", "--null", "--format=newc", "--owner=0:0"]
    with archive.open("wb") as file:
        subprocess.run(words, check=True, cwd=folder, input=found.encode(), stdout=file)


def _drivers(root: Path) -> list[Path]:
    """Return the files of DRIVERS and of what they need, in the order of loading, each once."""
    [version] = (root / "usr/lib/modules").iterdir()
    words = [
        "chroot",
        str(root),
        "modprobe",
        "--set-version",
        version.name,
        "--show-depends",
        "--all",
        *DRIVERS,
    ]
    done = subprocess.run(words, check=True, capture_output=True, text=True)
    lines = [line.split() for line in done.stdout.splitlines()]
    return list(dict.fromkeys(root / line[1].lstrip("/") for line in lines if line[0] == "insmod"))


def _unpacked(module: Path, folder: Path) -> str:
    """Copy a module, decompressed: insmod of the initramfs takes it so; its name there."""
    if module.suffix != ".xz":
        shutil.copy(module, folder)
        return module.name
    (folder / module.stem).write_bytes(lzma.decompress(module.read_bytes()))
    return module.stem
