"""The words of every code in the package."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from tandem.reasons.reason import Reason
from tandem.words import compliance, failover_reasons, nminusone, problem_reasons, step_reasons
from tandem.words.render import Entries, Entry, fill, render

FAMILIES: dict[str, Entries] = {
    "Failover": failover_reasons.ENTRIES,
    "Topology documents": problem_reasons.PROBLEM_ENTRIES,
    "Provisioning": step_reasons.STEP_ENTRIES,
    "Compliance": {**compliance.RULE_ENTRIES, **compliance.CHECK_ENTRIES},
    "What if": nminusone.ENTRIES,
}
"""Title in docs/reasons.md to the words of its codes."""

ENTRIES: Mapping[StrEnum, Entry] = {
    code: entry for words in FAMILIES.values() for code, entry in words.items()
}


def what_to_do(reason: Reason) -> tuple[str, ...]:
    """Returns what to do about a reason, line by line; nothing for a code that only another version knows."""
    entry = next((entry for code, entry in ENTRIES.items() if code == reason.code), None)
    return tuple(fill(line, reason, ENTRIES) for line in entry.advice) if entry else ()


def sentence_at(place: str | None, why: Reason) -> str:
    """Returns the sentence of a reason that has a place in the topology document.

    The sentence of a problem of a document may go on from its place: `is 65010, but AWS shows 65000`.
    """
    problem = problem_reasons.PROBLEM_ENTRIES.get(why.code)
    goes_on = problem is not None and not problem.text.startswith("{")
    return f"{place}: {render(why, ENTRIES)}" if place and goes_on else render(why, ENTRIES)
