"""Makes OCSF Detection Findings (class 2004) of a compliance report, for data lakes and SIEMs.

https://schema.ocsf.io/1.5.0/classes/detection_finding?profiles=cloud. The library for it, py-ocsf-models,
brings pydantic and cryptography along. These are some thirty values, and a test judges them by OCSF's schema.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tandem.events import parse_iso

Report = Mapping[str, Any]
Json = dict[str, Any]

VERSION = "1.5.0"
CATEGORY, CLASS, CREATE = 2, 2004, 1
SEVERITIES = {"critical": (5, "Critical"), "high": (4, "High"), "medium": (3, "Medium"), "low": (2, "Low")}
UNKNOWN = (0, "Unknown")
NEW, SUPPRESSED = (1, "New"), (3, "Suppressed")
AWS_ACCOUNT = 10
RULE = (1, "Rule")
"""The kind of an analytic."""


def ocsf(report: Report) -> list[Json]:
    """Returns what fails, what nobody can say and what is waived; a pass is no finding."""
    return list(_findings(report))


def _findings(report: Report) -> Iterator[Json]:
    rules = {rule["id"]: rule for rule in report["rules"]}
    for finding in report["findings"]:
        if finding["verdict"] in ("fail", "unknown", "waived"):
            yield _finding(report, finding, rules[finding["rule"]])


def _finding(report: Report, finding: Report, rule: Report) -> Json:
    severity_id, severity = UNKNOWN if finding["verdict"] == "unknown" else SEVERITIES[finding["severity"]]
    status_id, status = SUPPRESSED if finding["waiver"] else NEW
    time = int(parse_iso(report["taken_at"]).timestamp() * 1000)
    found: Json = {
        "activity_id": CREATE,
        "activity_name": "Create",
        "category_uid": CATEGORY,
        "category_name": "Findings",
        "class_uid": CLASS,
        "class_name": "Detection Finding",
        "type_uid": CLASS * 100 + CREATE,
        "type_name": "Detection Finding: Create",
        "time": time,
        "severity_id": severity_id,
        "severity": severity,
        "status_id": status_id,
        "status": status,
        "message": finding["sentence"],
        "metadata": _metadata(report, finding),
        "finding_info": {
            "uid": _uid(report, finding),
            "title": f"{rule['title']}.",
            "desc": f"{finding['sentence']} {rule['protects']}",
            "created_time": time,
            "analytic": {"uid": rule["id"], "name": rule["title"], "type_id": RULE[0], "type": RULE[1]},
        },
        "resources": [_resource(report, finding)],
        "unmapped": {"topology": report["topology"], "reason": finding["reason"], "place": finding["place"]},
    }
    if finding["remediation"]:
        found["remediation"] = {"desc": "\n".join(finding["remediation"])}
        if finding["aws_page"]:
            found["remediation"]["references"] = [finding["aws_page"]]
    if finding["waiver"]:
        found["comment"] = f"{finding['waiver']['reason']} (until {finding['waiver']['until']})"
    place = report["place"]
    if place:
        account = {"uid": place["account"], "type_id": AWS_ACCOUNT, "type": "AWS Account"}
        found["cloud"] = {"provider": "AWS", "region": place["region"], "account": account}
    return found


def _metadata(report: Report, finding: Report) -> Json:
    product: Json = {"name": "Tandem", "vendor_name": "Tandem"}
    version = report["tandem"]["stack"] or report["tandem"]["cli"]
    if version:
        product["version"] = version
    profiles = ["cloud"] if report["place"] else []
    return {
        "version": VERSION,
        "product": product,
        "profiles": profiles,
        "event_code": finding["reason"]["code"],
    }


def _resource(report: Report, finding: Report) -> Json:
    found: Json = {
        "uid": finding["resource"],
        "name": finding["resource"],
        "group": {"name": report["topology"]["name"]},
    }
    place = report["place"]
    return found | ({"region": place["region"], "cloud_partition": place["partition"]} if place else {})


def _uid(report: Report, finding: Report) -> str:
    """Returns what stays the same while the same rule fails for the same resource."""
    place = report["place"] or {"account": "-", "region": "-"}
    names = (
        place["account"],
        place["region"],
        report["topology"]["name"],
        finding["rule"],
        finding["resource"],
    )
    return "/".join(("tandem", *names))
