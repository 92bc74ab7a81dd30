# SPDX-License-Identifier: Apache-2.0
"""Manifests, indexes and configs: strictly read, written the same each time."""

from __future__ import annotations

import json
from typing import Any

import pytest

from estiba.errors import ManifestInvalid
from estiba.images import Descriptor, History, ImageConfig, Index, Manifest, Platform, config, manifest, media
from estiba.images.digest import of_bytes

CONFIG = Descriptor(media.OCI_CONFIG, of_bytes(b"config"), 6)
LAYER = Descriptor(media.layer_type("gzip"), of_bytes(b"layer"), 5, {"key": "value"})
IMAGE = Manifest(CONFIG, (LAYER,), annotations={"a": "b"})
INDEX = Index((Descriptor(media.OCI_MANIFEST, of_bytes(b"m"), 1, platform=Platform("linux", "arm", "v7")),))


def document(value: Manifest | Index, **changes: Any) -> bytes:
    """Return the document with fields changed, or left out where the change is None."""
    fields = json.loads(value.to_bytes()) | changes
    return json.dumps({name: value for name, value in fields.items() if value is not None}).encode()


@pytest.mark.parametrize("value", [IMAGE, INDEX])
def test_document_is_read_as_it_was_written(value: Manifest | Index) -> None:
    """And the same values give the same bytes."""
    assert manifest.parse(value.to_bytes()) == value
    assert manifest.parse(document(value, mediaType=None)) == value


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "not JSON"),
        (b"[" * 100_000, "not JSON"),
        (b"[]", "a list, where an object belongs"),
        (b'{"schemaVersion":2,"schemaVersion":2}', '"schemaVersion" occurs twice'),
        (b'{"schemaVersion":NaN}', "NaN is no number"),
        (document(IMAGE, schemaVersion=1), "schema 1"),
        (document(IMAGE, schemaVersion=3), "is not 2"),
        (document(IMAGE, manifests=[]), "CVE-2021-41190"),
        (document(INDEX, layers=[]), "CVE-2021-41190"),
        (document(INDEX, config={}), "CVE-2021-41190"),
        (document(IMAGE, mediaType=media.OCI_INDEX), "not the type of a manifest"),
        (document(INDEX, mediaType=media.OCI_MANIFEST), "not the type of an index"),
        (document(IMAGE, mediaType=7), "mediaType: a number, where a text belongs"),
        (document(IMAGE, config=None), "config: is missing"),
        (document(IMAGE, layers={}), "layers: an object, where a list belongs"),
        (document(IMAGE, layers=[{}]), "layers/0/mediaType: is missing"),
        (document(IMAGE, layers=[LAYER.to_json() | {"size": -1}]), "layers/0/size: -1 is no count"),
        (document(IMAGE, layers=[LAYER.to_json() | {"size": True}]), "layers/0/size: true is no count"),
        (document(IMAGE, layers=[LAYER.to_json() | {"digest": "sha256:../x"}]), "layers/0/digest"),
        (document(IMAGE, annotations={"a": 1}), "annotations/a: a number, where a text belongs"),
        (document(IMAGE, annotations={"a": "\ud800"}), "annotations/a: half of a surrogate pair"),
        (document(IMAGE, annotations={"\udfff": "a"}), r"annotations/\\udfff: half of a surrogate pair"),
        (b'{"a":["b",{"c":"\xed\xa0\x80"}]}', "a/1/c: half of a surrogate pair"),
    ],
)
def test_document_that_breaks_the_rules_is_refused_by_its_field(data: bytes, why: str) -> None:
    """The message has the path to the field."""
    with pytest.raises(ManifestInvalid, match=why):
        manifest.parse(data)


def test_document_of_another_type_than_promised_is_refused() -> None:
    """What a descriptor says, the document must say too."""
    with pytest.raises(ManifestInvalid, match="was promised"):
        manifest.parse(IMAGE.to_bytes(), media_type=media.DOCKER_MANIFEST)


def test_index_offers_the_best_image_for_a_platform() -> None:
    """The first of those that rank alike; none for a machine that it does not name."""
    one = [
        Descriptor(
            media.OCI_MANIFEST, of_bytes(text.encode()), 1, platform=Platform("linux", *text.split("/"))
        )
        for text in ("arm/v6", "arm/v7", "amd64", "amd64")
    ]
    index = Index((Descriptor(media.OCI_MANIFEST, of_bytes(b"x"), 1), *one))
    assert index.pick(Platform("linux", "arm", "v7")) == one[1]
    assert index.pick(Platform("linux", "arm", "v8")) == one[1]
    assert index.pick(Platform("linux", "amd64")) == one[2]
    assert index.pick(Platform("linux", "s390x")) is None


def test_config_is_read_as_it_was_written() -> None:
    """Also what this version does not know, and Docker's additions."""
    value = ImageConfig(
        "arm64",
        "linux",
        {"Env": ["A=b"], "Healthcheck": {"Test": ["CMD", "x"]}, "Labels": {"a": "b"}},
        (of_bytes(b"tar"),),
        (History("2026-01-01T00:00:00Z", "RUN x", "why", "me"), History(created_by="CMD", empty_layer=True)),
        created="2026-01-01T00:00:00Z",
        author="me",
        variant="v8",
        other={"docker_version": "20"},
    )
    assert config.parse(value.to_bytes()) == value
    assert config.parse(value.to_bytes()).to_bytes() == value.to_bytes()


def test_config_takes_a_null_as_absent() -> None:
    """Docker writes nulls for what is empty."""
    data = (
        b'{"architecture":"amd64","os":"linux","config":{"Cmd":null,"User":"1"},"rootfs":{"diff_ids":null}}'
    )
    assert config.parse(data) == ImageConfig("amd64", "linux", {"User": "1"})


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"os": None}, "config: os: is missing"),
        ({"rootfs": {"type": "other"}}, 'rootfs/type: is not "layers"'),
        ({"rootfs": {"diff_ids": ["x"]}}, 'rootfs/diff_ids/0: "x" is not a sha256 digest'),
        ({"config": {"Env": [1]}}, "config/Env/0: a number, where a text belongs"),
        ({"config": {"Cmd": "x"}}, "config/Cmd: a text, where a list belongs"),
        ({"config": {"Volumes": []}}, "config/Volumes: a list, where an object belongs"),
        ({"history": [{"empty_layer": 1}]}, "history/0/empty_layer: a number, where true or false belongs"),
    ],
)
def test_config_that_breaks_the_rules_is_refused_by_its_field(fields: dict[str, Any], why: str) -> None:
    """The message has the path to the field."""
    data = {"architecture": "amd64", "os": "linux", "rootfs": {"type": "layers", "diff_ids": []}} | fields
    with pytest.raises(ManifestInvalid, match=why):
        config.parse(json.dumps(data).encode())


def test_text_that_is_not_utf_8_is_not_written() -> None:
    """The message has the path to it: a label, or a variable, of a build."""
    made = ImageConfig("amd64", "linux", {"Env": ["A=b"], "Labels": {"a": "\udcff"}}, (), ())
    with pytest.raises(ManifestInvalid) as caught:
        made.to_bytes()
    assert (str(caught.value), caught.value.hint) == (
        "config/Labels/a: a text that is not UTF-8",
        "write it in UTF-8",
    )


def test_a_whole_surrogate_pair_is_a_text() -> None:
    """JSON writes what is beyond U+FFFF so."""
    assert manifest.parse(document(IMAGE, annotations={"a": "\U0001f600"})).annotations == {"a": "\U0001f600"}
