# SPDX-License-Identifier: Apache-2.0
"""Registries: pull, push, and who one is there. What speaks HTTP is loaded when it is needed."""
