# SPDX-License-Identifier: Apache-2.0
"""No container reaches the runtime's own file (CVE-2019-5736): what init executes is a sealed memfd."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from conftest import MakeBundle
from support.processes import Pipe, children, forget, popen
from support.runtime import Container, Runtime

pytestmark = [pytest.mark.estiba_only, pytest.mark.requires("root")]

MEMFD = "/memfd:estiba-init (deleted)"
EXECS = 100

# Holds open what each new process executes, if it is not the container's own busybox, and writes to it as soon as
# that is no longer refused because it runs (ETXTBSY).
ATTACK = """
echo ready
while [ ! -e /tmp/stop ]; do
    for process in /proc/[0-9]*; do
        {
            [ /proc/self/fd/3 -ef /bin/busybox ] && continue
            echo "seen $(readlink /proc/self/fd/3)"
            until (exec 4>>/proc/self/fd/3) || ! grep -q busy /tmp/error; do :; done 2>/tmp/error
            printf x >>/proc/self/fd/3 && echo "wrote $(readlink /proc/self/fd/3)"
        } 3<"$process/exe"
    done 2>/dev/null
done
echo end
"""


def files(runtime: Runtime) -> dict[str, bytes]:
    """What may not change: the command, and the interpreter behind the other door."""
    paths = {runtime.words[0], os.path.realpath("/proc/self/exe")}
    return {path: Path(path).read_bytes() for path in paths}


def test_a_waiting_init_executes_a_memfd(runtime: Runtime, bundle: MakeBundle) -> None:
    container = runtime.create(bundle(["sleep", "1000"]))
    assert os.readlink(f"/proc/{container.pid}/exe") == MEMFD
    container.delete()


def test_a_waiting_init_maps_no_file_of_the_host(runtime: Runtime, bundle: MakeBundle) -> None:
    container = runtime.create(bundle(["sleep", "1000"]))
    lines = Path(f"/proc/{container.pid}/maps").read_text().splitlines()
    container.delete()
    files = {line.split(maxsplit=5)[5] for line in lines if "/" in line}
    assert files <= {MEMFD, "/memfd:estiba-plan (deleted)"}


@pytest.mark.parametrize("capabilities", [[], ["CAP_DAC_OVERRIDE"], ["CAP_SYS_PTRACE", "CAP_DAC_OVERRIDE"]])
def test_a_program_that_is_proc_self_exe_gets_init_and_ends(
    runtime: Runtime, bundle: MakeBundle, capabilities: list[str]
) -> None:
    changes = {f"/process/capabilities/{s}": capabilities for s in ("bounding", "effective", "permitted")}
    before = files(runtime)
    result = runtime.run(bundle(["/proc/self/exe"], changes))
    assert files(runtime) == before
    assert (result.code, result.out) == (126, ""), str(result)


def test_a_script_run_by_proc_self_exe_gets_init_and_ends(runtime: Runtime, bundle: MakeBundle) -> None:
    config = bundle(["/script"], {"/root/readonly": False})
    script = config.rootfs / "script"
    script.write_text("#!/proc/self/exe\n")
    script.chmod(0o755)
    before = files(runtime)
    result = runtime.run(config)
    assert files(runtime) == before
    assert (result.code, result.out) == (126, ""), str(result)


@contextlib.contextmanager
def attacked(
    runtime: Runtime, make: MakeBundle, pipe: Pipe, capabilities: list[str]
) -> Iterator[tuple[Container, list[str]]]:
    """A container that attacks what is started in its pid namespace; the list holds what it said, at the end."""
    sets = ("bounding", "effective", "permitted")
    changes = {f"/process/capabilities/{s}": capabilities for s in sets}
    config = make(ATTACK, {"/root/readonly": False, **changes})
    container = runtime.start(config, stdout=pipe)
    lines: list[str] = []
    assert pipe.readline() == "ready"
    yield container, lines
    (config.rootfs / "tmp" / "stop").touch()
    while (line := pipe.readline()) != "end":
        lines.append(line)
    container.wait()
    container.delete()


@pytest.mark.parametrize("capabilities", [["CAP_DAC_OVERRIDE"], ["CAP_DAC_OVERRIDE", "CAP_SYS_PTRACE"]])
def test_no_exec_shows_a_file_of_the_host(
    runtime: Runtime, bundle: MakeBundle, pipe: Pipe, capabilities: list[str]
) -> None:
    before = files(runtime)
    with attacked(runtime, bundle, pipe, capabilities) as (container, lines):
        for _ in range(EXECS):
            assert container.exec("true").code == 0
    assert files(runtime) == before
    # Init is undumpable: only who may trace everyone can look at it, and finds a file that nobody can write.
    assert set(lines) <= ({f"seen {MEMFD}"} if "CAP_SYS_PTRACE" in capabilities else set())


def test_no_create_in_a_joined_pid_namespace_shows_a_file_of_the_host(
    runtime: Runtime, bundle: MakeBundle, pipe: Pipe
) -> None:
    before = files(runtime)
    with attacked(runtime, bundle, pipe, ["CAP_DAC_OVERRIDE", "CAP_SYS_PTRACE"]) as (container, lines):
        joined = bundle(["true"])
        for namespace in joined.config["linux"]["namespaces"]:
            if namespace["type"] == "pid":
                namespace["path"] = f"/proc/{container.pid}/ns/pid"
        joined.write()
        for _ in range(EXECS):
            assert runtime.run(joined).code == 0
    assert files(runtime) == before
    assert set(lines) <= {f"seen {MEMFD}"}


def test_the_attack_finds_and_writes_what_it_can_reach(
    runtime: Runtime, bundle: MakeBundle, pipe: Pipe, folder: Path
) -> None:
    planted = folder / "busybox-planted"
    shutil.copy("/bin/busybox", planted)
    size = planted.stat().st_size
    with attacked(runtime, bundle, pipe, ["CAP_DAC_OVERRIDE", "CAP_SYS_PTRACE"]) as (container, _):
        enter = [str(planted), "nsenter", "--target", str(container.pid), "--pid"]
        process = popen([*enter, str(planted), "sleep", "1000"])
        try:
            assert pipe.readline().startswith("seen ")
        finally:
            for child in children(process.pid):
                os.kill(child, signal.SIGKILL)
            forget(process)
        assert pipe.readline().startswith("wrote ")
    assert planted.stat().st_size == size + 1
