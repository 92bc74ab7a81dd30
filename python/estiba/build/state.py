# SPDX-License-Identifier: Apache-2.0
"""A stage on its way: the config so far, the layers so far, what made them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from estiba.images.config import History, ImageConfig

if TYPE_CHECKING:
    from collections.abc import Mapping

    from estiba.build.layer import Layer
    from estiba.build.recipe.scope import StageScope

SHELL = ["/bin/sh", "-c"]


class State:
    """What the next instruction starts from. Belongs to the thread of its stage until that ends."""

    def __init__(self, image: ImageConfig, layer: Layer | None) -> None:
        self.image = image
        """Platform, author and what else the base had; its config, layers and history are kept below."""
        self.config: dict[str, Any] = _copied(image.config)
        """The image's `config` object."""
        self.history = list(image.history)
        self.layer = layer
        """The topmost layer."""
        self.base = layer
        """The topmost layer of the image that the first FROM of this line of stages names; None of scratch."""
        self.base_history = len(self.history)
        """How many entries of the history that image has."""
        self.created = image.created
        """When the newest of its layers was made, RFC 3339."""
        self.author = image.author
        self.has_command = False
        """Whether CMD stood in this stage: ENTRYPOINT takes away only one of the base."""
        self.scope: StageScope

    @property
    def user(self) -> str:
        """USER as it stands."""
        return str(self.config.get("User") or "")

    @property
    def folder(self) -> str:
        """WORKDIR as it stands, absolute."""
        return str(self.config.get("WorkingDir") or "/")

    @property
    def shell(self) -> list[str]:
        """What runs the shell form."""
        return list(self.config.get("Shell") or SHELL)

    def add_layer(self, layer: Layer, text: str, created: str) -> None:
        """Put a layer on top."""
        self.layer = layer
        self.created = created
        self.history.append(History(created, text))

    def note(self, text: str, created: str | None = None) -> None:
        """Note an instruction that made no layer; its time is that of the newest layer, so that a build that finds
        all its results makes the same image again."""
        self.created = created or self.created
        self.history.append(History(self.created, text, empty_layer=True))

    def replace_new(self, layer: Layer, text: str) -> None:
        """Put one layer on the base instead of those that are there; the history keeps what made them."""
        self.layer = layer
        new = [each._replace(empty_layer=True) for each in self.history[self.base_history :]]
        self.history[self.base_history :] = [*new, History(self.created, text)]

    def copy(self) -> State:
        """Return a state for a stage that starts from this one."""
        made = State(self.image, self.layer)
        made.config = _copied(self.config)
        made.history = list(self.history)
        made.base, made.base_history = self.base, self.base_history
        made.created, made.author = self.created, self.author
        return made


def _copied(config: Mapping[str, Any]) -> dict[str, Any]:
    """Copy a config, which is JSON, with all that is in it."""
    copied: dict[str, Any] = json.loads(json.dumps(dict(config)))
    return copied
