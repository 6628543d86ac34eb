"""Route leaks: an appliance advertises a prefix that its `allowed_prefixes` leaves out."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from ipaddress import ip_network

from tandem.events import DetailType, Event, event
from tandem.signals.signal import Origin, RouteEvent, Signal
from tandem.state.record import TopologyRecord
from tandem.topology.document import Appliance

NAMED = 10
"""So many prefixes of a leak are named; all are counted."""

_ANNOUNCEMENTS = frozenset({RouteEvent.ADVERTISED, RouteEvent.UPDATED})


class LeakCode(StrEnum):
    """A code says why it is a leak."""

    PREFIX_NOT_ALLOWED = "prefix-not-allowed"


@dataclass(frozen=True, slots=True)
class Leak:
    """One peer's log names, in one batch, prefixes that its appliance may not advertise."""

    code: LeakCode
    appliance: str
    peer_id: str
    prefixes: tuple[str, ...]
    """The first ten in the order of their numbers, so that a batch that comes twice says the same twice."""
    count: int
    """How many different prefixes there are."""
    occurred_at: datetime | None
    """When the first of them was announced; None where no record has a time."""
    reason: str


def leaks(signals: Iterable[Signal], record: TopologyRecord) -> tuple[Leak, ...]:
    """Returns one leak for each peer that announces what the document does not allow its appliance.

    Only peer logs say what a peer advertised (docs/aws-facts.md#peer-log-content). A withdrawal ends a leak
    and is none. A peer whose appliance is unknown is not judged: nobody has said what it may advertise.
    """
    peers = (record.provisioned and record.provisioned.peers) or {}
    announced: dict[str, list[Signal]] = {}
    for signal in signals:
        if signal.origin is Origin.PEER_LOG and signal.route_event in _ANNOUNCEMENTS and signal.peer_id:
            announced.setdefault(signal.peer_id, []).append(signal)
    found: list[Leak] = []
    for peer_id, announcements in announced.items():
        appliance = record.topology.appliances.get(peers.get(peer_id, ""))
        leaked = [s for s in announcements if appliance and _is_leak(appliance, s.prefix)]
        if appliance and leaked:
            found.append(_leak(appliance, peer_id, leaked))
    return tuple(found)


def leak_event(leak: Leak, topology: str, now: datetime) -> Event:
    """Returns the event that notifies people."""
    return event(
        DetailType.ROUTE_LEAK,
        topology=topology,
        occurred_at=leak.occurred_at or now,
        code=leak.code.value,
        reason=leak.reason,
        appliance=leak.appliance,
        peer_id=leak.peer_id,
        prefixes=list(leak.prefixes),
        count=leak.count,
    )


def _is_leak(appliance: Appliance, prefix: str | None) -> bool:
    """Returns True if the appliance may not advertise this prefix, in its canonical form.

    `allowed_prefixes` are exact: a longer prefix inside an allowed one draws the traffic away from it.
    Without the property everything is allowed; an empty list allows nothing.
    """
    return appliance.allowed_prefixes is not None and prefix not in appliance.allowed_prefixes


def _leak(appliance: Appliance, peer_id: str, announcements: list[Signal]) -> Leak:
    prefixes = sorted({s.prefix for s in announcements if s.prefix}, key=_in_order)
    what = f"{prefixes[0]}, which is" if len(prefixes) == 1 else f"{len(prefixes)} prefixes that are"
    return Leak(
        code=LeakCode.PREFIX_NOT_ALLOWED,
        appliance=appliance.name,
        peer_id=peer_id,
        prefixes=tuple(prefixes[:NAMED]),
        count=len(prefixes),
        occurred_at=min((s.occurred_at for s in announcements if s.occurred_at), default=None),
        reason=f"{appliance.name} advertises {what} not in its allowed_prefixes",
    )


def _in_order(prefix: str) -> tuple[int, int, int]:
    network = ip_network(prefix)
    return network.version, int(network.network_address), network.prefixlen
