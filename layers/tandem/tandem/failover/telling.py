"""Makes words and JSON of a look: audit records and decision events, from the same decision."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, assert_never

from tandem.audit import UNKNOWN_OUTCOME, Record, RecordKind
from tandem.events import iso
from tandem.failover.appliances import appliance_at
from tandem.failover.decision import Action, AddressDecision, GroupDecision, Severity
from tandem.failover.moves import UNDONE, Move, Moved, MoveKind, Outcome, Refusal
from tandem.failover.routeserver import route_server_source
from tandem.failover.sessions import sessions_of
from tandem.failover.standbys import StandbyFinding
from tandem.model import ElasticIp, Holder, Observation
from tandem.reasons.reason import Reason
from tandem.signals.signal import Signal, SignalKind
from tandem.state.decoding import Damaged, read, shaped, utc
from tandem.state.lease import CLOCK_MARGIN
from tandem.state.memory import Pin, SessionSeen, Standing
from tandem.topology.document import Target, Topology
from tandem.words.failover_reasons import ENTRIES
from tandem.words.render import fill, sentences


@dataclass(frozen=True, slots=True)
class Stages:
    """A look reached each stage at this time."""

    signal_at: datetime | None
    received_at: datetime
    leased_at: datetime | None
    """None without a lease: the state table was away."""
    observed_at: datetime
    decided_at: datetime


@dataclass(frozen=True, slots=True)
class Basis:
    """A look decides on this: what AWS shows, since when sessions show it, what woke the look."""

    observation: Observation
    sessions: Mapping[str, SessionSeen]
    signals: Sequence[Signal]


class EndedBy(StrEnum):
    """Why a hold is over."""

    MOVE = "move"
    IN_PLACE = "in-place"
    UNDECLARED = "undeclared"


STAGES = (*(field.name for field in fields(Stages)), "associated_at", "verified_at")


def evidence(
    topology: Topology, observation: Observation, seen: Mapping[str, SessionSeen] | None = None
) -> dict[str, Any]:
    """Returns what a decision rests on: FIB rows of the tracked prefixes, sessions, holders, instances."""
    since = {peer: iso(s.since) for peer, s in (seen or {}).items()}
    route_server = route_server_source(topology, observation)
    return {
        "fib": [
            {
                "prefix": r.prefix,
                "next_hop": r.next_hop,
                "peer_id": r.peer_id,
                "installed_in": {i.route_table_id: i.reason or str(i.status) for i in r.installations},
            }
            for r in (route_server.tracked_routes() if route_server else ())
        ],
        "persisted": route_server.database.persisted if route_server else False,
        "sessions": {
            name: {
                p.peer_id: {"bgp": p.bgp, "bfd": p.bfd, "since": since.get(p.peer_id)}
                for p in sessions_of(appliance, observation)
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


def signal_at(signals: Iterable[Signal]) -> datetime | None:
    """Returns when the first of the signals happened, as far as they say."""
    return min((s.occurred_at for s in signals if s.occurred_at), default=None)


def causes(signals: Iterable[Signal], in_place_at: datetime | None) -> tuple[Signal, ...]:
    """Returns the signals that can have caused what is decided now. What happened before a look found every
    address in place is no cause: logs come minutes late. AWS may show a change some seconds after it.
    """
    since = datetime.min.replace(tzinfo=UTC) if in_place_at is None else in_place_at - CLOCK_MARGIN
    return tuple(s for s in signals if s.kind is SignalKind.LOOK or (s.occurred_at or since) >= since)


def signal_detail(signals: Iterable[Signal]) -> dict[str, Any]:
    """Returns the signal that woke a look; where several came together, the one that happened first."""
    every = tuple(signals)
    at = signal_at(every)
    first = next((s for s in every if s.occurred_at == at), None)
    return {
        "kind": first.kind if first else SignalKind.LOOK,
        "cause": first.cause if first else "a look was asked for",
        "occurred_at": iso(first.occurred_at) if first and first.occurred_at else None,
    }


def mark(signal: Signal) -> dict[str, Any]:
    """Returns a signal as the look-again mark keeps it."""
    return {
        "kind": signal.kind,
        "cause": signal.cause,
        "occurred_at": iso(signal.occurred_at) if signal.occurred_at else None,
        "peer_id": signal.peer_id,
        "protocol": signal.protocol,
        "status": signal.status,
        "endpoint_id": signal.endpoint_id,
        "peer_ids": list(signal.peer_ids),
    }


def unmark(marked: Mapping[str, Any]) -> Signal:
    """Returns the signal in a look-again mark; one that cannot be read is still a reason to look."""
    found = read(lambda: shaped(Signal, {name: value for name, value in marked.items() if value is not None}))
    unknown = Signal(SignalKind.LOOK, "another signal came during a look")
    return unknown if isinstance(found, Damaged) else found


def why(decision: GroupDecision) -> str:
    """Returns why a group is held or moves, in words; where its addresses are held, why each of them is."""
    if decision.reasons:
        return sentences(decision.reasons, ENTRIES)
    texts = {address.subject: sentences(address.reasons, ENTRIES) for address in decision.held}
    if not any(address.code in UNDONE for address in decision.held):
        return "; ".join(f"{id_}: {text}" for id_, text in texts.items())
    same: dict[str, list[str]] = {}  # EC2 says the same of many
    for id_, text in texts.items():
        same.setdefault(text, []).append(id_)
    return "; ".join(f"{', '.join(ids)}: {text}" for text, ids in same.items())


def address_detail(address: AddressDecision) -> dict[str, Any]:
    """Returns one address's decision, as the audit record and the event show it."""
    return {
        "allocation_id": address.allocation_id,
        "public_ip": address.public_ip,
        "action": address.action,
        "from": _place(address.holder, address.holder_appliance),
        "to": _place(address.target, address.owner),
        "reason": sentences(address.reasons, ENTRIES),
        "code": address.code,
    }


