# SPDX-License-Identifier: Apache-2.0
"""Which variables an instruction sees: those given to the build, ARG before FROM, ARG in the stage, ENV.

    variable of         seen by FROM    seen in a stage           in the image
    ARG before FROM     yes             once the stage has ARG X  no
    ARG in a stage      no              from that line on         no
    ENV, base's Env     no              from that line on         yes
    platform, proxies   platform        platform: by ARG X;       no
                                        proxies: RUN, always

An ENV hides an ARG of the same name, wherever the ARG stands: so the reference of the language has it, the classic
builder and buildah, too.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from estiba.build.recipe.instructions import Arg, Env, Recipe
from estiba.build.recipe.resolve import resolve

PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "FTP_PROXY", "NO_PROXY", "ALL_PROXY")
"""May be given to every build without an ARG; in capitals or not. They are no part of a cache key."""


def platform_arguments(build: str, target: str) -> dict[str, str]:
    """Return BUILDPLATFORM, TARGETOS and the rest, of platforms like `linux/arm/v7`."""
    found: dict[str, str] = {}
    for prefix, platform in (("BUILD", build), ("TARGET", target)):
        system, architecture, variant = f"{platform}//".split("/")[:3]
        found |= {
            f"{prefix}PLATFORM": platform,
            f"{prefix}OS": system,
            f"{prefix}ARCH": architecture,
            f"{prefix}VARIANT": variant,
        }
    return found


def is_proxy(name: str) -> bool:
    """Tell whether a variable needs no ARG."""
    return name in PROXIES or (name.islower() and name.upper() in PROXIES)


class Scope:
    """The variables before the first FROM: those that FROM sees."""

    def __init__(self, recipe: Recipe, given: Mapping[str, str], platform: Mapping[str, str]) -> None:
        """Read the ARGs. `given` are --build-arg's, `platform` what `platform_arguments` says."""
        self._recipe, self._given = recipe, given
        self.variables = dict(platform)
        for arg in recipe.arguments:
            for each in arg.arguments:
                # One by one: a default may be made of another's of the same line.
                one = resolve(Arg(arg.place, (each,)), self.variables, recipe)
                self.declare(one, self.variables)

    def stage(self, environ: Iterable[str], parent: StageScope | None = None) -> StageScope:
        """Begin a stage whose base has this Env (`NAME=value`); `parent` is the stage that is its base, if one is."""
        return StageScope(self, environ, parent.arguments if parent else {})

    @property
    def proxies(self) -> dict[str, str]:
        """The proxies that were given: RUN has them in its environment, cache keys leave them out."""
        return {name: value for name, value in self._given.items() if is_proxy(name)}

    def unused(self) -> list[str]:
        """List the --build-arg's that no ARG of the whole recipe asks for."""
        asked = {each.name.text for arg in self._every_arg() for each in arg.arguments}
        return [name for name in self._given if name not in asked and not is_proxy(name)]

    def declare(self, arg: Arg, into: dict[str, str]) -> None:
        """Put the values of an ARG into `into`: the build's, else its own default, else the one before FROM."""
        for name, default in arg.arguments:
            if name.text in self._given:
                into[name.text] = self._given[name.text]
            elif default is not None:
                into[name.text] = default.text
            elif name.text in self.variables:
                into[name.text] = self.variables[name.text]

    def _every_arg(self) -> Iterator[Arg]:
        yield from self._recipe.arguments
        for stage in self._recipe.stages:
            yield from (each for each in stage.instructions if isinstance(each, Arg))


class StageScope:
    """The variables in force at a place of a stage; moves on as its instructions are reached."""

    def __init__(self, outer: Scope, environ: Iterable[str], arguments: Mapping[str, str]) -> None:
        self._outer = outer
        self._arguments = dict(arguments)
        self._environ = dict(each.partition("=")[::2] for each in environ)

    @property
    def variables(self) -> dict[str, str]:
        """What instructions see, for `resolve`; and the environment of RUN, but for the proxies."""
        return {**self._arguments, **self._environ}

    @property
    def arguments(self) -> dict[str, str]:
        """The ARGs that no ENV hides: what RUN depends on beyond the image."""
        return {name: value for name, value in self._arguments.items() if name not in self._environ}

    @property
    def environ(self) -> tuple[str, ...]:
        """The image's Env, in the order in which its names were set first."""
        return tuple(f"{name}={value}" for name, value in self._environ.items())

    def declare(self, arg: Arg) -> None:
        """Reach an ARG whose words are resolved."""
        self._outer.declare(arg, self._arguments)

    def set(self, env: Env) -> None:
        """Reach an ENV whose words are resolved."""
        for name, value in env.pairs:
            self._environ[name.text] = value.text
