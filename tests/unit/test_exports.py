"""What other tools read of a report is as their formats say, and says what the report says."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from jsonschema import Draft202012Validator

from cli.document import Document, parse
from cli.exports.junit import junit
from cli.exports.ocsf import ocsf
from cli.exports.sarif import sarif
from tandem.compliance.rule import Result, RuleSeverity
from tandem.reasons.compliance import CheckCode, RuleId
from tandem.topology.document import Waiver
from tests import topologies
from tests.scenes import HOSTILE
from tests.unit.test_compliance_report import CRITICAL, HIGH, NOW, lacks, report_of, rule

OCSF = json.loads((Path(__file__).parents[1] / "schemas" / "ocsf-detection-finding.json").read_text("utf-8"))
LOW = rule(RuleId.WAIVER_CURRENT, RuleSeverity.LOW, Result.not_applicable("edge", CheckCode.NOTHING_TO_JUDGE))
WAIVED = Waiver("route-installed", "rtb-2", "by design", NOW.date())
TEXT = "name: edge\nroute_server:\n  propagate_to:\n    - rtb-2\n"


def reported() -> dict[str, Any]:
    """Returns a report with each verdict."""
    topology = replace(topologies.topology(), waivers=(WAIVED,))
    return report_of(HIGH, CRITICAL, LOW, topology=topology).as_dict()


def nowhere() -> dict[str, Any]:
    return {**reported(), "place": None, "tandem": {"stack": None, "cli": None}}


def hostile() -> dict[str, Any]:
    return report_of(
        rule(RuleId.ROUTE_INSTALLED, RuleSeverity.HIGH, lacks(HOSTILE, "[x](http://192.0.2.1/) {0}"))
    ).as_dict()


def document(name: str = "topologies/the edge.yaml") -> Document:
    return parse(TEXT, name)


def test_junit_counts_what_nobody_can_say_as_an_error() -> None:
    root = ElementTree.fromstring(junit(reported()))  # noqa: S314 - our own text
    [suite] = root
    for one in (root, suite):
        counts = {name: one.get(name) for name in ("tests", "failures", "errors", "skipped")}
        assert counts == {"tests": "5", "failures": "1", "errors": "1", "skipped": "2"}
    shown = {(case.get("classname"), case.get("name")): [child.tag for child in case] for case in suite}
    assert shown == {
        ("standby-advertises", "fw2 0.0.0.0/0"): ["failure"],
        ("route-installed", "rtb-3"): ["error"],
        ("route-installed", "rtb-2"): ["skipped"],
        ("route-installed", "rtb-1"): [],
        ("waiver-current", "edge"): ["skipped"],
    }
    skipped = suite.find(".//testcase[@name='rtb-2']/skipped")
    assert skipped is not None
    assert (skipped.get("message") or "").startswith("Waived until 2026-11-21 (by design): ")


@pytest.mark.parametrize("make", [reported, nowhere, hostile])
def test_junit_has_only_what_its_readers_know(make: Any) -> None:
    """junit-10.xsd of https://github.com/jenkinsci/xunit-plugin: elements, their attributes, their places."""
    known = {
        "testsuites": {"name", "tests", "failures", "errors", "skipped"},
        "testsuite": {"name", "tests", "failures", "errors", "skipped", "timestamp"},
        "testcase": {"classname", "name"},
        "failure": {"type", "message"},
        "error": {"type", "message"},
        "skipped": {"message"},
    }
    root = ElementTree.fromstring(junit(make()))  # noqa: S314 - our own text
    for element in root.iter():
        assert set(element.attrib) <= known[element.tag]
    assert all(len(case) <= 1 for case in root.iter("testcase"))


