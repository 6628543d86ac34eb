"""The report of one compliance run, for machines and for people."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tandem.compliance.rule import Finding
from tandem.compliance.snapshot import Snapshot
from tandem.events import iso


def as_dict(snapshot: Snapshot, findings: Sequence[Finding]) -> dict[str, Any]:
    """Returns the report as JSON values."""
    return {
        "report_version": 1,
        "topology": snapshot.topology.name,
        "taken_at": iso(snapshot.taken_at),
        "findings": [
            {
                "rule": str(f.rule.id),
                "severity": str(f.rule.severity),
                "resource": f.result.resource,
                "verdict": str(f.result.verdict),
                "reason": f.result.reason.as_dict(),
                "place": f.result.place,
            }
            for f in findings
        ],
    }
