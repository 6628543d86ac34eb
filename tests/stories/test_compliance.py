"""What breaks the next failover is found before it, each thing by its own rule and by no other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from lab.ec2.authorizer import AllowAll, Resource
from lab.ec2.errors import UnknownAwsBehaviour
from tandem.adapters import clients
from tandem.compliance.engine import judge_snapshot
from tandem.compliance.rule import RuleSeverity, RuleVerdict
from tandem.compliance.rules import installation, standby, targets
from tandem.compliance.rules.catalogue import RULES
from tandem.reasons.compliance import RuleId
from tests.breakages import ALSO, BREAKAGES, DEFAULT, UNSURVIVED, Breakage, Failover, World, associated_again
from tests.complying import checked, facts, failing, healthy, healthy_document, taken, unsurvived
from tests.shared_worlds import begins_in
from tests.stack import Stack, stack
from tests.tiers import prove
from tests.worlds import watched

NOT_IN_THIS_WORLD = {
    *(RuleId.SAME_APPLIANCE_BOTH_WAYS, RuleId.GATEWAY_TARGET_HAS_PUBLIC_IP),
    *(RuleId.GATEWAY_TABLE_TAKES_PREFIXES, RuleId.NETWORK_OWNER_TAG, RuleId.NO_GATEWAY_FIREWALL),
}
"""Rules about what the healthy document does not have."""

ELSEWHERE = {RuleId.WAIVER_CURRENT}
"""The rule that only a document breaks, in a test of its own."""

FIRST = {rule.id for group in (standby, targets, installation) for rule in group.RULES}


CRITICAL = {rule.id for rule in RULES if rule.severity is RuleSeverity.CRITICAL}

PREDICTED = [breakage for breakage in BREAKAGES if FIRST & set(breakage.rules)]


@pytest.fixture
@begins_in(stack)
def edge() -> Iterator[Stack]:
    with healthy() as s:
        yield s


def test_in_a_healthy_world_every_rule_passes(edge: Stack) -> None:
    found = checked(edge)
    passed = {f.rule.id for f in found if f.result.verdict is RuleVerdict.PASS}
    others = {f.rule.id: f.result.verdict for f in found if f.rule.id not in passed}
    assert set(others.values()) <= {RuleVerdict.NOT_APPLICABLE, RuleVerdict.WAIVED}
    [firewall] = [f.result.reason for f in found if f.rule.id == RuleId.NO_GATEWAY_FIREWALL]
    assert "knows no IgwFirewall of a route" in dict(firewall.facts)["why"]
    assert passed >= set(RuleId) - NOT_IN_THIS_WORLD - {RuleId.FAILBACK_WANTED}


def in_its_tier(breakage: Breakage) -> Any:
    """What predicts a failed failover is judged with each commit, all else with the rest of the proof."""
    is_critical = breakage.rules[0] in CRITICAL
    return pytest.param(breakage, id=breakage.name, marks=() if is_critical else prove)


@pytest.mark.parametrize("breakage", [in_its_tier(b) for b in BREAKAGES if b.world is World.EDGE])
def test_a_breakage_opens_its_findings_and_no_other(edge: Stack, breakage: Breakage) -> None:
    expected, also = breakage.expected(edge), ALSO.get(breakage.name, frozenset())
    edge.clock.sleep(30)
    found = failing(edge)
    assert found >= expected
    assert {rule for rule, _ in found - expected} == also or not breakage.is_alone
    assert unsurvived(edge) == set(UNSURVIVED.get(breakage.name, ())) or not breakage.is_alone


@pytest.mark.parametrize(
    "breakage", [b for b in BREAKAGES if b.world is World.INSPECTION], ids=lambda breakage: breakage.name
)
@begins_in(watched, "ingress-inspection")
def test_ingress_inspection_that_breaks_opens_its_findings_and_no_other(breakage: Breakage) -> None:
    with watched("ingress-inspection") as w:
        before = failing(w.stack)
        w.stack.clock.sleep(30)
        expected = breakage.expected(w)
        w.stack.clock.sleep(30)
        assert failing(w.stack) == before | expected


@begins_in(watched, "ingress-inspection")
def test_in_ingress_inspection_the_gateway_table_rejects_the_way_back() -> None:
    with watched("ingress-inspection") as w:
        gateway = w.documents["ingress-inspection"]["route_server"]["propagate_to"][0]
        w.stack.watch()
        found = checked(w.stack)
        assert {f.identity for f in found if f.result.verdict in (RuleVerdict.FAIL, RuleVerdict.UNKNOWN)} == {
            ("gateway-table-takes-prefixes", gateway),
            *(("failback-wanted", prefix) for prefix in ("10.0.11.0/24", "0.0.0.0/0")),
        }
        passed = {f.rule.id for f in found if f.result.verdict is RuleVerdict.PASS}
        assert passed >= {RuleId.SAME_APPLIANCE_BOTH_WAYS, RuleId.GATEWAY_TARGET_HAS_PUBLIC_IP}
        rejected = [f.result for f in found if f.identity == ("route-installed", f"{gateway} 0.0.0.0/0")]
        assert [result.verdict for result in rejected] == [RuleVerdict.NOT_APPLICABLE]


def test_what_tandem_manages_is_judged_as_declared_too(edge: Stack) -> None:
    edge.store(**healthy_document(edge.ids, manage=True))
    server = edge.ids["route_server_id"]
    edge.lab.client().modify_route_server(RouteServerId=server, SnsNotificationsEnabled=False)
    edge.clock.sleep(30)
    found = checked(edge)
    assert {f.identity for f in found if f.result.verdict is RuleVerdict.FAIL} == {
        ("notifications-on", server),
        ("no-foreign-change", server),
    }
    tags = {f.result.resource for f in found if f.identity[0] == "network-owner-tag"}
    assert tags == {edge.ids["vpc_id"], *(edge.ids["subnets"][z] for z in ("az1", "az2"))} | {
        edge.ids["route_tables"]["protected"]
    }


def test_a_topology_that_needs_more_than_a_quota_does_not_pass_as_a_whole(edge: Stack) -> None:
    document = healthy_document(edge.ids)
    document["appliances"]["fw2"]["allowed_prefixes"] += [f"10.{n}.0.0/16" for n in range(1, 102)]
    edge.store(**document)
    found = {f.result.resource: f.result.verdict for f in checked(edge) if f.rule.id == RuleId.WITHIN_QUOTAS}
    assert found.pop("fw2") is RuleVerdict.FAIL
    # what AWS has now is judged thing by thing
    endpoints = {endpoint["id"] for endpoint in edge.ids["endpoints"].values()}
    assert found == dict.fromkeys((edge.ids["route_server_id"], *endpoints), RuleVerdict.PASS)


def test_the_stacks_own_role_is_no_second_mover(edge: Stack) -> None:
    associated_again(edge, "failover")
    assert failing(edge) == set()


def test_the_appliance_that_moves_an_address_is_named(edge: Stack) -> None:
    allocation_id = associated_again(edge, "fw2")
    [found] = [f.result for f in checked(edge) if f.identity == ("one-mover", allocation_id)]
    facts = dict(found.reason.facts)
    assert found.reason.code == "changed-by-appliance"
    assert (facts["appliance"], facts["role"]) == ("fw2", "firewall-ha")


def test_a_silent_standby_is_judged_by_its_instance(edge: Stack) -> None:
    """Its sessions and routes say nothing until it is active."""
    document = healthy_document(edge.ids)
    document["appliances"]["fw2"]["standby"] = "silent"
    edge.store(**document)
    edge.levers.shutdown("fw2")
    edge.clock.sleep(30)
    assert failing(edge) == set()
    edge.levers.instance("fw2", "stopped")
    assert failing(edge) == {("target-attached", edge.ids["interfaces"]["fw2"])}


@begins_in(stack, liveness="bgp-keepalive")
def test_bfd_that_a_peer_does_not_use_is_not_asked_for() -> None:
    with healthy(liveness="bgp-keepalive") as s:
        assert failing(s) == set()


def test_every_rule_has_a_breakage() -> None:
    broken = {rule for breakage in BREAKAGES for rule in breakage.rules}
    assert broken == set(RuleId) - ELSEWHERE - {RuleId.RELEASES_MATCH, RuleId.SINGLE_FAILURE}


def test_a_stack_of_another_release_is_a_finding(edge: Stack) -> None:
    snapshot = replace(taken(edge), stack=facts(edge, version="0.0.9"))
    found = [f.identity for f in judge_snapshot(RULES, snapshot) if f.result.verdict is RuleVerdict.FAIL]
    assert found == [("releases-match", "edge")]


def test_a_waiver_that_expired_or_names_no_rule_is_a_finding(edge: Stack) -> None:
    today = edge.clock.now().date()
    waivers = [
        {"rule": rule, "resource": "fw1 0.0.0.0/0", "reason": "by design", "until": until.isoformat()}
        for rule, until in (
            ("standby-advertises", today),
            ("route-installed", today - timedelta(days=1)),
            ("standby-advertise", today),
        )
    ]
    edge.store(**healthy_document(edge.ids, waivers=waivers))
    found = {f.result.resource.split()[0]: f.result for f in checked(edge) if f.rule.id == "waiver-current"}
    assert {name: (result.verdict, result.reason.code) for name, result in found.items()} == {
        "standby-advertises": (RuleVerdict.PASS, "as-it-should-be"),
        "route-installed": (RuleVerdict.FAIL, "waiver-expired"),
        "standby-advertise": (RuleVerdict.FAIL, "waiver-of-unknown-rule"),
    }


class OwnersConsent(AllowAll):
    """IAM with the one condition of the failover function's policy: AssociateAddress asks for the tags."""

    def allow(
        self,
        access_key_id: str,
        action: str,
        resources: Sequence[Resource],
        request_tags: Mapping[str, str],
        keys: Mapping[str, str],
    ) -> str | None:
        owned = all(tags.get("tandem:stack") == "tandem" for _, tags in resources)
        if owned or action != "ec2:AssociateAddress":
            return None
        return "not authorized to perform: ec2:AssociateAddress"


