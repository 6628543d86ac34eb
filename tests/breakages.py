"""Ways to break a healthy world, each through AWS's API or a lever, and the rules that fail then."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from tandem.reasons.compliance import RuleId
from tests.stack import Stack

DEFAULT = "0.0.0.0/0"


@dataclass(frozen=True, slots=True)
class Breakage:
    """One way to break the world. Its docstring stands on the pages of the rules that it breaks."""

    break_: Callable[[Stack], Iterable[str]]
    """Breaks the world; returns the resources of the rules, in the order of `rules`."""
    rules: tuple[RuleId, ...]

    @property
    def name(self) -> str:
        return self.break_.__name__

    @property
    def words(self) -> str:
        return str(self.break_.__doc__)

    def expected(self, s: Stack) -> set[tuple[str, str]]:
        """Breaks the world and returns rule and resource of each finding that this must open."""
        return {(str(rule), resource) for rule, resource in zip(self.rules, self.break_(s), strict=True)}


BREAKAGES: list[Breakage] = []


def breaks(*rules: RuleId) -> Callable[[Callable[[Stack], Iterable[str]]], Callable[[Stack], Iterable[str]]]:
    """Registers a function as a breakage of these rules; a rule that fails twice stands twice."""

    def register(break_: Callable[[Stack], Iterable[str]]) -> Callable[[Stack], Iterable[str]]:
        BREAKAGES.append(Breakage(break_, rules))
        return break_

    return register


@breaks(RuleId.STANDBY_ADVERTISES)
def the_standby_withdraws_a_prefix(s: Stack) -> Iterable[str]:
    """The standby withdraws a tracked prefix."""
    s.levers.withdraw("fw2", DEFAULT)
    return [f"fw2 {DEFAULT}"]


@breaks(RuleId.STANDBY_ADVERTISES)
def the_paths_tie(s: Stack) -> Iterable[str]:
    """The standby advertises a tracked prefix with the active one's AS path length and MED."""
    s.levers.advertise("fw2", DEFAULT, as_path=[65002])
    return [f"fw2 {DEFAULT}"]


@breaks(RuleId.ROUTE_INSTALLED)
def nothing_propagates(s: Stack) -> Iterable[str]:
    """Somebody disables propagation to a declared route table."""
    table = s.ids["route_tables"]["protected"]
    server = s.ids["route_server_id"]
    s.lab.client().disable_route_server_propagation(RouteServerId=server, RouteTableId=table)
    return [f"{table} {DEFAULT}"]


from tests import (  # noqa: E402 - they register theirs
    breakages_filters,  # noqa: F401
    breakages_limits,  # noqa: F401
    breakages_sessions,  # noqa: F401
    breakages_upkeep,  # noqa: F401
)
