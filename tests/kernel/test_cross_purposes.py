# SPDX-License-Identifier: Apache-2.0
"""Callers who know nothing of each other, at one container: each gets an answer, and nothing is left."""

from __future__ import annotations

import random
import re

import pytest

from conftest import MakeBundle
from support import processes
from support.runtime import Runtime

pytestmark = pytest.mark.estiba_only

ROUNDS = 60
AT_ONCE = 8

# What a caller may be told when another one was faster.
EXPECTED = re.compile(
    r'container "[^"]+" (exists already|does not exist|is (creating|created|running|paused|stopped): .*'
    r"|has no state record: its create died, or is at work)"
    r"|cannot send signal 9: no such process"
    r"|the container's init ended before it was ready"
)


def test_verbs_at_cross_purposes_get_answers(runtime: Runtime, bundle: MakeBundle) -> None:
    config = bundle(["sleep", "1000"])
    verbs: list[list[str]] = [
        ["create", "--bundle", str(config.path), config.id],
        ["run", "--detach", "--bundle", str(config.path), config.id],
        ["start", config.id],
        ["state", config.id],
        ["exec", config.id, "true"],
        ["exec", "--detach", config.id, "sleep", "1000"],
        ["pause", config.id],
        ["resume", config.id],
        ["kill", config.id, "KILL"],
        ["kill", "--all", config.id, "KILL"],
        ["delete", config.id],
        ["delete", "--force", config.id],
    ]
    choice = random.Random(7)
    strange = []
    for _ in range(ROUNDS):
        calls = [runtime.spawn(*choice.choice(verbs)) for _ in range(AT_ONCE)]
        while not all(processes.ended(call.process.pid, 1) for call in calls):
            runtime.must("delete", "--force", config.id)  # an exec in a paused container waits for its end
        for result in [call.finish() for call in calls]:
            first = result.err.splitlines()[0] if result.err else ""
            # An exec'd program may end with the container, by SIGKILL.
            if result.code not in (0, 128 + 9) and not EXPECTED.fullmatch(first):
                strange.append(f"{result.argv[-3:]}: {result.code} {result.err}")
        processes.reap_orphans()
    runtime.must("delete", "--force", config.id)
    print(*strange, sep="\n")
    assert strange == []
