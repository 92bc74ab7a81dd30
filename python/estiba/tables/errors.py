# SPDX-License-Identifier: Apache-2.0
"""The kinds of errors that the engine knows; each is a class of estiba.errors of the same name."""

ERROR_KINDS: dict[str, str] = {
    "ConfigInvalid": "config.json breaks the runtime specification",
    "ConfigUnsupported": "config.json is valid, but asks for what this build or this host lacks",
    "ContainerNotFound": "no container of this id under the state root",
    "ContainerExists": "a container of this id exists already",
    "WrongState": "the verb needs another state",
    "HostUnsupported": "a kernel or host feature is missing",
    "KernelRefused": "a system call failed",
    "HookFailed": "a hook exited with an error or ran into its time-out",
    "ExecFailed": "the container's program could not be executed",
    "InternalError": "a bug in estiba",
}
"""Kind to what it says, in the order of the engine's enum."""
