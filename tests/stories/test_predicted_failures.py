"""What a rule of the sessions predicts happens: each test breaks a thing, and the next failover goes wrong.

Each failure is survived in the healthy world (`test_the_healthy_world_survives`), so it is the broken thing
that makes the difference.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from tandem.adapters import ec2reads
from tandem.compliance.rule import RuleVerdict
from tandem.reasons.compliance import RuleId
from tests import breakages_filters as filtering
from tests import breakages_sessions as breaking
from tests.breakages import DEFAULT, somebody_persists_routes
from tests.breakages_sessions import asn_of, create_peer, delete_peer, endpoint
from tests.complying import checked, healthy
from tests.shared_worlds import begins_in
from tests.stack import REALISTIC, Stack, stack
from tests.tiers import prove

Change = Callable[[Stack], object]


@pytest.fixture
@begins_in(stack)
def edge() -> Iterator[Stack]:
    with healthy() as s:
        yield s


def failing(s: Stack, rule: RuleId) -> set[str]:
    return {
        f.result.resource for f in checked(s) if f.rule.id == rule and f.result.verdict is RuleVerdict.FAIL
    }


def the_active_dies_during_work_on_an_endpoint(s: Stack) -> None:
    """AWS works on the standby's first endpoint when fw1 dies."""
    s.levers.maintenance(endpoint(s, "az2-a"), 300)
    s.run(5)
    s.levers.kill("fw1")


def the_first_zone_is_lost(s: Stack) -> None:
    """fw1 dies together with the endpoints of its zone."""
    s.levers.kill("fw1")
    for name in ("az1-a", "az1-b"):
        s.levers.maintenance(endpoint(s, name), 300)


def filtered(break_: Change) -> Change:
    """The packet filters are in force while they are changed."""

    def change(s: Stack) -> None:
        s.lab.lab.behaviour = replace(s.lab.lab.behaviour, packet_filters=True)
        break_(s)

    change.__name__ = break_.__name__
    return change


def the_only_session_between_zones(s: Stack) -> None:
    """The standby peers with an endpoint of each zone; the network ACL of its subnet closes."""
    filtering.a_network_acl_denies_bfd(s)
    delete_peer(s, "fw2", "az2-b")


def answers_are_lost_between_zones(s: Stack) -> None:
    filtering.a_network_acl_denies_the_answers(s)
    delete_peer(s, "fw2", "az2-b")


FAILURES: tuple[Change, ...] = (the_active_dies_during_work_on_an_endpoint, the_first_zone_is_lost)

PREDICTED: list[tuple[RuleId, Change, Change]] = [
    (RuleId.ENDPOINT_LOSS_SURVIVED, breaking.a_session_of_the_standby_goes_down, FAILURES[0]),
    (RuleId.ENDPOINT_LOSS_SURVIVED, breaking.the_standby_loses_a_peer, FAILURES[0]),
    (RuleId.ENDPOINTS_AND_PEERS_AVAILABLE, breaking.a_peer_fails, FAILURES[0]),
    (RuleId.PEER_ASN_OF_ITS_OWN, breaking.a_peer_has_the_route_servers_asn, FAILURES[0]),
    (RuleId.ENDPOINTS_REDUNDANT, breaking.every_endpoint_is_in_one_zone, FAILURES[1]),
    (RuleId.SECURITY_GROUPS_PASS, filtered(filtering.the_standbys_group_forgets_bfd), FAILURES[1]),
    (RuleId.SECURITY_GROUPS_PASS, filtered(filtering.the_endpoints_group_loses_bgp), FAILURES[0]),
    (RuleId.NETWORK_ACLS_PASS, filtered(the_only_session_between_zones), FAILURES[0]),
    (RuleId.NETWORK_ACLS_PASS, filtered(answers_are_lost_between_zones), FAILURES[0]),
]


def settle(s: Stack) -> None:
    s.run(10)
    s.sweep()


@pytest.mark.parametrize("fails", FAILURES)
def test_the_healthy_world_survives(edge: Stack, fails: Change) -> None:
    fails(edge)
    settle(edge)
    assert edge.are_all_with("fw2")


