# SPDX-License-Identifier: Apache-2.0
"""Other tools read our images and we read theirs: `make interchange`."""
