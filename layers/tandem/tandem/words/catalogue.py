"""The words of every code in the package."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from tandem.reasons.reason import Reason
from tandem.words import compliance, failover_reasons, nminusone, problem_reasons, step_reasons
from tandem.words.render import Entries, Entry, fill

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
