"""Reads what the lever ``fault`` is told."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from botocore.session import get_session

from lab.ec2.errors import LeverError
from lab.ec2.faults import LAGGING, LONGEST_BREAK_S, FaultBook

MOST = 1_000_000_000
"""Of seconds, 31 years: a timer takes them."""

_NUMBERS = {"latency_s", "count", "rate", "lag_s", "break_s"}
_KNOWN = {*_NUMBERS, "error", "throttle", "lost_answer"}


def checked_fault(faults: FaultBook, action: str, trouble: Mapping[str, Any]) -> dict[str, Any]:
    """The changes for FaultBook.change; raises LeverError for the unknown and the impossible."""
    where = f"fault {action!r}"
    if action != "*" and action not in _actions():
        raise LeverError(f"{where}: EC2 has no such action; give e.g. AssociateAddress, or * for all")
    given = {name: value for name, value in trouble.items() if value is not None}
    unknown = set(given) - _KNOWN
    if unknown or not given:
        raise LeverError(f"{where}: {sorted(unknown) or 'nothing'} given; give one of {sorted(_KNOWN)}")
    changes: dict[str, Any] = {
        name: number(where, name, value) for name, value in given.items() if name in _NUMBERS
    }
    if changes.get("lag_s") and action not in LAGGING:
        raise LeverError(f"{where}: this read cannot lag; those that can: {', '.join(LAGGING)}")
    if changes.get("break_s", 0) > LONGEST_BREAK_S:
        raise LeverError(f"{where}: break_s {changes['break_s']} is too long; at most {LONGEST_BREAK_S:g}")
    if changes.get("rate", 0) > 1:
        raise LeverError(f"{where}: rate {changes['rate']} is no share; give 0 to 1")
    if "lost_answer" in given:
        changes["lost_answer"] = _yes_or_no(where, "lost_answer", given["lost_answer"])
    if "error" in given:
        changes["error"] = str(given["error"])
    if "throttle" in given:
        changes["bucket"] = _bucket(faults, where, action, given["throttle"])
    return changes


def _bucket(faults: FaultBook, where: str, action: str, wanted: Any) -> object:
    if not isinstance(wanted, Mapping) or set(wanted) != {"capacity", "refill"}:
        raise LeverError(f"{where}: throttle {wanted!r}; give {{capacity: 50, refill: 5}}")
    capacity = number(where, "throttle.capacity", wanted["capacity"])
    return faults.throttle(action, capacity, number(where, "throttle.refill", wanted["refill"]))


def number(where: str, name: str, value: Any) -> float:
    """A number of 0 or more, as JSON brought it."""
    # written so that a NaN is refused too
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= MOST:
        raise LeverError(f"{where}: {name} {value!r} is no number of 0 or more, up to {MOST:,}")
    return int(value) if name == "count" else float(value)


def _yes_or_no(where: str, name: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise LeverError(f"{where}: {name} {value!r}; give true or false")
    return value


def _actions() -> set[str]:
    return {*get_session().get_service_model("ec2").operation_names, "LookupEvents"}
