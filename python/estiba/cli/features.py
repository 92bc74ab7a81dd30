# SPDX-License-Identifier: Apache-2.0
"""features: what this build supports, as runtime-spec's features.md wants it."""

from __future__ import annotations

import json

from estiba.command_line.run import say
from estiba.tables import capabilities, memory_policy, mount_options, namespaces, seccomp, version
from estiba.tables import features as own

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from estiba.cli.parse import Parsed


def features(_parsed: Parsed) -> int:
    """Print the features object."""
    say(json.dumps(describe(), indent=2) + "\n")
    return 0


def describe() -> dict[str, Any]:
    """Return the features object."""
    return {
        "ociVersionMin": version.SPEC_OLDEST,
        "ociVersionMax": version.SPEC,
        "hooks": list(own.HOOKS),
        "mountOptions": sorted(mount_options.MOUNT_OPTIONS),
        "linux": {
            "namespaces": sorted(namespaces.NAMESPACES),
            "capabilities": list(capabilities.CAPABILITIES),
            "cgroup": own.CGROUP,
            "seccomp": {
                "enabled": True,
                "actions": sorted(seccomp.ACTIONS),
                "operators": sorted(seccomp.OPERATORS),
                "archs": sorted(seccomp.ARCHITECTURES),
                "knownFlags": sorted(seccomp.FLAGS),
                "supportedFlags": sorted(seccomp.FLAGS),
            },
            **own.SWITCHES,
            "memoryPolicy": {
                "modes": sorted(memory_policy.MEMORY_POLICY_MODES),
                "flags": sorted(memory_policy.MEMORY_POLICY_FLAGS),
            },
            "mountExtensions": own.MOUNT_EXTENSIONS,
        },
        "annotations": {"estiba.version": version.VERSION},
        "potentiallyUnsafeConfigAnnotations": list(own.UNSAFE_ANNOTATIONS),
    }
