# SPDX-License-Identifier: Apache-2.0
"""The command line as data: the native parser, the Python parser, help and man page come from it.

An option is (name, letter or "", kind, value's name, help). Kinds: "flag", "text", "number" (0 to 2^32 - 1),
"list" (may be repeated), "choice" (the value's name lists what may stand there, "text|json").
A positional is (name, how many, help) with how many "one", "optional" or "rest".
"""

GLOBAL: tuple[tuple[str, str, str, str, str], ...] = (
    ("root", "", "text", "DIR", "where state lives; /run/estiba, rootless $XDG_RUNTIME_DIR/estiba"),
    ("log", "", "text", "FILE", "append failures to FILE; without it there is no log"),
    ("log-format", "", "choice", "text|json", "how a log record is written"),
    ("log-level", "", "choice", "debug|info|warn|warning|error", "the least level that is logged"),
    ("debug", "", "flag", "", "as --log-level debug, and show the traceback of a bug"),
    ("systemd-cgroup", "", "flag", "", "the same as --cgroup-manager systemd"),
    (
        "cgroup-manager",
        "",
        "choice",
        "cgroupfs|systemd|disabled",
        "who makes the container's cgroup; systemd does on cgroup v2 alone",
    ),
    ("rootless", "", "choice", "true|false|auto", "whether to expect missing privileges"),
    ("criu", "", "text", "PATH", "taken for old callers' sake and ignored"),
    ("version", "v", "flag", "", "print the version"),
    ("help", "h", "flag", "", "print this help"),
)

BUNDLE = ("bundle", "b", "text", "DIR", "the folder of config.json; the current one by default")
CONFIG = ("config", "f", "text", "FILE", "another file than config.json in the bundle")
PID_FILE = ("pid-file", "", "text", "FILE", "write the process id to FILE, digits only")
CONSOLE = (
    "console-socket",
    "",
    "text",
    "SOCKET",
    "send the terminal's controlling side over this unix socket",
)
PIDFD = ("pidfd-socket", "", "text", "SOCKET", "send the process's pidfd over this unix socket")
PRESERVE = ("preserve-fds", "", "number", "N", "let N descriptors from 3 upwards reach the program")
DETACH = ("detach", "d", "flag", "", "return once the program runs")
HELP = ("help", "h", "flag", "", "print this help")
ALL_PROCESSES = ("all", "a", "flag", "", "every process of the container, not init alone")

CREATE = (
    BUNDLE,
    CONFIG,
    CONSOLE,
    PIDFD,
    PID_FILE,
    ("no-pivot", "", "flag", "", "move the root instead of pivot_root, for a root on a ramdisk"),
    ("no-new-keyring", "", "flag", "", "keep the caller's session keyring"),
    PRESERVE,
)
ACCEPTED = (("detach", "", "flag", "", "taken for callers' sake: create always returns"),)

ID = ("ID", "one", "the container's name: letters, digits and _ + - .")

NATIVE: dict[
    str, tuple[str, tuple[tuple[str, str, str], ...], tuple[tuple[str, str, str, str, str], ...]]
] = {
    "create": ("create a container that waits for `start`", (ID,), (*CREATE, *ACCEPTED, HELP)),
    "start": ("run the program of a created container", (ID,), (HELP,)),
    "state": ("print the OCI state as JSON", (ID,), (HELP,)),
    "kill": (
        "send a signal to the container's init",
        (ID, ("SIGNAL", "optional", "name or number; TERM by default")),
        (ALL_PROCESSES, HELP),
    ),
    "delete": (
        "remove a stopped container",
        (ID,),
        (("force", "f", "flag", "", "kill it first, and be content when it is gone"), HELP),
    ),
    "run": (
        "create, start, wait and delete",
        (ID,),
        (
            *CREATE,
            DETACH,
            ("keep", "", "flag", "", "do not delete the container after its end"),
            ("no-subreaper", "", "flag", "", "taken for callers' sake: orphans are never adopted"),
            HELP,
        ),
    ),
    "exec": (
        "run a further program in a container",
        (ID, ("COMMAND", "rest", "program and arguments, unless --process is given")),
        (
            ("process", "p", "text", "FILE", "the OCI process object to run"),
            CONSOLE,
            PIDFD,
            PID_FILE,
            DETACH,
            ("tty", "t", "flag", "", "give it a terminal"),
            ("cwd", "", "text", "DIR", "its working directory"),
            ("env", "e", "list", "NAME=VALUE", "add to its environment"),
            ("user", "u", "text", "UID[:GID]", "run as these numeric ids"),
            ("additional-gids", "g", "list", "GID", "add a group"),
            ("cap", "c", "list", "CAP", "add a capability"),
            ("no-new-privs", "", "flag", "", "set no_new_privs"),
            ("process-label", "", "text", "LABEL", "the SELinux label"),
            ("apparmor", "", "text", "PROFILE", "the AppArmor profile"),
            ("cgroup", "", "list", "PATH", "a cgroup below the container's, or CONTROLLER:PATH on v1"),
            ("ignore-paused", "", "flag", "", "go ahead in a paused container"),
            PRESERVE,
            HELP,
        ),
    ),
    "pause": ("freeze all processes", (ID,), (HELP,)),
    "resume": ("let them go on", (ID,), (HELP,)),
}
"""Verbs of the native command: {verb: (what it does, positionals, options)}."""

