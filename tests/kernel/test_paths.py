# SPDX-License-Identifier: Apache-2.0
"""Masked and read-only paths."""

from __future__ import annotations

import pytest

from conftest import MakeBundle
from support import mountinfo
from support.processes import Pipe
from support.runtime import Runtime


def test_a_masked_file_is_empty(runtime: Runtime, bundle: MakeBundle) -> None:
    config = bundle("wc -c < /etc/secret", {"/linux/maskedPaths": ["/etc/secret"]})
    (config.rootfs / "etc" / "secret").write_text("secret\n")
    assert runtime.output(config).strip() == "0"


def test_a_masked_folder_is_empty_and_read_only(runtime: Runtime, bundle: MakeBundle) -> None:
    config = bundle(
        "ls -A /secrets; touch /secrets/new", {"/linux/maskedPaths": ["/secrets"], "/root/readonly": False}
    )
    (config.rootfs / "secrets").mkdir()
    (config.rootfs / "secrets" / "one").write_text("secret\n")
    result = runtime.run(config)
    assert result.out == ""
    assert "Read-only file system" in result.err


@pytest.mark.parametrize("path", ["/proc/kcore", "/proc/keys", "/proc/timer_list"])
def test_a_path_that_is_masked_by_default_reads_as_empty(
    runtime: Runtime, bundle: MakeBundle, path: str
) -> None:
    assert (
        runtime.output(bundle(f"if [ -e {path} ]; then head -c 10 {path} | wc -c; else echo 0; fi")).strip()
        == "0"
    )


def test_a_masked_path_that_is_absent_is_passed_over(runtime: Runtime, bundle: MakeBundle) -> None:
    assert runtime.output(bundle("echo ok", {"/linux/maskedPaths": ["/nowhere/at/all"]})) == "ok\n"


def test_a_read_only_path_cannot_be_written(runtime: Runtime, bundle: MakeBundle) -> None:
    changes = {"/linux/readonlyPaths": ["/data"], "/root/readonly": False}
    config = bundle("cat /data/file; echo x > /data/file; echo x > /elsewhere && echo elsewhere", changes)
    (config.rootfs / "data").mkdir()
    (config.rootfs / "data" / "file").write_text("readable\n")
    result = runtime.run(config)
    assert result.out == "readable\nelsewhere\n"
    assert "Read-only file system" in result.err


def test_proc_sys_is_read_only_by_default(runtime: Runtime, bundle: MakeBundle) -> None:
    result = runtime.run(bundle("echo other > /proc/sys/kernel/hostname"))
    assert result.code != 0
    assert "Read-only file system" in result.err


def test_a_read_only_path_that_is_absent_is_passed_over(runtime: Runtime, bundle: MakeBundle) -> None:
    assert runtime.output(bundle("echo ok", {"/linux/readonlyPaths": ["/nowhere/at/all"]})) == "ok\n"


def test_a_read_only_path_keeps_the_flags_of_its_mount(
    runtime: Runtime, bundle: MakeBundle, pipe: Pipe
) -> None:
    changes = {
        "/mounts/0/options": ["nosuid", "noexec", "nodev"],
        "/linux/readonlyPaths": ["/proc/sys"],
    }
    container = runtime.start(bundle("echo ready; exec sleep 1000", changes), stdout=pipe)
    pipe.readline()
    options = mountinfo.of(container.pid, "/proc/sys").options
    container.delete()
    assert {"ro", "nosuid", "noexec", "nodev"} <= options


def test_the_host_still_has_what_is_masked_in_the_container(
    runtime: Runtime, bundle: MakeBundle, pipe: Pipe
) -> None:
    config = bundle("echo ready; exec sleep 1000", {"/linux/maskedPaths": ["/etc/secret"]})
    (config.rootfs / "etc" / "secret").write_text("secret\n")
    container = runtime.start(config, stdout=pipe)
    pipe.readline()
    assert (config.rootfs / "etc" / "secret").read_text() == "secret\n"
    assert mountinfo.of(container.pid, "/etc/secret").point == "/etc/secret"
    container.delete()
