"""What people are told: events made from audit records, so that none is lost with a look."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from tandem.audit import Head, RecordKind
from tandem.events import DetailType, Event, event, iso
from tandem.failover import telling
from tandem.failover.moves import Outcome
from tandem.state.decoding import Damaged, read, utc

Untold = tuple[Head, Mapping[str, Any]]
"""A record of which people are still to be told."""


def events_of(told: Mapping[str, Any], head: Head | None) -> tuple[Event, ...]:
    """Returns what people are notified of an audit record's body: an event for each group or finding in its
    `tell`. `audit` is null in them while the record is not in the table yet.

    What this raises for a body that Tandem has just made is a bug; for one from the table see `damage_of`.
    """
    kind = _KINDS.get(str(told.get("kind")))
    if kind is None:
        raise ValueError(f"this version knows no records of kind {told.get('kind')!r}")
    audit = head.as_dict() if head and head.number else None
    return tuple(kind.make(str(group), told, audit) for group in told.get("tell", ()))


def damage_of(told: Mapping[str, Any], head: Head) -> str | None:
    """Returns why a body that was read from the table cannot be notified; None if it can."""
    found = read(lambda: (events_of(told, head), _is_same_try(told, told) and _merged([told])))
    return found.why if isinstance(found, Damaged) else None


def lasts(told: Mapping[str, Any]) -> bool:
    """Returns True if a later look still notifies of such a record; also of a kind that is not known."""
    kind = _KINDS.get(str(told.get("kind")))
    return kind is None or kind.lasts


@dataclass(frozen=True, slots=True)
class Gathered:
    """Records that make one message for each group."""

    head: Head
    body: Mapping[str, Any]
    heads: tuple[Head, ...]


def gathered(first: Untold, untold: Sequence[Untold]) -> Gathered:
    """Returns the record alone; outcomes of one look with those that follow it: a second try's message has
    what the first one moved.
    """
    own = [entry for entry in untold if _is_same_try(first[1], entry[1])]
    if len(own) < 2:
        return Gathered(*first, (first[0],))
    return Gathered(own[-1][0], _merged([body for _, body in own]), tuple(head for head, _ in own))


def _is_same_try(first: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """True for two outcomes of the same groups, to the same appliances, in the same threads. Those of older
    versions have no threads.
    """
    if not first.get("kind") == other.get("kind") == RecordKind.OUTCOME:
        return False
    return bool(first.get("threads") and other.get("threads")) and _key(first) == _key(other)


def _key(body: Mapping[str, Any]) -> object:
    owners = {(a["group"], a["to"]["appliance"]) for a in body["addresses"] if a["group"] in body["tell"]}
    return sorted(owners), {group: body["threads"].get(group) for group in body["tell"]}


def _merged(bodies: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The last body with every address, as it was left, and times that count from the first body's."""
    began = utc(bodies[0]["stages"]["received_at"])
    addresses: dict[str, dict[str, Any]] = {}
    for body in bodies:
        later = round((utc(body["stages"]["received_at"]) - began).total_seconds() * 1000)
        for a in body["addresses"]:
            ms = {n: a[n] + later for n in ("associated_ms", "verified_ms") if a[n] is not None}
            addresses[telling.subject_of(a)] = {**a, **ms}
    every = [body.get("severities", {}) for body in bodies]
    groups = dict.fromkeys(group for severities in every for group in severities)
    gravest = {group: telling.gravest(*(s[group] for s in every if group in s)) for group in groups}
    asked = {name: bodies[0]["stages"][name] for name in ("signal_at", "received_at", "leased_at")}
    return {
        **bodies[-1],
        "addresses": list(addresses.values()),
        "severities": gravest,
        "stages": bodies[-1]["stages"] | asked,
    }


def _decided(group: str, told: Mapping[str, Any], audit: dict[str, Any] | None) -> Event:
    """`Failover Decision`: a move or a hold began."""
    return event(
        DetailType.FAILOVER_DECISION,
        topology=told["topology"],
        group=group,
        occurred_at=utc(told["at"]),
        decision_id=told["decision_id"],
        mode=told["mode"],
        signal=told["signal"],
        audit=audit,
        **_thread(group, told),
        **_seen(group, told),
        **told["groups"][group],
    )


