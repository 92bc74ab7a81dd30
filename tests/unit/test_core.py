# SPDX-License-Identifier: Apache-2.0
"""The extension as Python sees it: its stub, its errors, a process held by pidfd."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from estiba import _core, errors

PROJECT = Path(__file__).parents[2]


def test_the_stub_says_what_the_extension_is() -> None:
    check = [sys.executable, "-m", "mypy.stubtest", "estiba._core"]
    said = subprocess.run(check, cwd=PROJECT, capture_output=True, text=True, timeout=120, check=False)
    assert said.returncode == 0, said.stdout + said.stderr


def test_an_error_of_the_engine_is_its_class_with_the_facts(tmp_path: Path) -> None:
    with pytest.raises(errors.ContainerNotFound) as caught:
        _core.state(root=str(tmp_path), id="nobody")
    assert str(caught.value) == caught.value.message
    assert '"nobody"' in caught.value.message
    assert caught.value.pointer is None


def test_a_pointer_goes_into_the_message_and_into_its_attribute(tmp_path: Path) -> None:
    with pytest.raises(errors.ConfigInvalid) as caught:
        _core.plan(bundle=str(tmp_path), config=b'{"ociVersion": "1.0.0", "root": {"path": "rootfs"}}')
    assert caught.value.pointer == "/process"
    assert caught.value.message.startswith("config.json /process: ")


def test_an_unknown_cgroup_manager_is_refused_before_anything_is_done(tmp_path: Path) -> None:
    manager: str = "supervisord"
    with pytest.raises(ValueError, match='^"supervisord" is not a cgroup manager$'):
        _core.create(root=str(tmp_path), id="c", bundle="/", config=b"", cgroup_manager=manager)  # type: ignore[arg-type]
    assert not list(tmp_path.iterdir())
