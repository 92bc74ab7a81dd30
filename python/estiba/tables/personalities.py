# SPDX-License-Identifier: Apache-2.0
"""Execution domains: OCI name to what personality(2) takes."""

PERSONALITIES: dict[str, int] = {"LINUX": 0x0, "LINUX32": 0x8}
