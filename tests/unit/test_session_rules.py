"""Rules of the sessions, the packet filters and Tandem itself in states that no healthy world shows."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tandem.compliance.packetfilters import ANY, AclRule, Filters, NetworkAcl
from tandem.compliance.rule import Result, RuleVerdict
from tandem.compliance.rules import filters, limits, liveness, sessions, standby, upkeep
from tandem.compliance.snapshot import (
    NotRead,
    NotReadError,
    Pause,
    SessionChange,
    SessionChanges,
    Snapshot,
    StackFacts,
)
from tandem.model import Liveness, Observation, RouteServer, RouteStatus, RoutingDatabase, Status, Unknown
from tandem.topology.document import Mode, Standby
from tandem.topology.inventory import Endpoint, Inventory, RouteServerReading, Subnet
from tests.pure import observation, route, topology
from tests.topologies import PLACE

NOW = datetime(2026, 11, 21, 3, tzinfo=UTC)
SERVER = RouteServer("rs-0edge", "available", 65000, persist_state="disabled")
THROTTLED = NotRead("EC2 throttles")
PEERS = observation().peers
EVERYWHERE = "0.0.0.0/0"


def endpoints(observed: Observation) -> tuple[Endpoint, ...]:
    """Returns the endpoints of the peers: each appliance's in a subnet and a zone of its own."""
    return tuple(
        Endpoint(p.endpoint_id, "rs-0edge", f"subnet-{p.asn}", "available", "10.0.9.9")
        for p in observed.peers
    )


def snapshot(observed: Observation | None = None, **changes: Any) -> Snapshot:
    observed = observed or observation()
    reading = RouteServerReading(SERVER, endpoints(observed), observed.peers)
    subnets = {
        e.subnet_id: Subnet(e.subnet_id, "vpc-1", zone=f"zone-{e.subnet_id}") for e in reading.endpoints
    }
    around = Inventory(PLACE, "tandem", reading, subnets=subnets)
    declared = replace(topology(), document={"route_server": {"persist_routes": "disable"}})
    return replace(Snapshot(declared, NOW, observed, around), **changes)


def by_resource(found: Any) -> dict[str, RuleVerdict]:
    results: list[Result] = list(found)
    return {result.resource: result.verdict for result in results}


def reading_of(changed: Snapshot) -> RouteServerReading:
    assert isinstance(changed.inventory, Inventory)
    assert changed.inventory.reading is not None
    return changed.inventory.reading


def with_reading(**changes: Any) -> Snapshot:
    whole = snapshot()
    assert isinstance(whole.inventory, Inventory)
    reading = replace(reading_of(whole), **changes)
    return replace(whole, inventory=replace(whole.inventory, reading=reading))


def test_a_world_as_it_should_be_passes() -> None:
    judges = (
        sessions.survives_endpoint_loss,
        sessions.available,
        sessions.redundant,
        sessions.asn_of_its_own,
    )
    for judge in (*judges, limits.in_use, limits.within_quotas):
        assert set(by_resource(judge(snapshot())).values()) == {RuleVerdict.PASS}, judge.__name__


def test_without_a_route_server_nobody_can_say() -> None:
    bare = replace(snapshot(), inventory=Inventory(PLACE, "tandem", None))
    for judge in (sessions.survives_endpoint_loss, limits.within_quotas):
        with pytest.raises(NotReadError):
            list(judge(bare))


def test_a_peer_that_cannot_be_read_is_its_appliances_unknown_and_no_others() -> None:
    observed = observation()
    address = next(p.peer_address for p in observed.peers if p.peer_id.startswith("rsp-"))
    unread = replace(observed, unknown=Unknown(peers={address: "the peer cannot be read"}))
    verdicts = by_resource(sessions.survives_endpoint_loss(snapshot(unread)))
    assert sorted(verdicts.values()) == [RuleVerdict.PASS, RuleVerdict.UNKNOWN]
    nobodys = replace(observed, unknown=Unknown(peers={"": "a peer cannot be read"}))
    assert set(by_resource(sessions.survives_endpoint_loss(snapshot(nobodys))).values()) == {
        RuleVerdict.UNKNOWN
    }


