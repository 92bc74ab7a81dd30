# SPDX-License-Identifier: Apache-2.0
"""The engine behind Python: typed requests in, plain values out, errors as the classes of estiba.errors.

Every call releases the GIL while it works. Paths are str; `root` is the state root (see estiba.lifecycle.state_root).
"""

from collections.abc import Sequence
from os import PathLike
from typing import Literal, final

__all__ = [
    "Process",
    "__version__",
    "check_preserved",
    "containers",
    "copy_tree",
    "create",
    "delete",
    "digest_tree",
    "error_kinds",
    "exec",
    "inflated_head",
    "kill",
    "make_folder",
    "mount_memory",
    "mount_overlay",
    "note_refused",
    "open_overlay",
    "own_user_namespace",
    "pack_layer",
    "pause",
    "plan",
    "private_mounts",
    "processes",
    "prove",
    "record",
    "resume",
    "start",
    "state",
    "states",
    "stats",
    "sweep",
    "sync_filesystem",
    "unmount",
    "unpack_layer",
    "update",
]

__version__: str

@final
class Process:
    """A started init or exec'd process, held by pidfd. Closing it does not end the process."""

    @property
    def pid(self) -> int:
        """The process id in the caller's pid namespace."""
    @property
    def warnings(self) -> list[str]:
        """What was asked for and left out: labels of security modules that this host has not."""
    @property
    def trace(self) -> str | None:
        """With `trace`, when each phase of create began: {"engine": [{"phase", "at"}], "init": [{"step", "pointer",
        "at"}]} as JSON, `at` in nanoseconds since 1970. The last phase of the engine is "end".
        """
    @property
    def returncode(self) -> int | None:
        """What `wait` returned; None before that."""
    def fileno(self) -> int:
        """The pidfd, readable once the process has ended; owned by this object."""
    def wait(self) -> int:
        """Wait for the end; returns 0..255, or 128 + n for signal n. May be called again."""
    def kill(self, signal: int) -> None:
        """Send `signal` to exactly this process."""
    def close(self) -> None:
        """Close the pidfd. Idempotent."""

def create(
    *,
    root: str,
    id: str,
    bundle: str,
    config: bytes,
    config_file: str | None = None,
    pid_file: str | None = None,
    console_socket: str | None = None,
    preserve_fds: int = 0,
    no_pivot: bool = False,
    no_new_keyring: bool = False,
    stdio: tuple[int, int, int] | None = None,
    cgroup_manager: Literal["cgroupfs", "systemd", "disabled"] = "cgroupfs",
    gate: bool = True,
    trace: bool = False,
) -> Process:
    """Create the container: everything done but the program's start. Without `gate` the program runs at once.

    `config` is config.json's text, already validated; `bundle` the absolute path that relative paths start from.
    `config_file`: where that text was read, absolute, if not in the bundle's config.json; `exec` reads it again.
    `stdio`: descriptors that become 0, 1, 2 of the container; by default the caller's own.
    Raises ContainerExists, ConfigUnsupported, ConfigInvalid, KernelRefused, HookFailed, ExecFailed.
    """

def start(*, root: str, id: str) -> None:
    """Run the program of a created container; poststart hooks included.

    Raises ContainerNotFound, WrongState, ExecFailed, HookFailed.
    """

def state(*, root: str, id: str) -> str:
    """The OCI state as JSON (runtime-spec, runtime.md "State").

    Raises ContainerNotFound.
    """

def record(*, root: str, id: str) -> str:
    """The whole state record as JSON, for recovery and `ps`: what `state` shows and what has to be undone.

    Raises ContainerNotFound.
    """

def containers(*, root: str) -> list[str]:
    """The ids under the state root, sorted; [] when the root is absent."""

def states(*, root: str) -> str:
    """The states of all containers by their ids, one JSON array; "owner" is a user's number.

    A record that is absent shows as "creating", one of another version as "unreadable".
    """

def kill(*, root: str, id: str, signal: int, all: bool = False) -> None:
    """Send `signal` to init, or with `all` to every process of the container's cgroup.

    Raises ContainerNotFound, WrongState.
    """

