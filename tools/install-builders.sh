#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Installs the builders that ours is compared with, and what makes their base images: Debian's buildah, Docker (whose
# daemon has BuildKit in it), skopeo and umoci; and what a pipe of tar needs.
set -euo pipefail

packages=(buildah busybox-static catatonit crun docker.io iproute2 mmdebstrap openssl runc skopeo umoci xz-utils
    zstd)
missing=()
for package in "${packages[@]}"; do
    dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q '^install ok installed$' || missing+=("$package")
done
if ((${#missing[@]})); then
    apt-get update -q
    DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "${missing[@]}" </dev/null
fi