def test_a_silent_standby_is_not_applicable_only_while_it_is_silent() -> None:
    observed = observation(alive=("fw1",))
    quiet = snapshot(observed)
    fw2 = replace(quiet.topology.appliances["fw2"], standby=Standby.SILENT)
    declared = replace(quiet.topology, appliances={**quiet.topology.appliances, "fw2": fw2})
    found = by_resource(sessions.survives_endpoint_loss(replace(quiet, topology=declared)))
    assert found == {"fw1": RuleVerdict.PASS, "fw2": RuleVerdict.NOT_APPLICABLE}
    assert by_resource(sessions.survives_endpoint_loss(quiet))["fw2"] is RuleVerdict.FAIL
    [first, *_] = [p for p in observed.peers if p.bgp is Status.DOWN]
    half = replace(
        observed,
        peers=tuple(replace(p, bgp=Status.UP, bfd=Status.UP) if p is first else p for p in observed.peers),
    )
    found = by_resource(sessions.survives_endpoint_loss(replace(snapshot(half), topology=declared)))
    assert found["fw2"] is RuleVerdict.FAIL


def test_bfd_that_is_down_beside_bgp_carries_no_routes() -> None:
    observed = observation()
    peers = tuple(replace(p, bfd=Status.DOWN) if p.asn == 65002 else p for p in observed.peers)
    found = by_resource(sessions.survives_endpoint_loss(snapshot(replace(observed, peers=peers))))
    assert found == {"fw1": RuleVerdict.PASS, "fw2": RuleVerdict.FAIL}


@pytest.mark.parametrize(
    ("state", "verdict"),
    [
        ("available", RuleVerdict.PASS),
        ("pending", RuleVerdict.FAIL),
        ("failing", RuleVerdict.FAIL),
        ("delete-failed", RuleVerdict.FAIL),
        ("resting", RuleVerdict.UNKNOWN),
    ],
)
def test_a_state_that_is_not_documented_is_unknown(state: str, verdict: RuleVerdict) -> None:
    observed = observation()
    changed = replace(observed, peers=(replace(observed.peers[0], state=state), *observed.peers[1:]))
    found = by_resource(sessions.available(snapshot(changed)))
    assert found[observed.peers[0].peer_id] is verdict
    broken = with_reading(broken=(replace(endpoints(observed)[0], endpoint_id="rse-x", state=state),))
    assert by_resource(sessions.available(broken))["rse-x"] is verdict


def test_a_zone_that_ec2_does_not_show_is_unknown_unless_there_are_two_others() -> None:
    whole = snapshot()
    assert isinstance(whole.inventory, Inventory)
    server = {subnet.subnet_id: replace(subnet, zone="") for subnet in whole.inventory.subnets.values()}
    blind = replace(whole, inventory=replace(whole.inventory, subnets=server))
    assert by_resource(sessions.redundant(blind))["rs-0edge"] is RuleVerdict.UNKNOWN
    assert by_resource(sessions.redundant(whole))["rs-0edge"] is RuleVerdict.PASS


def test_a_route_of_a_peer_that_aws_does_not_show_is_unknown() -> None:
    observed = observation()
    strange = replace(observed, peers=())
    assert set(by_resource(liveness.persisted(snapshot(strange))).values()) == {RuleVerdict.UNKNOWN}


def changes(times: int, *, apart: timedelta = timedelta(minutes=1)) -> tuple[SessionChange, ...]:
    peer_id = observation().peers[0].peer_id
    return tuple(
        SessionChange(peer_id, "bgp", "down" if n % 2 == 0 else "up", NOW - apart * n) for n in range(times)
    )


