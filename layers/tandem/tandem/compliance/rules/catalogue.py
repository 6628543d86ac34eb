"""Every rule, in the order of the report: what predicts a failed failover first."""

from __future__ import annotations

from tandem.compliance.rules import (
    filters,
    installation,
    limits,
    sessions,
    standby,
    survival,
    upkeep,
    waivers,
)

FAST = (*standby.RULES, *survival.RULES, *installation.RULES, *sessions.RULES, *filters.RULES)
"""Those that say whether the next failover would work: judged every five minutes."""

RULES = (*FAST, *limits.RULES, *upkeep.RULES, *waivers.RULES)
