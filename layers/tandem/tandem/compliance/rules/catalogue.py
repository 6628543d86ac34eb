"""Every rule, in the order of the report: what predicts a failed failover first."""

from __future__ import annotations

from tandem.compliance.rules import installation, standby, waivers

FAST = (*standby.RULES, *installation.RULES)
"""Those that say whether the next failover would work: judged every five minutes."""

RULES = (*standby.RULES, *installation.RULES, *waivers.RULES)
