"""Every rule, in the order of the report: what predicts a failed failover first."""

from __future__ import annotations

from tandem.compliance.rules import installation, standby, targets, waivers

RULES = (*standby.RULES, *targets.RULES, *installation.RULES, *waivers.RULES)
