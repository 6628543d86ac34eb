"""Routes kept after all sessions end (docs/aws-facts.md#persistence)."""

import pytest

from lab.ec2 import Behaviour, PersistedMeans, UnknownAwsBehaviour, Unpersisting, lab_ec2
from lab.ec2.scenario import edge
from tests.lab.support import Edge


@pytest.fixture
def build():
    """An edge with two minutes of persistence and a given behaviour."""
    labs = []

    def make(**behaviour):
        context = lab_ec2(behaviour=Behaviour(**behaviour))
        lab = context.__enter__()
        labs.append(context)
        return Edge(lab, edge(lab.client(), lab.levers, sleep=lab.clock.sleep, persist_minutes=2))

    yield make
    for context in labs:
        context.__exit__(None, None, None)


def both_dead(world):
    world.levers.kill("fw1")
    world.levers.kill("fw2")


def test_one_appliance_dead_is_a_normal_failover(build):
    world = build()
    world.levers.kill("fw1")
    assert world.owner() == "10.0.2.10"
    assert world.database()["AreRoutesPersisted"] is False


def test_the_routes_of_the_last_sessions_stay_without_limit(build):
    world = build()
    both_dead(world)
    world.clock.advance(86400)
    assert world.owner() == "10.0.2.10"
    assert world.propagated()["0.0.0.0/0"][0] == "10.0.2.10"
    assert world.database()["AreRoutesPersisted"] is True
    assert set(world.sessions("fw2").values()) == {("down", "down")}


def test_without_persistence_they_go(at_edge):
    both_dead(at_edge)
    assert at_edge.rows() == []
    assert at_edge.propagated() == {}


def test_the_wait_begins_when_bgp_is_back(build):
    world = build()
    both_dead(world)
    world.clock.advance(3600)
    world.levers.restore("fw1")
    world.clock.advance(119)
    assert world.database()["AreRoutesPersisted"] is True
    assert {row["NextHopIp"] for row in world.rows()} == {"10.0.1.10", "10.0.2.10"}
    world.clock.advance(1)
    assert world.database()["AreRoutesPersisted"] is False
    assert {row["NextHopIp"] for row in world.rows()} == {"10.0.1.10"}


def test_what_was_relearned_in_time_stays(build):
    world = build()
    both_dead(world)
    world.levers.restore("fw2")
    world.clock.advance(600)
    assert [row["NextHopIp"] for row in world.rows()] == ["10.0.2.10"] * 2, "from both of its sessions"


def test_losing_bgp_again_ends_the_wait(build):
    world = build()
    both_dead(world)
    world.levers.restore("fw2")
    world.clock.advance(60)
    world.levers.kill("fw2")
    world.clock.advance(600)
    assert world.owner() == "10.0.2.10"


def test_the_fib_merges_or_freezes_meanwhile(build):
    merging = build(unpersisting=Unpersisting.MERGE)
    both_dead(merging)
    merging.levers.restore("fw1")
    assert merging.owner() == "10.0.1.10"


def test_a_frozen_fib_thaws_at_the_end(build):
    frozen = build(unpersisting=Unpersisting.FROZEN)
    both_dead(frozen)
    frozen.levers.restore("fw1")
    assert frozen.owner() == "10.0.2.10"
    frozen.clock.advance(120)
    assert frozen.owner() == "10.0.1.10"


def test_are_routes_persisted_may_mean_enabled(build):
    world = build(persisted_means=PersistedMeans.ENABLED)
    assert world.database()["AreRoutesPersisted"] is True
    world.ec2.modify_route_server(RouteServerId=world.route_server_id, PersistRoutes="disable")
    assert world.database()["AreRoutesPersisted"] is False


def test_reset_empties_rib_and_fib_and_leaves_persistence_enabled(build):
    world = build()
    both_dead(world)
    answer = world.ec2.modify_route_server(RouteServerId=world.route_server_id, PersistRoutes="reset")
    assert answer["RouteServer"]["PersistRoutesState"] == "resetting"
    assert world.rows() == []
    assert world.propagated() == {}
    server = world.ec2.describe_route_servers()["RouteServers"][0]
    assert server["PersistRoutesState"] == "enabled"


def test_reset_with_sessions_up_is_not_guessed_while_routes_are_held(build):
    world = build()
    both_dead(world)
    world.levers.restore("fw1")
    with pytest.raises(UnknownAwsBehaviour):
        world.ec2.modify_route_server(RouteServerId=world.route_server_id, PersistRoutes="reset")


def test_disabling_drops_what_is_held(build):
    world = build()
    both_dead(world)
    world.ec2.modify_route_server(RouteServerId=world.route_server_id, PersistRoutes="disable")
    assert world.rows() == []


def test_persistence_enabled_later_holds_as_well(at_edge):
    at_edge.ec2.modify_route_server(
        RouteServerId=at_edge.route_server_id, PersistRoutes="enable", PersistRoutesDuration=1
    )
    both_dead(at_edge)
    assert at_edge.owner() == "10.0.2.10"


def test_a_held_route_goes_with_its_peer(build):
    world = build()
    both_dead(world)
    (held,) = world.rows()
    world.ec2.delete_route_server_peer(RouteServerPeerId=held["RouteServerPeerId"])
    assert world.rows() == []
    assert world.propagated() == {}
