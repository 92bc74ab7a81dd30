# SPDX-License-Identifier: Apache-2.0
"""Kernel parameters that a namespace has for itself: name or prefix to the kind of namespace.

All others belong to the whole host, so no container may set them. Names have dots between their parts.
"""

SYSCTLS: dict[str, str] = {
    "kernel.domainname": "uts",
    "kernel.msgmax": "ipc",
    "kernel.msgmnb": "ipc",
    "kernel.msgmni": "ipc",
    "kernel.sem": "ipc",
    "kernel.shm_rmid_forced": "ipc",
    "kernel.shmall": "ipc",
    "kernel.shmmax": "ipc",
    "kernel.shmmni": "ipc",
}

SYSCTL_PREFIXES: dict[str, str] = {
    "fs.mqueue.": "ipc",
    "net.": "network",
    "user.": "user",
}

SYSCTL_FIELDS: dict[str, str] = {"kernel.hostname": "/hostname"}
"""Parameters that have a field of their own in config.json, which is to be used."""
