"""BFD goes down beside BGP: the routes of that session leave the RIB, or stay, as the lab is told."""

import pytest

from lab.ec2 import Behaviour, BfdDown, Timings, lab_ec2
from lab.ec2.scenario import edge
from tests.lab.support import Edge

SESSIONS = ("az1-a", "az1-b")


@pytest.fixture
def build():
    """An edge in which BFD beside BGP means what is asked for."""
    opened = []

    def make(bfd_down=BfdDown.WITHDRAWS, *, timings=None, **scenario):
        context = lab_ec2(behaviour=Behaviour(bfd_down=bfd_down), timings=timings)
        lab = context.__enter__()
        opened.append(context)
        return Edge(lab, edge(lab.client(), lab.levers, sleep=lab.clock.sleep, **scenario))

    yield make
    for context in reversed(opened):
        context.__exit__(None, None, None)


def bfd(world, state, *endpoints):
    for endpoint in endpoints or SESSIONS:
        world.levers.session("fw1", endpoint, state, "bfd")


def routes_of(world, name):
    ids = set(world.peers[name].values())
    return [row["Prefix"] for row in world.rows() if row["RouteServerPeerId"] in ids]


def test_bfd_down_withdraws_the_routes_although_bgp_is_up(build):
    world = build()
    bfd(world, "down")
    assert world.sessions("fw1") == dict.fromkeys(SESSIONS, ("up", "down"))
    assert routes_of(world, "fw1") == []
    assert world.owner() == "10.0.2.10"
    assert world.propagated()["0.0.0.0/0"][0] == "10.0.2.10"


def test_they_come_back_with_bfd(build):
    world = build()
    bfd(world, "down")
    bfd(world, "up")
    assert routes_of(world, "fw1") == ["0.0.0.0/0"] * 2
    assert world.owner() == "10.0.1.10"


def test_the_lab_can_also_keep_them(build):
    world = build(BfdDown.KEEPS)
    bfd(world, "down")
    assert world.owner() == "10.0.1.10"
    assert len(routes_of(world, "fw1")) == 2


def test_only_the_routes_of_that_session_go(build):
    world = build()
    bfd(world, "down", "az1-a")
    assert len(routes_of(world, "fw1")) == 1
    assert world.owner() == "10.0.1.10"


def test_the_fib_follows_after_convergence(build):
    world = build(timings=Timings.lab())
    bfd(world, "down")
    assert world.owner() == "10.0.1.10"
    world.clock.advance(0.3)
    assert world.owner() == "10.0.2.10"


def test_what_is_advertised_meanwhile_waits_for_bfd(build):
    world = build()
    bfd(world, "down")
    world.levers.advertise("fw1", "192.0.2.0/24")
    world.levers.advertise("fw1", "203.0.113.0/24")
    world.levers.withdraw("fw1", "203.0.113.0/24")
    assert world.owner("192.0.2.0/24") is None
    bfd(world, "up")
    assert world.owner("192.0.2.0/24") == "10.0.1.10"
    assert world.owner("203.0.113.0/24") is None


def test_bfd_that_never_came_up_withdraws_nothing(build):
    """Nothing has failed: the User Guide speaks of a device that fails."""
    world = build()
    world.levers.register(
        "fw1", world.instances["fw1"], 65001, [{"prefix": "0.0.0.0/0", "as_path": [65001]}], bfd=False
    )
    assert world.sessions("fw1") == dict.fromkeys(SESSIONS, ("up", "down"))
    assert world.owner() == "10.0.1.10"


def test_a_peer_that_detects_by_keepalive_has_no_bfd_to_lose(build):
    world = build(liveness="bgp-keepalive")
    bfd(world, "down")
    assert world.owner() == "10.0.1.10"


def test_no_peer_log_says_that_the_peer_withdrew(build):
    """Peer logs report what the peer advertised; it advertised nothing new."""
    world = build()
    world.lab.recorded.logs.clear()
    bfd(world, "down")
    bfd(world, "up")
    assert {record["type"] for _, record in world.lab.recorded.logs} == {"BFDStatus"}


@pytest.mark.parametrize("bfd_down", BfdDown)
def test_persistence_holds_the_routes_of_a_death_that_bfd_detects(build, bfd_down):
    """BFD and BGP go down together then; persistence is about BGP sessions that end."""
    world = build(bfd_down, persist_minutes=2)
    world.levers.kill("fw2")
    world.levers.kill("fw1")
    assert world.database()["AreRoutesPersisted"] is True
    assert world.owner() == "10.0.1.10"


def test_persistence_does_not_hold_what_bfd_withdrew_before(build):
    world = build(persist_minutes=2)
    bfd(world, "down")
    world.levers.shutdown("fw1")
    world.levers.shutdown("fw2")
    assert routes_of(world, "fw1") == []
    assert world.owner() == "10.0.2.10"


def test_a_new_bgp_session_brings_its_routes_before_bfd_is_up(build):
    world = build()
    bfd(world, "down")
    for endpoint in SESSIONS:
        world.levers.session("fw1", endpoint, "down", "bgp")
        world.levers.session("fw1", endpoint, "up", "bgp")
    assert world.sessions("fw1") == dict.fromkeys(SESSIONS, ("up", "down"))
    assert world.owner() == "10.0.1.10"


def test_a_peer_that_is_deleted_with_bfd_down_leaves_nothing(build):
    world = build()
    bfd(world, "down")
    for peer in world.peers["fw1"].values():
        world.ec2.delete_route_server_peer(RouteServerPeerId=peer)
    assert routes_of(world, "fw1") == []
    assert world.owner() == "10.0.2.10"


def test_bfd_withdraws_what_persistence_holds_and_bgp_has_relearned(build):
    world = build(persist_minutes=2)
    world.levers.kill("fw2")
    world.levers.kill("fw1")
    world.levers.restore("fw1")
    bfd(world, "down")
    assert routes_of(world, "fw1") == []
    world.clock.advance(300)
    assert world.owner() is None
    assert world.database()["AreRoutesPersisted"] is False
