"""Makes JUnit XML of a compliance report: a test case for each rule and resource.

JUnit XML has no standard. These are elements and attributes of junit-10.xsd, which the other readers take too
(https://github.com/jenkinsci/xunit-plugin). The libraries that write it are larger than this module.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from xml.etree.ElementTree import Element, indent

from tandem.words.markup import add, tag, xml

Report = Mapping[str, Any]

OUTCOMES = {"fail": "failure", "unknown": "error", "waived": "skipped", "not-applicable": "skipped"}
"""The element of each verdict; a test case without one has passed."""


def junit(report: Report) -> str:
    """Returns the report as JUnit XML. What nobody can say is an error, and no pass."""
    findings = report["findings"]
    counts = {
        "tests": len(findings),
        "failures": _count(findings, "failure"),
        "errors": _count(findings, "error"),
        "skipped": _count(findings, "skipped"),
    }
    suite = tag(
        "testsuite",
        (_case(finding) for finding in findings),
        name=report["topology"]["name"],
        timestamp=report["taken_at"].partition(".")[0],
        **counts,
    )
    root = tag("testsuites", suite, name="tandem compliance", **counts)
    indent(root)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{xml(root)}\n'


def _count(findings: Sequence[Report], outcome: str) -> int:
    return sum(OUTCOMES.get(finding["verdict"]) == outcome for finding in findings)


def _case(finding: Report) -> Element:
    case = tag("testcase", classname=finding["rule"], name=finding["resource"])
    outcome = OUTCOMES.get(finding["verdict"])
    if outcome == "skipped":
        add(case, tag("skipped", message=_why_skipped(finding)))
    elif outcome is not None:
        text = "\n".join([f"Severity: {finding['severity']}", *finding["remediation"]])
        add(case, tag(outcome, text, type=finding["reason"]["code"], message=finding["sentence"]))
    return case


def _why_skipped(finding: Report) -> str:
    waiver = finding["waiver"]
    if waiver is None:
        return str(finding["sentence"])
    return f"Waived until {waiver['until']} ({waiver['reason']}): {finding['sentence']}"
