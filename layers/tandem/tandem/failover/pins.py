"""Records and notifies pins that an operator laid or lifted, once. A pause is notified as a hold."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from tandem.events import iso
from tandem.failover.run import Progress, Run
from tandem.failover.telling import pin_detail
from tandem.reasons.failover import PinCode
from tandem.reasons.reason import Reason, reason
from tandem.state.decoding import utc
from tandem.state.memory import Pin
from tandem.state.override import Override, OverrideKind

_SOMEBODY = "somebody"
"""Who lifted a pin: the record that would say it is gone."""


def record_pins(run: Run, progress: Progress) -> Progress:
    """Records and notifies which pins changed since the last look. A look without time left leaves it."""
    now, memory = run.world.clock.now(), progress.memory
    pins = effective_pins(progress.observation.overrides, now)
    changes = pin_changes(memory.pins, pins, now)
    if not changes or run.is_late():
        return progress
    if memory.told is None:  # else nobody would notify of the record if this look dies
        run.fence(memory)
    run.trail.overrides(progress.decision_id, changes)
    run.trail.notify()
    return replace(progress, memory=replace(memory, pins=pins))


def effective_pins(overrides: Iterable[Override], now: datetime) -> dict[str, Pin]:
    """Returns the pins by group; that of the whole topology has no name."""
    return {
        o.group or "": Pin(
            o.appliance or "", o.forced, o.who, o.why, utc(iso(o.until))
        )  # as the audit trail has it
        for o in overrides
        if o.kind is OverrideKind.PINNED and now < o.until
    }


def pin_changes(
    known: Mapping[str, Pin], pins: Mapping[str, Pin], now: datetime
) -> dict[str, dict[str, Any]]:
    """Returns by group what is new of each pin, as the audit record and the event show it."""
    laid = {group: pin_detail(pin, None, pin.who) for group, pin in pins.items() if known.get(group) != pin}
    lifted = {
        group: pin_detail(pin, _end(group, pin, now), pin.who if pin.until <= now else _SOMEBODY)
        for group, pin in known.items()
        if group not in pins
    }
    return laid | lifted


def _end(group: str, pin: Pin, now: datetime) -> Reason:
    """Returns why a pin is no longer in force."""
    if pin.until <= now:
        return reason(PinCode.PIN_EXPIRED, group, why=pin.why)
    return reason(PinCode.PIN_REMOVED, group, who=pin.who, why=pin.why)
