# SPDX-License-Identifier: Apache-2.0
"""An image's config becomes a runtime config as conversion.md of the image specification says."""

from __future__ import annotations

import pytest

from estiba.errors import ArgumentInvalid
from estiba.images.config import ImageConfig
from estiba.muelle.conversion import PATH, annotated, arguments, environment, volumes, working_folder


def image(**config: object) -> ImageConfig:
    """Make the config of an image whose containers are to be so."""
    return ImageConfig("amd64", "linux", config)


@pytest.mark.parametrize(
    ("config", "command", "entrypoint", "expected"),
    [
        ({"Cmd": ["sh"]}, [], None, ["sh"]),
        ({"Cmd": ["sh"]}, ["ls", "-l"], None, ["ls", "-l"]),
        ({"Entrypoint": ["app"], "Cmd": ["serve"]}, [], None, ["app", "serve"]),
        ({"Entrypoint": ["app"], "Cmd": ["serve"]}, ["stop"], None, ["app", "stop"]),
        ({"Entrypoint": ["app"], "Cmd": ["serve"]}, [], "sh", ["sh"]),
        ({"Entrypoint": ["app"], "Cmd": ["serve"]}, ["-c", "x"], "sh", ["sh", "-c", "x"]),
        ({"Entrypoint": ["app"], "Cmd": ["serve"]}, ["ls"], "", ["ls"]),
        ({"Entrypoint": ["app"], "Cmd": None}, [], None, ["app"]),
    ],
)
def test_entrypoint_and_command_make_the_program(
    config: dict[str, object], command: list[str], entrypoint: str | None, expected: list[str]
) -> None:
    """What is given goes before what the image says."""
    assert arguments(image(**config), command=command, entrypoint=entrypoint) == expected


@pytest.mark.parametrize(("config", "entrypoint"), [({}, None), ({"Cmd": ["x"], "Entrypoint": ["y"]}, "")])
def test_an_image_without_a_program_says_so(config: dict[str, object], entrypoint: str | None) -> None:
    """With where `run` and `bundle` look for one."""
    with pytest.raises(ArgumentInvalid) as caught:
        arguments(image(**config), entrypoint=entrypoint, name="web")
    assert caught.value.message == '"web" says no program to run'
    assert caught.value.hint == "add one at the end of the command line"


def test_the_environment_is_the_images_with_what_is_given_over_it() -> None:
    """In the image's order; an entry without a name or an equals sign is none."""
    config = image(Env=["A=1", "PATH=/own", "B=2", "broken", "=odd"])
    assert environment(config, "A=3", "C=") == ["PATH=/own", "A=3", "B=2", "C="]
    assert environment(image()) == [PATH]


def test_annotations_are_made_of_the_document_and_its_labels() -> None:
    """A label goes before what it would hide."""
    config = image(
        StopSignal="SIGQUIT",
        ExposedPorts={"8080/tcp": {}, "53/udp": {}},
        Labels={"org.opencontainers.image.author": "B", "own": "label"},
    )._replace(author="A", created="2026-01-01T00:00:00Z", other={"os.features": ["x", "y"]})
    prefix = "org.opencontainers.image."
    assert annotated(config) == {
        f"{prefix}os": "linux",
        f"{prefix}architecture": "amd64",
        f"{prefix}os.features": "x,y",
        f"{prefix}author": "B",
        f"{prefix}created": "2026-01-01T00:00:00Z",
        f"{prefix}stopSignal": "SIGQUIT",
        f"{prefix}exposedPorts": "53/udp,8080/tcp",
        "own": "label",
    }
    assert annotated(image()) == {f"{prefix}os": "linux", f"{prefix}architecture": "amd64"}


def test_volumes_and_the_working_folder_have_defaults() -> None:
    """An image need not say them."""
    assert (volumes(image()), working_folder(image())) == ([], "/")
    assert volumes(image(Volumes={"/b": {}, "/a": {}})) == ["/a", "/b"]
    assert working_folder(image(WorkingDir="/srv")) == "/srv"