@pytest.mark.parametrize(
    ("logged", "verdict"),
    [
        (SessionChanges(), RuleVerdict.PASS),
        (SessionChanges(changes(4)), RuleVerdict.PASS),
        (SessionChanges(changes(4) * 3), RuleVerdict.PASS),
        (SessionChanges(changes(5)), RuleVerdict.FAIL),
        (SessionChanges(changes(5, apart=timedelta(minutes=20))), RuleVerdict.PASS),
        (SessionChanges(changes(4), ("a record cannot be read",)), RuleVerdict.UNKNOWN),
        (SessionChanges(changes(5), ("a record cannot be read",)), RuleVerdict.FAIL),
    ],
    ids=["none", "four", "copies", "five", "over more than an hour", "unread", "unread and enough"],
)
def test_changes_of_the_last_hour_count_once(logged: SessionChanges, verdict: RuleVerdict) -> None:
    found = by_resource(liveness.steady(snapshot(session_changes=logged)))
    assert found[observation().peers[0].peer_id] is verdict


def test_what_the_filters_do_not_show_is_unknown() -> None:
    doubted = Filters(interface_doubt="an interface cannot be read")
    found = by_resource(filters.groups_pass(snapshot(filters=doubted)))
    assert set(found.values()) == {RuleVerdict.UNKNOWN}
    assert set(by_resource(filters.acls_pass(snapshot(filters=Filters()))).values()) == {RuleVerdict.UNKNOWN}
    addresses = {p.peer_address for p in observation().peers}
    blocks = tuple(Subnet(f"subnet-{a}", "vpc-1", f"{a}/32") for a in addresses)
    unread = Filters(subnets=blocks, acl_doubt="a network ACL cannot be read")
    assert set(by_resource(filters.acls_pass(snapshot(filters=unread))).values()) == {RuleVerdict.UNKNOWN}
    closed = replace(unread, acls=tuple(NetworkAcl("acl-1", (block.subnet_id,)) for block in blocks))
    assert set(by_resource(filters.acls_pass(snapshot(filters=closed))).values()) == {RuleVerdict.FAIL}


def answers_between(first: int, last: int) -> Filters:
    """Returns network ACLs that are open but for TCP to the appliances outside these ports."""
    blocks = tuple(Subnet(f"subnet-{a}", "vpc-1", f"{a}/32") for a in {p.peer_address for p in PEERS})
    ends = (*(b.subnet_id for b in blocks), *(f"subnet-{p.asn}" for p in PEERS))
    rules = (
        AclRule(10, outbound=False, allows=True, protocol="tcp", prefix=EVERYWHERE, ports=(179, 179)),
        AclRule(20, outbound=False, allows=True, protocol="tcp", prefix=EVERYWHERE, ports=(first, last)),
        AclRule(30, outbound=False, allows=True, protocol="udp", prefix=EVERYWHERE),
        AclRule(40, outbound=True, allows=True, protocol=ANY, prefix=EVERYWHERE),
    )
    return Filters(subnets=blocks, acls=(NetworkAcl("acl-1", ends, rules),))


@pytest.mark.parametrize(
    ("ports", "alive", "verdict"),
    [
        ((1024, 65535), False, RuleVerdict.PASS),
        ((0, 65535), False, RuleVerdict.PASS),
        ((32768, 61000), False, RuleVerdict.UNKNOWN),
        ((32768, 61000), True, RuleVerdict.PASS),
        ((1024, 65534), False, RuleVerdict.UNKNOWN),
        ((179, 1023), True, RuleVerdict.FAIL),
    ],
)
def test_nobody_knows_from_which_port_an_appliance_dials(
    ports: tuple[int, int], alive: bool, verdict: RuleVerdict
) -> None:
    observed = observation(alive=("fw1", "fw2") if alive else ())
    found = list(filters.acls_pass(snapshot(observed, filters=answers_between(*ports))))
    assert {result.verdict for result in found} == {verdict}
    if verdict is RuleVerdict.UNKNOWN:
        assert all(f"{ports[0]}-{ports[1]}" in str(result.reason.facts) for result in found)


