"""Which route wins: shortest AS path, lowest MED, then a tie-break of our own (facts §3.4). Pure."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass

from lab.ec2.timings import TieBreak


@dataclass(frozen=True, slots=True)
class Path:
    """One route as one peer advertised it."""

    prefix: str
    as_path: tuple[str, ...]
    med: int
    next_hop: str
    peer_id: str
    endpoint_id: str
    peer_address: str
    endpoint_address: str
    learned: int  # counts up with every route learned


def canonical(prefix: str) -> str:
    """The prefix as AWS writes it. Raises ValueError for host bits or nonsense."""
    return str(ipaddress.ip_network(prefix, strict=True))


def _address(text: str) -> tuple[int, int]:
    address = ipaddress.ip_address(text)
    return address.version, int(address)


def rank(path: Path, tie_break: TieBreak) -> tuple[object, ...]:
    """Smaller is better. MED is compared between all neighbours (facts §3.4: low trust). Total: the peer ID
    ends every tie, so that the order in which routes arrive never decides unless the tie-break says so."""
    match tie_break:
        case TieBreak.LOWEST_PEER_ADDRESS:
            tie: tuple[object, ...] = (_address(path.peer_address), _address(path.endpoint_address))
        case TieBreak.OLDEST:
            tie = (path.learned,)
        case TieBreak.NEWEST:
            tie = (-path.learned,)
    return (len(path.as_path), path.med, *tie, path.peer_id)


def choose(paths: Iterable[Path], tie_break: TieBreak) -> dict[str, Path]:
    """The FIB: one winner per prefix (facts §3.4, no ECMP)."""
    fib: dict[str, Path] = {}
    for path in paths:
        best = fib.get(path.prefix)
        if best is None or rank(path, tie_break) < rank(best, tie_break):
            fib[path.prefix] = path
    return dict(sorted(fib.items()))
