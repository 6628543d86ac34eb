"""A report says what was found, in order, and a name in it is never anything but a text."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

from tandem.compliance.engine import judge_snapshot
from tandem.compliance.report import ComplianceReport, ReportEnd, ReportRow, Versions, report
from tandem.compliance.rule import Finding, Result, Rule, RuleSeverity
from tandem.compliance.snapshot import NotRead, Snapshot
from tandem.compliance.telling import finding_events
from tandem.compliance.tracking import FindingChange
from tandem.model import Observation, RoutingDatabase
from tandem.place import Place
from tandem.reasons.compliance import CheckCode, RuleId
from tandem.state.episodes import Change
from tandem.topology.document import Topology, Waiver
from tandem.words.report import remedy
from tests import topologies
from tests.scenes import HOSTILE

NOW = datetime(2026, 11, 21, 3, tzinfo=UTC)
SCHEMA = json.loads((Path(__file__).parents[2] / "docs" / "compliance-report.schema.json").read_text("utf-8"))
PLACE = Place("aws", "us-east-1", "123456789012")
NOTHING = Observation(RoutingDatabase(), (), {}, {}, {})
DENIED = NotRead("no, said EC2", "ec2:DescribeRouteTables")


def lacks(resource: str, appliance: str = "fw2") -> Result:
    return Result.failed(resource, CheckCode.STANDBY_LACKS_PREFIX, appliance=appliance, prefix="0.0.0.0/0")


def rejects(resource: str) -> Result:
    return Result.failed(
        resource,
        CheckCode.ROUTE_REJECTED,
        "route_server.propagate_to[0]",
        table=resource,
        prefix="p",
        why="full",
    )


def rule(id_: RuleId, severity: RuleSeverity, *results: Result) -> Rule:
    return Rule(id_, severity, lambda _: results)


def report_of(
    *rules: Rule, topology: Topology | None = None, failures: list[ReportRow] | None = None, **parts: Any
) -> ComplianceReport:
    """Makes a report of rules that find what they are given."""
    around = topologies.inventory()
    whole = Snapshot(
        topology or topologies.topology(), NOW, **{"observation": NOTHING, "inventory": around, **parts}
    )
    versions = Versions(stack="0.1.0", cli="0.1.0")
    return report(whole, judge_snapshot(rules, whole), failures=failures, place=PLACE, versions=versions)


HIGH = rule(
    RuleId.ROUTE_INSTALLED,
    RuleSeverity.HIGH,
    Result.passed("rtb-1"),
    rejects("rtb-2"),
    Result.unknown("rtb-3", "it is odd"),
)
CRITICAL = rule(RuleId.STANDBY_ADVERTISES, RuleSeverity.CRITICAL, lacks("fw2 0.0.0.0/0"))
ROWS = [
    ReportRow("appliance", "fw1", (
        ReportEnd("eipalloc-1", "203.0.113.1", "moved", "fw2", None, None),
        ReportEnd("eipalloc-2", "203.0.113.2", "moved", "fw2", None, None),
        ReportEnd("eipalloc-3", "203.0.113.3", "lost", "fw1", "target-missing", "the target is gone"),
    )),
    ReportRow(
        "zone", "us-east-1a", (ReportEnd(None, None, "held", "fw1", "split", "two owners"),),
        alike=("i-1",), assumptions=("edge is in dry-run",), calls=4, batches=2,
    ),
]  # fmt: skip


def test_it_is_as_its_schema_says() -> None:
    Draft202012Validator.check_schema(SCHEMA)
    waiver = Waiver("route-installed", "rtb-2", "by design", date(2026, 12, 1))
    topology = replace(topologies.topology(), waivers=(waiver, replace(waiver, until=date(2026, 1, 1))))
    reports = [
        report_of(HIGH, CRITICAL),
        report_of(HIGH, CRITICAL, topology=topology, failures=ROWS),
        report_of(),
        report_of(HIGH, observation=DENIED, inventory=DENIED),
    ]
    for one in reports:
        document = json.loads(json.dumps(one.as_dict()))
        assert not list(Draft202012Validator(SCHEMA).iter_errors(document))


def test_the_worst_is_the_first_and_what_nobody_can_say_comes_after_what_fails() -> None:
    found = report_of(HIGH, CRITICAL).as_dict()["findings"]
    assert [(one["number"], one["rule"], one["verdict"]) for one in found] == [
        (1, "standby-advertises", "fail"),
        (2, "route-installed", "fail"),
        (3, "route-installed", "unknown"),
        (None, "route-installed", "pass"),
    ]
    assert found[1]["place"] == "route_server.propagate_to[0]"
    assert found[0]["remediation"] == [
        "Advertise 0.0.0.0/0 from fw2 with a worse path than the active appliance."
    ]


def test_the_verdict_is_what_the_worst_finding_means() -> None:
    of = {
        name: report_of(*rules).as_dict()["verdict"]
        for name, rules in {
            "critical": (HIGH, CRITICAL),
            "high": (HIGH,),
            "unknown": (rule(RuleId.ROUTE_INSTALLED, RuleSeverity.LOW, Result.unknown("rtb-1", "odd")),),
            "pass": (rule(RuleId.ROUTE_INSTALLED, RuleSeverity.LOW, Result.passed("rtb-1")),),
        }.items()
    }
    assert {name: verdict["result"] for name, verdict in of.items()} == {
        "critical": "fail", "high": "fail", "unknown": "unknown", "pass": "pass",
    }  # fmt: skip
    assert of["critical"]["sentence"] == (
        "The next failover fails, or traffic is lost already. 1 check could not be judged."
    )
    assert of["unknown"]["sentence"].startswith("It is not known whether the next failover works: 1 check")


def test_with_low_findings_only_the_next_failover_is_expected_to_work() -> None:
    report = report_of(rule(RuleId.ROUTE_TABLE_HAS_SUBNET, RuleSeverity.LOW, rejects("rtb-1")))
    assert report.as_dict()["verdict"]["sentence"] == (
        "The next failover is expected to work. Read the findings of low severity."
    )
    assert "Passes with notes" in report.html()
    assert "Passes with notes" not in report_of(HIGH).html()


def test_the_commands_of_the_rule_stay_where_the_advice_of_the_code_has_none() -> None:
    undeclared = Result.failed("rtb-1", CheckCode.TABLE_UNDECLARED)
    unread = Result.unknown("rtb-1", "odd")
    of = rule(RuleId.PROPAGATION_DECLARED, RuleSeverity.MEDIUM, undeclared, unread)
    found = report_of(of).as_dict()["findings"]
    command = "aws ec2 disable-route-server-propagation --route-server-id rs-... --route-table-id rtb-..."
    assert found[0]["remediation"][-1] == command
    assert command not in found[1]["remediation"]  # it repairs nothing that is not known
    assert f"<code>{command}</code>" in report_of(of).html()


def test_the_event_of_a_finding_says_what_the_report_says() -> None:
    lost = Finding(HIGH, Result.failed("rtb-1", CheckCode.TABLE_UNDECLARED))
    change = FindingChange(HIGH, "rtb-1", Change.OPENED, NOW, lost)
    [event] = finding_events("edge", [change], NOW)
    said = event.detail["remediation"].split("\n")
    assert said == remedy(HIGH.id, lost.result.reason)


def test_what_could_not_be_read_is_listed_with_the_permission() -> None:
    absent = NotRead("there is no stack", is_absent=True)
    odd = replace(NOTHING, unread=("a row has no prefix",))
    assert report_of(observation=DENIED, inventory=absent).as_dict()["unread"] == [
        {"part": "observation", "why": "no, said EC2", "permission": "ec2:DescribeRouteTables"}
    ]
    assert report_of(observation=odd).as_dict()["unread"] == [
        {"part": "observation", "why": "a row has no prefix", "permission": None}
    ]


class Seen(HTMLParser):
    """What a browser makes of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[tuple[str, str]] = set()
        self.texts: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {(name, value or "") for name, value in attrs}

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def hostile() -> Iterator[ComplianceReport]:
    """Yields reports in which every name that a stranger may choose is markup."""
    for name in (
        HOSTILE,
        '"><img src=x onerror=alert(1)>',
        "</style><script>alert(1)</script>",
        "javascript:x",
    ):
        waiver = Waiver(name, name, name, NOW.date())
        server = replace(topologies.topology().route_server, propagate_to=(name,))
        topology = replace(topologies.topology(), name=name, waivers=(waiver,), route_server=server)
        rows = [ReportRow(name, name, (ReportEnd(name, name, name, name, name, name),))]
        bad = rule(
            RuleId.ROUTE_INSTALLED, RuleSeverity.HIGH, replace(rejects(name), place=name), lacks(name, name)
        )
        yield report_of(bad, topology=topology, failures=rows)
        yield report_of(bad, topology=topology, observation=NotRead(name, name))


