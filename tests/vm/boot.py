# SPDX-License-Identifier: Apache-2.0
"""Boots the guest with QEMU and brings back what its tests printed, and their exit code.

ttyS0  the kernel's console, into a file that is shown when the guest ends without an answer
ttyS1  what the tests print, onto this process's stdout as it comes
ttyS2  the exit code
vda    the system, a snapshot: nothing of what is written stays
vdb    the checkout    vdc  empty, for swap    vdd  empty, for limits on block devices
"""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path

from vm.image import Image

MEMORY = "2G"
PROCESSORS = "2"
SPARE_DISK = 256 << 20

KERNEL_WORDS = (
    "console=ttyS0 quiet loglevel=2 panic=-1 rw systemd.unit=tests.target systemd.show_status=no "
    "systemd.unified_cgroup_hierarchy=1 mitigations=off nowatchdog random.trust_cpu=on "
    # A guest whose processors wait for the host's takes its own clock for broken, or measures it wrongly.
    "tsc=reliable no_timer_check"
)


class GuestFailed(Exception):
    """The guest ended without an answer; the text has the end of its console."""


def boot(image: Image, checkout: Path, seconds: float) -> int:
    """Run the script of the checkout's disk in the guest; its exit code. Raises GuestFailed."""
    with tempfile.TemporaryDirectory(prefix="estiba-vm-") as name:
        folder = Path(name)
        for disk in ("swap", "spare"):
            with (folder / disk).open("wb") as file:
                file.truncate(SPARE_DISK)
        disks = [image.disk, checkout, folder / "swap", folder / "spare"]
        words = _words(image, disks, folder)
        console, code = folder / "console", folder / "code"
        try:
            done = subprocess.run(words, stdin=subprocess.DEVNULL, timeout=seconds, check=False)
        except subprocess.TimeoutExpired:
            raise GuestFailed(f"no end after {seconds:.0f} s\n{_end_of(console)}") from None
        answer = code.read_text().strip() if code.exists() else ""
        if not answer.isdigit():
            raise GuestFailed(f"no exit code came, QEMU ended with {done.returncode}\n{_end_of(console)}")
        return int(answer)


def _words(image: Image, disks: list[Path], folder: Path) -> list[str]:
    words = ["setpriv", "--pdeathsig", "KILL", "qemu-system-x86_64", "-machine", "q35"]
    words += ["-accel", "tcg,thread=multi,tb-size=512", "-cpu", "max"]
    words += ["-smp", PROCESSORS, "-m", MEMORY, "-nodefaults", "-no-user-config", "-no-reboot"]
    words += ["-display", "none", "-nic", "none"]
    words += ["-kernel", str(image.kernel), "-initrd", str(image.initramfs)]
    words += ["-append", f"{KERNEL_WORDS}{_clock()}"]
    words += [
        "-serial",
        f"file:{folder / 'console'}",
        "-serial",
        "stdio",
        "-serial",
        f"file:{folder / 'code'}",
    ]
    for number, disk in enumerate(disks):
        options = f"id=disk{number},if=none,format=raw,snapshot=on,cache=unsafe,file={disk}"
        words += ["-drive", options, "-device", f"virtio-blk-pci,drive=disk{number}"]
    return words


def _clock() -> str:
    """Tell the guest how fast its clock runs, which is the host's: on a busy host it measures that wrongly.

    Only where the host is virtual itself: there the clock's rate is the one that /proc/cpuinfo shows.
    """
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    rates = [float(line.partition(":")[2]) for line in lines if line.startswith("cpu MHz")]
    if not rates or not any("hypervisor" in line.split() for line in lines):
        return ""
    return f" tsc_early_khz={rates[0] * 1000:.0f} lpj={rates[0] * 4000:.0f}"


def _end_of(console: Path) -> str:
    text = console.read_text(errors="replace") if console.exists() else ""
    return text[-4000:]
