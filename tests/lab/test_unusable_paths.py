"""Paths that a BGP speaker never chooses, however good they look (RFC 4271)."""

import pytest

from lab.ec2 import Behaviour, lab_ec2
from lab.ec2.scenario import edge
from lab.ec2.scenario_routing import AMAZON_SIDE_ASN
from tests.lab.support import Edge

PREFIX = "192.0.2.0/24"


def offered(world, **route):
    """fw1 offers the prefix with this route, fw2 the long way round; who gets it."""
    world.levers.advertise("fw2", PREFIX, as_path=[65002] * 5)
    world.levers.advertise("fw1", PREFIX, **route)
    return world.owner(PREFIX)


def statuses(world, name):
    ids = set(world.peers[name].values())
    return {
        row["RouteStatus"]
        for row in world.rows()
        if row["RouteServerPeerId"] in ids and row["Prefix"] == PREFIX
    }


def test_the_better_path_wins_otherwise(at_edge):
    assert offered(at_edge, as_path=[65001, 65010]) == "10.0.1.10"


@pytest.mark.parametrize(
    "path", [[AMAZON_SIDE_ASN], [65001, AMAZON_SIDE_ASN], [65001, AMAZON_SIDE_ASN, 65010]]
)
def test_a_path_with_amazons_asn_is_a_loop(at_edge, path):
    assert offered(at_edge, as_path=path) == "10.0.2.10"
    assert statuses(at_edge, "fw1") == {"in-rib"}
    assert statuses(at_edge, "fw2") == {"in-fib", "in-rib"}


def test_asns_are_compared_whole(at_edge):
    assert offered(at_edge, as_path=[65001, 6500, 650000]) == "10.0.1.10"


def test_a_loop_for_one_route_server_is_none_for_another():
    with lab_ec2() as lab:
        world = Edge(lab, edge(lab.client(), lab.levers, sleep=lab.clock.sleep))
        route = {
            "prefix": PREFIX,
            "as_path": [65001],
            "toward": {world.route_server_id: [65001, AMAZON_SIDE_ASN]},
        }
        world.levers.register("fw1", world.instances["fw1"], 65001, [route])
        assert world.owner(PREFIX) is None


@pytest.mark.parametrize("endpoint", ["az1-a", "az1-b", "az2-a"])
def test_a_next_hop_that_is_the_route_servers_own_is_never_chosen(at_edge, endpoint):
    """Its endpoints are one speaker, and that "SHALL NOT install a route with itself as the next hop"."""
    assert offered(at_edge, next_hop=at_edge.endpoints[endpoint]["address"]) == "10.0.2.10"
    assert at_edge.propagated()[PREFIX][0] == "10.0.2.10"


NOBODY = "0.0.0.0"  # noqa: S104 - a next hop, nothing listens there


@pytest.mark.parametrize("next_hop", [NOBODY, "224.0.0.5", "127.0.0.1", "255.255.255.255"])
def test_a_next_hop_that_is_no_hosts_address_is_never_chosen(at_edge, next_hop):
    assert offered(at_edge, next_hop=next_hop) == "10.0.2.10"


def test_a_path_with_as_zero_is_never_chosen(at_edge):
    """RFC 7607."""
    assert offered(at_edge, as_path=[65001, 0]) == "10.0.2.10"


def test_a_prefix_with_nothing_but_such_paths_has_no_winner(at_edge):
    at_edge.levers.advertise("fw1", PREFIX, as_path=[65001, AMAZON_SIDE_ASN])
    assert at_edge.owner(PREFIX) is None
    assert PREFIX not in at_edge.propagated()
    at_edge.levers.advertise("fw1", PREFIX, as_path=[65001])
    assert at_edge.owner(PREFIX) == "10.0.1.10"


def test_the_winner_loses_when_its_path_becomes_a_loop(at_edge):
    at_edge.levers.advertise("fw1", "0.0.0.0/0", as_path=[65001, AMAZON_SIDE_ASN])
    assert at_edge.owner() == "10.0.2.10"


def test_such_paths_may_not_be_shown_at_all():
    """Nobody knows whether AWS shows them: RFC 4271 keeps them from the choice only."""
    with lab_ec2(behaviour=Behaviour(shows_unusable_paths=False)) as lab:
        world = Edge(lab, edge(lab.client(), lab.levers, sleep=lab.clock.sleep))
        assert offered(world, as_path=[65001, AMAZON_SIDE_ASN]) == "10.0.2.10"
        assert statuses(world, "fw1") == set()
        world.levers.advertise("fw1", PREFIX, as_path=[65001])
        assert statuses(world, "fw1") == {"in-fib", "in-rib"}


@pytest.mark.parametrize("asn", [4294967296, -1])
def test_no_router_can_send_an_asn_beyond_four_octets(at_edge, asn):
    with pytest.raises(ValueError, match="AS path"):
        at_edge.levers.advertise("fw1", PREFIX, as_path=[65001, asn])
