# SPDX-License-Identifier: Apache-2.0
"""What a step that may change files is: what it is made of, and how it is done."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, NamedTuple

from estiba.build.cache import Inputs
from estiba.build.context import Tree
from estiba.build.steps.place import Place

if TYPE_CHECKING:
    from estiba.build.containers import Containers
    from estiba.build.layer import Layer
    from estiba.build.options import Options
    from estiba.images import Store


class Step(NamedTuple):
    """Made before anything is done."""

    inputs: Inputs
    perform: Callable[[Place], None]
    """Changes the files below the place, or raises."""


class Surroundings(NamedTuple):
    """What the whole build shares."""

    store: Store
    options: Options
    context: Tree
    proxies: Mapping[str, str]
    tree_of: Callable[[str, int], Tree]
    """The files of what `--from=NAME` means in a stage; waits until they are there."""
    id_of: Callable[[str, int], str]
    """What stands for them in a key."""
    root_of: Callable[[Layer | None], int]
    """Opens the tree that a layer is the top of; who asks closes it."""
    aside: Callable[[], str]
    """Makes a folder that goes with the build."""
    say: Callable[[str], None]
    """Takes a line of a program's output."""
    tell_amount: Callable[[str, int, int | None], None]
    """Takes what is being done, how much of it, and of how much: in bytes."""
    go_on: Callable[[], None]
    """Raises where the build is to end; what takes long calls it now and then."""
    containers: Containers
    """Runs them."""
