"""Describes which route wins: shortest AS path, lowest MED, then a tie-break of our own
(docs/aws-facts.md#best-path). Pure.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Collection, Iterable
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


_BROADCAST = ipaddress.IPv4Address("255.255.255.255")


def canonical(prefix: str) -> str:
    """The prefix as AWS writes it. Raises ValueError for host bits or nonsense."""
    return str(ipaddress.ip_network(prefix, strict=True))


def _address(text: str) -> tuple[int, int]:
    address = ipaddress.ip_address(text)
    return address.version, int(address)


def is_usable(path: Path, own_asn: int, own_addresses: Collection[str]) -> bool:
    """False for what a speaker with this ASN and these addresses must not choose:

    - an AS path with its own ASN, a loop (https://www.rfc-editor.org/rfc/rfc4271#section-9.1.2), or with
      AS 0 (https://www.rfc-editor.org/rfc/rfc7607);
    - a next hop that is itself (https://www.rfc-editor.org/rfc/rfc4271#section-5.1.3), or no address of a
      host (https://www.rfc-editor.org/rfc/rfc4271#section-6.3)."""
    if {0, own_asn} & {int(hop) for hop in path.as_path}:
        return False
    next_hop = ipaddress.ip_address(path.next_hop)
    no_host = next_hop.is_unspecified or next_hop.is_multicast or next_hop.is_loopback
    return not no_host and next_hop != _BROADCAST and path.next_hop not in own_addresses


def rank(path: Path, tie_break: TieBreak) -> tuple[object, ...]:
    """Smaller is better. MED is compared between all neighbours (docs/aws-facts.md#best-path: observed once).
    Total: the peer ID ends every tie, so that the order in which routes arrive never decides unless the
    tie-break says so."""
    match tie_break:
        case TieBreak.LOWEST_PEER_ADDRESS:
            tie: tuple[object, ...] = (_address(path.peer_address), _address(path.endpoint_address))
        case TieBreak.OLDEST:
            tie = (path.learned,)
        case TieBreak.NEWEST:
            tie = (-path.learned,)
    return (len(path.as_path), path.med, *tie, path.peer_id)


def choose(paths: Iterable[Path], tie_break: TieBreak) -> dict[str, Path]:
    """The FIB: one winner per prefix (docs/aws-facts.md#one-winner, no ECMP)."""
    fib: dict[str, Path] = {}
    for path in paths:
        best = fib.get(path.prefix)
        if best is None or rank(path, tie_break) < rank(best, tie_break):
            fib[path.prefix] = path
    return dict(sorted(fib.items()))