def held_detail(decisions: Iterable[GroupDecision]) -> dict[str, list[dict[str, Any]]]:
    """Returns by group the addresses that a move leaves where they are, and why."""
    return {d.group: [_held(address_detail(a)) for a in d.held] for d in decisions if d.held}


def _held(address: Mapping[str, Any]) -> dict[str, Any]:
    return {name: address[name] for name in ("allocation_id", "public_ip", "from", "reason", "code")}


def gravest(*severities: str) -> Severity:
    """Returns the gravest; what is no severity counts as none."""
    known = [severity for severity in Severity if severity in severities]
    return known[-1] if known else Severity.INFO


def decision_detail(decision: GroupDecision) -> dict[str, Any]:
    """Returns one group's decision, as the audit record and the event show it."""
    shared = decision.main_reasons
    return {
        "action": decision.action,
        "owner": decision.owner,
        "reason": why(decision),
        "code": decision.code,
        "reasons": _facts(shared),
        "severity": decision.severity,
        "addresses": [_with_reasons(address, shared) for address in decision.addresses],
        "reports": [sentences([report], ENTRIES) for report in decision.reports],
        "report_reasons": _facts(decision.reports),
    }


def _with_reasons(address: AddressDecision, shared: tuple[Reason, ...]) -> dict[str, Any]:
    """Returns an address with its reasons, unless the group has the same: a bus takes 256 kB an event."""
    own = {} if address.reasons == shared else {"reasons": _facts(address.reasons)}
    return address_detail(address) | own


def _facts(reasons: Iterable[Reason]) -> list[dict[str, Any]]:
    return [one.as_dict() for one in reasons]


def pin_detail(pin: Pin, end: Reason | None, who: str) -> dict[str, Any]:
    """Returns a pin that `who` laid, or that ended, as the audit record and the event show it."""
    return {
        "change": "unpinned" if end else "pinned",
        "appliance": pin.appliance or None,
        "forced": pin.forced,
        "until": None if end else iso(pin.until),
        "who": who,
        "why": sentences([end], ENTRIES) if end else pin.why,
        "reasons": _facts([end] if end else []),
    }


