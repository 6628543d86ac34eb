"""The words of every code in the package."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from tandem.words import failover_reasons, nminusone, problem_reasons, step_reasons
from tandem.words.render import Entries, Entry

FAMILIES: dict[str, Entries] = {
    "Failover": failover_reasons.ENTRIES,
    "Topology documents": problem_reasons.PROBLEM_ENTRIES,
    "Provisioning": step_reasons.STEP_ENTRIES,
    "What if": nminusone.ENTRIES,
}
"""Title in docs/reasons.md to the words of its codes."""

ENTRIES: Mapping[StrEnum, Entry] = {
    code: entry for words in FAMILIES.values() for code, entry in words.items()
}