def delete(*, root: str, id: str, force: bool = False) -> list[str]:
    """Remove a stopped container: cgroup, mounts, state; poststop hooks included. `force` kills it first
    and is content when there is no such container. Returns warnings: which poststop hooks failed, and how.

    Raises ContainerNotFound, WrongState.
    """

def sweep(
    *, root: str, id: str, stopped: bool = False, dry_run: bool = False
) -> tuple[Literal["busy", "half-made", "stopped", "live", "gone"], list[str]]:
    """Remove what a killed `create` left of a container, and with `stopped` one whose init has ended.

    Returns what was found, and warnings: which poststop hooks failed. Raises WrongState for a record that it cannot
    read, KernelRefused.
    """

def note_refused(
    *,
    root: str,
    id: str,
    bundle: str,
    message: str,
    config_file: str | None = None,
    pointer: str | None = None,
    hint: str | None = None,
) -> None:
    """Note a start whose config Python refused, as the engine notes the others. Never fails."""

def exec(
    *,
    root: str,
    id: str,
    process: bytes,
    pid_file: str | None = None,
    console_socket: str | None = None,
    preserve_fds: int = 0,
    cgroup: str | None = None,
    ignore_paused: bool = False,
    stdio: tuple[int, int, int] | None = None,
) -> Process:
    """Start a process (OCI process object as JSON) in the container's namespaces and cgroup.

    Raises ContainerNotFound, WrongState, ConfigInvalid, ExecFailed, KernelRefused.
    """

def pause(*, root: str, id: str) -> None:
    """Freeze the container's cgroup. Raises ContainerNotFound, WrongState."""

def resume(*, root: str, id: str) -> None:
    """Thaw it. Raises ContainerNotFound, WrongState."""

def processes(*, root: str, id: str) -> list[int]:
    """The pids in the container's cgroup, in the caller's pid namespace, sorted.

    Raises ContainerNotFound; HostUnsupported where it lives without a cgroup.
    """

def update(*, root: str, id: str, resources: bytes) -> None:
    """Apply an OCI `linux.resources` object (JSON) to a live container."""

def stats(*, root: str, id: str) -> str:
    """Raw counters of the container's cgroup as JSON: {"memory": {...}, "cpu": {...}, "pids": {...}, ...};
    each key is present where the host has the controller. Units: bytes, nanoseconds, counts.
    """

def plan(*, bundle: str, config: bytes) -> str:
    """The plan for this config on this host, one step a line, without executing it."""

def check_preserved(*, count: int) -> None:
    """Raise ConfigInvalid unless the `count` descriptors from 3 upwards are open. To be asked before anything is opened."""

def prove(*, config: bytes, root: str | None = None) -> str | None:
    """What the prover of the native command says: None if it takes the config as surely valid,
    else its reason to ask Python. A seccomp profile whose filter is kept under the state root `root` is not judged again.
    """

def error_kinds() -> list[str]:
    """The names of the engine's error kinds; each is a class of estiba.errors."""

def private_mounts() -> None:
    """Give the calling thread a mount namespace of its own, which ends with the thread.

    It sees later mounts of the host; the host sees none of its. Raises KernelRefused without CAP_SYS_ADMIN.
    """

def own_user_namespace() -> None:
    """Give the process, which has one thread, a user namespace and a mount namespace of its own (user_namespaces(7)).

    It has all capabilities in them, and no ids yet: who they are to be is then written to /proc/PID/uid_map.
    Raises KernelRefused.
    """

def mount_overlay(
    target: str,
    lowers: Sequence[str],
    upper: str | None = None,
    work: str | None = None,
    *,
    rootless: bool = False,
    volatile: bool = False,
) -> None:
    """Stack folders at `target`: `lowers` from the bottom to the top, `upper` takes the changes.

    `work` is an empty folder beside `upper`; without both the mount is read-only. `rootless` keeps whiteouts in
    user.overlay.*; `volatile` syncs nothing of `upper`, not even at the unmount. At most 500 lowers (HostUnsupported),
    127 on kernels older than 6.5. Raises KernelRefused.
    """

