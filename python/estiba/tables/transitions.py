# SPDX-License-Identifier: Apache-2.0
"""The life of a container: which verb is allowed in which state, what follows, and the words of a refusal."""

STATES: tuple[str, ...] = ("creating", "created", "running", "paused", "stopped")

TRANSITIONS: dict[str, dict[str, str]] = {
    "start": {"created": "running"},
    "kill": {"created": "created", "running": "running", "paused": "paused"},
    "delete": {"created": "absent", "stopped": "absent"},
    "exec": {"created": "created", "running": "running"},
    "pause": {"created": "paused", "running": "paused"},
    "resume": {"paused": "running"},
    "update": {"created": "created", "running": "running", "paused": "paused"},
    "ps": {state: state for state in STATES},
    "events": {"created": "created", "running": "running", "paused": "paused"},
}
"""Verb to {state that allows it: state that follows}; `state` and `list` look only, so they are not here.

A created container may be deleted, as runc allows: callers clean up so after a failed start.
A created container that is paused and resumed is created again: the gate, not the freezer, tells the two apart.
"""

NEEDS: dict[str, str] = {
    "start": "start needs it created",
    "kill": "container not running",
    "delete": "delete needs it stopped",
    "exec": "exec needs it created or running",
    "pause": "pause needs it created or running",
    "resume": "resume needs it paused",
    "update": "update needs it created, running or paused",
    "events": "events needs it created, running or paused",
}
"""What follows `container "ID" is STATE: `. Callers match "container not running" (see estiba.tables.phrases)."""

HINTS: dict[str, dict[str, str]] = {
    "start": {
        "running": "it has been started already",
        "stopped": "a container starts once: delete it and create it again",
        "paused": "run `estiba resume {id}`",
        "creating": "its create is at work, or was killed: `estiba delete --force {id}` cleans it",
    },
    "delete": {
        "creating": "run `estiba delete --force {id}`",
        "running": "run `estiba kill {id} KILL` first, or `estiba delete --force {id}`",
        "paused": "run `estiba kill {id} KILL` and `estiba resume {id}`, or `estiba delete --force {id}`",
    },
    "exec": {
        "paused": "run `estiba resume {id}` first, or give --ignore-paused",
        "stopped": "its init has ended",
    },
    "pause": {"paused": "it is paused already"},
    "resume": {"running": "it is not paused"},
}
"""Advice by verb and state; {id} is the container's."""
