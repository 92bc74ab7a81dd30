# SPDX-License-Identifier: Apache-2.0
"""Bad input: each gives one clear line (where, what, the cause) and at most one hint, a code that is not 0, one record
in the log, and leaves nothing behind but the bounded record of the failure.

The words are asserted where a caller or a reader depends on them: the pointer, the object's name, the errno's name.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import stat
import subprocess
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from conftest import MakeBundle
from support.bundles import Bundle
from support.programs import AARCH64, X86_64, elf
from support.runtime import Result, Runtime

pytestmark = pytest.mark.estiba_only

# What callers act on; elsewhere it would send them the wrong way.
PHRASES = re.compile(
    "permission denied|operation not permitted|executable file not found in|no such file or directory|no such process"
    "|process already finished|container not running|does not exist",
    re.IGNORECASE,
)


def refused(runtime: Runtime, *arguments: str, phrase: str | None = None, **keywords: Any) -> str:
    """Make a call that has to fail as every failure should; its line and, after a newline, its hint."""
    log = runtime.folder / "log.json"
    result = runtime.call("--log", str(log), "--log-format", "json", *arguments, **keywords)
    assert result.code != 0, str(result)
    assert result.out == "", str(result)
    said = check_grammar(result)
    records = [json.loads(line) for line in log.read_text().splitlines()]
    errors = [record for record in records if record["level"] == "error"]
    assert len(errors) == 1, records
    assert errors[0]["msg"].startswith(said.splitlines()[0])
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d.*", errors[0]["time"])
    assert [match.lower() for match in PHRASES.findall(said)] == ([phrase] if phrase else []), said
    return said


def check_grammar(result: Result) -> str:
    """Check that stderr is one line and at most one hint; what it says."""
    lines = result.err.splitlines()
    assert len(lines) in (1, 2), str(result)
    assert not lines[0].endswith("."), lines[0]
    assert all(line.startswith("hint: ") for line in lines[1:]), str(result)
    return result.err.removesuffix("\n")


def create(runtime: Runtime, config: Bundle, flags: Sequence[str] = (), **keywords: Any) -> str:
    """`create` with a config that has to be refused."""
    said = refused(runtime, "create", *flags, "--bundle", str(config.path), config.id, **keywords)
    gone = runtime.call("state", config.id)
    assert "does not exist" in gone.err, str(gone)
    return said


def hint(said: str) -> str:
    """The hint of a message, which has to have one."""
    lines = said.splitlines()
    assert len(lines) == 2, said
    return lines[1]


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("", "config.json"),
        ("{", "config.json:1:"),
        ('{\n "ociVersion": "1.2.0",\n "process": {,}\n}', "config.json:3:"),
        ('{"ociVersion": "1.2.0"} more', "config.json:1:"),
    ],
)
def test_a_config_that_is_no_json_is_refused_with_the_place(
    runtime: Runtime, bundle: MakeBundle, text: str, place: str
) -> None:
    config = bundle("true")
    (config.path / "config.json").write_text(text)
    assert place in create(runtime, config)


def test_a_bundle_without_config_is_refused(runtime: Runtime, bundle: MakeBundle) -> None:
    config = bundle("true")
    (config.path / "config.json").unlink()
    said = create(runtime, config)
    assert str(config.path) in said
    assert "config.json" in said
    assert "estiba spec" in hint(said)


def test_a_bundle_that_is_absent_is_refused(runtime: Runtime, folder: Path) -> None:
    assert str(folder / "nowhere") in refused(
        runtime, "create", "--bundle", str(folder / "nowhere"), "absent"
    )


@pytest.mark.core
@pytest.mark.parametrize(
    ("pointer", "value", "words"),
    [
        ("/process/args", "sh", ["array", "string"]),
        ("/process/args", [], []),
        ("/process/args/0", 5, ["string"]),
        ("/process/cwd", "tmp", ["tmp"]),
        ("/process/user/uid", "root", ["root"]),
        ("/process/user/uid", -1, ["-1"]),
        ("/process/user/uid", 2**32 - 1, ["4294967295"]),  # to setresuid(2): stay root
        ("/process/user/gid", 2**32 - 1, ["4294967295"]),
        ("/process/user/additionalGids", [2**32 - 1], ["4294967295"]),
        ("/root/path", 7, ["7"]),
        ("/hostname", ["web"], ["string", "array"]),
        ("/mounts", {}, ["array", "object"]),
        ("/mounts/0/destination", 7, ["7"]),
        ("/linux/namespaces", "all", ["array", "string"]),
        ("/process/rlimits/0/type", "RLIMIT_NOFIL", ["RLIMIT_NOFIL"]),
        ("/linux/seccomp", {"defaultAction": "ALLOW"}, ["ALLOW"]),
    ],
)
def test_a_wrong_value_is_refused_with_its_pointer(
    runtime: Runtime, bundle: MakeBundle, pointer: str, value: Any, words: list[str]
) -> None:
    said = create(runtime, bundle("true", {pointer: value}))
    assert said.startswith(f"config.json {pointer}"), said
    assert all(word in said for word in words), said


@pytest.mark.parametrize("missing", ["/process/cwd", "/root/path", "/linux/namespaces/0/type"])
def test_a_missing_value_is_refused_with_the_name_of_what_is_missing(
    runtime: Runtime, bundle: MakeBundle, missing: str
) -> None:
    config = bundle("true")
    parent: Any = config.config
    *path, last = missing.split("/")[1:]
    for part in path:
        parent = parent[int(part) if isinstance(parent, list) else part]
    del parent[last]
    config.write()
    said = create(runtime, config)
    assert said.startswith(f"config.json /{'/'.join(path)}"), said
    assert f'"{last}"' in said


def test_an_unknown_namespace_is_refused_with_the_one_that_was_meant(
    runtime: Runtime, bundle: MakeBundle
) -> None:
    config = bundle("true", {"/linux/namespaces/-": {"type": "usr"}})
    said = create(runtime, config)
    assert said.startswith("config.json /linux/namespaces/6/type: "), said
    assert '"usr"' in said
    assert '"user"' in hint(said)


def test_a_namespace_that_stands_twice_is_refused(runtime: Runtime, bundle: MakeBundle) -> None:
    said = create(runtime, bundle("true", {"/linux/namespaces/-": {"type": "pid"}}))
    assert said.startswith("config.json /linux/namespaces/6"), said
    assert "pid" in said


def test_a_namespace_path_that_is_absent_is_refused(
    runtime: Runtime, bundle: MakeBundle, folder: Path
) -> None:
    path = str(folder / "netns")
    said = create(runtime, bundle("true", {"/linux/namespaces/1": {"type": "network", "path": path}}))
    assert said.startswith("config.json /linux/namespaces/1/path: "), said
    assert path in said
    assert "ENOENT" in said


def test_a_namespace_path_of_another_kind_is_refused(runtime: Runtime, bundle: MakeBundle) -> None:
    changes = {"/linux/namespaces/1": {"type": "network", "path": "/proc/self/ns/uts"}}
    said = create(runtime, bundle("true", changes))
    assert said.startswith("config.json /linux/namespaces/1/path: "), said
    assert "/proc/self/ns/uts" in said


@pytest.mark.core
def test_a_namespace_path_that_is_a_fifo_is_refused_without_waiting(
    runtime: Runtime, bundle: MakeBundle, folder: Path
) -> None:
    os.mkfifo(folder / "netns")
    path = str(folder / "netns")
    said = create(runtime, bundle("true", {"/linux/namespaces/1": {"type": "network", "path": path}}))
    assert said.startswith(f'config.json /linux/namespaces/1/path: cannot join the namespace "{path}"'), said


def test_the_runtimes_own_user_namespace_is_no_namespace_to_join(
    runtime: Runtime, bundle: MakeBundle
) -> None:
    own = {"type": "user", "path": "/proc/self/ns/user"}
    said = create(runtime, bundle("true", {"/linux/namespaces/-": own}))
    assert said.startswith('config.json /linux/namespaces/6/path: "/proc/self/ns/user" is the user'), said
    assert "leave the entry out" in hint(said)


def test_a_user_namespace_without_a_root_is_refused_with_what_is_missing(
    runtime: Runtime, bundle: MakeBundle
) -> None:
    maps = [{"containerID": 1000, "hostID": 70000, "size": 10}]
    changes = {
        "/linux/namespaces/-": {"type": "user"},
        "/linux/uidMappings": maps,
        "/linux/gidMappings": maps,
    }
    said = create(runtime, bundle("true", changes))
    assert "EPERM" in said
    assert "map one to 0" in hint(said)


@pytest.mark.core
@pytest.mark.parametrize("letter", ["\n", "\x1b", "\u009b"])
@pytest.mark.parametrize("pointer", ["/linux/cgroupsPath", "/linux/sysctl/{}"])
def test_what_would_move_the_terminal_is_shown(
    runtime: Runtime, bundle: MakeBundle, cgroup_parent: str, letter: str, pointer: str
) -> None:
    config = bundle("true", {pointer.format(letter): f"{cgroup_parent}/a{letter}b\n"})
    said = create(runtime, config)
    assert said.startswith(f"config.json {pointer.format('')}"), said
    assert letter not in said.splitlines()[0]


def test_a_cgroup_below_a_file_is_refused_with_its_pointer(
    runtime: Runtime, bundle: MakeBundle, cgroup_parent: str
) -> None:
    config = bundle("true", {"/linux/cgroupsPath": f"{cgroup_parent}/cgroup.procs/x"})
    parent = bundle("sleep 1000")
    container = runtime.create(parent)  # so that the parent is there
    assert create(runtime, config).startswith("config.json /linux/cgroupsPath: "), config
    container.delete()


@pytest.mark.core
@pytest.mark.parametrize("file", ["cgroup.procs", "cgroup.freeze", "cgroup.subtree_control"])
def test_what_is_no_limit_is_not_written_into_the_cgroup(
    runtime: Runtime, bundle: MakeBundle, file: str
) -> None:
    said = create(runtime, bundle("true", {"/linux/resources/unified": {file: "1"}}))
    assert said.startswith(f"config.json /linux/resources/unified/{file}: "), said


def test_update_writes_no_file_that_is_no_limit(runtime: Runtime, bundle: MakeBundle) -> None:
    container = runtime.start(bundle("sleep 1000"))
    update = container.bundle.path / "update.json"
    update.write_text('{"unified": {"cgroup.freeze": "1"}}')
    assert '"cgroup.freeze"' in refused(runtime, "update", "--resources", str(update), container.id)
    assert container.status() == "running"
    container.delete()


@pytest.mark.requires("memory")
def test_a_memory_limit_that_init_does_not_fit_in_is_told_with_a_hint(
    runtime: Runtime, bundle: MakeBundle
) -> None:
    said = create(runtime, bundle("true", {"/linux/resources/memory": {"limit": 1}}))
    assert "memory limit" in hint(said)


def test_a_missing_root_is_refused(runtime: Runtime, bundle: MakeBundle) -> None:
    config = bundle("true", {"/root/path": "nowhere"})
    said = create(runtime, config)
    assert said.startswith("config.json /root/path: "), said
    assert str(config.path / "nowhere") in said
    assert "ENOENT" in said


def test_a_root_that_is_a_file_is_refused(runtime: Runtime, bundle: MakeBundle) -> None:
    config = bundle("true", {"/root/path": "file"})
    (config.path / "file").touch()
    said = create(runtime, config)
    assert said.startswith("config.json /root/path: "), said
    assert str(config.path / "file") in said


def test_a_missing_mount_source_is_refused(runtime: Runtime, bundle: MakeBundle, folder: Path) -> None:
    source = str(folder / "absent")
    mount = {"destination": "/data", "type": "bind", "source": source, "options": ["bind"]}
    said = create(runtime, bundle("true", {"/mounts/-": mount}))
    assert said.startswith("config.json /mounts/7"), said
    assert source in said
    assert "ENOENT" in said


def test_a_file_mounted_on_a_folder_is_refused(runtime: Runtime, bundle: MakeBundle, folder: Path) -> None:
    (folder / "file").touch()
    mount = {"destination": "/tmp", "type": "bind", "source": str(folder / "file"), "options": ["bind"]}
    said = create(runtime, bundle("true", {"/mounts/-": mount}))
    assert said.startswith("config.json /mounts/7"), said
    assert str(folder / "file") in said
    assert "/tmp" in said


def test_an_unknown_file_system_is_refused(runtime: Runtime, bundle: MakeBundle) -> None:
    said = create(
        runtime, bundle("true", {"/mounts/-": {"destination": "/x", "type": "nosuchfs", "source": "x"}})
    )
    assert said.startswith("config.json /mounts/7"), said
    assert "nosuchfs" in said


def test_a_misspelt_mount_option_is_refused_with_the_one_that_was_meant(
    runtime: Runtime, bundle: MakeBundle, folder: Path
) -> None:
    mount = {"destination": "/x", "type": "bind", "source": str(folder), "options": ["rbnd", "ro"]}
    said = create(runtime, bundle("true", {"/mounts/-": mount}))
    assert said.startswith("config.json /mounts/7"), said
    assert '"rbnd"' in said
    assert '"rbind"' in hint(said)


@pytest.mark.core
def test_a_missing_program_is_the_error_of_create(runtime: Runtime, bundle: MakeBundle) -> None:
    said = create(runtime, bundle(["/bin/absent"]), phrase="no such file or directory")
    assert said.startswith("config.json /process/args/0: "), said
    assert "/bin/absent" in said


def test_a_program_that_is_not_on_the_path_is_named_with_the_path(
    runtime: Runtime, bundle: MakeBundle
) -> None:
    said = create(runtime, bundle(["absent"]), phrase="executable file not found in")
    assert said.startswith("config.json /process/args/0: "), said
    assert '"absent"' in said
    assert "name its folder" in hint(said)


def test_a_program_that_is_not_executable_is_refused(runtime: Runtime, bundle: MakeBundle) -> None:
    config = bundle(["/bin/plain"])
    (config.rootfs / "bin" / "plain").write_text("#!/bin/sh\n")
    said = create(runtime, config, phrase="permission denied")
    assert said.startswith("config.json /process/args/0: "), said
    assert "/bin/plain" in said
    assert "execute permission" in hint(said)


def test_a_program_that_is_a_folder_is_refused(runtime: Runtime, bundle: MakeBundle) -> None:
    said = create(runtime, bundle(["/bin"]), phrase="permission denied")
    assert said.startswith("config.json /process/args/0: "), said
    assert "/bin" in said


def test_a_folder_that_may_be_searched_and_not_read_is_no_program(
    runtime: Runtime, bundle: MakeBundle
) -> None:
    config = bundle(["app"], {"/process/user": {"uid": 1000, "gid": 1000}, "/process/env": ["PATH=/a:/b"]})
    (config.rootfs / "a" / "app").mkdir(parents=True)
    (config.rootfs / "a" / "app").chmod(0o711)
    (config.rootfs / "b").mkdir()
    (config.rootfs / "b" / "app").write_text("#!/bin/sh\necho ran\n")
    (config.rootfs / "b" / "app").chmod(0o755)
    assert runtime.output(config) == "ran\n"


def test_a_program_of_another_architecture_is_refused_with_both_names(
    runtime: Runtime, bundle: MakeBundle
) -> None:
    config = bundle(["/bin/foreign"])
    (config.rootfs / "bin" / "foreign").write_bytes(elf(AARCH64))
    (config.rootfs / "bin" / "foreign").chmod(0o755)
    said = create(runtime, config)
    assert said.startswith("config.json /process/args/0: "), said
    assert "/bin/foreign" in said
    assert "aarch64" in said
    assert "x86_64" in said or "x86-64" in said


@pytest.mark.parametrize(
    ("content", "named"),
    [
        (b"#!/nope/sh\n", "/nope/sh"),
        (b"#!/bin/sh\r\necho x\r\n", "CR"),
        (elf(X86_64, b"/lib64/ld-nowhere.so.2"), "/lib64/ld-nowhere.so.2"),
    ],
    ids=["script", "carriage-return", "elf"],
)
def test_a_program_whose_interpreter_is_missing_is_refused_with_its_name(
    runtime: Runtime, bundle: MakeBundle, content: bytes, named: str
) -> None:
    config = bundle(["/bin/program"])
    (config.rootfs / "bin" / "program").write_bytes(content)
    (config.rootfs / "bin" / "program").chmod(0o755)
    said = create(runtime, config, phrase="no such file or directory")
    assert said.startswith("config.json /process/args/0: "), said
    assert "/bin/program" in said
    assert named in said


@pytest.mark.parametrize("first_line", ["#!/etc/passwd", "#!/bin/program"], ids=["no-program", "itself"])
def test_an_interpreter_that_cannot_be_executed_is_hinted_at(
    runtime: Runtime, bundle: MakeBundle, first_line: str
) -> None:
    config = bundle(["/bin/program"])
    (config.rootfs / "bin" / "program").write_text(f"{first_line}\n")
    (config.rootfs / "bin" / "program").chmod(0o755)
    phrase = "permission denied" if "passwd" in first_line else None
    said = refused(runtime, "run", "--bundle", str(config.path), config.id, phrase=phrase)
    assert said.startswith('config.json /process/args/0: exec "/bin/program": '), said
    assert "interpreter" in hint(said)


def test_a_working_directory_that_is_a_file_is_refused(runtime: Runtime, bundle: MakeBundle) -> None:
    said = create(runtime, bundle("true", {"/process/cwd": "/etc/passwd"}))
    assert said.startswith("config.json /process/cwd: "), said
    assert "/etc/passwd" in said


@pytest.mark.core
@pytest.mark.parametrize("ident", ["a/b", "..", ".", "", "a b", "../escape", "ü", "x" * 300])
def test_an_id_that_is_no_name_is_refused(runtime: Runtime, bundle: MakeBundle, ident: str) -> None:
    config = bundle("true")
    said = refused(runtime, "create", "--bundle", str(config.path), "--", ident)
    assert "id" in said
    assert ident[:20] in said


def test_a_second_container_of_the_same_name_is_refused(runtime: Runtime, bundle: MakeBundle) -> None:
    container = runtime.create(bundle("sleep 1000"))
    said = refused(runtime, "create", "--bundle", str(container.bundle.path), container.id)
    assert f'"{container.id}"' in said
    assert "delete" in hint(said)
    assert container.status() == "created"
    container.delete()


@pytest.mark.core
@pytest.mark.parametrize(
    ("verb", "state", "hinted"),
    [
        ("start", "running", None),
        ("start", "stopped", None),
        ("delete", "running", "kill"),
        ("resume", "running", None),
        ("pause", "stopped", None),
        ("exec", "stopped", None),
        ("exec", "paused", "resume"),
        ("start", "paused", None),
    ],
)
def test_a_verb_in_the_wrong_state_is_refused_with_the_state(
    runtime: Runtime, bundle: MakeBundle, verb: str, state: str, hinted: str | None
) -> None:
    container = runtime.start(bundle("true" if state == "stopped" else "sleep 1000"))
    if state == "stopped":
        container.wait()
    if state == "paused":
        runtime.must("pause", container.id)
    said = refused(runtime, verb, container.id, *(["true"] if verb == "exec" else []))
    assert said.startswith(f'container "{container.id}" is {state}'), said
    if hinted:
        assert hinted in hint(said)
    if state == "paused":
        runtime.must("resume", container.id)
    container.delete()


@pytest.mark.core
@pytest.mark.parametrize("verb", ["start", "state", "kill", "delete", "exec", "pause", "resume"])
def test_a_verb_on_an_unknown_container_is_refused_with_the_phrase(runtime: Runtime, verb: str) -> None:
    said = refused(runtime, verb, "unknown", *(["true"] if verb == "exec" else []), phrase="does not exist")
    assert 'container "unknown"' in said


def test_an_unknown_verb_is_refused_with_the_one_that_was_meant(runtime: Runtime) -> None:
    result = runtime.call("creat", "x")
    assert result.code != 0
    assert '"creat"' in result.err
    assert '"create"' in result.err


def test_an_unknown_option_is_refused(runtime: Runtime) -> None:
    result = runtime.call("state", "--nosuch", "x")
    assert result.code != 0
    assert "--nosuch" in result.err


def test_an_unknown_signal_is_refused_with_its_name(runtime: Runtime, bundle: MakeBundle) -> None:
    container = runtime.create(bundle("sleep 1000"))
    assert '"TREM"' in refused(runtime, "kill", container.id, "TREM")
    container.delete()


@pytest.fixture
def full_disk(runtime: Runtime) -> Iterator[None]:
    """A state root on a file system without space, in the runtime's view."""
    enter = runtime.view.enter()
    runtime.root.mkdir()
    subprocess.run([*enter, "mount", "-t", "tmpfs", "-o", "size=8k", "full", runtime.root], check=True)
    fill = f"dd if=/dev/zero of={runtime.root}/.fill bs=4k 2>/dev/null || true"
    subprocess.run([*enter, "sh", "-c", fill], check=True)
    yield
    subprocess.run([*enter, "umount", runtime.root], check=True)
    shutil.rmtree(runtime.root)


