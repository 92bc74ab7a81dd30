# SPDX-License-Identifier: Apache-2.0
"""What Docker's and podman's users type that `muelle` does not have, and how the same is done with it."""

_ONE_BY_ONE = "what it has stands by itself: `muelle {}`, `muelle {}`, `muelle inspect`, `muelle prune`"
_FOREGROUND = (
    "a container lives as long as its `muelle run`, which is its terminal, its log and its exit code"
)
_PORTS = (
    "--network host gives it the ports of the host; else it has a network of its own, with loopback alone"
)
_BACKGROUND = "`run` stays in the foreground; a shell's & or a systemd service puts it behind"
_KEPT = "leave it out: the results of steps are always kept, their containers never"
_NAMELESS = "leave it out: a volume without a name goes with its container"
_PAUSED = "a container is frozen meanwhile; --no-pause lets it go on"
_STORED = "leave it out: what is built is in the store, and results are found there"

ELSEWHERE: dict[str, dict[str, str]] = {
    "": {
        "attach": _FOREGROUND,
        "builder": "`muelle prune --cache` removes what builds have kept",
        "buildx": "`muelle build` stands without it",
        "container": _ONE_BY_ONE.format("containers", "rm"),
        "cp": "`muelle export` writes a container's files as a tar; -v of `run` gives it some of the host's",
        "create": _FOREGROUND,
        "events": "`estiba events ID`, with what `muelle ps --no-trunc` prints as ID",
        "exec": "`estiba exec ID PROGRAM`, with what `muelle ps --no-trunc` prints as ID",
        "help": "see `muelle --help`, and `muelle COMMAND --help`",
        "image": _ONE_BY_ONE.format("images", "rmi"),
        "info": "`muelle version`, and `estiba features`",
        "kill": "`estiba kill ID SIGNAL`, with what `muelle ps --no-trunc` prints as ID; or `muelle rm --force`",
        "logs": _FOREGROUND,
        "mount": "`muelle bundle IMAGE DIR` puts its files into DIR/rootfs",
        "network": "none is to be made: `muelle run --network` takes none or host",
        "pause": "`estiba pause ID`, with what `muelle ps --no-trunc` prints as ID",
        "port": _PORTS,
        "restart": _FOREGROUND,
        "start": _FOREGROUND,
        "stats": "`estiba events --stats ID`, with what `muelle ps --no-trunc` prints as ID",
        "stop": "`estiba kill ID TERM`, with what `muelle ps --no-trunc` prints as ID; or `muelle rm --force`",
        "system": "`muelle prune` removes what nobody uses, `muelle fsck` looks the store through",
        "top": "`estiba ps ID`, with what `muelle ps --no-trunc` prints as ID",
        "unpause": "`estiba resume ID`, with what `muelle ps --no-trunc` prints as ID",
        "volume": "`muelle run -v NAME:/PATH` makes one, `muelle prune --volumes` removes those that nobody has",
        "wait": _FOREGROUND,
    },
    "run": {
        "--detach": _BACKGROUND,
        "-d": _BACKGROUND,
        "--expose": _PORTS,
        "--publish": _PORTS,
        "--publish-all": _PORTS,
        "-p": _PORTS,
        "-P": _PORTS,
        "--gpus": "--device gives it a device of the host",
        "--replace": "`muelle rm --force NAME` removes the one that has the name",
        "--restart": "who starts `muelle run` can start it again, as Restart= of a systemd service does",
        "--sig-proxy": "leave it out: signals are always handed on",
        "--volumes-from": "--volume gives it a volume by name, whoever else has it",
    },
    "build": {
        "--cache-from": _STORED,
        "--cache-to": _STORED,
        "--force-rm": _KEPT,
        "--layers": _KEPT,
        "--load": _STORED,
        "--output": "`muelle save` writes what was built as an archive, `muelle bundle` as a folder",
        "-o": "`muelle save` writes what was built as an archive, `muelle bundle` as a folder",
        "--push": "`muelle push` sends what was built",
        "--rm": _KEPT,
        "--ssh": "--secret lets RUN --mount=type=secret read a key",
    },
    "commit": {"--pause": _PAUSED, "-p": _PAUSED},
    "rm": {"--volumes": _NAMELESS, "-v": _NAMELESS},
}
"""{verb, or "" for the command: {what was typed: hint}}."""