def _thread(group: str, told: Mapping[str, Any]) -> dict[str, str]:
    """The decision with which began what this is about; records of older versions have none."""
    thread = told.get("threads", {}).get(group)
    return {"thread": thread} if thread else {}


def _seen(group: str, told: Mapping[str, Any]) -> dict[str, Any]:
    """Of a hold: since when, and what AWS shows of every appliance's sessions and instance."""
    since = told.get("since", {}).get(group)
    if since is None:
        return {}
    shown, instances = told["evidence"]["sessions"], told["evidence"].get("instances")
    sessions = [
        {"appliance": name, "peer_id": peer, **session}
        for name, peers in shown.items()
        for peer, session in peers.items()
    ]
    states = None if instances is None else [{"instance_id": i, "state": s} for i, s in instances.items()]
    return {"since": since, "appliances": list(shown), "sessions": sessions, "instances": states}


def _hold_ended(group: str, told: Mapping[str, Any], audit: dict[str, Any] | None) -> Event:
    """`Hold Ended`: a group is not held any more."""
    return event(
        DetailType.HOLD_ENDED,
        topology=told["topology"],
        group=group,
        occurred_at=utc(told["at"]),
        decision_id=told["decision_id"],
        mode=told["mode"],
        audit=audit,
        **_thread(group, told),
        **told["ended"][group],
    )


def _completed(group: str, told: Mapping[str, Any], audit: dict[str, Any] | None) -> Event:
    """`Failover Completed` where every move of the group is verified, else `Failover Failed`."""
    own = [a for a in told["addresses"] if a["group"] == group]
    addresses = [{name: a[name] for name in a if name != "group"} for a in own]
    whole = all(a["outcome"] == Outcome.VERIFIED for a in addresses)
    severity, held = told.get("severities", {}).get(group), told.get("held", {}).get(group)
    return event(
        DetailType.FAILOVER_COMPLETED if whole else DetailType.FAILOVER_FAILED,
        topology=told["topology"],
        group=group,
        occurred_at=utc(told["at"]),
        decision_id=told["decision_id"],
        owner=addresses[0]["to"]["appliance"],
        addresses=addresses,
        stages=_stages_of(told["stages"], addresses),
        audit=audit,
        **({"severity": severity} if severity else {}),
        **({"held": held} if held else {}),
        **_thread(group, told),
    )


def _finding(key: str, told: Mapping[str, Any], audit: dict[str, Any] | None) -> Event:
    """`Compliance Finding`: a rule's result changed."""
    return event(
        DetailType.COMPLIANCE_FINDING,
        topology=told["topology"],
        occurred_at=utc(told["at"]),
        audit=audit,
        **told["findings"][key],
    )


def _override(group: str, told: Mapping[str, Any], audit: dict[str, Any] | None) -> Event:
    """`Override Changed`: an operator pinned or unpinned."""
    return event(
        DetailType.OVERRIDE_CHANGED,
        topology=told["topology"],
        group=group or None,
        occurred_at=utc(told["at"]),
        audit=audit,
        **told["overrides"][group],
    )


@dataclass(frozen=True, slots=True)
class _Kind:
    """How records of a kind are notified."""

    make: Callable[[str, Mapping[str, Any], dict[str, Any] | None], Event]
    lasts: bool = True
    """False for what has to be notified by its own look or never."""


_KINDS: dict[str, _Kind] = {
    RecordKind.INTENT: _Kind(_decided, lasts=False),  # its outcome is notified instead
    RecordKind.OUTCOME: _Kind(_completed),
    RecordKind.HOLD: _Kind(_decided),
    RecordKind.HOLD_ENDED: _Kind(_hold_ended),
    RecordKind.FINDING: _Kind(_finding),
    RecordKind.OVERRIDE: _Kind(_override),
}


def _stages_of(stages: Mapping[str, Any], addresses: list[dict[str, Any]]) -> dict[str, Any]:
    """A look's stages as one group reached them."""
    received = utc(stages["received_at"])
    associated = [a["associated_ms"] for a in addresses if a["associated_ms"] is not None]
    verified = [a["verified_ms"] for a in addresses if a["verified_ms"] is not None]
    own = dict(stages)
    if associated:
        own["associated_at"] = iso(received + timedelta(milliseconds=max(associated)))
    if len(verified) == len(addresses):
        own["verified_at"] = iso(received + timedelta(milliseconds=max(verified)))
    return own
