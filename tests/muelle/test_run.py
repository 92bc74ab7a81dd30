# SPDX-License-Identifier: Apache-2.0
"""`muelle run`: the image's program in a container, as Docker's users know it."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
from pathlib import Path

import pytest

from muelle.conftest import PROGRAM, Muelle
from support.appearing import Appearing
from support.processes import Pipe

pytestmark = pytest.mark.requires("root")


@pytest.mark.parametrize(
    ("script", "code"),
    [("true", 0), ("exit 3", 3), ("kill -9 $$", 137), ("kill -15 $$", 143)],
)
def test_the_exit_code_is_the_programs(muelle: Muelle, script: str, code: int) -> None:
    """128 and its number for a signal, which the first process of a pid namespace does not take from itself."""
    assert muelle.run("--rm", "--pid", "host", "busybox", "sh", "-c", script).returncode == code


@pytest.mark.parametrize(
    ("program", "code"), [("absent", 127), ("/absent/too", 127), ("/etc/passwd", 126), ("/etc", 126)]
)
def test_a_program_that_cannot_run_is_told_from_one_that_is_not_there(
    muelle: Muelle, program: str, code: int
) -> None:
    """126 and 127, as a shell says it, with one line about it."""
    done = muelle.run("--rm", "busybox", program)
    assert (done.returncode, done.stdout) == (code, "")
    assert done.stderr.startswith(f'exec "{program}": ')


def test_the_image_says_what_runs(muelle: Muelle) -> None:
    """Its command, its environment; with the names that every container has."""
    done = muelle.run("--rm", "-i", "-e", "GIVEN=here", "busybox", input="echo $OWN $GIVEN $PATH $HOME; pwd")
    assert done.stdout == "image here /bin /root\n/\n"


def test_entrypoint_user_and_folder_can_be_said(muelle: Muelle) -> None:
    """The folder is made if need be."""
    said = muelle.out("-u", "seven", "--entrypoint", "sh", "-w", "/made/here", "busybox", "-c", "id; pwd")
    assert said == "uid=7(seven) gid=7(seven) groups=7(seven)\n/made/here\n"


def test_standard_input_is_empty_unless_it_is_asked_for(muelle: Muelle) -> None:
    """-i hands ours on."""
    assert muelle.out("busybox", "cat", input="typed") == ""
    assert muelle.out("-i", "busybox", "cat", input="typed") == "typed"


def test_standard_error_stays_apart(muelle: Muelle) -> None:
    """Both reach the caller's."""
    done = muelle.run("--rm", "busybox", "sh", "-c", "echo out; echo err >&2")
    assert (done.stdout, done.stderr) == ("out\n", "err\n")


def test_a_terminal_is_one(muelle: Muelle) -> None:
    """-t; what is written there comes out."""
    assert muelle.out("-t", "busybox", "sh", "-c", "tty; echo $TERM") == "/dev/pts/0\nxterm\n"
    done = muelle.run("--rm", "-it", "busybox", "true", input="")
    assert done.returncode == 125
    assert done.stderr == (
        "-it: standard input is not a terminal\n"
        "hint: leave out -t: a program that reads a pipe needs no terminal\n"
    )


def test_a_folder_of_the_host_is_mounted(muelle: Muelle, folder: Path) -> None:
    """Written to, unless it is read-only."""
    (folder / "shared").mkdir()
    (folder / "shared/file").write_text("from the host\n")
    source = folder / "shared"
    assert muelle.out("-v", f"{source}:/data", "busybox", "sh", "-c", "cat /data/file; touch /data/new") == (
        "from the host\n"
    )
    assert (source / "new").exists()
    done = muelle.run("--rm", "-v", f"{source}:/data:ro", "busybox", "touch", "/data/other")
    assert done.returncode == 1 and "Read-only file system" in done.stderr
    done = muelle.run("--rm", "-v", f"{source}/absent:/data", "busybox", "true")
    assert done.returncode == 125
    assert done.stderr == (
        f'-v: "{source}/absent" is absent on this host\n'
        "hint: make it first; a name without a slash would be a volume\n"
    )


