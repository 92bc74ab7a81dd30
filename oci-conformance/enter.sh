#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Enters the cgroups and namespaces of one program: enter.sh CGROUP... LEAF... -- COMMAND
# The cgroup namespace is rooted at CGROUPs. LEAFs (marked by a "+") are joined after that, since cgroup v2 wants no
# processes in a cgroup whose controllers it hands on.
set -e

join() { echo 0 > "$1/cgroup.procs"; }

if [ "$1" = "+" ]; then
    shift
    while [ "$1" != "--" ]; do join "$1"; shift; done
    shift
    exec unshare --mount --propagation private --pid --fork --kill-child --mount-proc --net -- "$@"
fi
while [ "$1" != "+" ]; do join "$1"; shift; done
exec unshare --cgroup -- sh "$0" "$@"
