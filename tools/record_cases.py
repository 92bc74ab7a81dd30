# SPDX-License-Identifier: Apache-2.0
"""The client commands that record_configs.py records: data, one case a line."""

from typing import NamedTuple

IMAGE = "docker.io/library/recorded:latest"
CGROUP = "/estiba-record"


class Case(NamedTuple):
    """One recording: its name and the client commands, as words after the client's own options."""

    name: str
    commands: list[list[str]]
    tty: bool = False


def ctr(name: str, *options: str, tty: bool = False, then: list[list[str]] | None = None) -> Case:
    """Describe `ctr run`; `then` is what to do with a container that was started with -d."""
    program = ["/bin/true"] if then is None else ["/bin/sleep", "60"]
    return Case(name, [["run", *options, IMAGE, "c", *program], *(then or [])], tty)


KILL_TASK = [["task", "kill", "-s", "9", "c"], ["task", "delete", "-f", "c"], ["container", "delete", "c"]]
CTR = [
    ctr("run", "--rm"),
    ctr("detached", "-d", then=[["task", "exec", "--exec-id", "e", "c", "/bin/true"], *KILL_TASK]),
    ctr(
        "exec-user",
        "-d",
        then=[
            ["task", "exec", "--exec-id", "e", "--user", "7:7", "--cwd", "/tmp", "c", "/bin/true"],
            *KILL_TASK,
        ],
    ),
    ctr("tty", "--rm", "-t", tty=True),
    ctr("memory", "--rm", "--memory-limit", "67108864"),
    ctr("cpu", "--rm", "--cpus", "0.5"),
    ctr("read-only", "--rm", "--read-only"),
    ctr("privileged", "--rm", "--privileged"),
    ctr("userns", "--rm", "--uidmap", "0:100000:65536", "--gidmap", "0:100000:65536"),
    ctr("seccomp", "--rm", "--seccomp"),
    ctr("net-host", "--rm", "--net-host"),
    ctr("cwd-env", "--rm", "--cwd", "/tmp", "--env", "KEY=value"),
    ctr("bind", "--rm", "--mount", "type=bind,src=@VOLUME@,dst=/volume,options=rbind:ro"),
    ctr("device", "--rm", "--device", "/dev/full"),
]


def podman(
    name: str, *options: str, program: str = "true", tty: bool = False, then: list[list[str]] | None = None
) -> Case:
    """Describe `podman run`."""
    words = ["run", "--cgroup-parent", CGROUP, *options, IMAGE]
    words += ["/bin/sleep", "60"] if then is not None else [f"/bin/{program}"]
    return Case(name, [words, *(then or [])], tty)


PODMAN_RM = [["rm", "-f", "-t", "0", "c"]]
PODMAN = [
    podman("run", "--rm"),
    podman(
        "exec",
        "-d",
        "--name",
        "c",
        then=[["exec", "c", "/bin/true"], ["exec", "-u", "7", "-w", "/tmp", "c", "/bin/true"], *PODMAN_RM],
    ),
    podman("exec-tty", "-d", "--name", "c", then=[["exec", "-t", "c", "/bin/true"], *PODMAN_RM], tty=True),
    podman("read-only", "--rm", "--read-only"),
    podman("user", "--rm", "--user", "1000:1000"),
    podman("cap-drop-all", "--rm", "--cap-drop", "all"),
    podman("memory", "--rm", "--memory", "64m"),
    podman("pids-limit", "--rm", "--pids-limit", "50"),
    podman("cpus", "--rm", "--cpus", "0.5"),
    podman("volume", "--rm", "-v", "@VOLUME@:/volume:ro"),
    podman("tmpfs", "--rm", "--tmpfs", "/scratch:size=1m"),
    podman("tty", "--rm", "-t", tty=True),
    podman("privileged", "--rm", "--privileged"),
    podman("uidmap", "--rm", "--uidmap", "0:100000:65536", "--gidmap", "0:100000:65536"),
    podman("init", "--rm", "--init"),
    podman("hostname", "--rm", "--hostname", "web", "--sysctl", "kernel.msgmax=4096", "--shm-size", "1m"),
    podman("pid-host", "--rm", "--pid", "host", "--ipc", "host", "--uts", "host"),
    podman("no-new-privs", "--rm", "--security-opt", "no-new-privileges", "--cap-add", "NET_ADMIN"),
    podman("device", "--rm", "--device", "/dev/full:/dev/filled:r"),
    podman("systemd", "--rm", "--systemd", "always"),
    podman(
        "health",
        "-d",
        "--name",
        "c",
        "--health-cmd",
        "/bin/true",
        "--health-interval",
        "disable",
        then=[["healthcheck", "run", "c"], *PODMAN_RM],
    ),
    podman("pause", "-d", "--name", "c", then=[["pause", "c"], ["unpause", "c"], *PODMAN_RM]),
    Case(
        "pod-member",
        [
            [
                "pod",
                "create",
                "--cgroup-parent",
                CGROUP,
                "--name",
                "p",
                "--infra-image",
                IMAGE,
                "--infra-command",
                "/bin/sleep 60",
            ],
            ["run", "--rm", "--pod", "p", IMAGE, "/bin/true"],
            ["pod", "rm", "-f", "-t", "0", "p"],
        ],
    ),
]


def docker(name: str, *options: str, tty: bool = False, then: list[list[str]] | None = None) -> Case:
    """Describe `docker run`."""
    program = ["/bin/true"] if then is None else ["/bin/sleep", "60"]
    return Case(name, [["run", *options, IMAGE, *program], *(then or [])], tty)


DOCKER_RM = [["rm", "-f", "cc"]]
DOCKER = [
    docker("run", "--rm"),
    docker("net-none", "--rm", "--network", "none"),
    docker("tty", "--rm", "-t", tty=True),
    docker("tmpfs", "--rm", "--tmpfs", "/scratch:size=1m"),
    docker("init", "--rm", "--init"),
    docker("privileged", "--rm", "--privileged"),
    docker("user", "--rm", "--user", "1000:1000"),
    docker("memory", "--rm", "--memory", "64m"),
    docker("cpus", "--rm", "--cpus", "0.5", "--pids-limit", "50"),
    docker("volume", "--rm", "-v", "@VOLUME@:/volume:ro"),
    docker("read-only", "--rm", "--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges"),
    docker("device", "--rm", "--device", "/dev/full:/dev/filled:r"),
    docker("host", "--rm", "--network", "host", "--pid", "host", "--ipc", "host", "--uts", "host"),
    docker(
        "ulimit", "--rm", "--ulimit", "nofile=512:1024", "--sysctl", "kernel.msgmax=4096", "--hostname", "web"
    ),
    docker(
        "exec",
        "-d",
        "--name",
        "cc",
        then=[
            ["exec", "cc", "/bin/true"],
            ["exec", "-u", "7", "-w", "/tmp", "-e", "K=v", "cc", "/bin/true"],
            *DOCKER_RM,
        ],
    ),
    docker("exec-tty", "-d", "--name", "cc", then=[["exec", "-t", "cc", "/bin/true"], *DOCKER_RM], tty=True),
    docker(
        "update",
        "-d",
        "--name",
        "cc",
        then=[
            ["update", "--memory", "96m", "--memory-swap", "96m", "cc"],
            ["pause", "cc"],
            ["unpause", "cc"],
            ["top", "cc"],
            *DOCKER_RM,
        ],
    ),
]
