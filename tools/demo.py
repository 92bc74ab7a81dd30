# SPDX-License-Identifier: Apache-2.0
"""`make demo`: containers by command and by library, what happened and how long each step took. Needs root.

    1  a bundle as `estiba spec` writes it, run with its terminal
    2  a bundle that containerd wrote, by the calls that containerd made (tests/recorded)
    3  the same life from this process: no program is started but init

All of it lives in a temporary folder and in cgroups named estiba-demo-PID; it says at the end what is left.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import platform
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

from estiba import Bundle, Container
from estiba.spec import default_config

RECORDED = Path(__file__).resolve().parents[1] / "tests" / "recorded"
COMMAND = Path(sys.executable).parent / "estiba"
NAME = f"estiba-demo-{os.getpid()}"
FOLDERS = ("bin", "dev", "etc", "proc", "root", "run", "sys", "tmp")
RUNS = 20

SHELL_INPUT = "hostname; id -u; readlink /proc/self/exe; exit\n"


def main() -> int:
    """Run the three parts; return 1 if one fails or leaves something behind."""
    if os.geteuid():
        sys.exit("tools/demo.py: root is needed: containerd's config asks for cgroups and device nodes")
    adopt_orphans()
    system = f"Linux {platform.release()}, {platform.machine()}, {os.cpu_count()} cpus"
    print(f"estiba {version('estiba')} on {system}; wall clock times\n")
    with tempfile.TemporaryDirectory(prefix=f"{NAME}-") as temporary:
        folder = Path(temporary)
        try:
            as_spec_writes_it(folder)
            as_containerd_does(folder)
            as_a_library(folder)
        finally:
            delete_all(folder)
        left = left_behind(folder)
    print("left behind: " + ("; ".join(left) or "no process, no cgroup, no mount, no state"))
    return 1 if left else 0


def as_spec_writes_it(folder: Path) -> None:
    """Write the default config and run it as it is: a shell on a terminal."""
    print("1. a bundle as `estiba spec` writes it")
    bundle = make_rootfs(folder / "spec")
    with phase("estiba spec"):
        command("spec", "--bundle", str(bundle))
    (folder / "input").write_text(SHELL_INPUT)
    with phase("estiba run", "the shell gets one line on its terminal"):
        args = ("--root", f"{folder}/state", "run", "--bundle", str(bundle), NAME)
        shown = command(*args, stdin=folder / "input")
    for line in re.sub(r"\x1b\[[0-9;]*[A-Za-z]", "", shown).splitlines():
        if line.strip():
            note(f"| {line}")
    print()


def as_containerd_does(folder: Path) -> None:
    """Replay what containerd asked a runtime to do: its config.json, its process.json, its arguments."""
    print("2. a bundle of containerd's, by the calls that it made (tests/recorded/containerd-detached)")
    bundle = make_rootfs(folder / "containerd")
    values = {
        "@BUNDLE@": str(bundle),
        "@WORK@": str(folder),
        "@CGROUP@": f"/{NAME}",
        "/run/containerd/runc/recorded": f"{folder}/state",
    }
    (bundle / "config.json").write_text(recorded("containerd-detached.json", values))
    (folder / "runc-process").write_text(recorded("containerd-detached.process.json", values))
    calls: list[list[str]] = json.loads(recorded("containerd-detached.calls.json", values))
    for call in calls:
        verb, more = call[6], call[7:]
        with phase(f"estiba {verb}", " ".join(more).replace(str(folder), "...")):
            command(*call)
        if verb == "create":
            show_init(read_pid(bundle / "init.pid"))
            with phase("estiba state"):
                state = json.loads(command("--root", f"{folder}/state", "state", "c"))
            note(f"status {state['status']}, pid {state['pid']}")
        elif verb == "start":
            show_init(read_pid(bundle / "init.pid"))
        elif verb == "exec":
            note(f"exit code {end_of(bundle / 'e.pid')}")
        elif verb == "kill" and "--all" not in more:
            note(f"exit code {end_of(bundle / 'init.pid')}, 128 and the signal")
    print()


def as_a_library(folder: Path) -> None:
    """Do the same by `estiba.Container`, then `true` many times."""
    print("3. as a library: from estiba import Bundle, Container")
    made = make_rootfs(folder / "library")
    bundle = Bundle.make(made, config=config_for("sleep", "60"))
    root = f"{folder}/state"
    with phase("Container.create"):
        container = Container.create(NAME, bundle, root=root)
    show_init(container.init.pid)
    with phase(".start()"):
        container.start()
    show_init(container.init.pid)
    with phase(".status"):
        status = container.status
    note(status)
    with phase(".exec(['true'])", "and its end"), contextlib.closing(container.exec(["true"])) as process:
        code = process.wait()
    note(f"exit code {code}")
    with phase(".kill('KILL')"):
        container.kill("KILL")
    with phase(".wait()"):
        code = container.wait()
    note(f"exit code {code}")
    with phase(".delete()"):
        container.delete()
    (made / "config.json").unlink()
    bundle = Bundle.make(made, config=config_for("true"))
    times = []
    for _ in range(RUNS):
        begin = time.perf_counter()
        Container.run(NAME, bundle, root=root)
        times.append((time.perf_counter() - begin) * 1000)
    middle, least = statistics.median(times), min(times)
    print(f"   {middle:7.1f} ms  Container.run    of true: median of {RUNS}, least {least:.1f}\n")


def config_for(*args: str) -> dict[str, object]:
    """Make the default config for a program without a terminal."""
    config: dict[str, Any] = default_config()
    config["process"].update(args=list(args), terminal=False)
    return config


def make_rootfs(bundle: Path) -> Path:
    """Make a bundle's folder with a root of static busybox."""
    for name in FOLDERS:
        (bundle / "rootfs" / name).mkdir(parents=True)
    busybox = shutil.copy2("/bin/busybox", bundle / "rootfs/bin/busybox")
    for applet in ("hostname", "id", "readlink", "sh", "sleep", "true"):
        (bundle / "rootfs/bin" / applet).symlink_to(Path(busybox).name)
    return bundle


