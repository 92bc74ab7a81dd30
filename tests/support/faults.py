# SPDX-License-Identifier: Apache-2.0
"""Broken bundles: one fault each. tests/kernel/test_faults.py holds what estiba says of them, through both doors;
tools/faults_page.py writes docs/faults.md, where runc and crun stand beside it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

from support.bundles import ABSENT, Bundle
from support.programs import AARCH64, X86_64, elf, put

SCRIPT = ["/bin/program"]


class Fault(NamedTuple):
    """One way to break a bundle."""

    title: str
    changes: Mapping[str, Any] = MappingProxyType({})
    """To a config that starts `true`."""
    prepare: Callable[[Bundle], None] = lambda bundle: None
    """What is to be done to the bundle besides."""
    view: str = "hybrid"
    """The cgroups that the fault needs."""


def program(content: bytes, mode: int = 0o755) -> Callable[[Bundle], None]:
    """Put a file where SCRIPT is."""
    return lambda bundle: put(bundle.rootfs / "bin" / "program", content, mode)


def text(replace: Callable[[str], str]) -> Callable[[Bundle], None]:
    """Change the text of config.json."""

    def change(bundle: Bundle) -> None:
        config = bundle.path / "config.json"
        config.write_text(replace(config.read_text()))

    return change


def hook(*args: str, **more: Any) -> list[dict[str, Any]]:
    """A list with one hook."""
    return [{"path": "/bin/sh", "args": ["sh", "-c", *args], **more}]


def folder(bundle: Bundle, name: str) -> Path:
    """A folder to mount."""
    (bundle.path / name).mkdir()
    return bundle.path / name


def file_in_bundle(bundle: Bundle) -> None:
    """A file to mount."""
    (bundle.path / "file").write_text("x")


def link(name: str, target: str) -> Callable[[Bundle], None]:
    """Put a link where the image has an empty folder, or nothing."""

    def make(bundle: Bundle) -> None:
        path = bundle.rootfs / name
        if path.is_dir():
            path.rmdir()
        path.symlink_to(target)

    return make


def no_mount_on_dev(bundle: Bundle) -> None:
    """A /dev of the image's own, whose null is a text."""
    bundle.change("/mounts", [m for m in bundle.config["mounts"] if not m["destination"].startswith("/dev")])
    (bundle.rootfs / "dev" / "null").write_text("x")


