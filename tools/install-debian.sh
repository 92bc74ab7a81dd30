#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Installs what building and testing need on a fresh Debian 12 and that is not there yet; Rust is expected to be.
set -euo pipefail

packages=(busybox-static gcc iproute2 libc6-dev libseccomp2 procps python3 python3-venv runc strace uidmap util-linux valgrind zstd)
missing=()
for package in "${packages[@]}"; do
    dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q '^install ok installed$' || missing+=("$package")
done
if ((${#missing[@]})); then
    if ((EUID)); then
        echo "tools/install-debian.sh: these packages are missing, and only root can install them: ${missing[*]}" >&2
        exit 1
    fi
    apt-get update -q
    DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "${missing[@]}" </dev/null
fi

if ! command -v cargo >/dev/null; then
    echo "tools/install-debian.sh: cargo is absent: Rust 1.95 or newer is needed, and Debian 12 has an older one" >&2
    exit 1
fi
