"""Pins that an operator laid or lifted, told once. A pause is told as the hold that it is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from tandem.events import iso
from tandem.failover.run import Run
from tandem.memory import Pin
from tandem.model import Observation
from tandem.override import Override, OverrideKind

SOMEBODY = "somebody"
"""Who lifted a pin: the record that would say it is gone."""


def tell(run: Run, observation: Observation) -> None:
    """Records and tells which pins changed since the last look. A look without time left leaves it."""
    now = run.world.clock.now()
    pins = in_force(observation.overrides, now)
    changes = changed(run.memory.pins, pins, now)
    if not changes or run.is_late():
        return
    run.trail.overrides(run.decision_id, changes)
    run.memory = replace(run.memory, pins=pins)
    run.trail.tell()


def in_force(overrides: Iterable[Override], now: datetime) -> dict[str, Pin]:
    """The pins by group; that of the whole topology has no name."""
    return {
        o.group or "": Pin(o.appliance or "", o.forced, o.who, o.why, o.until)
        for o in overrides
        if o.kind is OverrideKind.PINNED and now < o.until
    }


def changed(known: Mapping[str, Pin], pins: Mapping[str, Pin], now: datetime) -> dict[str, dict[str, Any]]:
    """By group, what is new of each pin, as the audit record and the event show it."""
    laid = {
        group: {
            "change": "pinned",
            "appliance": pin.appliance or None,
            "forced": pin.forced,
            "until": iso(pin.until),
            "who": pin.who,
            "why": pin.why,
        }
        for group, pin in pins.items()
        if known.get(group) != pin
    }
    lifted = {
        group: {
            "change": "unpinned",
            "appliance": pin.appliance or None,
            "forced": pin.forced,
            "until": None,
            "who": pin.who if pin.until <= now else SOMEBODY,
            "why": _why(pin, now),
        }
        for group, pin in known.items()
        if group not in pins
    }
    return laid | lifted


def _why(pin: Pin, now: datetime) -> str:
    if pin.until <= now:
        return f"the pin expired ({pin.why})"
    return f"somebody deleted or replaced the pin of {pin.who} ({pin.why})"
