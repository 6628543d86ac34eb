"""Chooses the best path of a prefix as far as AWS documents it: every route that may win is a possibility.

The shorter AS path wins, then the lower MED. AWS documents neither the tie-break nor that MEDs of different
neighbours are compared (docs/aws-facts.md#best-path).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from ipaddress import ip_address

from tandem.model import Route

BROADCAST = "255.255.255.255"


@dataclass(frozen=True, slots=True)
class Contest:
    """The routes of one prefix: today's, and those that are left after a failure."""

    today: tuple[Route, ...]
    """Of sessions that are up now."""
    winner: Route | None
    """The one of today's that AWS chose; None if AWS chose none of them."""
    is_settled: bool
    """False while the FIB shows a route whose session is gone: then it says nothing about the others."""
    sure: tuple[Route, ...]
    unsure: tuple[Route, ...] = ()
    """Those that may be gone, or that AWS may not use."""
    is_ranked: bool = True
    """False if a member of some route could not be read: nobody can compare these routes."""


@dataclass(frozen=True, slots=True)
class Winners:
    """Each route that may be in the FIB after a failure; None stands for no route."""

    routes: tuple[Route | None, ...]
    is_firm: bool = False
    """True if today's winner stays the winner, also if there are routes that nobody could read."""
    is_compared: bool = True
    """False if some of them could not be compared with the others, or may never be chosen."""


def finalists(routes: Iterable[Route]) -> tuple[Route, ...]:
    """Returns those that may win: of the shortest AS paths, each neighbour's lowest MED."""
    routes = tuple(routes)
    shortest = min((len(route.as_path) for route in routes), default=0)
    near = [route for route in routes if len(route.as_path) == shortest]
    lowest: dict[str, int] = {}
    for route in near:
        neighbour = route.as_path[0]
        lowest[neighbour] = min(route.med, lowest.get(neighbour, route.med))
    return tuple(route for route in near if route.med == lowest[route.as_path[0]])


def winners(contest: Contest) -> Winners:
    """Returns each route that may win, once for each next hop: what is decided depends on that only."""
    found = _possible(contest)
    if contest.winner is not None and contest.winner in contest.sure:
        is_harmless = all(_is_harmless(route, contest.winner, contest) for route in _gone(contest))
        if is_harmless or _were_finalists(found, contest):
            is_alone = {route.next_hop for route in found} == {contest.winner.next_hop}
            return Winners((contest.winner,), is_firm=is_harmless and is_alone)
    by_next_hop = {route.next_hop: route for route in reversed(found)}
    is_certain = any(not _is_passed_over(route, contest) for route in contest.sure)
    routes = (*reversed(by_next_hop.values()), *(() if is_certain else (None,)))
    return Winners(routes, is_compared=set(found) <= set(_firm(contest, contest.sure)))


def is_usable(route: Route, own_asn: int | None, own_addresses: Collection[str]) -> bool:
    """Returns False for what no BGP speaker with this ASN and these addresses chooses.

    An AS path with its own ASN is a loop (https://www.rfc-editor.org/rfc/rfc4271#section-9.1.2), one with AS
    0 is malformed (https://www.rfc-editor.org/rfc/rfc7607), and the next hop is another host
    (https://www.rfc-editor.org/rfc/rfc4271#section-5.1.3).
    """
    if {"0", str(own_asn)} & set(route.as_path) or route.next_hop in {*own_addresses, BROADCAST}:
        return False
    next_hop = ip_address(route.next_hop)
    return not (next_hop.is_unspecified or next_hop.is_multicast or next_hop.is_loopback)


def _possible(contest: Contest) -> tuple[Route, ...]:
    """Returns each route that wins for some choice of the unsure ones."""
    firm = _firm(contest, contest.sure)
    others = [r for r in (*contest.sure, *contest.unsure) if r not in firm]
    may_win = (r for r in others if not _is_ranked(r, contest) or r in finalists((*firm, r)))
    return tuple(dict.fromkeys((*finalists(firm), *may_win)))


def _gone(contest: Contest) -> tuple[Route, ...]:
    """Returns today's routes that are gone, or may be."""
    return (*(route for route in contest.today if route not in contest.sure), *contest.unsure)


def _is_harmless(gone: Route, winner: Route, contest: Contest) -> bool:
    """Returns True if the route kept nobody from winning but whom the winner keeps from it as well.

    A route keeps others of its neighbour from winning by its MED, also where it does not win itself.
    """
    if not (_is_ranked(gone, contest) and _is_ranked(winner, contest)):
        return False
    if len(gone.as_path) != len(winner.as_path):
        return len(gone.as_path) > len(winner.as_path)
    return gone.as_path[0] == winner.as_path[0] and gone.med >= winner.med


def _were_finalists(found: Collection[Route], contest: Contest) -> bool:
    """Returns True if today's winner has beaten all of these already, by whatever rule decides in the end."""
    today = (*contest.today, *contest.unsure)
    if len(_firm(contest, today)) < len(today):
        return False
    return set(found) <= set(finalists(today))


def _firm(contest: Contest, sure: Iterable[Route]) -> tuple[Route, ...]:
    return tuple(r for r in sure if _is_ranked(r, contest) and not _is_passed_over(r, contest))


def _is_ranked(route: Route, contest: Contest) -> bool:
    """Every path over eBGP names the neighbour: an empty one is one that could not be read."""
    return contest.is_ranked and bool(route.as_path)


def _is_passed_over(route: Route, contest: Contest) -> bool:
    """Returns True if AWS does not choose the route today although it should win: so it may never do so."""
    winner = contest.winner
    if winner is None:
        return contest.is_settled
    if route == winner or not (_is_ranked(route, contest) and _is_ranked(winner, contest)):
        return False
    return winner not in finalists((route, winner))
