# SPDX-License-Identifier: Apache-2.0
"""Versions that estiba tells its callers."""

VERSION = "0.1.0"
"""Of estiba; the same as in pyproject.toml and Cargo.toml."""

SPEC = "1.3.0"
"""The newest runtime-spec whose configs are understood."""

SPEC_OLDEST = "1.0.0"
"""The oldest one."""

IMAGE_SPEC = "1.1.1"
"""The image-spec by which images are written."""

TEXT = f"estiba version {VERSION}\nspec: {SPEC}\n"
"""What --version prints. Callers parse "NAME version VERSION" and "spec: VERSION"."""