def recorded(name: str, values: dict[str, str]) -> str:
    """Read a recording with its placeholders replaced."""
    text = (RECORDED / name).read_text()
    for placeholder, value in values.items():
        text = text.replace(placeholder, value)
    return text


def show_init(pid: int) -> None:
    """Say what the container's first process is an image of, and how much memory it holds."""
    rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
    sizes = re.findall(r"^(Rss|Pss): +(\d+)", rollup, re.MULTILINE)
    size = ", ".join(f"{name} {kib} KiB" for name, kib in sizes)
    note(f"/proc/{pid}/exe is {os.readlink(f'/proc/{pid}/exe')}; {size}")


def read_pid(file: Path) -> int:
    """Read a pid file."""
    return int(file.read_text())


def end_of(pid_file: Path) -> int:
    """Wait for a process that the command left to us; return its exit code, or 128 + n for signal n.

    An ended process of exec that nobody has waited for would keep the container's init from ending too.
    """
    code = os.waitstatus_to_exitcode(os.waitpid(read_pid(pid_file), 0)[1])
    return code if code >= 0 else 128 - code


def note(text: str) -> None:
    """Print what a step came to."""
    print(f"              {text}")


@contextlib.contextmanager
def phase(what: str, more: str = "") -> Iterator[None]:
    """Print how long the block took."""
    begin = time.perf_counter()
    yield
    print(f"   {(time.perf_counter() - begin) * 1000:7.1f} ms  {what:16} {more}".rstrip())


def command(*args: str, stdin: Path = Path(os.devnull), accept: tuple[int, ...] = (0,)) -> str:
    """Run the command; return what it printed.

    Into a file: `create` hands its output on to the container, so a pipe would end with the container only.
    """
    with tempfile.TemporaryFile() as output, open(stdin, "rb") as given:
        code = subprocess.Popen([COMMAND, *args], stdin=given, stdout=output, stderr=output).wait()
        output.seek(0)
        text = output.read().decode(errors="replace")
    if code not in accept:
        sys.exit(f"tools/demo.py: estiba {' '.join(args)} ended with {code}: {text}")
    return text


def adopt_orphans() -> None:
    """Become the parent of containers whose creator has ended, as containerd's shim does (prctl(2))."""
    subreaper = 36
    ctypes.CDLL(None, use_errno=True).prctl(subreaper, 1, 0, 0, 0)


def delete_all(folder: Path) -> None:
    """Delete what a failed part left."""
    for state in folder.glob("state/[!.]*"):
        Container(state.name, root=str(state.parent)).delete(force=True)


def left_behind(folder: Path) -> list[str]:
    """Name what is still there of the demo."""
    left = [f"state {path}" for path in folder.glob("state/[!.]*")]
    left += [line for line in Path("/proc/self/mountinfo").read_text().splitlines() if str(folder) in line]
    left += [f"cgroup {path}" for path in Path("/sys/fs/cgroup").glob(f"**/{NAME}*")]
    with contextlib.suppress(ChildProcessError):
        pid, _ = os.waitpid(-1, os.WNOHANG)
        left.append(f"process {pid or 'of a container'}")
    return left


if __name__ == "__main__":
    sys.exit(main())