@pytest.mark.parametrize("make", [reported, nowhere, hostile])
@pytest.mark.parametrize("file", [None, document()], ids=["no file", "file"])
def test_sarif_is_as_the_standard_says(make: Any, file: Document | None) -> None:
    """https://docs.oasis-open.org/sarif/sarif/v2.1.0/os/sarif-v2.1.0-os.html, section by section."""
    log = json.loads(json.dumps(sarif(make(), file)))
    assert log["version"] == "2.1.0"  # 3.13.2
    [run] = log["runs"]  # 3.13.4
    driver = run["tool"]["driver"]  # 3.14.6, 3.18.2
    assert driver["name"]  # 3.19.8
    assert len({one["id"] for one in driver["rules"]}) == len(driver["rules"])  # 3.49.3
    assert all(one["shortDescription"]["text"] and one["help"]["text"] for one in driver["rules"])  # 3.49.9
    assert run["invocations"][0]["executionSuccessful"] is True  # 3.20.14
    for result in run["results"]:
        assert driver["rules"][result["ruleIndex"]]["id"] == result["ruleId"]  # 3.27.5, 3.27.6
        assert result["message"]["text"]  # 3.27.11
        assert result["kind"] in {"pass", "open", "notApplicable", "fail"}  # 3.27.9
        assert (result["level"] == "none") == (result["kind"] != "fail")  # 3.27.10
        assert result["level"] in {"none", "note", "warning", "error"}
        assert 0 <= result.get("rank", 0) <= 100  # 3.27.25
        assert all(one["kind"] == "external" for one in result.get("suppressions", ()))  # 3.35.2
        [location] = result["locations"]
        assert ("physicalLocation" in location) == (file is not None)
        if file is not None:
            assert (
                location["physicalLocation"]["artifactLocation"]["uri"] == "topologies/the%20edge.yaml"
            )  # 3.4.3


def test_sarif_names_the_line_of_the_document() -> None:
    results = sarif(reported(), document())["runs"][0]["results"]
    places = {
        result["locations"][0]["logicalLocations"][0]["fullyQualifiedName"]: result["locations"][0][
            "physicalLocation"
        ].get("region")
        for result in results
    }
    assert places["rtb-2"] == {"startLine": 4, "startColumn": 7}
    assert places["fw2 0.0.0.0/0"] is None
    assert (
        "physicalLocation"
        not in sarif(reported(), document("<stdin>"))["runs"][0]["results"][0]["locations"][0]
    )


def test_sarif_says_of_each_verdict_what_it_is() -> None:
    results = sarif(reported())["runs"][0]["results"]
    shown = Counter((result["kind"], result["level"], bool(result.get("suppressions"))) for result in results)
    assert shown == {
        ("fail", "error", False): 1,
        ("open", "none", False): 1,
        ("fail", "error", True): 1,
        ("pass", "none", False): 1,
        ("notApplicable", "none", False): 1,
    }
    assert len({result["partialFingerprints"]["tandem/v1"] for result in results}) == len(results)


def test_a_message_of_sarif_makes_no_link_and_takes_no_argument() -> None:
    [result] = sarif(hostile())["runs"][0]["results"]
    assert r"\[x\](http://192.0.2.1/) {{0}}" in result["message"]["text"]


@pytest.mark.parametrize("make", [reported, hostile])
def test_ocsf_is_as_its_schema_says(make: Any) -> None:
    found = json.loads(json.dumps(ocsf(make())))
    assert found
    for one in found:
        assert not list(Draft202012Validator(OCSF).iter_errors(one))


def test_ocsf_without_an_account_has_no_cloud() -> None:
    schema = {**OCSF, "required": [name for name in OCSF["required"] if name != "cloud"]}
    for one in ocsf(nowhere()):
        assert "cloud" not in one
        assert one["metadata"]["profiles"] == []
        assert not list(Draft202012Validator(schema).iter_errors(one))


def test_ocsf_has_what_fails_what_nobody_can_say_and_what_is_waived() -> None:
    found = {one["resources"][0]["uid"]: one for one in ocsf(reported())}
    assert {uid: (one["severity"], one["status"]) for uid, one in found.items()} == {
        "fw2 0.0.0.0/0": ("Critical", "New"),
        "rtb-3": ("Unknown", "New"),
        "rtb-2": ("High", "Suppressed"),
    }
    assert found["rtb-2"]["comment"] == "by design (until 2026-11-21)"
    assert found["rtb-3"]["time"] == int(NOW.timestamp() * 1000)
    again = [one["finding_info"]["uid"] for one in ocsf(reported())]
    assert again == [one["finding_info"]["uid"] for one in found.values()]
