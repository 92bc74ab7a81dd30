# SPDX-License-Identifier: Apache-2.0
"""Schema of `mounts`, and of the id mappings that mounts and user namespaces share."""

from __future__ import annotations

from estiba.spec.schema.forms import U32, Schema, array, record, text, texts, whole, word

ID_MAPPING = record(
    "one range of ids",
    {
        "containerID": whole("first id inside", 0, U32),
        "hostID": whole("first id outside that it stands for", 0, U32),
        "size": whole("how many ids", 1, U32),
    },
    required=["containerID", "hostID", "size"],
)


def id_mappings(description: str) -> Schema:
    """A list of ranges of ids."""
    return array(description, "an array of id mappings", ID_MAPPING)


MOUNTS: Schema = array(
    "what is mounted over the root file system, in this order",
    "an array of mounts",
    record(
        "one mount",
        {
            "destination": word("where to mount, a path inside the container", "a path inside the container"),
            "source": text(
                "what to mount: a path (absolute or relative to the bundle), a device, or any word"
            ),
            "type": text("file system type; any word for a bind mount"),
            "options": {
                **texts("mount options"),
                "hint": "those that `estiba features` lists; any other goes to the file system",
            },
            "uidMappings": id_mappings("user ids of the source as the mount shows them"),
            "gidMappings": id_mappings("group ids of the source as the mount shows them"),
        },
        required=["destination"],
    ),
)
