"""Appliances dial in, die, say goodbye; sessions are noticed in time, and no earlier."""

import pytest

from lab.ec2 import LeverError, Timings, lab_ec2
from lab.ec2.scenario import edge
from tests.lab.support import Edge

UP, DOWN = ("up", "up"), ("down", "down")


def both(state):
    return lambda name: {f"az{name[-1]}-a": state, f"az{name[-1]}-b": state}


def test_an_appliance_dials_in_wherever_it_has_a_peer(at_edge):
    assert at_edge.sessions("fw1") == both(UP)("fw1")
    assert at_edge.sessions("fw2") == both(UP)("fw2")
    assert at_edge.owner() == "10.0.1.10"


def test_a_wrong_asn_never_comes_up(slow_edge):
    slow_edge.levers.register("fw1", slow_edge.instances["fw1"], 65999, [{"prefix": "0.0.0.0/0"}])
    slow_edge.clock.advance(600)
    assert slow_edge.sessions("fw1") == both(DOWN)("fw1")
    assert slow_edge.owner() == "10.0.2.10"


def test_death_is_noticed_after_the_bfd_time_and_the_route_follows(slow_edge):
    slow_edge.levers.kill("fw1")
    slow_edge.clock.advance(0.85)
    assert slow_edge.sessions("fw1") == both(UP)("fw1")
    slow_edge.clock.advance(0.1)
    assert slow_edge.sessions("fw1") == both(DOWN)("fw1")
    assert slow_edge.owner() == "10.0.1.10", "the FIB is still converging"
    slow_edge.clock.advance(0.3)
    assert slow_edge.owner() == "10.0.2.10"
    assert slow_edge.propagated() == {"0.0.0.0/0": ("10.0.2.10", slow_edge.interfaces["fw2"], "active")}


def test_without_bfd_death_takes_the_hold_time():
    with lab_ec2(timings=Timings.lab()) as lab:
        world = Edge(lab, edge(lab.client(), lab.levers, sleep=lab.clock.sleep, liveness="bgp-keepalive"))
        world.levers.kill("fw1")
        lab.clock.sleep(14.9)
        assert world.sessions("fw1") == both(("up", "down"))("fw1")
        lab.clock.sleep(0.5)
        assert world.sessions("fw1") == both(DOWN)("fw1")
        assert world.owner() == "10.0.2.10"


def test_an_appliance_back_before_it_was_missed_loses_nothing(slow_edge):
    slow_edge.levers.kill("fw1")
    slow_edge.clock.advance(0.5)
    slow_edge.levers.restore("fw1")
    slow_edge.clock.advance(60)
    assert slow_edge.sessions("fw1") == both(UP)("fw1")
    assert not [row for row in slow_edge.lab.recorded.logs if row[1]["status"] == "DOWN"]


def test_a_restored_appliance_takes_the_route_back(slow_edge):
    slow_edge.levers.kill("fw1", stop_instance=True)
    slow_edge.clock.advance(10)
    assert slow_edge.owner() == "10.0.2.10"
    slow_edge.levers.restore("fw1")
    slow_edge.clock.advance(1.4)
    assert slow_edge.sessions("fw1") == both(DOWN)("fw1"), "its instance is still starting"
    slow_edge.clock.advance(5)
    assert slow_edge.owner() == "10.0.1.10", "Route Server preempts"


def test_a_graceful_goodbye_is_noticed_at_once_bgp_first(slow_edge):
    slow_edge.clock.advance(60)
    slow_edge.lab.recorded.logs.clear()
    slow_edge.levers.shutdown("fw1")
    assert slow_edge.sessions("fw1") == both(DOWN)("fw1")
    slow_edge.clock.advance(60)
    peer = slow_edge.peers["fw1"]["az1-a"]
    assert [record["type"] for peer_id, record in slow_edge.lab.recorded.logs if peer_id == peer] == [
        "BGPStatus",
        "BFDStatus",
    ]
    assert slow_edge.sessions("fw1") == both(DOWN)("fw1"), "it stays away"
    slow_edge.levers.restore("fw1")
    slow_edge.clock.advance(5)
    assert slow_edge.sessions("fw1") == both(UP)("fw1")


def test_one_session_down_keeps_the_route(at_edge):
    at_edge.levers.session("fw1", "az1-a", "down")
    assert at_edge.sessions("fw1") == {"az1-a": DOWN, "az1-b": UP}
    assert at_edge.owner() == "10.0.1.10"
    at_edge.clock.advance(3600)
    assert at_edge.sessions("fw1")["az1-a"] == DOWN
    at_edge.levers.session("fw1", at_edge.endpoints["az1-a"]["id"], "up")
    assert at_edge.sessions("fw1") == both(UP)("fw1")


@pytest.mark.parametrize(("protocol", "seen"), [("bgp", ("down", "up")), ("bfd", ("up", "down"))])
def test_bgp_and_bfd_go_down_apart(at_edge, protocol, seen):
    at_edge.levers.session("fw1", "az1-a", "down", protocol)
    assert at_edge.sessions("fw1")["az1-a"] == seen
    at_edge.levers.session("fw1", "az1-a", "up", protocol)
    assert at_edge.sessions("fw1")["az1-a"] == UP


