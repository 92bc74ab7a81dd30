# SPDX-License-Identifier: Apache-2.0
"""The devices that every container has (config-linux.md "Default Devices"): path to (major, minor), as they are made."""

DEFAULT_DEVICES: dict[str, tuple[int, int]] = {
    "/dev/null": (1, 3),
    "/dev/zero": (1, 5),
    "/dev/full": (1, 7),
    "/dev/random": (1, 8),
    "/dev/urandom": (1, 9),
    "/dev/tty": (5, 0),
}
"""All are character devices."""
