# SPDX-License-Identifier: Apache-2.0
"""Digests: `sha256:` and 64 lower-case hexadecimal digits, kept as str; and the chain ids made of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from estiba.errors import ReferenceInvalid

if TYPE_CHECKING:
    from collections.abc import Iterable

PREFIX = "sha256:"
_LENGTH = len(PREFIX) + 64
_HEXADECIMAL = frozenset("0123456789abcdef")


def is_digest(text: object) -> bool:
    """Return whether `text` is a sha256 digest as image-spec descriptor.md "Digests" wants it written."""
    return (
        isinstance(text, str)
        and len(text) == _LENGTH
        and text.startswith(PREFIX)
        and is_hexadecimal(text[len(PREFIX) :])
    )


def is_hexadecimal(text: str) -> bool:
    """Return whether `text` has lower-case hexadecimal digits and nothing else; "" has not."""
    return bool(text) and _HEXADECIMAL.issuperset(text)


def parse(text: str) -> str:
    """Return `text` if it is a digest.

    Raises ReferenceInvalid. Of the algorithms that the specification registers only sha256 is in use by registries
    and tools; sha512 is refused in words of its own.
    """
    if is_digest(text):
        return text
    if text.startswith("sha512:"):
        raise ReferenceInvalid(f'digest "{text}": sha512 is not supported', hint="use the sha256 digest")
    raise ReferenceInvalid(f'"{text[:100]}" is not a digest', hint='a digest is "sha256:" and 64 of 0-9a-f')


def hex_of(digest: str) -> str:
    """Return the digits of a digest: what its file is called. Raises ReferenceInvalid if it is none."""
    return parse(digest)[len(PREFIX) :]


def of_bytes(data: bytes) -> str:
    """Return the digest of `data`."""
    from hashlib import sha256

    return PREFIX + sha256(data).hexdigest()


def chain_id(parent: str | None, diff_id: str) -> str:
    """Return the chain id of the layer `diff_id` on top of the chain `parent` (image-spec config.md "Layer ChainID")."""
    return diff_id if parent is None else of_bytes(f"{parent} {diff_id}".encode())


def chain_ids(diff_ids: Iterable[str]) -> tuple[str, ...]:
    """Return the chain id of each layer, bottom to top."""
    chain: list[str] = []
    for diff_id in diff_ids:
        chain.append(chain_id(chain[-1] if chain else None, diff_id))
    return tuple(chain)
