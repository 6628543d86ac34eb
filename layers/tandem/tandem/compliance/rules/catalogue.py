"""Every rule, in the order of the report: what predicts a failed failover first."""

from __future__ import annotations

from tandem.compliance.rule import RuleSeverity
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
from tandem.reasons.compliance import RuleId

_FAILOVER = (
    *standby.RULES,
    *targets.RULES,
    *survival.RULES,
    *installation.RULES,
    *sessions.RULES,
    *liveness.RULES,
    *filters.RULES,
)
"""Those that say whether the next failover would work."""

RULES = (
    *_FAILOVER,
    *symmetry.RULES,
    *ownership.RULES,
    *declared.RULES,
    *limits.RULES,
    *upkeep.RULES,
    *failback.RULES,
    *waivers.RULES,
)

_ALSO_FAST = frozenset({RuleId.WATCHED_RECENTLY, RuleId.NO_DEAD_LETTERS})
"""Without them nobody would hear in time that Tandem itself does not work."""

FAST = tuple(
    rule
    for rule in RULES
    if rule in _FAILOVER or rule.severity is RuleSeverity.CRITICAL or rule.id in _ALSO_FAST
)
"""Those that are judged every five minutes: none of them needs a call that only the daily run makes."""
