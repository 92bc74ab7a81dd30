# SPDX-License-Identifier: Apache-2.0
"""Trees, layers and builds on a real kernel; Containerfiles of the kinds that projects have."""
