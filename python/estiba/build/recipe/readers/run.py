# SPDX-License-Identifier: Apache-2.0
"""RUN."""

from __future__ import annotations

from typing import Any

from estiba.build.recipe import flags, here_documents, mounts
from estiba.build.recipe.instructions import Run, Word
from estiba.build.recipe.problems import Fault
from estiba.build.recipe.readers.argument import Argument
from estiba.spec.words import advice, quote

OPTIONS = {"mount": flags.LIST, "network": flags.TEXT}
REFUSED = {
    "security": "steps run confined, with the capabilities of a container",
    "device": "steps see no devices but those of a container",
}
NETWORKS = ("default", "none", "host")


def run(argument: Argument) -> Run:
    """Read RUN."""
    options, argument = argument.without_options(OPTIONS, REFUSED)
    argument.need("a command")
    command = argument.command()
    if not command.words:
        raise Fault(command.place, "RUN needs a command, and the array is empty")
    documents = argument.here_documents if command.is_shell else ()
    return Run(
        place=argument.place,
        command=command,
        here_documents=documents,
        mounts=tuple(mounts.read(word, argument.escape, None) for word in options.every("mount")),
        network=_network(options),
        is_script=len(documents) == 1 and here_documents.is_alone(Word(command.words[0], command.place)),
    )


def _network(options: flags.Options) -> Any:
    word = options.text("network")
    if word is None:
        return "default"
    if word.text not in NETWORKS:
        raise Fault(word.place, f"{quote(word.text)} is not a network of RUN", advice(word.text, NETWORKS))
    return word.text
