# SPDX-License-Identifier: Apache-2.0
"""SELinux labels on a host without SELinux: refused in words, not by a mount that fails."""

from __future__ import annotations

import json

import pytest

from conftest import MakeBundle
from support.processes import Pipe
from support.runtime import Runtime

LABEL = "system_u:object_r:container_file_t:s0:c1,c2"

pytestmark = [pytest.mark.estiba_only, pytest.mark.requires("no-selinux")]


@pytest.mark.parametrize("pointer", ["/linux/mountLabel", "/process/selinuxLabel"])
def test_a_label_is_refused_with_the_reason(runtime: Runtime, bundle: MakeBundle, pointer: str) -> None:
    result = runtime.run(bundle("true", {pointer: LABEL}))
    assert result.code != 0
    assert f"config.json {pointer}: the label is SELinux's, and it is not active on this host" in result.err


@pytest.mark.parametrize("pointer", ["/linux/mountLabel", "/process/selinuxLabel"])
def test_an_empty_label_is_none(runtime: Runtime, bundle: MakeBundle, pointer: str) -> None:
    assert runtime.output(bundle("echo through", {pointer: ""})) == "through\n"


def test_exec_refuses_a_label_too(runtime: Runtime, bundle: MakeBundle, pipe: Pipe) -> None:
    container = runtime.start(bundle("echo ready; exec sleep 1000"), stdout=pipe)
    pipe.readline()
    path = container.bundle.path / "process.json"
    path.write_text(json.dumps({**container.bundle.config["process"], "selinuxLabel": LABEL}))
    result = runtime.call("exec", "--process", str(path), container.id)
    container.delete()
    assert result.code != 0
    said = "process.json /selinuxLabel: the label is SELinux's, and it is not active on this host"
    assert said in result.err
