"""A look in words and JSON: audit records and decision events, made from the same decision."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tandem.audit import Head, Record, RecordKind
from tandem.events import DetailType, Event, event, iso, parse_iso
from tandem.failover import ownership
from tandem.failover.decision import AddressDecision, GroupDecision
from tandem.failover.moves import Moved, Outcome
from tandem.model import ElasticIp, Holder, Observation, RouteStatus, Status
from tandem.signals import Protocol, Signal, SignalKind
from tandem.topology import Target, Topology


@dataclass(frozen=True, slots=True)
class Stages:
    """When each stage of a look was reached."""

    signal_at: datetime | None
    received_at: datetime
    leased_at: datetime
    observed_at: datetime
    decided_at: datetime


def evidence(topology: Topology, observation: Observation) -> dict[str, Any]:
    """What a decision rests on: FIB rows of the tracked prefixes, sessions, holders, instances."""
    tracked = {prefix for group in topology.groups for prefix in group.prefixes}
    return {
        "fib": [
            {
                "prefix": r.prefix,
                "next_hop": r.next_hop,
                "peer_id": r.peer_id,
                "installed_in": {i.route_table_id: i.reason or str(i.status) for i in r.installations},
            }
            for r in observation.database.routes
            if r.prefix in tracked and r.status is RouteStatus.IN_FIB
        ],
        "persisted": observation.database.persisted,
        "sessions": {
            name: {
                p.peer_id: {"bgp": p.bgp, "bfd": p.bfd} for p in ownership.sessions_of(appliance, observation)
            }
            for name, appliance in topology.appliances.items()
        },
        "holders": {
            allocation: _holder(a.holder, topology, observation)
            for allocation, a in observation.elastic_ips.items()
        },
        "instances": dict(observation.instance_states) if observation.instance_states is not None else None,
        "failed_reads": list(observation.failed),
    }


def signal_detail(signals: Iterable[Signal]) -> dict[str, Any]:
    """The signal that woke a look; the first, where several came together."""
    first = next(iter(signals), None)
    return {
        "kind": first.kind if first else SignalKind.LOOK,
        "cause": first.cause if first else "a look was asked for",
        "occurred_at": iso(first.occurred_at) if first and first.occurred_at else None,
    }


def mark(signal: Signal) -> dict[str, Any]:
    """A signal as the look-again mark keeps it."""
    return {
        "kind": signal.kind,
        "cause": signal.cause,
        "occurred_at": iso(signal.occurred_at) if signal.occurred_at else None,
        "peer_id": signal.peer_id,
        "protocol": signal.protocol,
        "status": signal.status,
    }


def unmark(marked: Mapping[str, Any]) -> Signal:
    """The signal in a look-again mark; one that cannot be read is still a reason to look."""
    try:
        return Signal(
            kind=SignalKind(marked["kind"]),
            cause=str(marked["cause"]),
            occurred_at=parse_iso(marked["occurred_at"]) if marked.get("occurred_at") else None,
            peer_id=marked.get("peer_id"),
            protocol=Protocol(marked["protocol"]) if marked.get("protocol") else None,
            status=Status(marked["status"]) if marked.get("status") else None,
        )
    except (KeyError, TypeError, ValueError):
        return Signal(SignalKind.LOOK, "another signal came during a look")


def address_detail(address: AddressDecision) -> dict[str, Any]:
    return {
        "allocation_id": address.allocation_id,
        "public_ip": address.public_ip,
        "action": address.action,
        "from": _place(address.holder, address.holder_appliance),
        "to": _place(address.target, address.owner),
        "reason": address.reason,
    }


def decision_detail(decision: GroupDecision) -> dict[str, Any]:
    """One group's decision, as the audit record and the event show it."""
    return {
        "action": decision.action,
        "owner": decision.owner,
        "reason": decision.reason,
        "severity": decision.severity,
        "addresses": [address_detail(address) for address in decision.addresses],
        "reports": list(decision.reports),
    }


