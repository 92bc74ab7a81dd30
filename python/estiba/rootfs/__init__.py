# SPDX-License-Identifier: Apache-2.0
"""Files of a root file system that is not ours, read without leaving it: whatever its links say."""
