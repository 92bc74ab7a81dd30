# SPDX-License-Identifier: Apache-2.0
"""Tests of the command `muelle` on the real kernel, as people call it."""