@pytest.mark.parametrize(
    ("mode", "rto", "verdict"),
    [
        (Liveness.BFD, 1, RuleVerdict.FAIL),
        (Liveness.BFD, 4, RuleVerdict.FAIL),
        (Liveness.BFD, 5, RuleVerdict.UNKNOWN),
        (Liveness.BFD, 16, RuleVerdict.UNKNOWN),
        (Liveness.BFD, 17, RuleVerdict.PASS),
        (Liveness.BGP_KEEPALIVE, 32, RuleVerdict.FAIL),
        (Liveness.BGP_KEEPALIVE, 33, RuleVerdict.UNKNOWN),
        (Liveness.BGP_KEEPALIVE, 97, RuleVerdict.UNKNOWN),
        (Liveness.BGP_KEEPALIVE, 98, RuleVerdict.PASS),
    ],
)
def test_an_rto_passes_only_above_what_was_observed(mode: Liveness, rto: int, verdict: RuleVerdict) -> None:
    observed = replace(observation(), peers=tuple(replace(p, liveness=mode) for p in PEERS))
    whole = snapshot(observed)
    groups = tuple(replace(group, rto_seconds=rto) for group in whole.topology.groups)
    declared = replace(whole.topology, groups=groups)
    assert set(by_resource(liveness.soon_enough(replace(whole, topology=declared))).values()) == {verdict}


CHOSEN = replace(route("fw1"), as_path=("65001",), med=10)


@pytest.mark.parametrize(
    ("as_path", "med", "verdict"),
    [
        (("65002", "65002"), 0, RuleVerdict.PASS),
        (("65001",), 20, RuleVerdict.PASS),
        (("65002",), 10, RuleVerdict.FAIL),
        (("65002",), 20, RuleVerdict.UNKNOWN),
        (("65002",), 0, RuleVerdict.UNKNOWN),
        (("65001",), 0, RuleVerdict.UNKNOWN),
    ],
)
def test_a_standby_passes_only_with_a_path_that_aws_says_is_worse(
    as_path: tuple[str, ...], med: int, verdict: RuleVerdict
) -> None:
    """AWS documents no comparison of MEDs of different neighbours, and does not choose a worse path."""
    other = replace(route("fw2"), status=RouteStatus.IN_RIB, as_path=as_path, med=med)
    observed = replace(observation(), database=RoutingDatabase((CHOSEN, other)))
    found = by_resource(standby.paths_ranked(snapshot(observed)))
    assert found == {"fw1 0.0.0.0/0": RuleVerdict.PASS, "fw2 0.0.0.0/0": verdict}


def test_a_longer_path_that_is_chosen_leaves_the_standbys_unknown() -> None:
    longer = replace(CHOSEN, as_path=("65001", "65001"))
    other = replace(route("fw2"), status=RouteStatus.IN_RIB, as_path=("65002",))
    observed = replace(observation(), database=RoutingDatabase((longer, other)))
    assert by_resource(standby.paths_ranked(snapshot(observed)))["fw2 0.0.0.0/0"] is RuleVerdict.UNKNOWN


def facts(**changes: Any) -> StackFacts:
    return replace(StackFacts(NOW, NOW, (), NOW, {"q": 0}, "1", "1"), **changes)


PAUSE = Pause("internet-edge", "kim", "work", NOW + timedelta(days=9), NOW - timedelta(days=2))


