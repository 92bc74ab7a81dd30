# SPDX-License-Identifier: Apache-2.0
"""Words that are an interface: phrases that callers search our messages for, and our own words for error numbers.

A caller's phrase may stand in a message only where the caller should act on it; everywhere else the house words
say the same. containerd: its shim's checkKillError. podman: getOCIRuntimeError in libpod/oci_util.go.
"""

NOT_FOUND = "does not exist"
"""state, kill and all other verbs of an unknown id (containerd, podman)."""

NOT_RUNNING = "container not running"
"""kill of a stopped container: containerd takes the process as finished."""

PROCESS_GONE = "no such process"
"""kill when the process went between look and signal: containerd takes it as finished."""

PROGRAM_MISSING = "no such file or directory"
"""The program of the container or of exec is not there: podman exits with 127."""

PROGRAM_NOT_IN_PATH = "executable file not found in $PATH"
"""The program has no slash and is in no folder of PATH: podman exits with 127."""

PROGRAM_NOT_EXECUTABLE = "permission denied"
"""The program may not be executed: podman exits with 126."""

CALLERS: tuple[str, ...] = (
    "permission denied",
    "operation not permitted",
    "executable file not found in",
    "no such file or directory",
    "no such process",
    "process already finished",
    "container not running",
    "does not exist",
)
"""What callers search for, in lower case. No other message or hint may contain one, in any case."""

ERRNO_WORDS: dict[str, str] = {
    "EPERM": "not allowed",
    "ENOENT": "absent",
    "ESRCH": "the process is gone",
    "EINTR": "interrupted by a signal",
    "EIO": "input or output failed",
    "ENXIO": "no device or reader behind it",
    "E2BIG": "arguments or data too long",
    "ENOEXEC": "not a program that this machine can execute",
    "EBADF": "the descriptor is not open",
    "ECHILD": "no child to wait for",
    "EAGAIN": "a limit is reached or it is busy for now",
    "ENOMEM": "out of memory or over a limit",
    "EACCES": "access refused",
    "EFAULT": "bad address",
    "ENOTBLK": "not a block device",
    "EBUSY": "in use",
    "EEXIST": "there already",
    "EXDEV": "the path leaves its root",
    "ENODEV": "unknown to this kernel",
    "ENOTDIR": "a part of the path is no directory",
    "EISDIR": "it is a directory",
    "EINVAL": "the kernel refuses the arguments",
    "ENFILE": "too many open files on this host",
    "EMFILE": "too many open files",
    "ENOTTY": "not a terminal",
    "ETXTBSY": "the program file is open for writing",
    "EFBIG": "the file is too large",
    "ENOSPC": "no space or quota left",
    "ESPIPE": "cannot seek",
    "EROFS": "the file system is read-only",
    "EMLINK": "too many links",
    "EPIPE": "the other side has closed",
    "EDOM": "out of the domain",
    "ERANGE": "out of range",
    "EDEADLK": "it would wait for itself",
    "ENAMETOOLONG": "the name is too long",
    "ENOSYS": "this kernel lacks the call",
    "ENOTEMPTY": "the directory is not empty",
    "ELOOP": "too many symbolic links",
    "ENODATA": "no data",
    "EOVERFLOW": "too large for its type",
    "EUSERS": "too many users or nested namespaces",
    "ENOTSOCK": "not a socket",
    "EMSGSIZE": "the message is too long",
    "EPROTONOSUPPORT": "the protocol is unknown",
    "EOPNOTSUPP": "not supported here",
    "EAFNOSUPPORT": "the address family is unknown",
    "EADDRINUSE": "the address is in use",
    "EADDRNOTAVAIL": "the address is not on this host",
    "ENETDOWN": "the network is down",
    "ENOBUFS": "no buffer space left",
    "EISCONN": "already connected",
    "ENOTCONN": "not connected",
    "ETIMEDOUT": "timed out",
    "ECONNREFUSED": "nobody listens there",
    "ECONNRESET": "the other side has closed",
    "EALREADY": "already under way",
    "EINPROGRESS": "under way",
    "ESTALE": "the handle is stale",
    "EDQUOT": "the disk quota is used up",
    "ENOMEDIUM": "no medium",
    "ECANCELED": "canceled",
    "ENOKEY": "the key is absent",
    "EKEYREJECTED": "the key was rejected",
}
"""Our words for an error number; shown as `access refused (EACCES)`. A name that is not here stands alone."""
