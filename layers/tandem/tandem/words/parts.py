"""Writes what the messages have in common: places, addresses, times, the foot with the audit head."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from tandem.events import iso, parse_iso

LISTED = 25
"""Addresses in a text; the detail beside it has them all."""

Detail = Mapping[str, Any]

_STAGES = {
    "signal_at": "the event",
    "received_at": "received",
    "leased_at": "lease",
    "observed_at": "AWS read",
    "decided_at": "decided",
    "associated_at": "associated",
    "verified_at": "verified",
}


@dataclass(frozen=True, slots=True)
class Said:
    """Holds what there is to say of one event."""

    subject: str
    lines: list[str]
    severity: str
    action: str | None = None


def where(detail: Detail) -> str:
    group = detail.get("group")
    return f"{group} (topology {detail['topology']})" if group else f"topology {detail['topology']}"


def counted(addresses: list[Detail]) -> str:
    return f"{len(addresses)} Elastic IP" + ("" if len(addresses) == 1 else "s")


def sentence(text: str) -> str:
    return text if text.endswith((".", "!", "?")) else f"{text}."


def is_command(line: str) -> bool:
    """Returns True for a line of advice that is a command for a shell, not prose."""
    return line.startswith(("aws ", "tandem "))


def steps(lines: Iterable[str]) -> list[str]:
    """Returns advice with each command in a line of its own, and the prose between them in one line."""
    made: list[str] = []
    for line in lines:
        if made and not is_command(line) and not is_command(made[-1]):
            made[-1] += f" {line}"
        else:
            made.append(line)
    return made


def address(detail: Detail) -> str:
    return f"{detail['public_ip'] or 'an address that AWS does not know'} ({detail['allocation_id']})"


def place(detail: Detail | None) -> str:
    if detail is None:
        return "nobody"
    appliance = detail["appliance"] or "no declared appliance"
    return f"{appliance} ({detail['network_interface']} {detail['private_ip']})"


def listed(lines: Iterable[str]) -> list[str]:
    """Indented, and no more than a person reads."""
    every = list(lines)
    left = len(every) - LISTED
    return [f"  {line}" for line in every[:LISTED]] + ([f"  and {left} more"] if left > 0 else [])


def when(text: str) -> str:
    """`2026-11-21 03:58:31.123 UTC`."""
    return f"{iso(parse_iso(text)).replace('T', ' ').removesuffix('Z')} UTC"


def seconds(begin: str | None, end: str | None) -> float | None:
    if begin is None or end is None:
        return None
    return (parse_iso(end) - parse_iso(begin)).total_seconds()


def times(stages: Detail) -> list[str]:
    """Returns how long each stage took; one that was not reached is left out."""
    reached = [(words, stages[name]) for name, words in _STAGES.items() if stages[name]]
    steps = [f"{word} {seconds(before, after):+.3f} s" for (_, before), (word, after) in pairwise(reached)]
    first, last = reached[0], reached[-1]
    whole = f"{seconds(first[1], last[1]):.3f} s in all"
    return [f"Times: {first[0]} {when(first[1])}, {', '.join([*steps, whole])}."]


def foot(detail: Detail, verb: str) -> list[str]:
    """When, which decision, and the head of the audit sequence: a rewrite or a cut shows against it."""
    told = f"{verb} at {when(detail['occurred_at'])}"
    if "decision_id" in detail:
        told += f", decision {detail['decision_id']}"
    audit = detail.get("audit")
    if audit:
        return [f"{told}.", f"Audit: {audit['sequence']}, record {audit['number']}, hash {audit['hash']}."]
    late = ["Audit: the record follows when the audit table answers again."] if "audit" in detail else []
    return [f"{told}.", *late]
