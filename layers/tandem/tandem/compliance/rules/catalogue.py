"""Every rule, in the order of the report: what predicts a failed failover first."""

from __future__ import annotations

from tandem.compliance.rules import (
    filters,
    installation,
    limits,
    liveness,
    sessions,
    standby,
    upkeep,
    waivers,
)

RULES = (
    *standby.RULES,
    *installation.RULES,
    *sessions.RULES,
    *liveness.RULES,
    *filters.RULES,
    *limits.RULES,
    *upkeep.RULES,
    *waivers.RULES,
)
