# SPDX-License-Identifier: Apache-2.0
"""How the registries of a command are spoken to: as --insecure and --cert-dir say."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple

from estiba.errors import ArgumentInvalid
from estiba.spec.words import quote

if TYPE_CHECKING:
    from estiba.images.reference import Reference
    from estiba.images.registry.client import Registry
    from estiba.images.registry.credentials import Credentials
    from estiba.muelle.parse import Options


class Reach(NamedTuple):
    """What the options say of every registry."""

    is_insecure: bool
    certificates: str | None
    """The folder of --cert-dir."""

    def registry_of(self, reference: Reference) -> Registry:
        """Return the registry of a name, for its repository. Raises RegistryUnreachable for a broken certificate."""
        return self.registry(reference.domain, path=reference.path)

    def registry(self, domain: str, *, path: str = "", credentials: Credentials | None = None) -> Registry:
        """Return a registry. Raises RegistryUnreachable for a broken certificate."""
        from estiba.images.registry.client import Registry
        from estiba.muelle.output import warn

        return Registry(
            domain,
            path=path,
            credentials=credentials,
            insecure=self.is_insecure,
            certificates=self.certificates,
            say=warn,
        )


def reach(options: Options) -> Reach:
    """Read the options. Raises ArgumentInvalid where --cert-dir is no folder."""
    folder = options.text("cert-dir")
    if folder is not None and not os.path.isdir(folder):
        raise ArgumentInvalid(f"--cert-dir: {quote(folder)} is not a folder")
    return Reach(options.flag("insecure"), folder)