def test_a_volume_keeps_what_is_written_and_begins_with_what_the_image_has(own_store: Muelle) -> None:
    """Owner and mode as well; only an empty one is filled."""
    said = own_store.out("-v", "users:/etc", "busybox", "sh", "-c", "rm /etc/group; echo more >> /etc/passwd")
    assert said == ""
    listed = own_store.out("-v", "users:/data", "busybox", "sh", "-c", "tail -n 1 /data/passwd; ls /data")
    assert listed.split()[0] == "more" and "group" not in listed
    assert own_store.out("-v", "tmp:/tmp", "busybox", "stat", "-c", "%a", "/tmp") == "1777\n"
    assert own_store.out("-v", "empty:/etc:nocopy", "busybox", "ls", "/etc").split() == [
        "hostname",
        "hosts",
        "resolv.conf",
    ]


def test_volumes_go_when_that_is_asked_for_and_no_container_has_them(own_store: Muelle) -> None:
    """One that has ended may not be started again, but its files may be looked at beside its volume's."""
    assert own_store.run("--name", "c", "-v", "used:/data", "busybox", "touch", "/data/x").returncode == 0
    own_store.out("-v", "other:/data", "busybox", "touch", "/data/x")
    folder = own_store.store / "volumes"
    assert own_store("prune", "--all").returncode == 0
    assert sorted(os.listdir(folder)) == ["other", "used"]
    assert own_store("prune", "--volumes", "--dry-run").stdout.splitlines()[0] == "volume: other"
    assert sorted(os.listdir(folder)) == ["other", "used"]
    assert own_store("prune", "--volumes").stdout.splitlines()[0] == "volume: other"
    assert os.listdir(folder) == ["used"]
    said = own_store("prune", "--containers", "--volumes").stdout.splitlines()
    assert said[:2] == ["container: c", "volume: used"]
    assert os.listdir(folder) == []


def test_a_dry_run_counts_what_only_containers_that_would_go_hold(own_store: Muelle, reader: Pipe) -> None:
    """Ended ones, and those of a killed `run`: images, layers and volumes, as the prune itself does after it."""
    assert own_store.run("--name", "c", "-v", "used:/data", "busybox", "true").returncode == 0
    script = "echo ready; exec sleep 1000"
    killed = own_store.begin("--rm", "-v", "other:/data", "busybox", "sh", "-c", script, stdout=reader)
    assert reader.readline() == "ready"
    killed.kill()
    killed.wait(20)
    assert own_store("untag", "busybox").returncode == 0
    asked = ("prune", "--containers", "--volumes")
    said = own_store(*asked, "--dry-run").stdout
    assert len(own_store.containers()) == 2
    words = "container: c|volume: other|volume: used|forgotten: busybox:latest|image: sha256:|would be removed: 3 blobs, 1 "
    assert [
        line.startswith(word) for line, word in zip(said.splitlines(), words.split("|"), strict=True)
    ] == [True] * 6
    assert own_store(*asked).stdout == said.replace("would be removed", "removed")
    assert reader.readline() == ""


def test_a_tmpfs_holds_no_programs_unless_it_is_said(muelle: Muelle) -> None:
    """Its options are the kernel's."""
    script = "grep ' /x ' /proc/mounts"
    said = muelle.out("--tmpfs", "/x:size=64k", "busybox", "sh", "-c", script)
    assert {"nosuid", "nodev", "noexec", "size=64k"} <= set(said.split()[3].split(","))
    assert "noexec" not in muelle.out("--tmpfs", "/x:exec", "busybox", "sh", "-c", script)


def test_a_read_only_root_cannot_be_written_to(muelle: Muelle) -> None:
    """Its tmpfs can."""
    script = "touch /file; touch /dev/shm/file && echo well"
    done = muelle.run("--rm", "--read-only", "busybox", "sh", "-c", script)
    assert "Read-only file system" in done.stderr and done.stdout == "well\n"


def test_there_is_no_network_unless_it_is_asked_for(muelle: Muelle) -> None:
    """Loopback alone, and up; the host's with --network host."""
    addresses = muelle.out("busybox", "ip", "-o", "address")
    assert {line.split()[1] for line in addresses.splitlines()} == {"lo"}
    assert "127.0.0.1/8" in addresses
    own = os.readlink("/proc/self/ns/net")
    assert muelle.out("--network", "host", "busybox", "readlink", "/proc/self/ns/net") == f"{own}\n"
    assert muelle.out("busybox", "readlink", "/proc/self/ns/net") != f"{own}\n"


def test_names_are_the_containers_own(muelle: Muelle) -> None:
    """The host name is in /etc/hosts; without one it is the beginning of the id."""
    script = "hostname; cat /etc/hostname; tail -n 1 /etc/hosts"
    assert muelle.out("-h", "web", "--add-host", "db:10.0.0.7", "busybox", "sh", "-c", script) == (
        "web\nweb\n10.0.0.7\tdb\n"
    )
    assert re.fullmatch("[0-9a-f]{12}\n", muelle.out("busybox", "hostname"))