def body(
    kind: RecordKind, at: datetime, decision_id: str, topology: Topology, **fields: object
) -> dict[str, Any]:
    """An audit record's body."""
    return {
        "kind": kind,
        "at": iso(at),
        "decision_id": decision_id,
        "topology": topology.name,
        "topology_version": topology.version,
        "mode": topology.mode,
        **fields,
    }


def decided(
    decision: GroupDecision,
    topology: Topology,
    decision_id: str,
    at: datetime,
    signal: dict[str, Any],
    head: Head,
) -> Event:
    """`Failover Decision`: a move or a hold began."""
    return event(
        DetailType.FAILOVER_DECISION,
        topology=topology.name,
        group=decision.group,
        occurred_at=at,
        decision_id=decision_id,
        mode=topology.mode,
        signal=signal,
        audit=head.as_dict(),
        **decision_detail(decision),
    )


def moved_detail(moved: Moved, began: datetime) -> dict[str, Any]:
    """What became of one move; milliseconds count from the moment the signal was received."""
    move = moved.move
    refusal = moved.refusal
    return {
        "allocation_id": move.allocation_id,
        "public_ip": move.public_ip,
        "from": _place(move.source, move.source_appliance),
        "to": _place(move.target, move.owner),
        "outcome": moved.outcome,
        "error": {"code": refusal.code, "message": refusal.message} if refusal else None,
        "associated_ms": _ms(moved.associated_at, began),
        "verified_ms": _ms(moved.verified_at, began),
    }


def completed(
    group: str,
    moved: tuple[Moved, ...],
    topology: Topology,
    decision_id: str,
    at: datetime,
    stages: Stages,
    head: Head,
) -> Event:
    """`Failover Completed` where every move of the group is verified, else `Failover Failed`."""
    whole = all(m.outcome is Outcome.VERIFIED for m in moved)
    return event(
        DetailType.FAILOVER_COMPLETED if whole else DetailType.FAILOVER_FAILED,
        topology=topology.name,
        group=group,
        occurred_at=at,
        decision_id=decision_id,
        owner=moved[0].move.owner,
        addresses=[moved_detail(m, stages.received_at) for m in moved],
        stages=stages_detail(stages, moved),
        audit=head.as_dict(),
    )


def stages_detail(stages: Stages, moved: tuple[Moved, ...]) -> dict[str, Any]:
    """The time of every stage; associated and verified are the last address's."""
    associated = [m.associated_at for m in moved if m.associated_at]
    verified = [m.verified_at for m in moved if m.verified_at]
    complete = len(verified) == len(moved)
    return {
        "signal_at": iso(stages.signal_at) if stages.signal_at else None,
        "received_at": iso(stages.received_at),
        "leased_at": iso(stages.leased_at),
        "observed_at": iso(stages.observed_at),
        "decided_at": iso(stages.decided_at),
        "associated_at": iso(max(associated)) if associated else None,
        "verified_at": iso(max(verified)) if complete and verified else None,
    }


def closing(
    intent: Record, found: Mapping[str, ElasticIp], topology: Topology, at: datetime
) -> dict[str, Any]:
    """The outcome `unknown` of an intent whose writer died or stalls, with what the next look found."""
    return body(
        RecordKind.OUTCOME,
        at,
        str(intent.body.get("decision_id")),
        topology,
        outcome="unknown",
        found={allocation: _place(a.holder, None) for allocation, a in found.items()},
        reason=f"the look that wrote #{intent.number} did not finish; this one starts from what AWS shows",
    )


def _holder(holder: Holder | None, topology: Topology, observation: Observation) -> dict[str, Any] | None:
    at = ownership.appliance_at(holder.network_interface_id, topology, observation) if holder else None
    return _place(holder, at)


def _place(place: Holder | Target | None, appliance: str | None) -> dict[str, Any] | None:
    if place is None:
        return None
    return {
        "network_interface": place.network_interface_id,
        "private_ip": place.private_ip,
        "appliance": appliance,
    }


def _ms(moment: datetime | None, began: datetime) -> int | None:
    return round((moment - began).total_seconds() * 1000) if moment else None
