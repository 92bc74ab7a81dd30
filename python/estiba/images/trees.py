# SPDX-License-Identifier: Apache-2.0
"""Trees of files copied and digested by the engine: what COPY and ADD are made of. See estiba._core for the rules."""

from __future__ import annotations

from estiba._core import copy_tree, digest_tree, make_folder

__all__ = ["copy_tree", "digest_tree", "make_folder"]