def ended_detail(standing: Standing, at: datetime, by: EndedBy) -> dict[str, Any]:
    """Returns a hold that is over, as the audit record and the event show it."""
    return {
        "action": standing.action,
        "reason": standing.reason,
        "codes": {code: list(subjects) for code, subjects in standing.codes.items()},
        "changes": standing.changes,
        "severity": standing.severity or Severity.INFO,
        "began_at": iso(standing.since),
        "seconds": round(max(0.0, (at - standing.since).total_seconds()), 3),
        "ended_by": by,
    }


def finding_detail(finding: StandbyFinding) -> dict[str, Any]:
    """Returns what a rule found, as the audit record and the event show it."""
    instance = finding.instance
    return {
        "rule": finding.rule,
        "status": finding.change,
        "severity": finding.severity,
        "resource_id": instance[0] if instance else None,
        "summary": sentences([finding.why], ENTRIES),
        "remediation": " ".join(
            fill(line, finding.why, ENTRIES) for line in ENTRIES[finding.why.code].advice
        ),
        "reasons": _facts([finding.why]),
        "appliance": finding.name,
        "since": iso(finding.since),
        "sessions": [
            {
                "peer_id": p.peer_id,
                "endpoint_id": p.endpoint_id,
                "peer_address": p.peer_address,
                "state": p.state,
                "bgp": p.bgp,
                "bfd": p.bfd,
            }
            for p in finding.sessions
        ],
        "instance": {"instance_id": instance[0], "state": instance[1]} if instance else None,
    }


def body(
    kind: RecordKind, at: datetime, decision_id: str, topology: Topology, **fields: object
) -> dict[str, Any]:
    """Returns an audit record's body."""
    return {
        "kind": kind,
        "at": iso(at),
        "decision_id": decision_id,
        "topology": topology.name,
        "topology_version": topology.version,
        "mode": topology.mode,
        **fields,
    }


def decided_body(
    kind: RecordKind,
    at: datetime,
    decision_id: str,
    topology: Topology,
    decisions: Iterable[GroupDecision],
    basis: Basis,
    tell: Iterable[str],
    threads: Mapping[str, str],
    **more: object,
) -> dict[str, Any]:
    """Returns the body of an intent or a hold: what is about to be done, or held, and on what evidence."""
    open_ones = [d for d in decisions if d.action is not Action.NO_CHANGE]
    fields: dict[str, object] = {
        "signal": signal_detail(basis.signals),
        "groups": {d.group: decision_detail(d) for d in open_ones},
        "evidence": evidence(topology, basis.observation, basis.sessions),
        "threads": dict(threads),
        "tell": list(tell),
    }
    return body(kind, at, decision_id, topology, **(fields | more))


def outcome_body(
    at: datetime,
    decision_id: str,
    topology: Topology,
    outcome: str,
    stages: Stages,
    done: tuple[Moved, ...],
    **more: object,
) -> dict[str, Any]:
    """Returns the body of what became of an intent's moves."""
    addresses = [moved_detail(m, stages.received_at) for m in done]
    times = stages_detail(stages, done)
    fields: dict[str, object] = {"outcome": outcome, "addresses": addresses, "stages": times}
    return body(RecordKind.OUTCOME, at, decision_id, topology, **(fields | more))


def moved_detail(moved: Moved, began: datetime) -> dict[str, Any]:
    """Returns how one move ended; milliseconds count from the moment the signal was received."""
    move = moved.move
    refusal = moved.refusal
    return {
        "group": move.group,
        **_named(move),
        "from": _place(move.source, move.source_appliance),
        "to": _place(move.target, move.owner),
        "outcome": moved.outcome,
        "error": {"code": refusal.error, "message": _message(refusal)} if refusal else None,
        "reasons": _facts([moved.reason] if moved.reason else []),
        "associated_ms": _ms(moved.associated_at, began),
        "verified_ms": _ms(moved.verified_at, began),
    }


def _named(move: Move) -> dict[str, Any]:
    """Returns the members by which JSON names what moves; `subject_of` reads them."""
    match move.kind:
        case MoveKind.ADDRESS:
            return {"allocation_id": move.subject, "public_ip": move.public_ip}
        case _:
            assert_never(move.kind)


def subject_of(detail: Mapping[str, Any]) -> str:
    """Returns the ID of what an address's detail in a record or an event is about."""
    return str(detail["allocation_id"])


