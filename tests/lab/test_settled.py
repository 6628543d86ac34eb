"""Whatever is done to the world, once it has settled it shows what its causes say."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lab.ec2 import Timings, lab_ec2
from lab.ec2.best_path import choose
from lab.ec2.entities import State
from lab.ec2.errors import LeverError
from lab.ec2.scenario import edge
from tests.lab.support import Edge

FIREWALLS = st.sampled_from(["fw1", "fw2"])
PREFIXES = st.sampled_from(["0.0.0.0/0", "192.0.2.0/24"])
steps = st.one_of(
    st.tuples(st.just("kill"), st.fixed_dictionaries({"name": FIREWALLS, "stop_instance": st.booleans()})),
    st.tuples(st.sampled_from(["restore", "shutdown"]), st.fixed_dictionaries({"name": FIREWALLS})),
    st.tuples(
        st.just("instance"),
        st.fixed_dictionaries({"name": FIREWALLS, "state": st.sampled_from(["running", "stopped"])}),
    ),
    st.tuples(
        st.just("session"),
        st.fixed_dictionaries(
            {
                "name": FIREWALLS,
                "endpoint": st.sampled_from(["az1-a", "az1-b", "az2-a", "az2-b"]),
                "state": st.sampled_from(["up", "down"]),
                "protocol": st.sampled_from(["both", "bgp", "bfd"]),
            }
        ),
    ),
    st.tuples(
        st.just("advertise"),
        st.fixed_dictionaries({"name": FIREWALLS, "prefix": PREFIXES, "med": st.integers(0, 2)}),
    ),
    st.tuples(st.just("withdraw"), st.fixed_dictionaries({"name": FIREWALLS, "prefix": PREFIXES})),
    st.tuples(
        st.just("maintenance"),
        st.fixed_dictionaries(
            {"endpoint": st.sampled_from(["az1-a", "az2-b"]), "seconds": st.sampled_from([1, 20])}
        ),
    ),
    st.tuples(st.just("wait"), st.sampled_from([0.1, 0.5, 1.0, 3.0, 30.0])),
)


@pytest.fixture(scope="module", params=["bfd", "bgp-keepalive"])
def world(request):
    with lab_ec2(timings=Timings.lab()) as lab:
        yield Edge(lab, edge(lab.client(), lab.levers, sleep=lab.clock.sleep, liveness=request.param))


def pull(world, step):
    lever, arguments = step
    if lever == "wait":
        world.clock.advance(arguments)
        return
    try:
        getattr(world.levers, lever)(**arguments)
    except LeverError:
        return  # not there, or on its way elsewhere: nothing happened


def restored(world):
    for name in ("fw1", "fw2"):
        for endpoint in world.peers[name]:
            world.levers.session(name, endpoint, "up")
        world.clock.advance(60)
        world.levers.restore(name)
    world.clock.advance(60)


@given(st.lists(steps, max_size=14))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_settled_world_follows_from_its_causes(world, done):
    for step in done:
        pull(world, step)
    world.clock.advance(120)
    region = world.levers.region
    server = region.route_servers[world.route_server_id]
    speaking = {}
    for name, appliance in region.appliances.items():
        instance = region.backend.get_instance(appliance.instance_id)
        speaking[name] = appliance.alive and instance.is_running()
    for name, peers in world.peers.items():
        for peer_id in peers.values():
            peer = region.peers[peer_id]
            routes = region.appliances[name].routes
            assert peer.state is State.AVAILABLE
            assert peer.bgp == (speaking[name] and "bgp" not in peer.held_down)
            if peer.liveness == "bfd":
                assert peer.bfd == (speaking[name] and "bfd" not in peer.held_down)
            assert set(peer.rib) == (set(routes) if peer.bgp else set())
            assert not peer.withheld or (peer.bgp, peer.bfd, peer.liveness) == (True, False, "bfd")
            assert all(peer.rib[prefix].med == routes[prefix].med for prefix in peer.rib)
    paths = [path for peer in region.peers.values() for path in peer.paths.values()]
    assert server.fib == choose(paths, region.lab.behaviour.tie_break)
    assert {prefix: hop for prefix, (hop, _, _) in world.propagated().items()} == {
        prefix: path.next_hop for prefix, path in server.fib.items()
    }
    restored(world)


def test_every_session_change_is_told_once_in_turns(world):
    """Per peer and protocol: UP and DOWN alternate, whatever happened."""
    restored(world)
    last: dict[tuple[str, str], str] = {}
    for note in world.lab.recorded.published:
        if "is now undergoing" in note.message:
            continue
        protocol, status = note.message.split()[0], note.message.rstrip(".").split()[-1]
        peer = note.attributes["routeServerPeerId"]["StringValue"]
        assert last.get((peer, protocol)) != status
        last[peer, protocol] = status
    assert set(last.values()) == {"UP"}