@pytest.mark.parametrize(
    ("judge", "stack", "verdict"),
    [
        (upkeep.looked_at, facts(looked_at=NOW - timedelta(minutes=5)), RuleVerdict.PASS),
        (upkeep.looked_at, facts(looked_at=NOW - timedelta(minutes=6)), RuleVerdict.FAIL),
        (upkeep.looked_at, facts(looked_at=None, mode_since=NOW - timedelta(minutes=6)), RuleVerdict.FAIL),
        (upkeep.looked_at, facts(looked_at=None, mode_since=None), RuleVerdict.FAIL),
        (upkeep.looked_at, facts(looked_at=None), RuleVerdict.NOT_APPLICABLE),
        (upkeep.watch_runs, facts(watched_at=None, mode_since=NOW - timedelta(minutes=6)), RuleVerdict.FAIL),
        (upkeep.watch_runs, facts(watched_at=None), RuleVerdict.NOT_APPLICABLE),
        (upkeep.dead_letters, facts(dead_letters={"q": 1}), RuleVerdict.FAIL),
        (upkeep.paused, facts(pauses=(PAUSE,)), RuleVerdict.FAIL),
        (upkeep.paused, facts(pauses=(replace(PAUSE, since=NOW - timedelta(hours=23)),)), RuleVerdict.PASS),
        (upkeep.paused, facts(pauses=(replace(PAUSE, since=None),)), RuleVerdict.UNKNOWN),
        (upkeep.paused, facts(pauses=(replace(PAUSE, until=NOW),)), RuleVerdict.PASS),
        (upkeep.versions, facts(version="2"), RuleVerdict.FAIL),
    ],
)
def test_each_record_is_judged_by_its_age(judge: Any, stack: StackFacts, verdict: RuleVerdict) -> None:
    assert set(by_resource(judge(snapshot(stack=stack))).values()) == {verdict}


@pytest.mark.parametrize("part", ["looked_at", "watched_at", "pauses", "dead_letters"])
def test_a_record_that_cannot_be_read_raises_for_its_rule_alone(part: str) -> None:
    judges = dict(
        zip(
            ("looked_at", "watched_at", "dead_letters", "pauses"),
            (upkeep.looked_at, upkeep.watch_runs, upkeep.dead_letters, upkeep.paused),
            strict=True,
        )
    )
    damaged = snapshot(stack=facts(**{part: THROTTLED}))
    for name, judge in judges.items():
        if name == part:
            with pytest.raises(NotReadError):
                list(judge(damaged))
        else:
            assert set(by_resource(judge(damaged)).values()) == {RuleVerdict.PASS}


@pytest.mark.parametrize(
    ("mode", "since", "verdict"),
    [
        (Mode.ENFORCE, NOW - timedelta(days=30), RuleVerdict.PASS),
        (Mode.DRY_RUN, NOW - timedelta(days=6), RuleVerdict.PASS),
        (Mode.DRY_RUN, NOW - timedelta(days=8), RuleVerdict.FAIL),
        (Mode.DRY_RUN, None, RuleVerdict.NOT_APPLICABLE),
    ],
)
def test_dry_run_is_judged_by_when_it_was_stored(
    mode: Mode, since: datetime | None, verdict: RuleVerdict
) -> None:
    whole = snapshot(stack=facts(mode_since=since))
    found = by_resource(upkeep.dry_run(replace(whole, topology=replace(whole.topology, mode=mode))))
    assert found == {"edge": verdict}


def test_a_declared_asn_of_the_route_server_is_one_finding_and_its_peers_are_none() -> None:
    observed, asn = observation(), SERVER.amazon_side_asn
    peers = tuple(replace(p, asn=asn) if p.asn == 65002 else p for p in observed.peers)
    shown = snapshot(replace(observed, peers=peers))
    found = by_resource(sessions.asn_of_its_own(shown))
    assert {r for r, v in found.items() if v is RuleVerdict.FAIL} == {
        p.peer_id for p in peers if p.asn == asn
    }
    fw2 = replace(shown.topology.appliances["fw2"], asn=asn)
    declared = replace(shown.topology, appliances={**shown.topology.appliances, "fw2": fw2})
    found = by_resource(sessions.asn_of_its_own(replace(shown, topology=declared)))
    assert {r for r, v in found.items() if v is RuleVerdict.FAIL} == {"fw2"}