@pytest.mark.usefixtures("full_disk")
def test_a_full_disk_under_the_state_root_is_named(runtime: Runtime, bundle: MakeBundle) -> None:
    said = create(runtime, bundle("sleep 1000"))
    assert "ENOSPC" in said
    assert str(runtime.root) in said
    assert "--root" in hint(said)


@pytest.mark.views("v2")
@pytest.mark.parametrize(
    ("section", "value", "controller"),
    [
        pytest.param(
            "memory", {"limit": 1 << 26}, "memory", marks=pytest.mark.requires("undelegated:memory")
        ),
        pytest.param("pids", {"limit": 10}, "pids", marks=pytest.mark.requires("undelegated:pids")),
        pytest.param("cpu", {"shares": 512}, "cpu", marks=pytest.mark.requires("undelegated:cpu")),
    ],
)
def test_a_controller_that_is_not_delegated_is_refused_with_its_name(
    runtime: Runtime, bundle: MakeBundle, section: str, value: dict[str, int], controller: str
) -> None:
    said = create(runtime, bundle("true", {f"/linux/resources/{section}": value}))
    assert said.startswith(f"config.json /linux/resources/{section}"), said
    assert controller in said
    assert "cgroup.controllers" in said or "cgroup.subtree_control" in said


def test_a_hook_that_is_absent_is_refused_with_its_pointer(runtime: Runtime, bundle: MakeBundle) -> None:
    said = create(runtime, bundle("true", {"/hooks/createRuntime/-": {"path": "/nowhere/hook"}}))
    assert "/hooks/createRuntime/0" in said
    assert "/nowhere/hook" in said
    assert "ENOENT" in said


