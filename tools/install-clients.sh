#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Installs the clients that record_configs.py drives and the client tests use: containerd, podman, Docker.
set -euo pipefail

packages=(busybox-static catatonit conmon containerd crun docker.io iproute2 podman runc tini uidmap)
missing=()
for package in "${packages[@]}"; do
    dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q '^install ok installed$' || missing+=("$package")
done
if ((${#missing[@]})); then
    apt-get update -q
    DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "${missing[@]}" </dev/null
fi
