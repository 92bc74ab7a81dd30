# SPDX-License-Identifier: Apache-2.0
"""A host that executes no memfd (vm.memfd_noexec=2, Linux 6.3): init's file lies on a mount of its own."""

from __future__ import annotations

import pytest

from conftest import MakeBundle
from support.runtime import Runtime

SETTING = "/proc/sys/vm/memfd_noexec"
"""Of the pid namespace."""

pytestmark = pytest.mark.estiba_only


@pytest.fixture
def strict(runtime: Runtime) -> Runtime:
    """The runtime in a pid namespace that executes no memfd."""
    script = f'echo 2 > {SETTING} && exec "$@"'
    runtime.prefix = ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc", "sh", "-c", script, "sh"]
    return runtime


def test_a_container_starts(strict: Runtime, bundle: MakeBundle) -> None:
    assert strict.output(bundle("echo ran")) == "ran\n"


def test_nobody_can_write_to_inits_file(strict: Runtime, bundle: MakeBundle) -> None:
    """CVE-2019-5736: what /proc/PID/exe shows of init before the program runs, here to a hook inside."""
    config = bundle("true")
    script = "echo x > /proc/1/exe; cat /proc/1/exe > /dev/null; exit 0"
    config.change("/hooks/startContainer/-", {"path": "/bin/sh", "args": ["sh", "-c", script]})
    result = strict.run(config)
    assert result.code == 0, str(result)
