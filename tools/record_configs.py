# SPDX-License-Identifier: Apache-2.0
"""Record the config.json, process.json and argv that containerd, podman and Docker hand to a runtime.

Each client runs Debian's runc through a recording runtime, in mount, pid and network namespaces of its own,
once with the host's hybrid cgroups and once with a pure cgroup v2 view. Needs root and the packages of
tools/install-clients.sh. What it writes goes to tests/recorded/, with the places of this host replaced:
@BUNDLE@, @ROOTFS@, @ID@, @CGROUP@, @WORK@/file/NAME and @WORK@/directory/NAME for what is bind-mounted.
"""

import argparse
import contextlib
import json
import os
import pty
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))
from image_archive import write_archive
from record_cases import CGROUP, CTR, DOCKER, IMAGE, PODMAN

RECORDED = Path(__file__).resolve().parent.parent / "tests" / "recorded"
RECORDING_RUNTIME = """\
#!{python} -IS
import json, os, shutil, sys, time
argv, into = sys.argv[1:], {into!r}
case = open(into + "/case").read().strip()
def value(*names):
    for i, word in enumerate(argv):
        for name in names:
            if word == name:
                return argv[i + 1]
            if word.startswith(name + "="):
                return word[len(name) + 1:]
stem = "%s/%s.%d" % (into, case, time.monotonic_ns())
call = {{"argv": argv, "cwd": os.getcwd()}}
if "create" in argv or "run" in argv:
    bundle = value("--bundle", "-b") or os.getcwd()
    call["bundle"] = bundle
    call["config"] = json.load(open(bundle + "/config.json"))
    sources = [m.get("source", "") for m in call["config"].get("mounts") or []]
    call["directories"] = [s for s in sources if os.path.isdir(s)]
if "exec" in argv and value("--process", "-p"):
    call["process"] = json.load(open(value("--process", "-p")))
json.dump(call, open(stem + ".call", "w"))
os.execv({runc!r}, [{runc!r}] + argv)
"""


def run(argv: list[str], *, env: dict[str, str] | None = None, tty: bool = False) -> int:
    """Run one client command, on a terminal of its own if `tty`, and return its exit code."""
    env = {**os.environ, **(env or {})}
    if not tty:
        return subprocess.run(argv, env=env, stdin=subprocess.DEVNULL, check=False, timeout=90).returncode
    pid, primary = pty.fork()
    if pid == 0:
        os.execvpe(argv[0], argv, env)
    with contextlib.suppress(OSError):  # EIO: the other side is closed
        while os.read(primary, 4096):
            pass
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def wait_for(socket: Path, daemon: "subprocess.Popen[bytes]") -> None:
    """Wait until a daemon listens on its socket."""
    for _ in range(300):
        if socket.exists():
            return
        if daemon.poll() is not None:
            break
        time.sleep(0.1)
    sys.exit(f"{daemon.args!r} gave no socket")


@contextlib.contextmanager
def containerd(
    work: Path, runtime: Path
) -> Iterator[tuple[Callable[[list[str]], list[str]], dict[str, str]]]:
    """Run a containerd of our own; yields how to spell a ctr command."""
    config = work / "containerd.toml"
    off = [
        '"io.containerd.grpc.v1.cri"',
        *(f'"io.containerd.snapshotter.v1.{s}"' for s in ("btrfs", "devmapper", "zfs", "aufs")),
    ]
    config.write_text(
        f'version = 2\nroot = "{work}/root"\nstate = "{work}/state"\noom_score = 0\n'
        f'disabled_plugins = [{", ".join(off)}]\n[grpc]\naddress = "{work}/c.sock"\n'
    )
    bins = work / "bin"
    bins.mkdir()
    (bins / "runc").symlink_to(runtime)  # with --uidmap, ctr 1.6 forgets --runc-binary and asks PATH
    env = {"PATH": f"{bins}:{os.environ['PATH']}"}
    log = (work / "containerd.log").open("wb")
    daemon = subprocess.Popen(
        ["containerd", "--config", str(config)], stdout=log, stderr=log, env={**os.environ, **env}
    )
    wait_for(work / "c.sock", daemon)
    base = ["ctr", "--address", f"{work}/c.sock", "-n", "recorded"]
    run([*base, "image", "import", str(work / "image.tar")])
    run([*base, "image", "ls"])

    def spell(words: list[str]) -> list[str]:
        if words[0] != "run":
            return [*base, *words]
        shares = ["--cpu-shares", "0"] if is_pure_v2() and "--cpus" not in words else []
        return [
            *base,
            "run",
            "--runtime",
            "io.containerd.runc.v2",
            "--runc-binary",
            str(runtime),
            "--cgroup",
            f"{CGROUP}/c",
            *shares,
            *words[1:],
        ]

    try:
        yield spell, env
    finally:
        daemon.terminate()
        daemon.wait()


