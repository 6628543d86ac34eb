"""The lease in a record of the state table, as stores and careless hands have written it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, cast

from botocore.exceptions import ClientError

from tandem.state.decoding import Damaged, json_of, ms_time, number, read, text
from tandem.state.lease import ABSURD, is_absurd, is_over


def record_in(error: ClientError) -> dict[str, Any]:
    """Returns the record that a failed condition brought along (ReturnValuesOnConditionCheckFailure,
    docs/aws-facts.md#conditional-writes).
    """
    return dict(cast(Mapping[str, Any], error.response).get("Item", {}))


def ms(moment: datetime) -> dict[str, str]:
    return {"N": str(int(moment.timestamp() * 1000))}


def still(held: Mapping[str, Any] | None) -> tuple[str, dict[str, Any]]:
    """Returns the condition that the lease is the one that was seen, or that there is none; and its
    values.
    """
    if held is None:
        return "attribute_not_exists(lease_until) AND attribute_not_exists(lease_owner)", {}
    if "lease_until" in held:
        return "lease_until = :seen", {":seen": held["lease_until"]}
    return "attribute_not_exists(lease_until)", {}


def may_be_taken(record: Mapping[str, Any], owner: str, now: datetime) -> bool:
    """Returns True if its lease is this owner's own, is over (clocks are up to 5 s apart) or is damaged."""
    is_own = record.get("lease_owner") == {"S": owner}
    return is_own or lease_damage(record, now) is not None or is_over(ms_time(record, "lease_until"), now)


def lease_damage(record: Mapping[str, Any], now: datetime) -> str | None:
    """Returns what no look can have written of a lease: such a one never began."""
    until = read(lambda: ms_time(record, "lease_until"))
    if isinstance(until, Damaged):
        return "the end of its lease is not a valid time; it was taken over"
    if is_absurd(until, now):
        return f"its lease was to last until {until:%Y-%m-%d}; it was taken over"
    owner = read(lambda: text(record, "lease_owner"))
    return "its lease has no owner; it was taken over" if isinstance(owner, Damaged) else None


def epoch(record: Mapping[str, Any], now: datetime) -> int | None:
    """Returns the epoch; None where no look can have counted so far, or none at all."""
    found = read(lambda: number(record, "epoch"))
    most = int(ms(now + ABSURD)["N"])
    return None if isinstance(found, Damaged) or found > most else found


def signal(entry: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Returns a signal in a look-again mark; None where it is damaged."""
    found = read(lambda: json_of({"signal": entry}, "signal"))
    return found if isinstance(found, dict) else None