def deny(*calls: str) -> dict[str, Any]:
    """A seccomp profile that allows all but these."""
    rule = {"names": list(calls), "action": "SCMP_ACT_ERRNO", "errnoRet": 1}
    return {"/linux/seccomp": {"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [rule]}}


MAPPING = [{"containerID": 0, "hostID": 70000, "size": 10}]
USER_NAMESPACE = {"/linux/namespaces/-": {"type": "user"}}

FAULTS: dict[str, Fault] = {
    "program-missing": Fault("The program is not in the image", {"/process/args": ["/bin/absent"]}),
    "program-not-in-path": Fault("The program is in no folder of PATH", {"/process/args": ["absent"]}),
    "program-not-executable": Fault(
        "The program lacks its execute permission", {"/process/args": SCRIPT}, program(b"#!/bin/sh\n", 0o644)
    ),
    "program-is-a-folder": Fault("The program is a folder", {"/process/args": ["/bin"]}),
    "interpreter-missing": Fault(
        "The script's interpreter is not in the image", {"/process/args": SCRIPT}, program(b"#!/nope/sh\n")
    ),
    "script-with-crlf": Fault(
        "The script has line ends of Windows", {"/process/args": SCRIPT}, program(b"#!/bin/sh\r\necho x\r\n")
    ),
    "loader-missing": Fault(
        "The program's ELF loader is not in the image",
        {"/process/args": SCRIPT},
        program(elf(X86_64, b"/lib64/ld-linux-x86-64.so.2")),
    ),
    "wrong-architecture": Fault(
        "The program is for another processor", {"/process/args": SCRIPT}, program(elf(AARCH64))
    ),
    "not-a-program": Fault("The program is a text", {"/process/args": SCRIPT}, program(b"hello\n")),
    "args-is-a-string": Fault("The arguments are one string", {"/process/args": "true"}),
    "args-misspelt": Fault(
        "The arguments have another name", {"/process/args": ABSENT, "/process/arg": ["true"]}
    ),
    "cwd-relative": Fault("The working directory is relative", {"/process/cwd": "srv"}),
    "cwd-is-a-file": Fault("The working directory is a file", {"/process/cwd": "/etc/passwd"}),
    "env-without-equals": Fault("An environment variable has no =", {"/process/env/-": "DEBUG"}),
    "rootfs-missing": Fault("The root file system is absent", {"/root/path": "nowhere"}),
    "rootfs-is-a-file": Fault("The root file system is a file", {"/root/path": "file"}, file_in_bundle),
    "root-missing": Fault("The config names no root file system", {"/root": ABSENT}),
    "mount-source-missing": Fault(
        "The source of a bind mount is absent",
        {"/mounts/-": {"destination": "/data", "source": "data", "options": ["rbind"]}},
    ),
    "mount-file-on-folder": Fault(
        "A file is mounted on a folder",
        {"/mounts/-": {"destination": "/tmp", "source": "file", "options": ["bind"]}},
        file_in_bundle,
    ),
    "mount-folder-on-file": Fault(
        "A folder is mounted on a file",
        {"/mounts/-": {"destination": "/etc/passwd", "source": "rootfs", "options": ["bind"]}},
    ),
    "mount-unknown-file-system": Fault(
        "The kernel does not know the file system",
        {"/mounts/-": {"destination": "/data", "type": "tempfs", "source": "tmpfs"}},
    ),
    "mount-option-misspelt": Fault(
        "A mount option is misspelt",
        {"/mounts/-": {"destination": "/data", "source": "rootfs", "options": ["rbnd"]}},
    ),
    "user-namespace-without-mappings": Fault("A user namespace has no mappings", USER_NAMESPACE),
    "user-not-mapped": Fault(
        "The user is not mapped",
        {
            **USER_NAMESPACE,
            "/linux/uidMappings": MAPPING,
            "/linux/gidMappings": MAPPING,
            "/process/user/uid": 1000,
        },
        lambda bundle: bundle.own_by(70000),
    ),
    "namespace-misspelt": Fault(
        "A namespace has the kernel's name", {"/linux/namespaces/-": {"type": "net"}}
    ),
    "namespace-twice": Fault("A namespace stands twice", {"/linux/namespaces/-": {"type": "pid"}}),
    "namespace-path-absent": Fault(
        "The namespace to join is absent",
        {
            "/linux/namespaces": [{"type": "mount"}, {"type": "ipc", "path": "/run/absent"}],
            "/hostname": ABSENT,
        },
    ),
    "hook-missing": Fault("A hook's program is absent", {"/hooks/createRuntime": [{"path": "/opt/absent"}]}),
    "hook-fails": Fault("A hook fails", {"/hooks/createRuntime": hook("echo no licence >&2; exit 3")}),
    "hook-takes-too-long": Fault(
        "A hook takes too long", {"/hooks/createRuntime": hook("exec sleep 60", timeout=1)}
    ),
    "limit-on-files-too-high": Fault(
        "The limit on open files is above the host's",
        {"/process/rlimits": [{"type": "RLIMIT_NOFILE", "soft": 1 << 40, "hard": 1 << 40}]},
    ),
    "limit-twice": Fault(
        "A limit stands twice", {"/process/rlimits": [{"type": "RLIMIT_CORE", "soft": 0, "hard": 0}] * 2}
    ),
    "limit-misspelt": Fault(
        "A limit is misspelt", {"/process/rlimits": [{"type": "RLIMIT_NOFILES", "soft": 9, "hard": 9}]}
    ),
    "swap-below-memory": Fault(
        "Memory and swap together are less than memory",
        {"/linux/resources/memory": {"limit": 1 << 26, "swap": 1 << 25}},
    ),
    "cpu-period-too-short": Fault(
        "The period of a CPU quota is too short", {"/linux/resources/cpu": {"quota": 5000, "period": 10}}
    ),
    "cgroup-file-unknown": Fault(
        "A cgroup file is unknown to the kernel", {"/linux/resources/unified": {"memory.most": "1"}}
    ),
    "cgroup-path-upwards": Fault("The cgroup path leads upwards", {"/linux/cgroupsPath": "/a/../../b"}),
    "parameter-unknown": Fault(
        "A kernel parameter is unknown", {"/linux/sysctl": {"net.ipv4.ip_forwarding": "1"}}
    ),
    "parameter-of-the-host": Fault(
        "A kernel parameter is the whole host's", {"/linux/sysctl": {"vm.swappiness": "1"}}
    ),
    "seccomp-action-misspelt": Fault(
        "A seccomp action is misspelt", {"/linux/seccomp": {"defaultAction": "SCMP_ACT_ALOW"}}
    ),
    "seccomp-agent-absent": Fault(
        "Nobody listens for the seccomp filter",
        {
            "/linux/seccomp": {
                "defaultAction": "SCMP_ACT_ALLOW",
                "listenerPath": "/run/absent.sock",
                "syscalls": [{"names": ["mkdir"], "action": "SCMP_ACT_NOTIFY"}],
            }
        },
    ),
    "seccomp-forbids-the-start": Fault("The seccomp filter forbids to execute", deny("execve", "execveat")),
    "memory-controller-missing": Fault(
        "Memory is limited, and nobody has handed the controller down",
        {"/linux/resources/memory": {"limit": 1 << 26}},
        view="v2",
    ),
    "processors-absent": Fault(
        "The container is to run on absent processors", {"/linux/resources/cpu": {"cpus": "900"}}
    ),
    "process-missing": Fault("The config names no process", {"/process": ABSENT}),
    "program-empty": Fault("The program is an empty file", {"/process/args": SCRIPT}, program(b"")),
    "interpreter-unnamed": Fault(
        "The script names no interpreter", {"/process/args": SCRIPT}, program(b"#!\necho x\n")
    ),
    "program-on-noexec-mount": Fault(
        "The program lies on a mount that forbids execution",
        {
            "/process/args": ["/data/program"],
            "/mounts/-": {"destination": "/data", "source": "data", "options": ["bind", "noexec"]},
        },
        lambda bundle: put(folder(bundle, "data") / "program", b"#!/bin/sh\n"),
    ),
    "hostname-without-namespace": Fault(
        "A host name without a namespace for it",
        {"/linux/namespaces": [{"type": "mount"}, {"type": "pid"}], "/hostname": "web"},
    ),
    "hook-relative": Fault("A hook's path is relative", {"/hooks/prestart": [{"path": "bin/setup"}]}),
    "mount-over-the-root": Fault(
        "Something is mounted over the root", {"/mounts/-": {"destination": "/", "type": "tmpfs"}}
    ),
    "mount-data-wrong": Fault(
        "A file system does not take its option",
        {"/mounts/-": {"destination": "/data", "type": "tmpfs", "source": "tmpfs", "options": ["size=lots"]}},
    ),
    "image-links-proc": Fault("The image has a link for /proc", {}, link("proc", "/tmp")),
    "image-has-its-own-null": Fault("The image has a file for /dev/null", {}, no_mount_on_dev),
    "device-type-unknown": Fault(
        "A device is of an unknown type",
        {"/linux/devices": [{"path": "/dev/fuse", "type": "char", "major": 10, "minor": 229}]},
    ),
    "oom-score-out-of-range": Fault("The OOM score is out of range", {"/process/oomScoreAdj": 5000}),
    "mappings-overlap": Fault(
        "Two id mappings overlap",
        {**USER_NAMESPACE, "/linux/uidMappings": MAPPING * 2, "/linux/gidMappings": MAPPING},
    ),
    "time-offsets-without-namespace": Fault(
        "Clocks are moved without a time namespace", {"/linux/timeOffsets": {"monotonic": {"secs": 5}}}
    ),
    "json-comma": Fault("A comma is left over", {}, text(lambda t: t.replace('"root": {', '"root": {,', 1))),
    "json-cut-off": Fault("The file is cut off", {}, text(lambda t: t[:200])),
    "json-name-twice": Fault(
        "A name stands twice", {}, text(lambda t: t.replace('"root": {', '"hostname": "a",\n "root": {', 1))
    ),
    "version-unknown": Fault("The version is unknown", {"/ociVersion": "9.0.0"}),
}
"""By the name of the file in tests/golden/faults."""


GOLDEN = Path(__file__).parents[1] / "golden" / "faults"


def stored(name: str) -> tuple[str, str, str]:
    """Return what `run`, `check` and `why` say of a fault."""
    text = (GOLDEN / f"{name}.txt").read_text()
    _, *said = re.split(r"(?m)^\$ estiba .*\n", text)
    run, check, why = (each.strip() for each in said)
    return run, check, why