@contextlib.contextmanager
def podman_tree(
    work: Path, runtime: Path
) -> Iterator[tuple[Callable[[list[str]], list[str]], dict[str, str]]]:
    """Prepare podman's own storage; yields how to spell a podman command."""
    (work / "containers.conf").write_text(
        '[containers]\nnetns = "none"\ncgroups = "enabled"\ndefault_ulimits = ["nofile=1024:4096", "nproc=1024:1024"]\n'
        + ("pids_limit = 0\n" if is_pure_v2() else "")
        + '[engine]\ncgroup_manager = "cgroupfs"\nevents_logger = "file"\nruntime_supports_json = ["recorder"]\n'
        f'[engine.runtimes]\nrecorder = ["{runtime}"]\n'
    )
    (work / "storage.conf").write_text(
        f'[storage]\ndriver = "overlay"\ngraphroot = "{work}/graph"\nrunroot = "{work}/run"\n'
    )
    env = {
        "CONTAINERS_CONF": f"{work}/containers.conf",
        "CONTAINERS_STORAGE_CONF": f"{work}/storage.conf",
        "DISABLE_HC_SYSTEMD": "true",
        "TMPDIR": str(work),
    }
    base = [
        "podman",
        "--root",
        f"{work}/graph",
        "--runroot",
        f"{work}/run",
        "--tmpdir",
        f"{work}/tmp",
        "--runtime",
        str(runtime),
    ]
    run([*base, "load", "-i", str(work / "image.tar")], env=env)
    yield lambda words: [*base, *words], env


@contextlib.contextmanager
def dockerd(work: Path, runtime: Path) -> Iterator[tuple[Callable[[list[str]], list[str]], dict[str, str]]]:
    """Run a dockerd of our own; yields how to spell a docker command."""
    log = (work / "dockerd.log").open("wb")
    daemon = subprocess.Popen(
        [
            "dockerd",
            "--data-root",
            f"{work}/data",
            "--exec-root",
            f"{work}/exec",
            "-p",
            f"{work}/pid",
            "-H",
            f"unix://{work}/d.sock",
            "--bridge",
            "none",
            "--iptables=false",
            "--ip6tables=false",
            "--ip-forward=false",
            "--ip-masq=false",
            "--userland-proxy=false",
            "--storage-driver",
            "overlay2",
            "--oom-score-adjust",
            "0",
            "--add-runtime",
            f"recorder={runtime}",
            "--default-runtime",
            "recorder",
            "--exec-opt",
            "native.cgroupdriver=cgroupfs",
            "--cgroup-parent",
            CGROUP,
        ],
        stdout=log,
        stderr=log,
    )
    wait_for(work / "d.sock", daemon)
    base = ["/usr/bin/docker", "-H", f"unix://{work}/d.sock"]
    for _ in range(100):
        if subprocess.run([*base, "version"], capture_output=True, check=False).returncode == 0:
            break
        time.sleep(0.1)
    run([*base, "load", "-i", str(work / "image.tar")])
    try:
        yield lambda words: [*base, *words], {}
    finally:
        daemon.terminate()
        daemon.wait()


CLIENTS = {"containerd": (containerd, CTR), "podman": (podman_tree, PODMAN), "docker": (dockerd, DOCKER)}


def is_pure_v2() -> bool:
    """Say whether /sys/fs/cgroup is one cgroup v2 tree."""
    return Path("/sys/fs/cgroup/cgroup.controllers").exists()


def neutral(text: str, work: Path, call: dict[str, Any]) -> str:
    """Replace what belongs to this host and this run by the placeholders of the README."""
    bundle = call.get("bundle") or "\0"
    rootfs = call.get("config", {}).get("root", {}).get("path", "\0")
    for mount in call.get("config", {}).get("mounts") or []:
        source = mount.get("source", "")
        if source.startswith((str(work), "/run/", "/usr/")):
            kind = "directory" if source in call["directories"] else "file"
            text = text.replace(json.dumps(source), json.dumps(f"@WORK@/{kind}/{Path(source).name}"))
    if rootfs.startswith("/"):
        text = text.replace(rootfs, "@ROOTFS@")
    text = text.replace(bundle, "@BUNDLE@").replace(str(work), "@WORK@").replace(CGROUP, "@CGROUP@")
    text = re.sub(r"/run/user/\d+", "@RUNTIME_DIR@", text)
    text = re.sub(r"/proc/\d+/(exe|ns)", r"/proc/@PID@/\1", text)
    text = re.sub(r"\b[0-9a-f]{64}\b", "@ID@", text)
    text = re.sub(r'("hostname": |HOSTNAME=|host )"?[0-9a-f]{12}\b', lambda m: m[0][:-12] + "@ID12@", text)
    text = re.sub(r'"20\d\d-\d\d-\d\dT[0-9:.]+Z"', '"2026-01-01T00:00:00Z"', text)
    text = re.sub(r"/tmp/(pty|conmon-term\.|runc-process)\w+(/pty\.sock)?", r"@WORK@/\1", text)
    return re.sub(r"(-process-|-process|pid|\.sock|pty|console-socket=?)\d{5,}", r"\1@N@", text)