def open_overlay(
    lowers: Sequence[str],
    upper: str | None = None,
    work: str | None = None,
    *,
    rootless: bool = False,
    volatile: bool = False,
) -> int:
    """Stack folders as a mount that is nowhere; return its root's descriptor, which the caller closes.

    Paths in it are walked from the descriptor. Raises as mount_overlay does.
    """

def unmount(target: str) -> None:
    """Detach the topmost mount at `target`. Raises KernelRefused."""

def copy_tree(
    source_root: int,
    source_path: str | PathLike[str],
    target_root: int,
    target_path: str | PathLike[str],
    *,
    uid: int | None = None,
    gid: int | None = None,
    mode: str | None = None,
    ignored: Sequence[str] = ...,
    excluded: Sequence[str] = ...,
    threads: int = 2,
) -> tuple[int, int]:
    """Copy a file or what is in a folder as COPY means it; return the numbers of entries and of bytes.

    Both paths are walked inside their roots (descriptors of folders), links followed; nothing outside is ever read
    or written. A file becomes the target, or goes into it where that is a folder or ends with a slash; folders merge;
    missing parents are made, 0755. `uid`, `gid` and `mode` (octal, or as chmod(1) takes it) replace the source's.
    `ignored` and `excluded` are patterns as of ignore files, by paths from the source's root and from the source: where
    these are, whatever links led there. What is `ignored` cannot be reached, nor a source behind a link that is.
    Kept: times, set-id bits, hard links, holes, user's attributes and file capabilities. Sockets are left out.

    Raises TreeInvalid (errno ENOENT: no such source), KernelRefused; ValueError for what is no mode.
    """

def digest_tree(
    root: int,
    path: str | PathLike[str],
    *,
    ids: bool = True,
    ignored: Sequence[str] = ...,
    excluded: Sequence[str] = ...,
    threads: int = 2,
) -> str:
    """Return "sha256:..." of all that copy_tree would copy but times; without `ids` owners do not count.

    Raises as copy_tree does.
    """

def make_folder(root: int, path: str | PathLike[str], *, uid: int = 0, gid: int = 0) -> tuple[str, bool]:
    """Make a folder inside a root, with its parents, 0755; return its path without links ("" is the root), and
    whether it is new. Raises TreeInvalid, KernelRefused.
    """

def mount_memory(target: str) -> None:
    """Mount an empty tmpfs at `target`, for root alone. Raises KernelRefused."""

def inflated_head(fd: int, length: int) -> bytes:
    """Return the first `length` bytes of what a file holds: inflated, where it begins as gzip or zstd do.

    Fewer where there are no more. The file's offset moves on, by how much is not said. Raises BlobCorrupt, KernelRefused.
    """

def unpack_layer(
    source_fd: int,
    target_fd: int,
    *,
    compression: Literal["none", "gzip", "zstd", "auto"],
    expected_digest: str | None,
    expected_size: int | None,
    expected_diff_id: str | None,
    form: Literal["overlay", "plain"],
    max_bytes: int,
    max_entries: int,
    rootless: bool = False,
) -> tuple[str, int, str, int, int]:
    """Unpack a layer below `target_fd`, reading `source_fd` once, to its end. See estiba.images.unpack.

    Returns digest and size of the bytes read, the diffID, the bytes of all files, the number of entries.
    Raises LayerInvalid, BlobCorrupt, KernelRefused.
    """

def pack_layer(
    tree_fd: int,
    out_fd: int,
    *,
    source: Literal["overlay", "tree"],
    compression: Literal["none", "gzip", "zstd"],
    level: int | None,
    clamp_mtime: int | None,
    rootless: bool = False,
) -> tuple[str, int, str, int, int]:
    """Pack the folder `tree_fd` and write the layer to `out_fd`. See estiba.images.pack.

    Returns digest and size of the bytes written, the diffID, the bytes of the tar, the number of entries.
    Raises LayerInvalid, KernelRefused, ArgumentInvalid (no such level).
    """

def sync_filesystem(fd: int) -> None:
    """Bring all of the file system that `fd` is on to the disk (syncfs(2)). Raises KernelRefused."""