@pytest.mark.prove
@pytest.mark.parametrize("breakage", PREDICTED, ids=lambda breakage: breakage.name)
def test_the_failover_after_a_breakage_ends_as_its_rule_predicts(edge: Stack, breakage: Breakage) -> None:
    """The active appliance dies, and the real failover function runs."""
    breakage.break_(edge)
    edge.clock.sleep(30)
    edge.lab.lab.authorizer = OwnersConsent()
    edge.levers.kill("fw1")
    edge.clock.sleep(10)
    if breakage.then is Failover.UNDOCUMENTED:
        with pytest.raises(UnknownAwsBehaviour):
            edge.sweep()
        return
    edge.sweep()
    there = edge.holders()
    assert {name for name, holder in there.items() if holder != "fw2"} == set(breakage.stay) & set(there)
    edge.levers.faults_clear()
    if breakage.then is not Failover.HELD:
        assert leads_to_fw2(edge) is (breakage.then is not Failover.WITHOUT_ROUTE)
        assert fw2_is_in_the_internet(edge) is (breakage.then is not Failover.WITHOUT_INTERNET)


def leads_to_fw2(s: Stack) -> bool:
    """Returns True if the declared route table's default route leads to the appliance that is left.

    A route to a prefix list with that block goes before it.
    """
    ec2 = clients.ec2()
    [table] = ec2.describe_route_tables(RouteTableIds=[s.ids["route_tables"]["protected"]])["RouteTables"]
    listed = [r for r in table["Routes"] if "DestinationPrefixListId" in r]
    before = any(
        entry["Cidr"] == DEFAULT
        for r in listed
        for entry in s.lab.client().get_managed_prefix_list_entries(
            PrefixListId=r["DestinationPrefixListId"]
        )["Entries"]
    )
    routes = [
        r
        for r in table["Routes"]
        if r.get("DestinationCidrBlock") == DEFAULT and r["Origin"] != "EnableVgwRoutePropagation"
    ]
    to = [r.get("NetworkInterfaceId") for r in routes]
    return to == [s.ids["interfaces"]["fw2"]] and not before


def fw2_is_in_the_internet(s: Stack) -> bool:
    """Returns True if the subnet of the appliance that is left has a route to an internet gateway."""
    of_subnet = [{"Name": "association.subnet-id", "Values": [s.ids["subnets"]["az2"]]}]
    [table] = clients.ec2().describe_route_tables(Filters=of_subnet)["RouteTables"]  # type: ignore[arg-type]
    return any(route.get("GatewayId", "").startswith("igw-") for route in table["Routes"])


def test_every_critical_rule_of_the_first_groups_predicts_a_failover_that_fails() -> None:
    groups = (standby, targets, installation)
    critical = {r.id for group in groups for r in group.RULES if r.severity is RuleSeverity.CRITICAL}
    assert critical <= {r for b in PREDICTED if b.then is not Failover.WORKS for r in b.rules}
