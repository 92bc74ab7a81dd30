# SPDX-License-Identifier: Apache-2.0
"""Our builder as a command, by the library alone: put a base image into a store, build a Containerfile.

    python ours.py load STORE ARCHIVE
    python ours.py build STORE --tag NAME [--build-arg N=V] [--target S] [--secret id=I,src=F] -f FILE CONTEXT

`load` reads archives that are an OCI layout, as bases.py writes them; `build` prints the manifest's digest.
"""

from __future__ import annotations

import argparse
import json
import sys
import tarfile
from pathlib import Path

from estiba.build import progress
from estiba.errors import EstibaError
from estiba.images import Store, reference
from estiba.images.manifest import Descriptor


def load(store: Store, archive: Path) -> None:
    """Put all blobs of an OCI layout into the store, and name its image."""
    with tarfile.open(archive) as tar:
        index = json.loads(_read(tar, "index.json"))
        for name in tar.getnames():
            if name.startswith("blobs/"):
                store.blobs.put(_read(tar, name))
    (described,) = index["manifests"]
    found = Descriptor(described["mediaType"], described["digest"], described["size"])
    name = described["annotations"]["org.opencontainers.image.ref.name"]
    store.references.move(reference.parse(name), found, verb="load")


def _read(tar: tarfile.TarFile, name: str) -> bytes:
    file = tar.extractfile(name)
    assert file is not None
    return file.read()


def main() -> int:
    """Do one of the two."""
    parser = argparse.ArgumentParser()
    add = parser.add_argument
    add("verb")
    add("store", type=Path)
    add("path", type=Path)
    add("-f", "--file", type=Path)
    add("--tag", action="append", default=[])
    add("--build-arg", action="append", default=[])
    add("--target")
    add("--secret", action="append", default=[])
    add("--no-cache", action="store_true")
    given = parser.parse_args()
    store = Store.open(given.store)
    if given.verb == "load":
        load(store, given.path)
        return 0
    return _build(store, given)


def _build(store: Store, given: argparse.Namespace) -> int:
    from estiba.build.execute import build
    from estiba.build.options import Options

    secrets = (dict(pair.split("=", 1) for pair in each.split(",")) for each in given.secret)
    options = Options(
        target=given.target,
        arguments=dict(each.split("=", 1) for each in given.build_arg),
        names=tuple(given.tag),
        uses_cache=not given.no_cache,
        secrets={each["id"]: Path(each["src"]).read_bytes() for each in secrets},
    )
    with progress.show(sys.stderr, "plain") as display:
        try:
            made = build(store, given.path, file=given.file, options=options, progress=display)
        except EstibaError as error:
            print(f"{error}\nhint: {error.hint}", file=sys.stderr)
            return 1
    print(made.digest)
    return 0


if __name__ == "__main__":
    sys.exit(main())