def status(muelle: Muelle, field: str, *options: str) -> str:
    """Return a field of the program's /proc/self/status."""
    return muelle.out(
        *options, "busybox", "sh", "-c", f"sed -n 's/^{field}:\\t*//p' /proc/self/status"
    ).strip()


def test_the_program_is_held_as_dockers_is(muelle: Muelle) -> None:
    """Capabilities and a seccomp filter; more or less of them by options."""
    assert status(muelle, "CapEff") == "00000000a80425fb"
    assert status(muelle, "CapEff", "--cap-drop", "ALL", "--cap-add", "CHOWN") == "0000000000000001"
    assert status(muelle, "CapEff", "-u", "7") == "0000000000000000"
    assert status(muelle, "Seccomp") == "2"
    assert status(muelle, "Seccomp", "--security-opt", "seccomp=unconfined") == "0"
    assert status(muelle, "NoNewPrivs", "--security-opt", "no-new-privileges") == "1"
    assert status(muelle, "Seccomp", "--privileged") == "0"


def test_limits_are_the_kernels(muelle: Muelle) -> None:
    """Memory, processes, files."""
    script = "cat /sys/fs/cgroup/memory/memory.limit_in_bytes /sys/fs/cgroup/pids/pids.max; ulimit -n"
    options = ("-m", "64m", "--pids-limit", "17", "--ulimit", "nofile=99")
    assert muelle.out(*options, "busybox", "sh", "-c", script).split() == [str(64 << 20), "17", "99"]


@pytest.mark.parametrize("name", ["TERM", "INT", "USR1"])
def test_signals_reach_the_program(muelle: Muelle, reader: Pipe, name: str) -> None:
    """And the program says what becomes of them."""
    script = f"trap 'echo got {name}; exit 5' {name}; echo ready; while :; do sleep 1000 & wait; done"
    running = muelle.begin("--rm", "busybox", "sh", "-c", script, stdout=reader)
    assert reader.readline() == "ready"
    running.send_signal(signal.Signals[f"SIG{name}"])
    assert reader.readline() == f"got {name}"
    assert running.wait(20) == 5


def test_a_container_stays_until_it_is_removed(muelle: Muelle) -> None:
    """With what it has written, and nothing that was mounted."""
    assert muelle.run("--name", "kept", "busybox", "sh", "-c", "echo x > /made; exit 4").returncode == 4
    (row,) = [json.loads(line) for line in muelle("containers", "--format", "json").stdout.splitlines()]
    assert (row["Names"], row["State"], row["ExitCode"]) == ("kept", "exited", 4)
    upper = Path(muelle("inspect", "-f", "{{.UpperDir}}", "kept").stdout.strip())
    assert os.listdir(upper) == ["made"]
    again = muelle.run("--name", "kept", "busybox", "true")
    assert again.returncode == 125 and 'the name "kept" is taken by container' in again.stderr
    assert muelle("ps").stdout.count("\n") == 1
    wrong = muelle("rm", "kep", "kept")
    assert (wrong.returncode, wrong.stdout) == (1, "kept\n")
    assert wrong.stderr == 'container "kep" does not exist\nhint: did you mean "kept"?\n'
    assert muelle("rm", "kept").returncode == 1
    absent = muelle("rm", "--force", "kept")
    assert (absent.returncode, absent.stderr) == (0, 'warning: container "kept" does not exist\n')


def test_ps_shows_what_has_run_and_the_last_one_first(muelle: Muelle) -> None:
    """Also where it was the image's own program; within one second, too."""
    for name, words in (("one", ["busybox"]), ("two", ["--entrypoint", "echo", "busybox", "a"])):
        assert muelle.run("--name", name, *words).returncode == 0
    shown = muelle("ps", "-a", "--format", "{{.Names}}: {{.Command}}").stdout
    assert shown == "two: echo a\none: sh\n"
    assert muelle("rm", "one", "two").returncode == 0


def test_a_running_container_is_removed_by_force_alone(muelle: Muelle, reader: Pipe) -> None:
    """Its `run` tells of the kill."""
    running = muelle.begin(
        "--name", "web", "busybox", "sh", "-c", "echo ready; exec sleep 1000", stdout=reader
    )
    assert reader.readline() == "ready"
    assert "running" in muelle("ps").stdout
    refused = muelle("rm", "web")
    assert (refused.returncode, refused.stderr) == (
        1,
        'container "web" is running\nhint: `muelle rm --force web` kills it first\n',
    )
    assert muelle("rm", "-f", "web").returncode == 0
    assert running.wait(20) == 137


