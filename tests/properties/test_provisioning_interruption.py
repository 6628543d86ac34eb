"""Whatever sessions and routes there are, no turn ends the last live session that carries a prefix."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from tandem.model import Status
from tests.routing import Run, built, wanted
from tests.sessions import OWNER, STANDBY, down, ending, learned
from tests.topologies import Edit, edited

WORLD = built()
EDITS: tuple[tuple[Edit, ...], ...] = (
    (("appliances.fw1.liveness", "bgp-keepalive"),),
    (("appliances.fw2.liveness", "bgp-keepalive"),),
    (("appliances.fw1.liveness", "bgp-keepalive"), ("appliances.fw2.liveness", "bgp-keepalive")),
    (("appliances.fw1.liveness", "bgp-keepalive"), ("appliances.fw1.peers.az1-b", ...)),
    (("appliances.fw1.peers.az1-a", "10.0.1.11"), ("appliances.fw1.peers.az1-b", "10.0.1.11")),
    (("appliances.fw2", ...), ("groups.0.elastic_ips", [])),
    (("appliances.fw1", ...), ("groups.0.elastic_ips", [])),
)
UP = st.lists(st.booleans(), min_size=4, max_size=4)
ROWS = st.lists(st.tuples(st.integers(0, 3), st.sampled_from([OWNER, STANDBY, "10.0.9.9"])), max_size=4)


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(EDITS), UP, ROWS)
def test_no_turn_ends_every_live_session_that_carries_a_prefix(
    edits: tuple[Edit, ...], up: list[bool], rows: list[tuple[int, str]]
) -> None:
    """Whatever the routing database says: sessions that are down, rows of theirs, next hops of anybody."""
    run = WORLD.towards(edited(wanted(), *edits))
    peers = sorted(p.peer_id for p in run.aws.shown.peers)
    alive = {peer_id for peer_id, is_up in zip(peers, up, strict=True) if is_up}
    down(run, *(set(peers) - alive))
    learned(run, *((peers[n], hop) for n, hop in rows))
    named = {OWNER: "fw1", STANDBY: "fw2"}
    who = [(peers[n], named.get(hop) or named[address(run, peers[n])]) for n, hop in rows]
    for carriers in ({i for i, _ in who}, {i for i, name in who if name == who[0][1]}):
        assert not alive & carriers or alive & carriers - set(ending(run))


@given(st.sampled_from(EDITS), UP)
def test_no_turn_ends_a_live_session_while_the_routes_cannot_be_read(
    edits: tuple[Edit, ...], up: list[bool]
) -> None:
    run = WORLD.towards(edited(wanted(), *edits))
    peers = sorted(p.peer_id for p in run.aws.shown.peers)
    down(run, *(i for i, is_up in zip(peers, up, strict=True) if not is_up))
    run.aws.shown = replace(run.aws.shown, routes=None)
    for peer in run.aws.shown.peers:
        assert peer.bgp is Status.DOWN or peer.peer_id not in ending(run)


def address(run: Run, peer_id: str) -> str:
    return next(p.peer_address for p in run.aws.shown.peers if p.peer_id == peer_id)
