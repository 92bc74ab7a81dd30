#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Installs what tests/vm makes its guest with and boots it by: mmdebstrap, QEMU, the ext4 and cpio tools.
set -euo pipefail

packages=(busybox-static cpio e2fsprogs mmdebstrap qemu-system-x86)
missing=()
for package in "${packages[@]}"; do
    dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q '^install ok installed$' || missing+=("$package")
done
if ((${#missing[@]})); then
    apt-get update -q
    DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "${missing[@]}" </dev/null
fi
