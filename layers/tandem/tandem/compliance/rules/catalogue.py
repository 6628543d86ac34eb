"""Every rule, in the order of the report: what predicts a failed failover first."""

from __future__ import annotations

from tandem.compliance.rules import (
    declared,
    failback,
    installation,
    ownership,
    standby,
    symmetry,
    targets,
    waivers,
)

RULES = (
    *standby.RULES,
    *targets.RULES,
    *installation.RULES,
    *symmetry.RULES,
    *ownership.RULES,
    *declared.RULES,
    *failback.RULES,
    *waivers.RULES,
)
