"""Worlds that tests share: each is built once in a process, and each test runs in a copy of that process.

A world is a context manager. `@begins_in(converged)` on a test or a fixture says which world it enters first.
The plugin (`fork_plugin`) then runs the test in a copy of a process that has entered this world already, and
`with converged() as tandem:` yields what is there. Without the plugin the same line builds the world, so no
test depends on the fork.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from functools import wraps
from typing import Any, ParamSpec, TypeVar

THE_PARAM = object()
"""In `begins_in` of a fixture with parameters: the parameter that the test has."""

P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class World:
    """A world that can be entered, and how."""

    build: Callable[..., AbstractContextManager[Any]]
    arguments: tuple[Any, ...] = ()
    named: dict[str, Any] = field(default_factory=dict)

    def of(self, param: object) -> World:
        """Returns the world of a test that has this parameter."""
        given = tuple(param if argument is THE_PARAM else argument for argument in self.arguments)
        named = {n: param if argument is THE_PARAM else argument for n, argument in self.named.items()}
        return replace(self, arguments=given, named=named)

    def __str__(self) -> str:
        given = [*map(repr, self.arguments), *(f"{name}={value!r}" for name, value in self.named.items())]
        return f"{self.build.__name__}({', '.join(given)})"


@dataclass(slots=True)
class _Prepared:
    """The world that was entered in this process for a test to come."""

    world: World | None = None
    value: Any = None
    stack: ExitStack = field(default_factory=ExitStack)


_prepared = _Prepared()


def shared_world(build: Callable[P, Iterator[T]]) -> Callable[P, AbstractContextManager[T]]:
    """Makes a generator function a context manager like `contextmanager`, whose world tests can share."""
    plain = contextmanager(build)

    @contextmanager
    @wraps(build)
    def enter(*arguments: P.args, **named: P.kwargs) -> Iterator[T]:
        if _prepared.world is None:
            with plain(*arguments, **named) as value:
                yield value
            return
        asked = World(enter, arguments, named)
        assert asked == _prepared.world, f"the test begins in {_prepared.world}, and enters {asked}"
        _prepared.world = None
        with _prepared.stack:
            yield _prepared.value

    return enter


def begins_in(
    build: Callable[..., AbstractContextManager[Any]], *arguments: Any, **named: Any
) -> Callable[[T], T]:
    """Says of a test or a fixture which world it enters first."""

    def mark(function: T) -> T:
        vars(function)["begins_in"] = World(build, arguments, named)
        return function

    return mark


def prepare(world: World) -> None:
    """Enters the world, for the test that runs in a copy of this process."""
    stack = ExitStack()
    _prepared.value = stack.enter_context(world.build(*world.arguments, **world.named))
    _prepared.world, _prepared.stack = world, stack


def is_unused() -> bool:
    """True if a world was prepared and nobody has entered it."""
    return _prepared.world is not None
