# SPDX-License-Identifier: Apache-2.0
"""Names, documents and logs of images: any text or bytes are read or refused, and what was written is read the same."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from estiba.errors import ManifestInvalid, ReferenceInvalid
from estiba.images import (
    Descriptor,
    ImageConfig,
    Index,
    Manifest,
    Platform,
    Store,
    config,
    manifest,
    media,
    record,
)
from estiba.images.record import VERBS, Record
from estiba.images.reference import Reference, parse

DIGESTS = st.integers(0, 1 << 256).map(lambda number: f"sha256:{number:064x}"[:71])
TEXTS = st.text(st.characters(codec="utf-8"), max_size=20)
PARTS = st.from_regex(r"[a-z0-9]{1,4}(([._]|__|-{1,2})[a-z0-9]{1,3}){0,2}", fullmatch=True)
DOMAINS = st.sampled_from(
    ["docker.io", "localhost", "localhost:5000", "Registry", "a.b:1", "[::1]:80", "index.docker.io"]
)
TAGS = st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,9}", fullmatch=True)
PLATFORMS = st.builds(Platform, st.sampled_from(["linux", "windows"]), TEXTS, st.none() | TEXTS.filter(bool))
DESCRIPTORS = st.builds(
    Descriptor,
    st.sampled_from([media.OCI_MANIFEST, media.OCI_CONFIG, media.OCI_LAYER, "text/plain"]),
    DIGESTS,
    st.integers(0, 1 << 62),
    st.dictionaries(TEXTS, TEXTS, max_size=2),
    st.none() | PLATFORMS,
    st.none() | TEXTS,
)
JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXTS | DIGESTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)


@given(DOMAINS, st.lists(PARTS, min_size=1, max_size=3), st.none() | TAGS, st.none() | DIGESTS)
@example("docker.io", ["localhost", "x"], None, None)
@example("docker.io", ["a.b", "x"], "1", None)
def test_a_reference_is_read_again_as_it_is_written(
    domain: str, parts: list[str], tag: str | None, digest: str | None
) -> None:
    """In full, and in the short form that people see."""
    text = "/".join([domain, *parts]) + (f":{tag}" if tag else "") + (f"@{digest}" if digest else "")
    found = parse(text)
    assert (found.tag, found.digest) == (tag or (None if digest else "latest"), digest)
    assert parse(str(found)) == found
    assert parse(found.familiar) == found


@given(st.text(max_size=40) | st.from_regex(r"[a-zA-Z0-9.:/@_\[\]-]{0,40}"))
def test_any_text_is_a_reference_or_refused_in_words(text: str) -> None:
    """What is one has a form that is no longer in doubt."""
    try:
        found = parse(text)
    except ReferenceInvalid as error:
        assert error.message.startswith('reference "')
        return
    assert isinstance(found, Reference)
    assert parse(str(found)) == found
    assert not set(str(found)) & set("\n\0 \\")


@given(DESCRIPTORS, st.lists(DESCRIPTORS, max_size=3), st.dictionaries(TEXTS, TEXTS, max_size=2))
def test_a_manifest_is_read_again_as_it_is_written(
    described: Descriptor, layers: list[Descriptor], annotations: dict[str, str]
) -> None:
    """A manifest and an index, each as what it is."""
    image = Manifest(described, tuple(layers), annotations=annotations)
    assert manifest.parse(image.to_bytes()) == image
    index = Index(tuple(layers), annotations=annotations)
    assert manifest.parse(index.to_bytes()) == index


@given(st.binary(max_size=60) | JSON.map(lambda value: json.dumps(value).encode()))
def test_any_bytes_are_a_document_or_refused(data: bytes) -> None:
    """By every reader of documents."""
    for read in (manifest.parse, config.parse):
        try:
            read(data)
        except ManifestInvalid as error:
            assert error.message


@given(DESCRIPTORS, st.lists(DESCRIPTORS, max_size=2), st.data())
def test_a_manifest_with_one_thing_wrong_is_read_or_refused(
    described: Descriptor, layers: list[Descriptor], data: st.DataObject
) -> None:
    """Any value in any place: never another error, and never a value of another type than promised."""
    document = json.loads(Manifest(described, tuple(layers)).to_bytes())
    places = [(document, key) for key in document] + [(document["config"], key) for key in document["config"]]
    where, key = data.draw(st.sampled_from(places))
    where[key] = data.draw(JSON)
    try:
        found = manifest.parse(json.dumps(document).encode())
    except ManifestInvalid:
        return
    for one in [found.config, *found.layers] if isinstance(found, Manifest) else found.manifests:
        assert isinstance(one.size, int)
        assert one.size >= 0
        assert one.digest.startswith("sha256:")


@given(
    st.builds(
        ImageConfig,
        st.sampled_from(["amd64", "arm64"]),
        st.just("linux"),
        st.dictionaries(st.sampled_from(["Env", "Cmd"]), st.lists(TEXTS, max_size=2), max_size=2),
        st.lists(DIGESTS, max_size=3).map(tuple),
    )
)
def test_a_config_is_read_again_as_it_is_written(made: ImageConfig) -> None:
    """And its layers' chain has as many links."""
    found = config.parse(made.to_bytes())
    assert found == made
    assert len(found.chain_ids) == len(made.diff_ids)


