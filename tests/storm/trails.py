"""Describes what the audit trail must show after a storm: every intent closed, its moves declared and
damped.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from tandem.audit import RecordKind
from tandem.events import parse_iso
from tandem.failover.moves import Outcome
from tandem.state.memory import DAMPING_FIRST_SECONDS, DAMPING_MOST_SECONDS, FLAP_WINDOW
from tandem.topology.document import Mode, Topology
from tests.storm.witness import Body, moving


def of_kind(bodies: Sequence[Body], kind: RecordKind) -> list[Body]:
    return [body for body in bodies if body["kind"] == kind]


def closed(bodies: Sequence[Body], stalled: Collection[str]) -> None:
    """Each intent is there once, and so is its outcome.

    Where its calls `stalled` on the wire, it was closed as unknown before it told what became of them.
    """
    intents = [b["decision_id"] for b in of_kind(bodies, RecordKind.INTENT)]
    assert len(set(intents)) == len(intents)
    ends: dict[str, list[str]] = {name: [] for name in intents}
    for outcome in of_kind(bodies, RecordKind.OUTCOME):
        ends[outcome["decision_id"]].append(outcome["outcome"])
    for name, end in ends.items():
        assert len(end) == 1 or (name in stalled and end[0] == "unknown" and len(end) == 2), (name, end)


def declared(intents: Sequence[Body], documents: Mapping[int, Topology]) -> None:
    """Each move was of the document in force at the time, away from an appliance or from nobody."""
    for intent in intents:
        topology = documents[intent["topology_version"]]
        assert topology.mode is Mode.ENFORCE
        specs = {spec.allocation_id: spec for group in topology.groups for spec in group.elastic_ips}
        for address in (a for group in intent["groups"].values() for a in moving(group)):
            to = address["to"]
            target = specs[address["allocation_id"]].targets[to["appliance"]]
            place = (to["network_interface"], to["private_ip"])
            assert place == (target.network_interface_id, target.private_ip)
            assert address["from"] is None or address["from"]["appliance"] in topology.appliances


@dataclass
class _Past:
    """The moves of one Elastic IP so far, and whether EC2 showed it where the last one took it."""

    moves: list[tuple[str, datetime]] = field(default_factory=list)
    is_verified: bool = True

    def may_finish(self, owner: str) -> bool:
        return bool(self.moves) and self.moves[-1][0] == owner and not self.is_verified


def damped(
    bodies: Sequence[Body],
    documents: Mapping[int, Topology],
    *,
    slack: timedelta,
    unkept: Collection[str],
    arrived: Collection[tuple[str, str]],
) -> int:
    """A move away from a live holder waits 5 s after the address's last one, doubling while the owner flaps.

    Who is alive is read from the evidence. Finishing a move waits for nothing, putting right what EC2 showed
    in its place does. `slack` is how far apart clocks were; `unkept` are decisions whose end may not have
    been remembered; `arrived` are the addresses of decisions whose calls came to EC2, so that they were
    remembered before. How many moves had to wait.
    """
    outcomes = {b["decision_id"]: b for b in of_kind(bodies, RecordKind.OUTCOME)}
    addresses: dict[str, _Past] = {}
    waited = 0
    for intent in of_kind(bodies, RecordKind.INTENT):
        if "late" in intent:
            continue
        decision_id, at = intent["decision_id"], parse_iso(intent["at"])
        for group in intent["groups"].values():
            for address in moving(group):
                past = addresses.setdefault(address["allocation_id"], _Past())
                if _has_to_wait(past, address) and _is_alive(address, intent, documents):
                    waited += 1
                    assert at - past.moves[-1][1] >= _wait(past, slack) - slack, (past.moves[-1], intent)
            ended = _ended(moving(group), outcomes[decision_id])
            is_known = outcomes[decision_id]["outcome"] != "unknown"
            is_taken = any(outcome in TAKEN for outcome in ended.values())
            for address in moving(group):
                name = address["allocation_id"]
                if is_taken if is_known else (decision_id, name) in arrived:
                    is_verified = ended.get(name) == Outcome.VERIFIED and decision_id not in unkept
                    _remember(addresses[name], address["to"]["appliance"], at, is_verified=is_verified)
    return waited


TAKEN = (Outcome.VERIFIED, Outcome.UNVERIFIED)


def _has_to_wait(past: _Past, address: Body) -> bool:
    owner = address["to"]["appliance"]
    if not past.moves or past.may_finish(owner):
        return False
    is_within = address["from"] is not None and address["from"]["appliance"] == owner
    return not is_within or past.moves[-1][0] == owner


def _is_alive(address: Body, intent: Body, documents: Mapping[int, Topology]) -> bool:
    """Returns True if the evidence shows a holder with a session, on an instance that runs."""
    name = address["from"] and address["from"]["appliance"]
    if name is None:
        return False
    evidence = intent["evidence"]
    instance = documents[intent["topology_version"]].appliances[name].instance_id
    runs = evidence["instances"] is None or evidence["instances"].get(instance) == "running"
    return runs and any(session["bgp"] == "up" for session in evidence["sessions"][name].values())


def _wait(past: _Past, slack: timedelta) -> timedelta:
    times = [at for _, at in past.moves]
    run = 1
    while run < len(times) and times[-run] - times[-run - 1] < FLAP_WINDOW - slack:
        run += 1
    return timedelta(seconds=min(DAMPING_MOST_SECONDS, DAMPING_FIRST_SECONDS * 2 ** (run - 1)))


def _ended(addresses: Sequence[Body], outcome: Body) -> dict[str, str]:
    ids = {address["allocation_id"] for address in addresses}
    rows = outcome.get("addresses", ())
    return {a["allocation_id"]: a["outcome"] for a in rows if a["allocation_id"] in ids}


def _remember(past: _Past, owner: str, at: datetime, *, is_verified: bool) -> None:
    if past.may_finish(owner):
        past.moves.pop()
    past.moves.append((owner, at))
    past.is_verified = is_verified


def counted(bodies: Sequence[Body]) -> dict[str, Any]:
    """Returns how much of what matters there was."""
    outcomes = of_kind(bodies, RecordKind.OUTCOME)
    moved = [a for o in outcomes for a in o.get("addresses", ())]
    return {
        "intents": len(of_kind(bodies, RecordKind.INTENT)),
        "moved and verified": sum(a["outcome"] == Outcome.VERIFIED for a in moved),
        "intents closed by another look": sum(o["outcome"] == "unknown" for o in outcomes),
        "late records": sum("late" in body for body in bodies),
    }
