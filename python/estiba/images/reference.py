# SPDX-License-Identifier: Apache-2.0
"""References: names of images, read like Docker reads them, so that `web` is `docker.io/library/web:latest`.

The grammar is distribution's reference/reference.go: `[domain/]path[:tag][@digest]`.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from estiba.errors import ReferenceInvalid
from estiba.images.digest import parse as parse_digest

DEFAULT_DOMAIN = "docker.io"
DEFAULT_TAG = "latest"
_OFFICIAL = "library/"
_NAME_LENGTH = 255
"""RepositoryNameTotalLengthMax of distribution."""

_LABEL = "(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])"
_DOMAIN = re.compile(rf"(?:{_LABEL}(?:\.{_LABEL})*|\[[a-fA-F0-9:]+\])(?::[0-9]+)?")
_PATH_PART = "[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*"
_PATH = re.compile(rf"{_PATH_PART}(?:/{_PATH_PART})*")
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")
_DIGITS = re.compile("[a-f0-9]{64}")


class Reference(NamedTuple):
    """The name of an image, complete. `str()` is canonical; two texts that mean the same are equal."""

    domain: str
    """The registry's host, with a port where one is given: "docker.io", "localhost:5000"."""
    path: str
    """The repository in that registry: "library/web"."""
    tag: str | None
    """ "latest" if the text had neither tag nor digest."""
    digest: str | None = None
    """What the reference is pinned to, or None."""

    @property
    def name(self) -> str:
        """The repository with its domain."""
        return f"{self.domain}/{self.path}"

    def __str__(self) -> str:
        return self.name + self._end(self.tag)

    @property
    def order(self) -> tuple[str, ...]:
        """What names are sorted by: those of a repository stand together."""
        return (*self[:2], self.tag or "", self.digest or "")

    @property
    def familiar(self) -> str:
        """The short form that people write: `web:latest`, `someone/web@sha256:...`, `localhost:5000/web:1`.

        `docker.io/localhost/web` has none: without the domain it would be read as another.
        """
        if self.domain != DEFAULT_DOMAIN:
            return str(self)
        rest = self.path.removeprefix(_OFFICIAL)
        short = self.path if "/" in rest or not self.path.startswith(_OFFICIAL) else rest
        is_read_so = _split_domain(short) == (self.domain, self.path)
        return (short if is_read_so else self.name) + self._end(self.tag)

    def _end(self, tag: str | None) -> str:
        return (f":{tag}" if tag else "") + (f"@{self.digest}" if self.digest else "")


def parse(text: str) -> Reference:
    """Return the reference that `text` names. Raises ReferenceInvalid, which says which part is wrong and why."""
    rest, at, digest_text = text.partition("@")
    digest = _digest(text, digest_text) if at else None
    name, tag = _split_tag(rest)
    domain, path = _split_domain(name)
    if tag is not None and not _TAG.fullmatch(tag):
        raise _invalid(
            text, f'"{tag}" is not a tag', "a tag has at most 128 of A-Za-z0-9_.- and begins with none of .-"
        )
    if not _DOMAIN.fullmatch(domain):
        raise _invalid(
            text, f'"{domain}" is not a host', "a host is a name or an address, perhaps with :PORT"
        )
    _check_path(text, path)
    if len(domain) + 1 + len(path) > _NAME_LENGTH:
        raise _invalid(text, f"the name is longer than {_NAME_LENGTH} characters", None)
    return Reference(domain, path, tag if tag or digest else DEFAULT_TAG, digest)


def _split_tag(text: str) -> tuple[str, str | None]:
    """Cut the tag off: what follows a colon after the last slash; a colon before it is a port's."""
    name, colon, tag = text.rpartition(":")
    return (name, tag) if colon and "/" not in tag else (text, None)


def _split_domain(name: str) -> tuple[str, str]:
    """Tell host from path as Docker does: a host has a dot, a colon, a capital, or is `localhost`."""
    first, slash, rest = name.partition("/")
    is_host = slash and (first == "localhost" or any(c in first for c in ".:[") or first != first.lower())
    domain, path = (first, rest) if is_host else (DEFAULT_DOMAIN, name)
    if domain == "index.docker.io":
        domain = DEFAULT_DOMAIN
    if domain == DEFAULT_DOMAIN and "/" not in path:
        path = _OFFICIAL + path
    return domain, path


def _check_path(text: str, path: str) -> None:
    if _PATH.fullmatch(path):
        if _DIGITS.fullmatch(text):
            raise _invalid(text, "64 hexadecimal digits are an id, not a name", f'write "sha256:{text}"')
        return
    if path != path.lower() and _PATH.fullmatch(path.lower()):
        raise _invalid(text, "a repository is written in lower case", f'did you mean "{text.lower()}"?')
    shown = path.removeprefix(_OFFICIAL)
    raise _invalid(
        text, f'"{shown}" is not a repository', "its parts are a-z0-9, joined by one of . _ __ - and by /"
    )


def _digest(text: str, digest: str) -> str:
    try:
        return parse_digest(digest)
    except ReferenceInvalid as error:
        raise _invalid(text, error.message, error.hint) from None


def _invalid(text: str, why: str, hint: str | None) -> ReferenceInvalid:
    return ReferenceInvalid(f'reference "{text[:300]}": {why}', hint=hint)
