"""Makes reports of the worlds of stories: `python -m tests.reporting` writes docs/report.png."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory

from PIL import Image

import tandem
from tandem.adapters import snapshots
from tandem.compliance.engine import judge_snapshot
from tandem.compliance.report import ComplianceReport, ReportRow, Versions, predicted, report
from tandem.compliance.rules.catalogue import RULES
from tests import faster_moto
from tests.breakages import DEFAULT, nothing_propagates, the_standby_withdraws_a_prefix
from tests.browser import chromium
from tests.complying import PLACE, healthy, healthy_document
from tests.stack import Stack

TALL = 2500
"""Pixels of the page that the picture shows: all above the list of findings, and the first of them."""

PICTURE = Path(__file__).parents[1] / "docs" / "report.png"


def reported(s: Stack, failures: list[ReportRow] | None = None) -> ComplianceReport:
    """Makes the report of what AWS shows now."""
    snapshot = snapshots.take(s.record.topology, "tandem", PLACE, s.clock.now())
    versions = Versions(stack=tandem.__version__)
    rows = failures or predicted(snapshot)
    return report(snapshot, judge_snapshot(RULES, snapshot), failures=rows, place=PLACE, versions=versions)


def break_several_things(s: Stack) -> None:
    """Leaves the standby without the prefix and without a session, and a route table without the route."""
    until = s.clock.now().date() + timedelta(days=30)
    waivers = [
        {
            "rule": "standby-advertises",
            "resource": f"fw1 {DEFAULT}",
            "reason": "fw1 is replaced this month",
            "until": until.isoformat(),
        }
    ]
    s.store(**healthy_document(s.ids, waivers=waivers))
    list(the_standby_withdraws_a_prefix(s))
    list(nothing_propagates(s))
    s.levers.session("fw2", "az2-b", "down")
    s.clock.sleep(30)


@contextmanager
def broken() -> Iterator[Stack]:
    with healthy() as s:
        break_several_things(s)
        yield s


def main() -> None:
    """Writes the picture of the documentation."""
    with broken() as s, chromium() as page, TemporaryDirectory() as folder:
        file = Path(folder) / "report.html"
        file.write_text(reported(s).html(), encoding="utf-8")
        page.open(file, wide=1180)
        shown = Image.open(BytesIO(page.picture())).convert("RGB").crop((0, 0, 1180, TALL))
        shown.quantize(256, method=Image.Quantize.MAXCOVERAGE).save(PICTURE, optimize=True)


if __name__ == "__main__":
    faster_moto.install()
    main()
