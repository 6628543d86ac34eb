"""RIB and FIB: rows per peer, one winner per prefix, and what changes it."""

import pytest

from lab.ec2 import Behaviour, LeverError, TieBreak, lab_ec2
from lab.ec2.scenario import edge
from tests.lab.support import Edge


def test_one_row_per_peer_one_of_them_in_the_fib(at_edge):
    rows = at_edge.rows()
    assert len(rows) == 4
    assert len({row["RouteServerPeerId"] for row in rows}) == 4
    (winner,) = [row for row in rows if row["RouteStatus"] == "in-fib"]
    assert winner["AsPaths"] == ["65001"]
    assert winner["RouteServerEndpointId"] in {
        at_edge.endpoints["az1-a"]["id"],
        at_edge.endpoints["az1-b"]["id"],
    }
    assert all(row["RouteInstallationDetails"] == [] for row in rows if row is not winner)


def test_a_longer_as_path_loses(at_edge):
    at_edge.levers.advertise("fw1", "0.0.0.0/0", as_path=[65001] * 4)
    assert at_edge.owner() == "10.0.2.10"


def test_a_higher_med_loses_between_equal_paths(at_edge):
    at_edge.levers.advertise("fw1", "0.0.0.0/0", med=10)
    at_edge.levers.advertise("fw2", "0.0.0.0/0", med=5)
    assert at_edge.owner() == "10.0.2.10"
    at_edge.levers.advertise("fw1", "0.0.0.0/0", med=4)
    assert at_edge.owner() == "10.0.1.10"


def test_a_withdrawn_route_leaves_while_the_sessions_stay(at_edge):
    at_edge.levers.withdraw("fw1", "0.0.0.0/0")
    assert at_edge.owner() == "10.0.2.10"
    assert set(at_edge.sessions("fw1").values()) == {("up", "up")}
    at_edge.levers.withdraw("fw2", "0.0.0.0/0")
    assert at_edge.rows() == []
    assert at_edge.propagated() == {}


@pytest.mark.parametrize(
    ("tie_break", "owner"),
    [
        (TieBreak.LOWEST_PEER_ADDRESS, "10.0.1.10"),
        (TieBreak.OLDEST, "10.0.2.10"),
        (TieBreak.NEWEST, "10.0.1.10"),
    ],
)
def test_the_tie_break_is_a_choice(tie_break, owner):
    with lab_ec2(behaviour=Behaviour(tie_break=tie_break)) as lab:
        world = Edge(lab, edge(lab.client(), lab.levers, sleep=lab.clock.sleep))
        world.levers.advertise("fw2", "192.0.2.0/24")
        world.levers.advertise("fw1", "192.0.2.0/24")
        assert world.owner("192.0.2.0/24") == owner


def test_prefixes_are_chosen_one_by_one(at_edge):
    at_edge.levers.advertise("fw2", "192.0.2.0/24")
    assert (at_edge.owner(), at_edge.owner("192.0.2.0/24")) == ("10.0.1.10", "10.0.2.10")


def test_the_fib_follows_the_rib_after_convergence(slow_edge):
    slow_edge.levers.withdraw("fw1", "0.0.0.0/0")
    stale = slow_edge.rows("in-fib")
    assert [row["NextHopIp"] for row in stale] == ["10.0.1.10"]
    assert len(slow_edge.rows("in-rib")) == 2
    slow_edge.clock.advance(0.3)
    assert slow_edge.owner() == "10.0.2.10"
    assert len(slow_edge.rows()) == 2


def test_a_dead_appliance_advertises_nothing_new(at_edge):
    at_edge.levers.kill("fw1")
    assert at_edge.levers.advertise("fw1", "192.0.2.0/24")["peers"] == []
    assert at_edge.owner("192.0.2.0/24") is None
    at_edge.levers.restore("fw1")
    assert at_edge.owner("192.0.2.0/24") == "10.0.1.10"


def test_past_a_hundred_routes_the_lab_does_not_guess(at_edge):
    for number in range(99):
        at_edge.levers.advertise("fw1", f"192.0.2.{number}/32")
    with pytest.raises(LeverError, match="not documented"):
        at_edge.levers.advertise("fw1", "192.0.2.200/32")
    with pytest.raises(LeverError, match="not documented"):
        at_edge.levers.advertise("fw2", "192.0.2.201/32")
    at_edge.levers.advertise("fw2", "192.0.2.98/32")


def test_a_route_may_have_another_path_toward_one_route_server(at_edge):
    server = at_edge.route_server_id
    for toward, owner in (({server: [65001] * 9}, "10.0.2.10"), ({"rs-0other": [65001] * 9}, "10.0.1.10")):
        at_edge.levers.register(
            name="fw1",
            instance_id=at_edge.instances["fw1"],
            asn=65001,
            routes=[{"prefix": "0.0.0.0/0", "toward": toward}],
        )
        assert at_edge.owner() == owner


@pytest.mark.parametrize("toward", ["rs-1", {"rs-1": ["x"]}, ["rs-1"]])
def test_a_path_toward_a_route_server_is_a_list_of_numbers(at_edge, toward):
    routes = [{"prefix": "0.0.0.0/0", "toward": toward}]
    with pytest.raises(LeverError, match=r"toward|AS numbers"):
        at_edge.levers.register(name="fw1", instance_id=at_edge.instances["fw1"], asn=65001, routes=routes)
