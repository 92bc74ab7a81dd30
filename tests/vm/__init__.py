# SPDX-License-Identifier: Apache-2.0
"""Tests that need a host of their own, and the guest that is one: cgroup v2 with every controller, AppArmor, systemd.

README.md says how it works. The tests of this package run inside the guest alone: `make vm`.
"""
