# SPDX-License-Identifier: Apache-2.0
"""The image that a word of the command line means: a name, a version of one, a digest, an id."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from estiba.errors import ImageNotFound, RegistryRefused, RegistryUnreachable
from estiba.images.image import Image, find, fitting, pick_here
from estiba.images.platform import Platform, host
from estiba.images.reference import parse as parse_reference
from estiba.muelle import output

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from estiba.images.manifest import Descriptor
    from estiba.images.record import Record
    from estiba.images.reference import Reference
    from estiba.images.registry.transfers import Progress
    from estiba.images.store import Store
    from estiba.muelle.parse import Options


def find_image(store: Store, text: str, options: Options) -> Image:
    """Return the image; `name@3` is version 3 of a name, `name@-1` the version before what it stands for now.

    Where no platform is asked for and only one is here, that of another machine will do, with a warning: nothing of it
    is run. Raises ImageNotFound, ReferenceInvalid, and what opening an image raises.
    """
    wanted = platform(options)
    descriptor, reference = described(store, text)
    if wanted is not None or not descriptor.is_index:
        return opened(store, text, wanted)
    image = Image(store, pick_here(store.blobs, descriptor), reference=reference)
    offered = offered_by(image)
    if host().rank(offered) is None:
        output.warn(f'"{text}" is here for {offered} only')
    return image


def found_or_pulled(store: Store, text: str, options: Options) -> Image:
    """Return the image as --pull wants it: the store's, or fetched from its registry. Raises as pull does."""

    def shown() -> AbstractContextManager[Progress]:
        from estiba.muelle.transfers import show

        return show(sys.stderr)

    policy = options.text("pull") or "missing"
    return opened_or_pulled(store, text, platform(options), policy, options, shown)


def opened_or_pulled(
    store: Store,
    text: str,
    wanted: Platform | None,
    policy: str,
    options: Options,
    progress: Callable[[], AbstractContextManager[Progress]],
) -> Image:
    """Do so by a policy: always, missing or never.

    `options` say how registries are spoken to, `progress` makes what shows how far a pull has come.
    """
    if policy == "always":
        return pulled(store, text, wanted, options, progress)
    try:
        return opened(store, text, wanted)
    except ImageNotFound as absent:
        if policy == "never" or split_version(text) is not None:
            raise
        try:
            return pulled(store, text, wanted, options, progress)
        except (RegistryRefused, RegistryUnreachable) as error:
            # Without a network, what is here is more of a help.
            hint = absent.hint if isinstance(error, RegistryUnreachable) else error.hint
            message = f"{absent.message}, and {error.message}"
            raise type(error)(message, errno=error.errno, hint=hint) from error


def pulled(
    store: Store,
    text: str,
    wanted: Platform | None,
    options: Options,
    progress: Callable[[], AbstractContextManager[Progress]],
) -> Image:
    """Fetch an image."""
    from estiba.images.registry.pull import pull
    from estiba.muelle.reach import reach

    reference = parse_reference(text)
    with progress() as shown, reach(options).registry_of(reference) as registry:
        image = pull(store, reference, platform=wanted, registry=registry, progress=shown)
    return fitting(image, find(store, text)[0], text, wanted)


def opened(store: Store, text: str, wanted: Platform | None) -> Image:
    """Return the store's image."""
    descriptor, reference = described(store, text)
    return fitting(Image(store, descriptor, platform=wanted, reference=reference), descriptor, text, wanted)


def offered_by(image: Image) -> Platform:
    """Return what an image is for."""
    return Platform(image.config.os, image.config.architecture, image.config.variant)


def described(store: Store, text: str) -> tuple[Descriptor, Reference | None]:
    """Return what a word stands for, and its name, if it is one."""
    if (versioned := split_version(text)) is None:
        return find(store, text)
    descriptor = version(store, *versioned).descriptor
    assert descriptor is not None
    return descriptor, versioned[0]


def as_digest(store: Store, text: str) -> str:
    """Return a word that all of estiba.images understands: a version becomes the digest that it stands for."""
    if (versioned := split_version(text)) is None:
        return text
    digest = version(store, *versioned).after
    assert digest is not None
    return digest


def platform(options: Options) -> Platform | None:
    """Return what --platform says."""
    text = options.text("platform")
    if text is None:
        return None
    from estiba.images.platform import parse

    return parse(text)


def split_version(text: str) -> tuple[Reference, int] | None:
    """Part `name@3`; None where the text has no version."""
    name, at, number = text.rpartition("@")
    digits = number.removeprefix("-")
    if not at or not (digits.isascii() and digits.isdigit() and len(digits) < 10):
        return None
    return parse_reference(name), int(number)


def version(store: Store, reference: Reference, number: int) -> Record:
    """Return the record of a version that is whole; of a number below 0, of one that lies so many steps behind.

    Raises ImageNotFound.
    """
    from estiba.images.history import behind, check_whole

    log = store.references.log(reference)
    arrivals = {record.version: record for record in log if record.after and record.verb != "rollback"}
    if number > 0 or not log:
        found = arrivals.get(number)
    elif number == 0:
        found = arrivals.get(log[-1].version)
    else:
        found = next(iter(behind(log)[-number - 1 :]), None)
    if found is None:
        hint = f"`muelle history --versions {reference.familiar}` lists them" if arrivals else None
        which = f"no version {number}" if number > 0 else "no version before that"
        raise ImageNotFound(f'"{reference.familiar}" has {which}', hint=hint)
    check_whole(store, reference, found)
    return found
