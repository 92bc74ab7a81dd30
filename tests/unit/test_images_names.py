# SPDX-License-Identifier: Apache-2.0
"""Names of images: digests, references, platforms."""

from __future__ import annotations

import pytest

from estiba.errors import ReferenceInvalid
from estiba.images import digest, platform
from estiba.images.reference import parse

HEX = "ab" * 32


@pytest.mark.parametrize(
    ("text", "canonical", "familiar"),
    [
        ("web", "docker.io/library/web:latest", "web:latest"),
        ("web:1", "docker.io/library/web:1", "web:1"),
        ("docker.io/web", "docker.io/library/web:latest", "web:latest"),
        ("index.docker.io/library/web", "docker.io/library/web:latest", "web:latest"),
        ("someone/web", "docker.io/someone/web:latest", "someone/web:latest"),
        ("localhost/web", "localhost/web:latest", "localhost/web:latest"),
        (
            "localhost:5000/a/b__c/d-e:V1.0_x",
            "localhost:5000/a/b__c/d-e:V1.0_x",
            "localhost:5000/a/b__c/d-e:V1.0_x",
        ),
        ("[::1]:5000/web", "[::1]:5000/web:latest", "[::1]:5000/web:latest"),
        ("Host/web", "Host/web:latest", "Host/web:latest"),
        (f"web@sha256:{HEX}", f"docker.io/library/web@sha256:{HEX}", f"web@sha256:{HEX}"),
        (f"web:1@sha256:{HEX}", f"docker.io/library/web:1@sha256:{HEX}", f"web:1@sha256:{HEX}"),
        ("library/web", "docker.io/library/web:latest", "web:latest"),
        ("docker.io/library/a/b", "docker.io/library/a/b:latest", "library/a/b:latest"),
    ],
)
def test_reference_is_read_as_docker_reads_it(text: str, canonical: str, familiar: str) -> None:
    """Canonical and short form, and the short form means the same again."""
    reference = parse(text)
    assert (str(reference), reference.familiar) == (canonical, familiar)
    assert parse(familiar) == parse(canonical) == reference


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "not a repository"),
        ("Web", "lower case"),
        ("someone/Web:1", "lower case"),
        ("web:", "not a tag"),
        ("web:-x", "not a tag"),
        ("web:" + "x" * 129, "not a tag"),
        ("a//b", "not a repository"),
        ("a___b", "not a repository"),
        ("../etc", "not a host"),
        ("web@sha256:12", "not a digest"),
        ("web@sha512:" + HEX * 2, "sha512 is not supported"),
        (HEX, "an id, not a name"),
        ("host.de:x/web", "not a host"),
        ("-a.de/web", "not a host"),
        ("a/" * 130 + "b", "longer than 255"),
        ("web\n", "not a repository"),
        ("w\u00e9b", "not a repository"),
    ],
)
def test_reference_that_is_none_is_refused_by_its_wrong_part(text: str, why: str) -> None:
    """The message says which part, the hint what would be right."""
    with pytest.raises(ReferenceInvalid, match=why):
        parse(text)


@pytest.mark.parametrize(
    "text", ["", "sha256:", "sha256:" + HEX[1:], "sha256:" + HEX.upper(), "sha256:" + HEX + "\n", HEX]
)
def test_digest_is_sha256_and_64_lower_case_digits(text: str) -> None:
    """Nothing else may become the name of a file."""
    assert not digest.is_digest(text)
    with pytest.raises(ReferenceInvalid):
        digest.hex_of(text)


def test_chain_ids_are_those_of_the_specification() -> None:
    """image-spec config.md: ChainID(L0|L1) = Digest(ChainID(L0) + " " + DiffID(L1))."""
    first, second = digest.of_bytes(b"one"), digest.of_bytes(b"two")
    assert digest.chain_ids([]) == ()
    assert digest.chain_ids([first, second]) == (first, digest.of_bytes(f"{first} {second}".encode()))


def test_platform_takes_the_newest_variant_that_it_runs() -> None:
    """arm/v7 runs v6 and v7 but not v8; no variant is the usual one."""
    v7 = platform.parse("linux/arm/v7")
    offered = ("linux/arm", "linux/arm/v6", "linux/arm/v8", "linux/arm64", "amd64")
    assert [v7.rank(platform.parse(text)) for text in offered] == [0, 1, None, None, None]


@pytest.mark.parametrize("text", ["", "/", "linux/", "linux/arm/v7/x", "foo", "linux", "beos/amd64"])
def test_platform_that_is_none_is_refused(text: str) -> None:
    """A platform has two or three parts, and the first two are words of Go's."""
    with pytest.raises(ReferenceInvalid, match="not a platform"):
        platform.parse(text)


def test_platform_that_is_misspelt_gets_a_hint() -> None:
    """The nearest word, else the form."""
    with pytest.raises(
        ReferenceInvalid, match='"linux/amr64" is not a platform: "amr64" is no arch'
    ) as refused:
        platform.parse("linux/amr64")
    assert refused.value.hint == 'did you mean "arm64"?'
