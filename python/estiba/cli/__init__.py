# SPDX-License-Identifier: Apache-2.0
"""The Python door: every verb through estiba._core, with the answers and texts of the native command.

One file a verb or a family of them, each `function(parsed) -> exit code`, imported when it is called.
"""
