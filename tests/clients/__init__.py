# SPDX-License-Identifier: Apache-2.0
"""Tests of the runtime under real clients: containerd, podman and Docker, each in namespaces of its own."""
