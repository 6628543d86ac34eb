"""What people are told: events made from audit records, so that none is lost with a look."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from tandem.audit import Head, RecordKind
from tandem.decoding import Damaged, read, utc
from tandem.events import DetailType, Event, event, iso
from tandem.failover.moves import Outcome


def events_of(told: Mapping[str, Any], head: Head | None) -> tuple[Event, ...]:
    """What people are told of an audit record's body: an event for each group or finding in its `tell`.

    None where somebody damaged the record. `head` is null while the record is not in the table yet.
    """
    make = _MAKERS.get(str(told.get("kind")), _decided)
    audit = head.as_dict() if head else None
    events = read(lambda: tuple(make(str(group), told, audit) for group in told.get("tell", ())))
    return () if isinstance(events, Damaged) else events


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
        **told["groups"][group],
    )


def _completed(group: str, told: Mapping[str, Any], audit: dict[str, Any] | None) -> Event:
    """`Failover Completed` where every move of the group is verified, else `Failover Failed`."""
    own = [a for a in told["addresses"] if a["group"] == group]
    addresses = [{name: a[name] for name in a if name != "group"} for a in own]
    whole = all(a["outcome"] == Outcome.VERIFIED for a in addresses)
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


_MAKERS: dict[str, Callable[[str, Mapping[str, Any], dict[str, Any] | None], Event]] = {
    RecordKind.OUTCOME: _completed,
    RecordKind.FINDING: _finding,
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