def test_a_name_that_is_markup_is_shown_and_does_nothing() -> None:
    plain = Seen(report_of(HIGH, failures=ROWS, observation=DENIED).html())
    for one in hostile():
        waived = report_of(topology=replace(topologies.topology(), waivers=one.topology.waivers))
        seen = Seen(one.html())
        assert seen.tags <= plain.tags | Seen(waived.html()).tags
        assert not seen.tags & {"script", "img", "iframe", "use", "object", "link"}
        assert not [name for name, _ in seen.attributes if name.startswith("on")]
        links = {value for name, value in seen.attributes if name in ("href", "src", "xlink:href")}
        assert all(link.startswith(("#", "https://docs.aws.amazon.com/")) for link in links)
        assert "alert" in "".join(seen.texts) or one.topology.name == "javascript:x"


def test_the_page_shows_who_gets_it_or_why_it_is_held() -> None:
    texts = " ".join(Seen(report_of(CRITICAL, failures=ROWS).html()).texts)
    assert "2 Elastic IPs move to fw2." in texts
    assert "Elastic IP 203.0.113.3 stays on fw1, which is dead: the target is gone." in texts
    assert "The route stays on fw1, held: two owners." in texts
    assert "Assumed: edge is in dry-run." in texts
    assert "It takes 4 calls of AssociateAddress in 2 batches, one after another." in texts
    assert "If one thing fails" not in " ".join(Seen(report_of(CRITICAL).html()).texts)


def test_a_row_is_made_of_its_json() -> None:
    rows = report_of(CRITICAL, failures=ROWS).as_dict()["failures"]
    assert [ReportRow.of(row) for row in rows] == ROWS


def test_each_finding_is_linked_with_its_rule_and_its_mark() -> None:
    seen = Seen(report_of(HIGH, CRITICAL).html())
    ids = {value for name, value in seen.attributes if name == "id"}
    links = {value for name, value in seen.attributes if name == "href" and value.startswith("#")}
    assert {"#finding-1", "#finding-2", "#rule-route-installed"} <= links
    assert {link.removeprefix("#") for link in links} <= ids
