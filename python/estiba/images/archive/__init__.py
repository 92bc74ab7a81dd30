# SPDX-License-Identifier: Apache-2.0
"""Images in files: tar archives of OCI and of Docker, folders that are image layouts, flat root file systems.

images = named(store, ["web", "base:1"])
save(store, images, out=1)
load(store, source=0)
"""

from __future__ import annotations

from estiba.images.archive.folder import copy_between, load_folder, save_folder
from estiba.images.archive.images import Named, labelled
from estiba.images.archive.load import load
from estiba.images.archive.save import named, save

__all__ = ["Named", "copy_between", "labelled", "load", "load_folder", "named", "save", "save_folder"]
