# SPDX-License-Identifier: Apache-2.0
"""A bundle against this host, without starting anything: what would fail, where, how to mend it.

`host_problems` reads files and starts nothing; it takes any config, also one that `estiba.spec` finds wrong, and says
nothing of a part that has not the shape that it needs.
"""

from __future__ import annotations

from estiba.bundle import Bundle
from estiba.check import cgroups, devices, hooks, ids, kernel, mounts, program
from estiba.check.inside import Inside
from estiba.problems import Problem
from estiba.spec.node import Node
from estiba.spec.order import in_document_order

__all__ = ["host_problems"]


def host_problems(bundle: Bundle) -> list[Problem]:
    """List what this host would refuse of a bundle, in document order."""
    config = Node(bundle.config)
    rootfs = config.at("root", "path").text()
    found: list[Problem] = []
    inside = Inside(bundle.path, config)
    if rootfs:
        found += inside.root_problems()
        if not found:
            found += [*program.check(config, inside), *hooks.check_inside(config, inside)]
            found += devices.check(config, inside.root)
    found += mounts.check(config, bundle.path, inside)
    found += hooks.check(config)
    found += ids.check(config)
    found += cgroups.check(config)
    found += kernel.check(config)
    return in_document_order(found, bundle.config)
