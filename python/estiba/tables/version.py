# SPDX-License-Identifier: Apache-2.0
"""Versions that estiba tells its callers."""

VERSION = "0.1.0"
"""Of estiba; the same as in pyproject.toml and Cargo.toml."""

SPEC = "1.3.0"
"""The newest runtime-spec whose configs are understood."""

SPEC_OLDEST = "1.0.0"
"""The oldest one."""

TEXT = f"estiba version {VERSION}\nspec: {SPEC}\n"
"""What --version prints. Callers parse "NAME version VERSION" and "spec: VERSION"."""
