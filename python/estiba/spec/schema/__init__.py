# SPDX-License-Identifier: Apache-2.0
"""The JSON schema of config.json (runtime-spec 1.3, Linux), as data: shapes, names and ranges.

What one value has to do with another is not here but in the rules beside this package. Sections of other
platforms are unknown properties to us, and so ignored.
"""

from __future__ import annotations

from estiba.spec.schema.forms import Schema, flag, mapping, record, text, word
from estiba.spec.schema.hooks import HOOKS
from estiba.spec.schema.linux import LINUX
from estiba.spec.schema.mounts import MOUNTS
from estiba.spec.schema.process import PROCESS
from estiba.spec.schema.resources import RESOURCES

DIALECT = "https://json-schema.org/draft/2020-12/schema"

CONFIG: Schema = {
    "$schema": DIALECT,
    "title": "config.json",
    **record(
        "what to run and in which surroundings",
        {
            "ociVersion": text("version of the runtime specification that the bundle follows"),
            "root": record(
                "the container's root file system",
                {
                    "path": word(
                        "folder of the root file system, absolute or relative to the bundle", "a path"
                    ),
                    "readonly": flag("whether the root file system is read-only inside the container"),
                },
                required=["path"],
            ),
            "process": PROCESS,
            "mounts": MOUNTS,
            "hostname": text("host name inside the container's UTS namespace"),
            "domainname": text("NIS domain name inside the container's UTS namespace"),
            "hooks": HOOKS,
            "annotations": mapping("free words about the container, handed on in its state", text("a value")),
            "linux": LINUX,
        },
        required=["ociVersion", "root"],
    ),
}
"""The whole of config.json."""


__all__ = ["CONFIG", "PROCESS", "RESOURCES", "Schema"]
