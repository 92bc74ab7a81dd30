# SPDX-License-Identifier: Apache-2.0
"""Schema of `hooks`: programs that run at points of the container's life."""

from __future__ import annotations

from estiba.spec.schema.forms import I32, Schema, array, path, record, texts, whole

HOOK = record(
    "one program",
    {
        "path": path("the program"),
        "args": texts("its argv, the name at 0 included"),
        "env": texts("its environment, NAME=VALUE each"),
        "timeout": whole("seconds until it is ended", 1, I32),
    },
    required=["path"],
)


def _hooks(description: str) -> Schema:
    return array(description, "an array of hooks", HOOK)


HOOKS: Schema = record(
    "programs that run at points of the container's life",
    {
        "prestart": _hooks("deprecated: as createRuntime, and before it"),
        "createRuntime": _hooks("during create, outside, when the namespaces are there"),
        "createContainer": _hooks("during create, inside the mount namespace, before the root is changed"),
        "startContainer": _hooks("during start, inside the container, before the program"),
        "poststart": _hooks("after the program was started, outside"),
        "poststop": _hooks("after the container was deleted, outside"),
    },
)
