# SPDX-License-Identifier: Apache-2.0
"""Tests of one property each on the real kernel, from inside the container and from outside."""
