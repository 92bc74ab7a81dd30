# SPDX-License-Identifier: Apache-2.0
"""pull, push, login, logout: images at registries."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from estiba.errors import ArgumentInvalid, RegistryRefused
from estiba.images.reference import DEFAULT_DOMAIN
from estiba.images.reference import parse as parse_reference
from estiba.images.store import Store
from estiba.muelle import output
from estiba.muelle.find import as_digest, platform
from estiba.muelle.reach import reach
from estiba.muelle.transfers import show

if TYPE_CHECKING:
    from estiba.muelle.parse import Parsed

LONGEST = 1 << 16
"""Bytes of a password that are read from standard input."""


def pull(parsed: Parsed) -> int:
    """Fetch images and give them their names."""
    from estiba.images.registry.pull import pull as fetch

    store, options = Store.open(parsed.globals.text("store")), parsed.options
    reached = reach(options)
    for word in parsed.words:
        reference = parse_reference(word)
        with (
            show(sys.stderr, is_quiet=options.flag("quiet")) as progress,
            reached.registry_of(reference) as registry,
        ):
            image = fetch(store, reference, platform=platform(options), registry=registry, progress=progress)
        said = image.id if options.flag("quiet") else f"pulled: {reference.familiar} {image.digest}"
        output.write(f"{said}\n")
    return 0


def push(parsed: Parsed) -> int:
    """Send an image to the registry that its name, or the second one, has in it."""
    from estiba.images.registry.push import push as send

    store, options = Store.open(parsed.globals.text("store")), parsed.options
    target = parse_reference(parsed.words[-1])
    source = as_digest(store, parsed.words[0])
    with (
        show(sys.stderr, is_quiet=options.flag("quiet")) as progress,
        reach(options).registry_of(target) as registry,
    ):
        descriptor = send(store, source, target, registry=registry, progress=progress)
    said = descriptor.digest if options.flag("quiet") else f"pushed: {target.familiar} {descriptor.digest}"
    output.write(f"{said}\n")
    return 0


def login(parsed: Parsed) -> int:
    """Ask a registry whether it knows a user, and keep the password where Docker and podman look for it."""
    from estiba.images.registry import credentials

    options, domain = parsed.options, domain_of(parsed)
    given = credentials.Credentials(user_name(parsed), password(parsed))
    with reach(options).registry(domain, credentials=given) as registry:
        try:
            registry.check()
        except RegistryRefused as error:
            error.hint = "is it the right user, and the right password?"
            raise
    path = credentials.save(domain, given)
    output.write(f"logged in to {domain}; the password is in {path}\n")
    return 0


def logout(parsed: Parsed) -> int:
    """Forget the password for a registry."""
    from estiba.images.registry import credentials

    domain = domain_of(parsed)
    known = credentials.forget(domain)
    output.write(f"logged out of {domain}\n" if known else f"not logged in to {domain}\n")
    return 0


def domain_of(parsed: Parsed) -> str:
    """Return the registry that is meant: a host, perhaps with a port."""
    return parsed.words[0].removeprefix("https://").rstrip("/") if parsed.words else DEFAULT_DOMAIN


def user_name(parsed: Parsed) -> str:
    """Return the user's name, asked for if need be. Raises ArgumentInvalid where nobody can be asked."""
    name = parsed.options.text("username")
    if name is None:
        if not sys.stdin.isatty():
            raise ArgumentInvalid("login: --username is missing", hint="there is no terminal to ask for it")
        name = input("user name: ")
    return name


def password(parsed: Parsed) -> str:
    """Return the password: from standard input, from the command line, or asked for. Raises ArgumentInvalid."""
    options = parsed.options
    if options.flag("password-stdin"):
        return sys.stdin.read(LONGEST).rstrip("\r\n")
    given = options.text("password")
    if given is not None:
        output.warn("a password on the command line can be seen by others; --password-stdin hides it")
        return given
    if not sys.stdin.isatty():
        hint = "give it by --password-stdin: there is no terminal to ask for it"
        raise ArgumentInvalid("login: the password is missing", hint=hint)
    from getpass import getpass

    return getpass("password: ")
