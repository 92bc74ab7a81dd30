# SPDX-License-Identifier: Apache-2.0
"""Labels of security modules that this host has not: left out with a warning, as nothing here reads them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from conftest import MakeBundle
from estiba import Container
from estiba.errors import EstibaWarning
from estiba.lifecycle import children, wait
from support.processes import Pipe
from support.runtime import Runtime

pytestmark = [pytest.mark.estiba_only, pytest.mark.requires("no-selinux", "no-apparmor")]

LABELS = {
    "/linux/mountLabel": ("system_u:object_r:container_file_t:s0:c1,c2", "SELinux"),
    "/process/selinuxLabel": ("system_u:system_r:container_t:s0:c1,c2", "SELinux"),
    "/process/apparmorProfile": ("acme_secure_profile", "AppArmor"),
}

each_label = pytest.mark.parametrize("pointer", LABELS)


def ignored(place: str, pointer: str) -> str:
    """What is said of the label at `pointer` of the config, whose place is called `place`."""
    label, module = LABELS[pointer]
    return f'{place}: "{label}" is ignored: {module} is not active on this host'


@each_label
def test_a_label_is_left_out_with_a_warning(runtime: Runtime, bundle: MakeBundle, pointer: str) -> None:
    result = runtime.run(bundle("echo through", {pointer: LABELS[pointer][0]}))
    assert (result.code, result.out) == (0, "through\n")
    assert result.err == f"warning: {ignored(f'config.json {pointer}', pointer)}\n"


@each_label
def test_an_empty_label_is_none(runtime: Runtime, bundle: MakeBundle, pointer: str) -> None:
    result = runtime.run(bundle("echo through", {pointer: ""}))
    assert (result.code, result.out, result.err) == (0, "through\n", "")


@each_label
def test_create_writes_the_warning_into_the_log(
    runtime: Runtime, bundle: MakeBundle, pointer: str, tmp_path: Path
) -> None:
    config, log = bundle("true", {pointer: LABELS[pointer][0]}), tmp_path / "log"
    logged = ("--log", str(log), "--log-format", "json")
    runtime.must(*logged, "create", "--bundle", str(config.path), config.id)
    runtime.must("delete", "--force", config.id)
    [record] = map(json.loads, log.read_text().splitlines())
    assert (record["level"], record["msg"]) == ("warning", ignored(f"config.json {pointer}", pointer))


@pytest.mark.parametrize("pointer", ["/process/selinuxLabel", "/process/apparmorProfile"])
def test_exec_leaves_a_label_out_too(runtime: Runtime, bundle: MakeBundle, pipe: Pipe, pointer: str) -> None:
    container = runtime.start(bundle("echo ready; exec sleep 1000"), stdout=pipe)
    pipe.readline()
    key = pointer.rpartition("/")[2]
    path = container.bundle.path / "process.json"
    process = container.bundle.config["process"] | {key: LABELS[pointer][0], "args": ["echo", "through"]}
    path.write_text(json.dumps(process))
    result = runtime.call("exec", "--process", str(path), container.id)
    container.delete()
    assert (result.code, result.out) == (0, "through\n")
    assert result.err == f"warning: {ignored(f'process.json /{key}', pointer)}\n"


@pytest.mark.parametrize(
    ("option", "pointer"),
    [("--process-label", "/process/selinuxLabel"), ("--apparmor", "/process/apparmorProfile")],
)
def test_an_option_of_exec_is_left_out_too(
    runtime: Runtime, bundle: MakeBundle, pipe: Pipe, option: str, pointer: str
) -> None:
    container = runtime.start(bundle("echo ready; exec sleep 1000"), stdout=pipe)
    pipe.readline()
    result = container.exec("echo", "through", flags=(option, LABELS[pointer][0]))
    container.delete()
    assert (result.code, result.out) == (0, "through\n")
    assert "is ignored" in result.err


def test_the_library_warns_in_words_of_its_own(runtime: Runtime, bundle: MakeBundle) -> None:
    pointer = "/process/apparmorProfile"
    config = bundle("true", {pointer: LABELS[pointer][0]})
    with pytest.warns(EstibaWarning, match=ignored(f"config.json {pointer}", pointer)) as warned:
        assert Container.run(config.id, config.path, root=str(runtime.root)) == 0
    assert warned[0].filename == __file__


@pytest.mark.filterwarnings("error::estiba.errors.EstibaWarning")
def test_a_warning_that_is_an_error_leaves_no_container(runtime: Runtime, bundle: MakeBundle) -> None:
    pointer = "/process/apparmorProfile"
    config = bundle("true", {pointer: LABELS[pointer][0]})
    with pytest.raises(EstibaWarning):
        Container.create(config.id, config.path, root=str(runtime.root))
    assert runtime.call("state", config.id).code != 0


@pytest.mark.filterwarnings("error::estiba.errors.EstibaWarning")
def test_a_warning_that_is_an_error_leaves_no_program(runtime: Runtime, bundle: MakeBundle) -> None:
    root, config = str(runtime.root), bundle("sleep 1000")
    process = config.config["process"] | {"apparmorProfile": LABELS["/process/apparmorProfile"][0]}
    with Container.launch(config.id, config.path, root=root) as container:
        with pytest.raises(EstibaWarning):
            container.exec(process=process | {"args": ["sleep", "1000"]})
        started = children.of(root, config.id)
        assert started is not None
        [left] = started.besides(container.init)
        assert wait(left, 10) == 137
