#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Installs Debian's Go where there is none: it fetches the OCI's schema and fixtures, and builds its validation programs.
set -euo pipefail

if ! command -v go >/dev/null; then
    apt-get update -q
    DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends golang-go </dev/null
fi