def test_a_hook_whose_interpreter_is_absent_is_told_from_one_that_is_absent(
    runtime: Runtime, bundle: MakeBundle, folder: Path
) -> None:
    hook = folder / "hook"
    hook.write_text("#!/nope/sh\n")
    hook.chmod(0o755)
    said = create(runtime, bundle("true", {"/hooks/createRuntime/-": {"path": str(hook)}}))
    assert f'"{hook}": absent (ENOENT)' in said
    assert "interpreter" in hint(said)


def test_a_console_socket_that_is_absent_is_refused(
    runtime: Runtime, bundle: MakeBundle, folder: Path
) -> None:
    config = bundle("true", {"/process/terminal": True})
    path = str(folder / "nobody")
    said = refused(runtime, "create", "--bundle", str(config.path), "--console-socket", path, config.id)
    assert path in said


@pytest.mark.core
def test_exec_refuses_a_console_socket_without_a_terminal(runtime: Runtime, bundle: MakeBundle) -> None:
    container = runtime.start(bundle("sleep 1000"))
    said = refused(runtime, "exec", "--console-socket", "/nowhere", container.id, "true")
    assert said.startswith("process.json /terminal: a console socket is given"), said
    container.delete()


@pytest.mark.core
def test_an_argument_that_would_move_the_terminal_is_shown(runtime: Runtime) -> None:
    assert r'"KILL\n\u{1b}[1m" is not a signal' in refused(runtime, "kill", "unknown", "KILL\n\x1b[1m")


