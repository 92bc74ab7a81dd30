# SPDX-License-Identifier: Apache-2.0
"""A logical line to a typed instruction: one file a family."""
