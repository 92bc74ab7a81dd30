#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Installs the tools that read what we write and write what we read: skopeo, umoci, Debian's registry,
# podman, Docker, runc, crun.
set -euo pipefail

packages=(
    apache2-utils busybox-static catatonit conmon crun docker-registry docker.io iproute2 openssl podman runc skopeo uidmap
    umoci
)
missing=()
for package in "${packages[@]}"; do
    dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q '^install ok installed$' || missing+=("$package")
done
if ((${#missing[@]})); then
    apt-get update -q
    # The registry is started by the tests alone, each time with a folder of its own.
    printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d && chmod 755 /usr/sbin/policy-rc.d
    trap 'rm -f /usr/sbin/policy-rc.d' EXIT
    DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "${missing[@]}" </dev/null
fi
