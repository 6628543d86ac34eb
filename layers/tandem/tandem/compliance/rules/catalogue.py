"""Every rule, in the order of the report: what predicts a failed failover first."""

from __future__ import annotations

from tandem.compliance.rules import installation, standby, survival, waivers

FAST = (*standby.RULES, *survival.RULES, *installation.RULES)
"""Those that say whether the next failover would work: judged every five minutes."""

RULES = (*standby.RULES, *survival.RULES, *installation.RULES, *waivers.RULES)