def test_maintenance_takes_the_sessions_of_one_endpoint_and_gives_them_back(slow_edge):
    slow_edge.levers.maintenance("az1-a", 30)
    assert slow_edge.sessions("fw1") == {"az1-a": DOWN, "az1-b": UP}
    slow_edge.clock.advance(29)
    assert slow_edge.sessions("fw1") == {"az1-a": DOWN, "az1-b": UP}
    slow_edge.clock.advance(3)
    assert slow_edge.sessions("fw1") == both(UP)("fw1")
    assert slow_edge.owner() == "10.0.1.10"


def test_an_appliance_without_bfd_leaves_bfd_down(at_edge):
    at_edge.levers.register("fw1", at_edge.instances["fw1"], 65001, [{"prefix": "0.0.0.0/0"}], bfd=False)
    assert at_edge.sessions("fw1") == both(("up", "down"))("fw1")


def test_an_address_that_moves_away_ends_the_sessions(at_edge):
    made = at_edge.ec2.create_route_server_peer(
        RouteServerEndpointId=at_edge.endpoints["az1-a"]["id"],
        PeerAddress="10.0.1.20",
        BgpOptions={"PeerAsn": 65001, "PeerLivenessDetection": "bfd"},
    )["RouteServerPeer"]["RouteServerPeerId"]

    def status():
        (row,) = at_edge.ec2.describe_route_server_peers(RouteServerPeerIds=[made])["RouteServerPeers"]
        return row["BgpStatus"]["Status"]

    assert status() == "up"
    at_edge.ec2.unassign_private_ip_addresses(
        NetworkInterfaceId=at_edge.interfaces["fw1"], PrivateIpAddresses=["10.0.1.20"]
    )
    assert status() == "down"


def test_deleting_a_peer_ends_its_session_and_its_routes(at_edge):
    at_edge.ec2.delete_route_server_peer(RouteServerPeerId=at_edge.peers["fw1"]["az1-a"])
    assert len(at_edge.rows()) == 3
    at_edge.ec2.delete_route_server_peer(RouteServerPeerId=at_edge.peers["fw1"]["az1-b"])
    assert at_edge.owner() == "10.0.2.10"


def test_a_stopped_instance_takes_its_appliance_with_it(at_edge):
    at_edge.ec2.stop_instances(InstanceIds=[at_edge.instances["fw1"]])
    assert at_edge.sessions("fw1") == both(DOWN)("fw1")
    at_edge.ec2.start_instances(InstanceIds=[at_edge.instances["fw1"]])
    assert at_edge.owner() == "10.0.1.10"


def test_registering_again_restarts_the_appliance(at_edge):
    at_edge.lab.recorded.published.clear()
    at_edge.levers.register(
        "fw1", at_edge.instances["fw1"], 65001, [{"prefix": "192.0.2.0/24", "as_path": [65001]}]
    )
    assert at_edge.owner() == "10.0.2.10"
    assert at_edge.owner("192.0.2.0/24") == "10.0.1.10"
    assert any("is now DOWN" in item.message for item in at_edge.lab.recorded.published)


def test_what_cannot_be_pulled_says_what_would_be_right(at_edge):
    for pull, names in (
        (lambda: at_edge.levers.kill("fw9"), "fw1, fw2"),
        (lambda: at_edge.levers.session("fw1", "az1-z", "down"), "az1-a"),
        (lambda: at_edge.levers.session("fw1", "az2-a", "down"), at_edge.endpoints["az1-a"]["id"]),
        (lambda: at_edge.levers.session("fw1", "az1-a", "sideways"), "up or down"),
        (lambda: at_edge.levers.session("fw1", "az1-a", "down", "ospf"), "both, bgp or bfd"),
        (lambda: at_edge.levers.advertise("fw1", "10.0.0.1/8"), "10.20.0.0/16"),
        (lambda: at_edge.levers.advertise("fw1", "10.0.0.0/8", as_path=["x"]), "65001, 65001"),
        (lambda: at_edge.levers.withdraw("fw1", "10.9.0.0/16"), "0.0.0.0/0"),
        (lambda: at_edge.levers.instance("fw9", "stopped"), "fw1, fw2"),
        (lambda: at_edge.levers.instance("fw1", "asleep"), "running, stopped or terminated"),
        (lambda: at_edge.levers.register("x", "i-0", 1, []), at_edge.instances["fw1"]),
        (lambda: at_edge.levers.register("x", at_edge.instances["fw1"], 1, [{"p": 1}]), "as_path"),
        (lambda: at_edge.levers.resource("rsp-0", "failed", "x"), at_edge.peers["fw1"]["az1-a"]),
    ):
        with pytest.raises(LeverError) as caught:
            pull()
        assert names in str(caught.value)


def test_levers_name_endpoints_and_peers_as_people_do(at_edge):
    ids = {name: endpoint["id"] for name, endpoint in at_edge.endpoints.items()}
    with pytest.raises(LeverError) as session:
        at_edge.levers.session("fw1", "az2-a", "down")
    assert str(session.value) == (
        f"session 'fw1': no peer at az2-a ({ids['az2-a']}); "
        f"it has peers at: az1-a ({ids['az1-a']}), az1-b ({ids['az1-b']})"
    )
    with pytest.raises(LeverError) as maintenance:
        at_edge.levers.maintenance("az9", 1)
    assert f"az1-a ({ids['az1-a']}), " in str(maintenance.value)
    with pytest.raises(LeverError) as resource:
        at_edge.levers.resource("rsp-0", "failed", "x")
    assert f"az1-a ({ids['az1-a']}), " in str(resource.value)
    assert f"fw1 at az1-a ({at_edge.peers['fw1']['az1-a']})" in str(resource.value)
