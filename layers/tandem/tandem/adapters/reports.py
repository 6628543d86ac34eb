"""The bucket of compliance reports: one object a run, dated, and the latest one under a name that stays."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from tandem.adapters import clients
from tandem.adapters.calls import called
from tandem.compliance.report import predicted, report
from tandem.compliance.rule import Finding
from tandem.compliance.snapshot import Snapshot

CURRENT, DATED = "compliance", "dated"
"""Keys begin so: what is dated expires after `ReportDays`."""


@dataclass(frozen=True, slots=True)
class ReportBucket:
    """Keys are `dated/TOPOLOGY/2026/11/21/030000Z.json`, and `compliance/TOPOLOGY/latest.json`."""

    bucket: str

    def put(self, snapshot: Snapshot, findings: Sequence[Finding]) -> None:
        """Writes the report as JSON and as a page. Raises CallFailedError, TemporaryError."""
        name, at = snapshot.topology.name, snapshot.taken_at
        made = report(snapshot, findings, failures=predicted(snapshot))
        body, page = json.dumps(made.as_dict(), ensure_ascii=False, indent=1), made.html()
        for key in (f"{DATED}/{name}/{at:%Y/%m/%d/%H%M%SZ}", f"{CURRENT}/{name}/latest"):
            self._put(f"{key}.json", body, "application/json")
            self._put(f"{key}.html", page, "text/html")

    def _put(self, key: str, body: str, kind: str) -> None:
        called(
            f"s3://{self.bucket}/{key}",
            lambda: clients.s3().put_object(
                Bucket=self.bucket, Key=key, Body=body.encode(), ContentType=f"{kind}; charset=utf-8"
            ),
        )
