# SPDX-License-Identifier: Apache-2.0
"""A Containerfile, or Dockerfile, to an image: read, planned, run step by step, each step a layer or a change of config."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from estiba.build.assemble import Built
    from estiba.build.execute import build
    from estiba.build.options import Options

__all__ = ["Built", "Options", "build"]

_HOME = {"Built": "assemble", "Options": "options", "build": "execute"}


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