def test_open_packet_filters_change_nothing(edge: Stack) -> None:
    filtered(filtering.session_between_zones)(edge)
    delete_peer(edge, "fw2", "az2-b")
    the_active_dies_during_work_on_an_endpoint(edge)
    settle(edge)
    assert edge.are_all_with("fw2")


@pytest.mark.parametrize(
    ("rule", "break_", "fails"), PREDICTED, ids=[f"{rule}-{change.__name__}" for rule, change, _ in PREDICTED]
)
def test_the_addresses_stay_with_the_dead_appliance(
    edge: Stack, rule: RuleId, break_: Change, fails: Change
) -> None:
    break_(edge)
    edge.run(10)
    assert failing(edge, rule)
    assert edge.are_all_with("fw1")
    fails(edge)
    settle(edge)
    assert edge.are_all_with("fw1")
    assert ec2reads.routing_database(edge.ids["route_server_id"]).in_fib({DEFAULT}) == ()
    assert edge.kinds()[-1] == "hold"


def all_sessions_end(s: Stack) -> None:
    for appliance, peers in s.ids["peers"].items():
        for name in peers:
            s.levers.session(appliance, endpoint(s, name), "down")
    s.run(5)


def chosen(s: Stack) -> list[str]:
    """Returns the next hops of the default route in the FIB."""
    found = ec2reads.routing_database(s.ids["route_server_id"]).in_fib({DEFAULT})
    return [route.next_hop for route in found]


def test_undeclared_persistence_keeps_a_route_that_was_to_go(edge: Stack) -> None:
    all_sessions_end(edge)
    assert chosen(edge) == []
    for appliance, peers in edge.ids["peers"].items():
        for name in peers:
            edge.levers.session(appliance, endpoint(edge, name), "up")
    edge.run(10)
    list(somebody_persists_routes(edge))
    edge.run(10)
    assert failing(edge, RuleId.PERSISTENCE_AS_DECLARED)
    all_sessions_end(edge)
    assert len(chosen(edge)) == 1


def test_a_persisted_route_stays_with_an_appliance_that_dies(edge: Stack) -> None:
    breaking.all_sessions_end_and_the_routes_stay(edge)
    settle(edge)
    assert failing(edge, RuleId.NO_PERSISTED_ROUTE) == {DEFAULT}
    kept, before = chosen(edge), edge.holders()
    edge.levers.kill("fw1", stop_instance=True)
    edge.levers.kill("fw2", stop_instance=True)
    edge.run(30)
    edge.sweep()
    assert chosen(edge) == kept == [edge.ids["peer_addresses"]["fw2"]]
    assert edge.holders() == before


def seconds_until_moved(s: Stack, most: int = 200) -> int:
    """Lets fw1 die, and returns the seconds until fw2 has every address."""
    s.levers.kill("fw1")
    for second in range(most):
        if s.are_all_with("fw2"):
            return second
        s.run(1, step=1)
    return most


@prove
def test_keepalive_finds_out_after_the_rto() -> None:
    """The lab's hold time is that of the slower observation here."""
    for liveness, is_in_time in (("bfd", True), ("bgp-keepalive", False)):
        with stack(timings=replace(REALISTIC, hold_s=90)) as s, healthy(s) as edge:
            if liveness == "bgp-keepalive":
                for name in ("az1-a", "az1-b"):
                    delete_peer(edge, "fw1", name)
                    address = edge.ids["peer_addresses"]["fw1"]
                    create_peer(edge, endpoint(edge, name), address, asn_of("fw1"), liveness)
                edge.run(60)
                edge.sweep()
            rto = edge.record.topology.groups[0].rto_seconds
            assert rto is not None
            assert (failing(edge, RuleId.LIVENESS_WITHIN_RTO) == set()) is is_in_time
            assert (seconds_until_moved(edge) <= rto) is is_in_time


@prove
def test_sessions_that_flap_move_the_addresses_each_time(edge: Stack) -> None:
    """Nobody died, and the addresses went away and back three times."""
    for state in ("down", "up") * 3:
        for name in ("az1-a", "az1-b"):
            edge.levers.session("fw1", endpoint(edge, name), state)
        edge.run(40, step=2)
        assert edge.are_all_with("fw2" if state == "down" else "fw1")
    assert edge.kinds().count("outcome") == 6
    assert len(failing(edge, RuleId.SESSIONS_STEADY)) == 2