@given(
    st.builds(
        lambda before, after, verb, who, version: Record(
            record.now(), before, after, verb, who, version, *((media.OCI_MANIFEST, 7) if after else ())
        ),
        st.none() | DIGESTS,
        st.none() | DIGESTS,
        st.sampled_from(sorted(VERBS)),
        st.text(max_size=20),
        st.integers(0, 1 << 40),
    )
)
def test_a_record_is_one_line_and_read_again_as_it_is_written(made: Record) -> None:
    """Whoever it was."""
    line = made.to_line()
    assert line.count(b"\n") == 1
    assert record.parse_line(line) == made


@given(st.binary(max_size=80) | JSON.map(lambda value: json.dumps(value).encode()))
def test_any_line_is_a_record_or_none(line: bytes) -> None:
    """A log is read to its end whatever stands in it."""
    assert record.parse_line(line) is None or isinstance(record.parse_line(line), Record)


MOVES = st.lists(
    st.tuples(st.sampled_from(["move", "remove", "back", "cut"]), st.integers(0, 1), st.integers(0, 400)),
    max_size=8,
)


@settings(max_examples=int(os.environ.get("ESTIBA_LOG_EXAMPLES", "20")), deadline=None)
@given(MOVES, st.text(max_size=300))
@example([("move", 0, 0), ("move", 0, 1), ("cut", 0, 0), ("cut", 0, 0)], "")
@example([("move", 0, 1), ("move", 0, 2), ("cut", 0, 9), ("move", 0, 3)], "x" * 5000)
def test_a_name_stands_for_what_its_log_says_last(moves: list[tuple[str, int, int]], who: str) -> None:
    """Moves, removals, ways back, and the end of a log torn off as a power cut does; the index follows."""
    names = [parse("web"), parse("localhost:5000/other:1")]
    expected: list[list[str | None]] = [[], []]
    with tempfile.TemporaryDirectory() as folder:
        references = Store.open(Path(folder) / "store").references
        for verb, which, number in moves:
            name, past = names[which], expected[which]
            if verb == "move":
                wanted = Descriptor(media.OCI_MANIFEST, f"sha256:{number % 3:064}", 7)
                references.move(name, wanted, verb="build", who=who or None)
                past += [] if past and past[-1] == wanted.digest else [wanted.digest]
            elif verb == "remove" and past and past[-1]:
                references.remove(name)
                past.append(None)
            elif verb == "back" and (versions := [one for one in references.log(name) if one.after]):
                version = versions[number % len(versions)]
                references.return_to(name, version)
                past.append(version.after)
            elif verb == "cut" and past:
                path = references._path(name)
                data = Path(path).read_bytes()
                whole = data[: data.rfind(b"\n") + 1]  # without what an earlier cut has left of a record
                last = whole.splitlines(keepends=True)[-1]
                os.truncate(path, len(whole) - 2 - number % (len(last) - 2))
                past.pop()
                references.repair(force=True)
            assert [one.after for one in references.log(name)] == past
            found = {reference: one.digest for reference, one in references.iterate()}
            assert found == {
                one: past[-1] for one, past in zip(names, expected, strict=True) if past and past[-1]
            }
            assert references.get(name) == (found.get(name) and references.log(name)[-1].descriptor)
        assert references.differs() is False