def on_one_line_each(text: str) -> str:
    """Put each list of plain values, and each object without inner ones, on one line."""
    return re.sub(r"[\[{][^\[\]{}]*[\]}]", lambda m: re.sub(r"\s*\n\s*", " ", m[0]), text)


def collect(client: str, view: str, case: str, calls: Path, work: Path) -> None:
    """Turn the calls of one case into the files of tests/recorded."""
    stem = f"{client}-{case}" + ("-v2" if view == "v2" else "")
    found = [json.loads(p.read_text()) for p in sorted(calls.glob(f"{case}.*.call"))]
    argvs = []
    counts = {"config": 0, "process": 0}
    first: dict[str, Any] = next((c for c in found if "config" in c), {})
    for call in found:
        context = {**first, **call}
        argvs.append(json.loads(neutral(json.dumps(call["argv"]), work, context)))
        for kind, before in counts.items():
            if kind in call:
                counts[kind] = before + 1
                number = f"-{before + 1}" if before else ""
                suffix = ".json" if kind == "config" else ".process.json"
                text = neutral(json.dumps(call[kind], indent=1), work, context)
                (RECORDED / f"{stem}{number}{suffix}").write_text(on_one_line_each(text) + "\n")
    (RECORDED / f"{stem}.calls.json").write_text(
        "[\n" + ",\n".join(" " + json.dumps(a) for a in argvs) + "\n]\n"
    )
    print(f"{stem}: {counts}, {len(argvs)} calls", flush=True)


def record(client: str, view: str, work: Path) -> None:
    """Record all cases of one client; runs inside the namespaces that `main` made."""
    subprocess.run(["mount", "-t", "tmpfs", "tmpfs", "/run"], check=True)
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    if view == "v2":
        subprocess.run(["umount", "-l", "/sys/fs/cgroup"], check=True)
        subprocess.run(["mount", "-t", "cgroup2", "none", "/sys/fs/cgroup"], check=True)
    prepare, cases = CLIENTS[client]
    calls = work / "calls"
    (work / "volume").mkdir()
    calls.mkdir()
    (calls / "case").write_text("setup")
    runtime = work / "recorder"
    runtime.write_text(
        RECORDING_RUNTIME.format(python=sys.executable, into=str(calls), runc="/usr/sbin/runc")
    )
    runtime.chmod(0o755)
    write_archive(work / "image.tar", IMAGE, Path("/bin/busybox"))
    with prepare(work, runtime) as (spell, env):
        for case in cases:
            (calls / "case").write_text(case.name)
            for words in case.commands:
                words = [w.replace("@VOLUME@", str(work / "volume")) for w in words]
                code = run(spell(words), env=env, tty=case.tty)
                if code:
                    print(f"{client}-{case.name} ({view}): exit {code}: {' '.join(words)}", flush=True)
            collect(client, view, case.name, calls, work)


def remove_cgroups() -> None:
    """Remove the cgroups that the clients left below ours, innermost first."""
    for top in Path("/sys/fs/cgroup").glob(f"*{CGROUP}"):
        for folder, _, _ in os.walk(top, topdown=False):
            os.rmdir(folder)


def drop_v2_twins() -> None:
    """Remove recordings of the v2 view that say the same as those of the hybrid view."""
    for twin in RECORDED.glob("*-v2*.json"):
        original = twin.with_name(twin.name.replace("-v2", "", 1))
        if original.exists() and original.read_text() == twin.read_text():
            twin.unlink()


def main() -> None:
    """Record every client in both views, or with --inside one of them in this namespace."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--client", choices=CLIENTS, action="append")
    parser.add_argument("--inside", metavar="VIEW", help=argparse.SUPPRESS)
    parser.add_argument("--work", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.inside:
        record(options.client[0], options.inside, Path(options.work))
        return
    RECORDED.mkdir(parents=True, exist_ok=True)
    for view in ("hybrid", "v2"):
        for client in options.client or CLIENTS:
            with tempfile.TemporaryDirectory(prefix="record-") as work:
                Path(work).chmod(0o711)  # a container in a user namespace walks through it
                subprocess.run(
                    [
                        "unshare",
                        "--mount",
                        "--propagation",
                        "private",
                        "--pid",
                        "--net",
                        "--fork",
                        "--kill-child",
                        "--mount-proc",
                        sys.executable,
                        __file__,
                        "--client",
                        client,
                        "--inside",
                        view,
                        "--work",
                        work,
                    ],
                    check=True,
                )
            remove_cgroups()
    drop_v2_twins()


if __name__ == "__main__":
    main()