def test_a_terminal_without_a_console_socket_is_refused(runtime: Runtime, bundle: MakeBundle) -> None:
    said = create(runtime, bundle("true", {"/process/terminal": True}))
    assert "--console-socket" in said


@pytest.mark.core
@pytest.mark.parametrize("verb", ["create", "run", "exec"])
@pytest.mark.parametrize("count", ["1", "4", "4000000000"])
def test_a_descriptor_of_the_runtimes_own_is_not_preserved(
    runtime: Runtime, bundle: MakeBundle, verb: str, count: str
) -> None:
    """Where the caller has not opened it: the runtime's are a way to the host (CVE-2024-21626)."""
    container = runtime.start(bundle("sleep 1000"))
    config = bundle("ls -l /proc/self/fd")
    words = (
        [container.id, "ls", "-l", "/proc/self/fd"] if verb == "exec" else ["-b", str(config.path), config.id]
    )
    said = refused(runtime, verb, "--preserve-fds", count, *words)
    assert said.startswith("descriptor 3 is to be preserved and is not open"), said
    container.delete()


def test_a_descriptor_between_open_ones_is_not_preserved(runtime: Runtime, bundle: MakeBundle) -> None:
    runtime.prefix = ["sh", "-c", 'exec 3</dev/null 5</dev/null; exec "$@"', "sh"]
    config = bundle("true")
    said = refused(runtime, "run", "--preserve-fds", "3", "-b", str(config.path), config.id)
    assert said.startswith("descriptor 4 is to be preserved and is not open"), said


