"""Every rule, in the order of the report: what predicts a failed failover first."""

from __future__ import annotations

from tandem.compliance.rules import (
    declared,
    failback,
    filters,
    installation,
    limits,
    liveness,
    ownership,
    sessions,
    standby,
    survival,
    symmetry,
    targets,
    upkeep,
    waivers,
)

FAST = (
    *standby.RULES,
    *targets.RULES,
    *survival.RULES,
    *installation.RULES,
    *sessions.RULES,
    *liveness.RULES,
    *filters.RULES,
)
"""Those that say whether the next failover would work: judged every five minutes."""

RULES = (
    *FAST,
    *symmetry.RULES,
    *ownership.RULES,
    *declared.RULES,
    *limits.RULES,
    *upkeep.RULES,
    *failback.RULES,
    *waivers.RULES,
)
