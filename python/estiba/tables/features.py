# SPDX-License-Identifier: Apache-2.0
"""What `estiba features` tells beside the other tables (runtime-spec, features.md and features-linux.md)."""

HOOKS: tuple[str, ...] = (
    "prestart",
    "createRuntime",
    "createContainer",
    "startContainer",
    "poststart",
    "poststop",
)

CGROUP: dict[str, bool] = {"v1": True, "v2": True, "systemd": True, "systemdUser": True, "rdma": True}

SWITCHES: dict[str, dict[str, bool]] = {
    "apparmor": {"enabled": True},
    "selinux": {"enabled": True},
    "intelRdt": {"enabled": False},
    "netDevices": {"enabled": False},
}
"""Parts of the `linux` section that are there or not, whatever the host has."""

MOUNT_EXTENSIONS: dict[str, dict[str, bool]] = {"idmap": {"enabled": True}}

UNSAFE_ANNOTATIONS: tuple[str, ...] = ()
"""Annotations that change what the runtime does: none is read."""