@pytest.mark.core
def test_a_pid_file_that_is_no_file_is_written_and_not_replaced(runtime: Runtime, bundle: MakeBundle) -> None:
    config = bundle("sleep 1000")
    device = runtime.folder / "device"
    os.mknod(device, 0o600 | stat.S_IFCHR, os.makedev(1, 7))  # as /dev/full
    said = create(runtime, config, flags=["--pid-file", str(device)])
    assert said.startswith(f'cannot write the pid file "{device}": '), said
    assert "ENOSPC" in said
    assert stat.S_ISCHR(device.stat().st_mode)


@pytest.mark.core
@pytest.mark.parametrize(
    ("make", "cause"),
    [
        (lambda config: config.symlink_to("config.json"), "ELOOP"),
        (lambda config: config.symlink_to("/proc/self/mem"), "EIO"),
        (lambda config: config.mkdir(), "a folder"),
        (lambda config: config.symlink_to("x" * 300), "ENAMETOOLONG"),
    ],
)
def test_a_config_that_cannot_be_read_is_named_with_the_cause(
    runtime: Runtime, bundle: MakeBundle, make: Callable[[Path], None], cause: str
) -> None:
    config = bundle("true")
    (config.path / "config.json").unlink()
    make(config.path / "config.json")
    said = create(runtime, config)
    assert f'"{config.path}/config.json"' in said
    assert cause in said
    assert "unforeseen" not in said


