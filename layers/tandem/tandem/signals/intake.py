"""Raw Lambda events in, signals out; and which stored topologies a signal concerns."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, assert_never

from tandem.events import SOURCE, DetailType, Event, event
from tandem.signals.awsevents import identifiers, parse_aws
from tandem.signals.leaks import leak_event, leaks
from tandem.signals.peerlogs import parse_peer_logs
from tandem.signals.signal import Origin, Signal, SignalKind, parse_bus, parse_sns, utf8
from tandem.state.record import TopologyRecord


def parse(event: object) -> tuple[Signal, ...]:
    """Returns the signals in whatever woke a function: SNS records, a log delivery, an event of ours or of
    AWS. What is no JSON object has none.

    Each text in them can be written as UTF-8. A log's signals hold no text of its records but in escapes.
    """
    if not isinstance(event, dict):
        return ()
    raw: Mapping[str, Any] = event
    source = str(raw.get("source", ""))
    if isinstance(records := raw.get("Records"), list):
        return tuple(utf8(parse_sns(record if isinstance(record, dict) else {})) for record in records)
    if "awslogs" in raw:
        return parse_peer_logs(raw)
    if source == SOURCE or source.startswith("aws."):
        signal = parse_bus(raw) if source == SOURCE else parse_aws(raw)
        return () if signal is None else (utf8(signal),)
    if raw == SWEEP:
        return (Signal(SignalKind.LOOK, "the sweep", origin=Origin.SWEEP),)
    cause = "an event of unknown shape woke the function"
    return (Signal(SignalKind.LOOK, cause, known=False, resource_ids=identifiers(event)),)


SWEEP = {"tandem": "sweep"}
"""What the schedule of the sweep says (template.yaml)."""


_Heard = tuple[Signal, TopologyRecord]
"""A signal, and a topology that it concerns."""


@dataclass(frozen=True, slots=True)
class Forwarding:
    """Holds what becomes of a batch of signals."""

    events: tuple[Event, ...]
    refused: tuple[Signal, ...]
    """From a topic or about a peer that no stored topology knows."""
    unknown: tuple[Signal, ...]
    """Of a shape that AWS does not document, and not refused; they are among the events all the same."""
    untracked: int
    """So many peer log records are about prefixes that no group tracks; a look has no use for them."""


def forward(signals: Iterable[Signal], records: Iterable[TopologyRecord], now: datetime) -> Forwarding:
    """Makes one event per signal and topology concerned. Several Looks at one topology are one, and so are a
    peer log's records about one tracked prefix; route leaks follow, one for each peer.

    AWS's own events about resources that no topology names are everyday life and not in `refused`.
    """
    signals, records = tuple(signals), tuple(records)
    pairs = [(signal, record) for signal in signals for record in records if concerns(signal, record)]
    tracked = {record.topology.name: _tracked(record) for record in records}
    # logs have every route that a peer advertises: most are of no group (docs/aws-facts.md#peer-log-content)
    wanted = [(s, r) for s, r in pairs if not _is_logged_route(s) or s.prefix in tracked[r.topology.name]]
    looks = _once(_event(signal, record, now) for signal, record in _newest_routes(wanted))
    leaked = (
        leak_event(leak, record.topology.name, now)
        for record in records
        for leak in leaks((s for s, r in pairs if r is record), record)
    )
    heard = {id(signal) for signal, _ in pairs}
    # an EventBridge rule matches the whole account's events, so only SNS and logs can be refused
    refused = tuple(s for s in signals if id(s) not in heard and s.origin in _REFUSED)
    return Forwarding(
        events=(*looks, *leaked),
        refused=refused,
        unknown=tuple(s for s in signals if not s.known and (id(s) in heard or s.origin not in _REFUSED)),
        untracked=len(heard - {id(signal) for signal, _ in wanted}),
    )


def concerns(signal: Signal, record: TopologyRecord) -> bool:
    """Returns True if a raw signal speaks of what this topology names, and there is something to look at."""
    found = record.provisioned
    # without a route server there is no routing database to read
    if route_server_of(record) is None:
        return False
    match signal.origin:
        case Origin.SNS:
            return signal.topic_arn is not None and signal.topic_arn == (found and found.sns_topic_arn)
        case Origin.PEER_LOG:
            # The log group is the stack's own: a record that names no peer at all may be anybody's.
            return signal.peer_id is None or signal.peer_id in ((found and found.peers) or {})
        case Origin.BUS:
            return signal.topology == record.topology.name
        case Origin.SWEEP:
            return True
        case Origin.AWS | None:
            return bool(signal.resource_ids & named(record)) or _names_only_an_association(signal, record)
        case _:
            assert_never(signal.origin)


def route_server_of(record: TopologyRecord) -> str | None:
    """Returns the topology's route server. None until there is one, and while it is being deleted: there is
    nothing to look at, and moving addresses about would help nobody.
    """
    if record.is_leaving:
        return None
    found = record.provisioned.route_server_id if record.provisioned else None
    return found or record.topology.route_server.route_server_id


def named(record: TopologyRecord) -> frozenset[str]:
    """Returns every AWS ID that a stored topology names or that was provisioned for it."""
    topology, found = record.topology, record.provisioned
    ids = {
        topology.route_server.route_server_id,
        *topology.route_server.propagate_to,
        *topology.allocation_ids,
        *topology.instance_ids,
        *topology.target_interface_ids,
    }
    if found is not None:
        ids |= {found.route_server_id, *found.endpoint_ids, *(found.peers or {})}
    return frozenset(i for i in ids if i)


def _names_only_an_association(signal: Signal, record: TopologyRecord) -> bool:
    """DisassociateAddress names the association alone, which changes with each move
    (docs/aws-facts.md#association-id)."""
    kinds = {i.split("-", 1)[0] for i in signal.resource_ids}
    return "eipassoc" in kinds and "eipalloc" not in kinds and bool(record.topology.allocation_ids)


_REFUSED = frozenset({Origin.SNS, Origin.PEER_LOG})


def _event(signal: Signal, record: TopologyRecord, now: datetime) -> Event:
    common: dict[str, Any] = {
        "topology": record.topology.name,
        "occurred_at": signal.occurred_at or now,
        "cause": signal.cause,
    }
    source = None if signal.origin is None else signal.origin.value
    match signal.kind:
        case SignalKind.SESSION:
            appliances = (record.provisioned and record.provisioned.peers) or {}
            return event(
                DetailType.PEER_STATE_CHANGE, **common, source=source, peer_id=signal.peer_id,
                protocol=signal.protocol, status=signal.status, endpoint_id=signal.endpoint_id,
                appliance=appliances.get(signal.peer_id or ""),
            )  # fmt: skip
        case SignalKind.ROUTE:
            return event(
                DetailType.ROUTE_CHANGE, **common, source=source, prefix=signal.prefix,
                peer_id=signal.peer_id, change=signal.route_event, next_hop=signal.next_hop,
                previous_next_hop=None, as_path=list(signal.as_path), med=signal.med,
            )  # fmt: skip
        case SignalKind.MAINTENANCE:
            return event(
                DetailType.ENDPOINT_MAINTENANCE, **common,
                endpoint_id=signal.endpoint_id, peer_ids=list(signal.peer_ids),
            )  # fmt: skip
        case SignalKind.LOOK:
            by = "sweep" if signal.origin is Origin.SWEEP else "signals"
            return event(DetailType.LOOK, **common, requested_by=by)
        case _:
            assert_never(signal.kind)


def _is_logged_route(signal: Signal) -> bool:
    return signal.kind is SignalKind.ROUTE and signal.origin is Origin.PEER_LOG


def _tracked(record: TopologyRecord) -> frozenset[str]:
    return frozenset(prefix for group in record.topology.groups for prefix in group.prefixes)


def _newest_routes(heard: Iterable[_Heard]) -> Iterable[_Heard]:
    """Keeps one record for each topology and prefix of a peer log: the newest, and the later line of two.

    Records come in any order (docs/aws-facts.md#log-subscriptions), and a look reads the routes anew whatever
    they say.
    """
    kept: dict[object, _Heard] = {}
    for number, (signal, record) in enumerate(heard):
        pair = (signal, record)
        key = (record.topology.name, signal.prefix) if _is_logged_route(signal) else number
        kept[key] = max(pair, kept.get(key, pair), key=lambda one: one[0].occurred_at or _LONG_AGO)
    return kept.values()


_LONG_AGO = datetime.min.replace(tzinfo=UTC)


def _once(events: Iterable[Event]) -> tuple[Event, ...]:
    """Drops what repeats an event, since logs come at least once (docs/aws-facts.md#log-subscriptions). One
    look answers any number of reasons to look; the first says why.
    """
    kept: dict[tuple[str, ...], Event] = {}
    for made in events:
        is_look = made.detail_type is DetailType.LOOK
        same = made.detail["topology"] if is_look else json.dumps(made.detail)
        kept.setdefault((made.detail_type, same), made)
    return tuple(kept.values())