PYTHON: dict[
    str, tuple[str, tuple[tuple[str, str, str], ...], tuple[tuple[str, str, str, str, str], ...]]
] = {
    "list": (
        "list containers",
        (),
        (
            ("format", "f", "choice", "table|json", "how to print"),
            ("quiet", "q", "flag", "", "print ids only"),
            HELP,
        ),
    ),
    "ps": (
        "list the processes of a container",
        (ID, ("ARGUMENT", "rest", "options for ps(1), -ef by default")),
        (("format", "f", "choice", "table|json", "how to print"), HELP),
    ),
    "update": (
        "change the limits of a container",
        (ID,),
        (
            ("resources", "r", "text", "FILE", "an OCI resources object, - for standard input"),
            ("blkio-weight", "", "text", "N", "block i/o weight, 10 to 1000"),
            ("cpu-period", "", "text", "MICROSECONDS", "length of a quota period"),
            ("cpu-quota", "", "text", "MICROSECONDS", "cpu time in a period, -1 for no limit"),
            ("cpu-burst", "", "text", "MICROSECONDS", "unused quota that may be kept"),
            ("cpu-share", "", "text", "N", "cpu weight on the v1 scale"),
            ("cpu-rt-period", "", "text", "MICROSECONDS", "length of a real-time period"),
            ("cpu-rt-runtime", "", "text", "MICROSECONDS", "real-time cpu time in a period"),
            ("cpu-idle", "", "text", "0|1", "run only where nobody else wants the cpu"),
            ("cpuset-cpus", "", "text", "LIST", "cpus, as 0-3,6"),
            ("cpuset-mems", "", "text", "LIST", "memory nodes"),
            ("memory", "m", "text", "BYTES", "memory limit, -1 for none"),
            ("memory-reservation", "", "text", "BYTES", "soft memory limit"),
            ("memory-swap", "", "text", "BYTES", "memory and swap together, -1 for no limit"),
            ("kernel-memory", "", "text", "BYTES", "taken for old callers' sake and ignored"),
            ("kernel-memory-tcp", "", "text", "BYTES", "taken for old callers' sake and ignored"),
            ("pids-limit", "", "text", "N", "most processes, -1 for no limit"),
            ("l3-cache-schema", "", "text", "LINE", "taken and refused: Intel RDT is not supported"),
            ("mem-bw-schema", "", "text", "LINE", "taken and refused: Intel RDT is not supported"),
            HELP,
        ),
    ),
    "events": (
        "print counters and out-of-memory events as JSON lines",
        (ID,),
        (
            ("stats", "", "flag", "", "print the counters once"),
            ("interval", "", "text", "DURATION", "how often to print, as 5s; 5s by default"),
            HELP,
        ),
    ),
    "features": ("print what this build supports, as JSON", (), (HELP,)),
    "spec": (
        "write a default config.json",
        (),
        (
            BUNDLE,
            CONFIG,
            ("rootless", "", "flag", "", "for a user without privileges"),
            HELP,
        ),
    ),
    "validate": (
        "say everything that is wrong with a config",
        (("FILE", "optional", "a config.json, - for standard input"),),
        (
            BUNDLE,
            ("format", "f", "choice", "text|json|sarif", "how to print"),
            HELP,
        ),
    ),
    "check": (
        "say what this host would refuse of a bundle, without starting it",
        (("BUNDLE", "optional", "the folder of config.json; the current one by default"),),
        (
            CONFIG,
            ("format", "", "choice", "text|json", "how to print"),
            HELP,
        ),
    ),
    "explain": (
        "say what a property of config.json means",
        (("PROPERTY", "optional", "as linux.resources.memory.swap, or a JSON pointer"),),
        (HELP,),
    ),
    "gc": (
        "clean what killed commands have left",
        (),
        (
            (
                "stopped",
                "",
                "flag",
                "",
                "also remove containers whose init has ended, which nobody comes back for",
            ),
            ("dry-run", "n", "flag", "", "only say what would be removed"),
            HELP,
        ),
    ),
    "trace": (
        "start a container, end it once its program runs, and show how long each phase took",
        (("BUNDLE", "optional", "the folder of config.json; the current one by default"),),
        (
            CONFIG,
            ("format", "", "choice", "text|json", "how to print"),
            ("svg", "", "text", "FILE", "draw the phases into FILE, too"),
            HELP,
        ),
    ),
    "why": (
        "say why the last start failed, of one container or of all",
        (("ID", "optional", "the container's name"),),
        (
            ("all", "a", "flag", "", "every failure on record, one a line, the newest first"),
            ("format", "f", "choice", "text|json", "how to print"),
            HELP,
        ),
    ),
}
"""Verbs that run in Python, laid out as NATIVE."""

REST_AFTER_ID: tuple[str, ...] = ("exec", "ps")
"""Verbs whose arguments after ID belong to another program, dashes and all."""

FAILURE_EXIT: dict[str, int] = {"exec": 255}
"""Exit code of a failure by verb; 1 for all others."""

REFUSALS: dict[str, str] = {
    "no-command": "no command given",
    "unknown-command": '"{what}" is not a command',
    "unknown-option": '{where}: "{what}" is not an option',
    "needs-value": "{where}: {what} needs a value ({metavar})",
    "flag-value": '{where}: {what} is a flag: true or false may follow, not "{value}"',
    "not-a-number": '{where}: {what} takes a whole number from 0 to 4294967295, not "{value}"',
    "bad-value": '{where}: {what} takes {metavar}, not "{value}"',
    "not-a-signal": '{where}: "{value}" is not a signal',
    "missing": "{where}: {what} is missing",
    "surplus": '{where}: "{what}" is one argument too many',
}
"""The parser's words; {where} is `estiba` or `estiba VERB`."""

HINTS: dict[str, str] = {
    "near": 'did you mean "{near}"?',
    "help": "see `{where} --help`",
    "signal": "a name as in signal(7), or a number from 0 to 64",
}
"""What follows: a name within two changes of the one given, where help is, what a signal is."""