def _message(refusal: Refusal) -> str:
    """Returns what AWS said; of a move that Tandem did not begin, why."""
    return sentences([refusal.cause], ENTRIES) if refusal.cause else refusal.message


def stages_detail(stages: Stages, moved: tuple[Moved, ...]) -> dict[str, Any]:
    """Returns the time of every stage; associated and verified are the last address's."""
    associated = [m.associated_at for m in moved if m.associated_at]
    verified = [m.verified_at for m in moved if m.verified_at]
    whole = len(verified) == len(moved)
    return {
        "signal_at": iso(stages.signal_at) if stages.signal_at else None,
        "received_at": iso(stages.received_at),
        "leased_at": iso(stages.leased_at) if stages.leased_at else None,
        "observed_at": iso(stages.observed_at),
        "decided_at": iso(stages.decided_at),
        "associated_at": iso(max(associated)) if associated else None,
        "verified_at": iso(max(verified)) if whole and verified else None,
    }


def closing(
    intent: Record, found: Mapping[str, ElasticIp], topology: Topology, at: datetime
) -> dict[str, Any]:
    """Returns the outcome `unknown` of an intent whose writer died or stalls, with what the next look found.

    People are told of the groups that are where they were to go; of the others, what is decided now.
    """
    addresses = _intended(intent, found)
    kept = read(lambda: _kept(intent))
    held, severities = ({}, {}) if isinstance(kept, Damaged) else kept
    left = {a["group"] for a in addresses if a["outcome"] != Outcome.VERIFIED}
    began = str(intent.body.get("at"))
    asked_at = read(lambda: iso(utc(intent.body["signal"]["occurred_at"])))
    return body(
        RecordKind.OUTCOME,
        at,
        str(intent.body.get("decision_id")),
        topology,
        outcome=UNKNOWN_OUTCOME,
        found={allocation: _place(a.holder, None) for allocation, a in found.items()},
        reason=f"the look that wrote #{intent.number} did not finish; this one starts from what AWS shows",
        addresses=addresses,
        held=held,
        severities=severities,
        stages=dict.fromkeys(STAGES)
        | {"received_at": began, "observed_at": began, "decided_at": began, "verified_at": iso(at)}
        | ({} if isinstance(asked_at, Damaged) else {"signal_at": asked_at}),
        threads=intent.body.get("threads", {}),
        tell=sorted({a["group"] for a in addresses} - left),
    )


def _intended(intent: Record, found: Mapping[str, ElasticIp]) -> list[dict[str, Any]]:
    """Returns the moves of an intent, and which of them AWS shows; none where the record is damaged."""
    moves = read(lambda: _moves(intent, found))
    return [] if isinstance(moves, Damaged) else moves


def _kept(intent: Record) -> tuple[dict[str, list[dict[str, Any]]], dict[str, str]]:
    """Returns by group the addresses that an intent held, and its severity."""
    groups = intent.body["groups"]
    held = {
        group: [_held(a) for a in decision["addresses"] if a["action"] == Action.HOLD]
        for group, decision in groups.items()
    }
    return held, {group: str(decision["severity"]) for group, decision in groups.items()}


def _moves(intent: Record, found: Mapping[str, ElasticIp]) -> list[dict[str, Any]]:
    planned = [
        (group, address)
        for group, decision in intent.body["groups"].items()
        for address in decision["addresses"]
        if address["action"] == Action.MOVE
    ]
    return [
        {
            "group": group,
            **{name: address[name] for name in ("allocation_id", "public_ip", "from", "to")},
            "outcome": Outcome.VERIFIED if _is_at(found, address) else Outcome.UNVERIFIED,
            "error": None,
            "reasons": [],
            "associated_ms": None,
            "verified_ms": None,
        }
        for group, address in planned
    ]


def _is_at(found: Mapping[str, ElasticIp], address: Mapping[str, Any]) -> bool:
    shown, to = found.get(subject_of(address)), address["to"]
    return Target(to["network_interface"], to["private_ip"]).has(shown.holder if shown else None)


def _holder(holder: Holder | None, topology: Topology, observation: Observation) -> dict[str, Any] | None:
    at = appliance_at(holder.network_interface_id, topology, observation) if holder else None
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
