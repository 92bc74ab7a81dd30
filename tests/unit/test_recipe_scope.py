# SPDX-License-Identifier: Apache-2.0
"""Which variables an instruction sees."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from estiba.build.recipe import Recipe, Scope, parse, resolve
from estiba.build.recipe.instructions import Arg, Env
from estiba.build.recipe.scope import StageScope, is_proxy, platform_arguments


def outer(text: str, given: Mapping[str, str] | None = None) -> tuple[Recipe, Scope]:
    """Parse, and read the ARGs before FROM."""
    recipe = parse(text)
    return recipe, Scope(recipe, given or {}, platform_arguments("linux/amd64", "linux/arm/v7"))


def end_of_stage(
    text: str, given: Mapping[str, str] | None = None, environ: Iterable[str] = ()
) -> StageScope:
    """Go through the first stage's ARGs and ENVs."""
    recipe, scope = outer(text, given)
    inner = scope.stage(environ)
    for instruction in recipe.stages[0].instructions:
        made = resolve(instruction, inner.variables, recipe)
        if isinstance(made, Arg):
            inner.declare(made)
        elif isinstance(made, Env):
            inner.set(made)
    return inner


def test_from_sees_the_arguments_before_it_and_the_platform() -> None:
    """A later default may use an earlier argument, also of the same line."""
    recipe, scope = outer("ARG a=1 b=$a\nARG c=${b}2 d\nFROM x:$c-$TARGETARCH$TARGETVARIANT")
    assert resolve(recipe.stages[0].base, scope.variables, recipe).image.text == "x:12-armv7"
    assert "d" not in scope.variables


def test_argument_before_from_reaches_a_stage_that_declares_it() -> None:
    """Its own default in the stage wins over the one before FROM; --build-arg over both."""
    text = "ARG a=1\nARG b=1\nARG c=1\nFROM scratch\nARG a\nARG b=2\nARG TARGETOS\n"
    assert end_of_stage(text).variables == {"a": "1", "b": "2", "TARGETOS": "linux"}
    assert end_of_stage(text, {"a": "3", "b": "3", "c": "3"}).variables == {
        "a": "3",
        "b": "3",
        "TARGETOS": "linux",
    }


def test_env_hides_an_argument_wherever_that_stands() -> None:
    """As the reference of the language says."""
    inner = end_of_stage(
        "FROM scratch\nARG a=1\nENV a=2 b=2\nARG b=1\nARG c=1\n", environ=["c=base", "d=base"]
    )
    assert inner.variables == {"a": "2", "b": "2", "c": "base", "d": "base"}
    assert inner.arguments == {}
    assert inner.environ == ("c=base", "d=base", "a=2", "b=2")


def test_values_of_one_env_see_what_was_before_it() -> None:
    """The documented example: abc=bye def=$abc gives def the old value."""
    inner = end_of_stage("FROM scratch\nENV abc=hello\nENV abc=bye def=$abc\nENV ghi=$abc\n")
    assert inner.environ == ("abc=bye", "def=hello", "ghi=bye")


def test_argument_without_value_is_not_set() -> None:
    """So `${a-unset}` tells."""
    assert end_of_stage("FROM scratch\nARG a\nENV b=${a-unset}\n").environ == ("b=unset",)


def test_stage_inherits_the_arguments_of_the_stage_that_is_its_base() -> None:
    """As ARG's documentation promises."""
    parent = end_of_stage("FROM scratch\nARG a=1\n")
    _, scope = outer("FROM scratch")
    assert scope.stage((), parent).variables == {"a": "1"}
    assert scope.stage(()).variables == {}


def test_proxies_need_no_argument() -> None:
    """RUN gets them; they are neither in the image nor unused."""
    _, scope = outer("FROM scratch", {"HTTP_PROXY": "p", "no_proxy": "q", "other": "r"})
    assert scope.proxies == {"HTTP_PROXY": "p", "no_proxy": "q"}
    assert scope.unused() == ["other"]
    assert [is_proxy(name) for name in ("https_proxy", "Https_Proxy", "PROXY")] == [True, False, False]


def test_arguments_of_any_stage_are_used() -> None:
    """Only what nobody asks for is unused."""
    _, scope = outer("ARG a\nFROM scratch\nFROM scratch\nARG b\n", {"a": "1", "b": "1", "c": "1"})
    assert scope.unused() == ["c"]
