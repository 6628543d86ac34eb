"""Makes SARIF 2.1.0 of a compliance report, with places in the topology document where it is a file.

The numbers in this module are sections of the standard, which is at
https://docs.oasis-open.org/sarif/sarif/v2.1.0/os/sarif-v2.1.0-os.html. The model of it for Python (sarif-om)
had its last release in 2019.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

from cli.document import STDIN, Document

Report = Mapping[str, Any]
Json = dict[str, Any]

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/os/schemas/sarif-schema-2.1.0.json"
KINDS = {
    "pass": "pass",
    "fail": "fail",
    "waived": "fail",
    "unknown": "open",
    "not-applicable": "notApplicable",
}
"""3.27.9: `open` is what could not be decided."""

LEVELS = {"critical": "error", "high": "error", "medium": "warning", "low": "note"}
"""3.27.10: of a result that fails; every other one has the level `none`."""

RANKS = {"critical": 100.0, "high": 75.0, "medium": 50.0, "low": 25.0}
"""3.27.25: apart what the levels join."""


def sarif(report: Report, document: Document | None = None) -> Json:
    """Returns the report as SARIF. `document` is the topology's file, if there is one."""
    rules = [rule["id"] for rule in report["rules"]]
    name = report["topology"]["name"]
    run: Json = {
        "tool": {
            "driver": {
                "name": "tandem",
                "rules": [_rule(rule) for rule in report["rules"]],
            }
        },
        "automationDetails": {"id": f"tandem-compliance/{name}/{report['taken_at']}"},
        "invocations": [{"executionSuccessful": True, "endTimeUtc": report["taken_at"]}],
        "columnKind": "unicodeCodePoints",
        "results": [_result(finding, rules, name, document) for finding in report["findings"]],
    }
    version = report["tandem"]["cli"] or report["tandem"]["stack"]
    if version:
        run["tool"]["driver"]["version"] = version
    return {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}


def _rule(rule: Report) -> Json:
    """Returns a rule (3.49)."""
    found: Json = {
        "id": rule["id"],
        "shortDescription": {"text": f"{rule['title']}."},
        "fullDescription": {"text": rule["protects"]},
        "help": {"text": "\n".join(rule["remediation"]) or rule["protects"]},
        "defaultConfiguration": {"level": LEVELS[rule["severity"]]},
        "properties": {"severity": rule["severity"], "page": rule["page"]},
    }
    if rule["aws_page"]:
        found["helpUri"] = rule["aws_page"]
    return found


def _result(finding: Report, rules: list[str], topology: str, document: Document | None) -> Json:
    """Returns a result (3.27)."""
    kind = KINDS[finding["verdict"]]
    found: Json = {
        "ruleId": finding["rule"],
        "ruleIndex": rules.index(finding["rule"]),
        "kind": kind,
        "level": LEVELS[finding["severity"]] if kind == "fail" else "none",
        "message": {"text": _text(finding["sentence"])},
        "locations": [_location(finding, document)],
        "partialFingerprints": {"tandem/v1": _fingerprint(finding, topology)},
        "properties": {"severity": finding["severity"], "code": finding["reason"]["code"]},
    }
    if kind == "fail":
        found["rank"] = RANKS[finding["severity"]]
    if finding["waiver"]:
        why = f"{finding['waiver']['reason']} (until {finding['waiver']['until']})"
        found["suppressions"] = [{"kind": "external", "status": "accepted", "justification": why}]
    return found


def _location(finding: Report, document: Document | None) -> Json:
    """Returns where a result is (3.28): the resource, and its place in the document."""
    resource = {"fullyQualifiedName": finding["resource"], "kind": "resource"}
    found: Json = {"logicalLocations": [resource]}
    if document is None or document.name in ("", "<stdin>", str(STDIN)):
        return found
    physical: Json = {"artifactLocation": {"uri": _uri(document.name)}}
    if finding["place"]:  # without one it is about the whole file (3.29.4)
        line, column = document.place(finding["place"])
        physical["region"] = {"startLine": line, "startColumn": column}
    return found | {"physicalLocation": physical}


def _text(text: str) -> str:
    """Returns a message that is its text only: braces are arguments (3.11.5), brackets links (3.11.6)."""
    return re.sub(r"([\[\]\\])", r"\\\1", text.replace("{", "{{").replace("}", "}}"))


def _uri(name: str) -> str:
    path = Path(name)
    return path.as_uri() if path.is_absolute() else quote(path.as_posix())


def _fingerprint(finding: Report, topology: str) -> str:
    """Returns what stays the same while the same rule fails for the same resource (3.27.17)."""
    identity = "\n".join((topology, finding["rule"], finding["resource"]))
    return hashlib.sha256(identity.encode()).hexdigest()[:32]