def test_without_log_there_is_no_log(runtime: Runtime, bundle: MakeBundle) -> None:
    config = bundle(["/bin/absent"])
    before = set(runtime.folder.iterdir())
    runtime.call("create", "--bundle", str(config.path), config.id, cwd=config.path)
    made = {p.name for p in set(runtime.folder.iterdir()) - before}
    assert made <= {"out.1", "err.1"}
    assert {p.name for p in config.path.iterdir()} == {"config.json", "rootfs"}


@pytest.mark.core
def test_a_log_that_nobody_reads_is_not_waited_for(runtime: Runtime) -> None:
    log = runtime.folder / "log"
    os.mkfifo(log)
    result = runtime.call("--log", str(log), "state", "unknown")
    assert result.code == 1
    assert result.err.startswith('container "unknown" does not exist\n')
    assert result.err.endswith(f'cannot write the log "{log}": no device or reader behind it (ENXIO)\n')


def test_the_text_log_has_one_line_too(runtime: Runtime, bundle: MakeBundle) -> None:
    config = bundle(["/bin/absent"])
    log = runtime.folder / "log"
    runtime.call("--log", str(log), "create", "--bundle", str(config.path), config.id)
    assert log.read_text().count("\n") == 1


def test_a_failed_start_leaves_the_id_free(runtime: Runtime, bundle: MakeBundle) -> None:
    config = bundle(["/bin/absent"])
    create(runtime, config, phrase="no such file or directory")
    config.change("/process/args", ["/bin/true"])
    assert runtime.output(config) == ""


def test_only_the_last_hundred_failures_are_kept(runtime: Runtime, bundle: MakeBundle) -> None:
    config = bundle(["/bin/absent"])
    for number in range(103):
        runtime.call("create", "--bundle", str(config.path), f"{config.id}-{number}")
    assert 0 < len(list((runtime.root / ".failures").iterdir())) <= 100