def test_a_container_that_is_being_started_is_removed_by_force(muelle: Muelle, folder: Path) -> None:
    """Its program never runs: `run` finds that it is to go, and says so. It hangs here at a file that nobody writes."""
    os.mkfifo(folder / "variables")
    options = ("--name", "web", "--env-file", folder / "variables")
    running = muelle.begin(*options, "busybox", "sleep", "1000", stderr=subprocess.PIPE)
    with open(folder / "variables", "wb"):  # opened when `run` opens it
        (name,) = muelle.containers()
        with Appearing(muelle.store / "containers" / name) as appearing:
            removing = subprocess.Popen(
                [PROGRAM, "rm", "-f", "web"], env=muelle.environ, stdout=subprocess.PIPE
            )
            appearing.wait_for("condemned")
    _, said = running.communicate(timeout=20)
    assert (running.returncode, said) == (125, b'container "web" was removed while it was being started\n')
    assert (removing.communicate(timeout=20)[0], removing.returncode) == (b"web\n", 0)
    assert muelle.containers() == []


def test_a_container_stands_as_it_does_whatever_state_root_is_named(muelle: Muelle, reader: Pipe) -> None:
    """Its record says where the engine knows of it."""
    script = "echo ready; exec sleep 1000"
    running = muelle.begin("--name", "web", "busybox", "sh", "-c", script, stdout=reader)
    assert reader.readline() == "ready"
    elsewhere = ("--root", muelle.state / "elsewhere")
    assert muelle(*elsewhere, "rm", "web").stderr.startswith('container "web" is running\n')
    assert muelle(*elsewhere, "ps", "--format", "{{.State}}").stdout == "running\n"
    assert muelle(*elsewhere, "rm", "--force", "web").returncode == 0
    assert running.wait(20) == 137


def test_what_a_killed_run_was_to_remove_goes_with_the_next_one(muelle: Muelle, reader: Pipe) -> None:
    """The program is killed, its folder removed."""
    running = muelle.begin("--rm", "busybox", "sh", "-c", "echo ready; exec sleep 1000", stdout=reader)
    assert reader.readline() == "ready"
    running.kill()
    running.wait(20)
    assert len(muelle.containers()) == 1
    muelle.out("busybox", "true")
    assert reader.readline() == ""
    assert muelle.containers() == []


def test_containers_of_one_image_do_not_see_each_other(muelle: Muelle, reader: Pipe) -> None:
    """Each writes to a layer of its own."""
    script = "trap 'exit 5' TERM; touch /one; echo ready; while :; do sleep 1000 & wait; done"
    running = muelle.begin("--rm", "busybox", "sh", "-c", script, stdout=reader)
    assert reader.readline() == "ready"
    assert "one" not in muelle.out("busybox", "ls", "/").split()
    running.terminate()
    assert running.wait(20) == 5


def test_an_id_can_be_written_to_a_file(muelle: Muelle, folder: Path) -> None:
    """Which must not be there: it would be of another container."""
    muelle.out("--cidfile", folder / "cid", "busybox", "true")
    assert re.fullmatch("[0-9a-f]{64}", (folder / "cid").read_text())
    done = muelle.run("--rm", "--cidfile", folder / "cid", "busybox", "true")
    assert done.returncode == 125 and done.stderr.startswith("--cidfile: ")


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["absent"], 'there is no image "absent" in the store'),
        (["--network", "bridge", "busybox"], 'muelle run: --network takes none|host, not "bridge"'),
        (["-u", "nobody", "busybox"], 'user "nobody" is not in /etc/passwd of the image'),
        (["--cap-add", "ALLL", "busybox"], '--cap-add: "ALLL" is not a capability'),
        (["--sysctl", "kernel.hostname=x", "busybox"], "config.json /linux/sysctl/kernel.hostname"),
        (["--name", "a/b", "busybox"], '--name: "a/b" is no name for a container'),
    ],
)
def test_what_cannot_run_leaves_nothing(muelle: Muelle, args: list[str], message: str) -> None:
    """125, one line, and no container."""
    done = muelle.run("--pull", "never", *args)
    assert (done.returncode, done.stdout) == (125, "")
    assert done.stderr.startswith(message)
    assert muelle.containers() == []
