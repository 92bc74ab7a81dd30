# SPDX-License-Identifier: Apache-2.0
"""The compiler under test, through the engine's example program."""

import functools
import json
import subprocess
from pathlib import Path

from seccomp_libseccomp import Profile

ROOT = Path(__file__).resolve().parents[2]


class Refused(Exception):
    """The engine did not take the profile."""


@functools.cache
def program() -> str:
    """Build rust/engine/examples/seccomp_compile.rs; where cargo put it."""
    command = ["cargo", "build", "--package", "estiba-engine", "--example", "seccomp_compile"]
    built = subprocess.run(
        [*command, "--message-format", "json"], cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True
    )
    messages = [json.loads(line) for line in built.stdout.splitlines()]
    [executable] = [message["executable"] for message in messages if message.get("executable")]
    return str(executable)


def compile_profile(profile: Profile) -> bytes:
    """The profile as the engine's BPF program."""
    done = subprocess.run([program()], input=json.dumps(profile).encode(), capture_output=True, check=False)
    if done.returncode:
        raise Refused(done.stderr.decode())
    return done.stdout
