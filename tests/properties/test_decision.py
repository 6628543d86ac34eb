"""Tests what holds of every decision, whatever AWS shows."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import timedelta
from itertools import takewhile

from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from tandem.failover.deciding import decide
from tandem.failover.decision import Action, GroupDecision
from tandem.failover.moves import moves
from tandem.failover.sessions import has_session
from tandem.failover.turn import _remembering
from tandem.model import Holder, Observation, PrivateAddress, RouteStatus, RoutingDatabase
from tandem.state.memory import Memory, PastMove
from tandem.state.override import Override, OverrideKind
from tandem.topology.document import Target, Topology
from tests.pure import (
    ADDRESS,
    DOWN,
    ENDPOINTS,
    INSTANCE,
    INTERFACE,
    NOW,
    UP,
    after,
    allocation,
    elastic_ip,
    interface,
    observation,
    peer,
    route,
    route_server,
    said,
    target,
    topology,
)

ADDRESSES = 3
PREFIXES = ("0.0.0.0/0", "10.20.0.0/16")
PLACES = [
    None,
    *(target(name, n) for name in ADDRESS for n in range(ADDRESSES)),
    Target(INTERFACE["fw1"], ADDRESS["fw1"]),
    Target("eni-0strange", "10.0.7.7"),
]

statuses = st.sampled_from([UP, DOWN])
routes = st.lists(
    st.builds(
        lambda owner, prefix, hop, rejected, status: replace(
            route(owner, prefix, next_hop=hop, rejected=rejected), status=status
        ),
        st.sampled_from(["fw1", "fw2"]),
        st.sampled_from([*PREFIXES, "0.0.0.0/1"]),
        st.sampled_from([None, None, None, "10.0.9.9"]),
        st.sampled_from([None, None, "a static route exists"]),
        st.sampled_from([RouteStatus.IN_FIB, RouteStatus.IN_FIB, RouteStatus.IN_RIB]),
    ),
    max_size=4,
    unique_by=lambda r: (r.prefix, r.status),
)


@st.composite
def interfaces(draw):
    def private(name: str, ip: str) -> PrivateAddress:
        kind = draw(st.sampled_from(["free"] * 6 + ["stranger", "auto"]))
        public = None if kind == "free" else "198.51.100.1"
        return PrivateAddress(ip, public, "eipalloc-0stranger" if kind == "stranger" else None)

    found = {}
    for name in ADDRESS:
        if draw(st.integers(0, 9)):
            whole = interface(name, ADDRESSES)
            kept = [a for a in whole.addresses if draw(st.integers(0, 9))]
            attached = draw(st.integers(0, 9))
            found[INTERFACE[name]] = replace(
                whole,
                instance_id=INSTANCE[name] if attached else None,
                addresses=tuple(private(name, a.private_ip) for a in kept),
            )
    return found


@st.composite
def overrides(draw):
    return Override(
        kind=draw(st.sampled_from(OverrideKind)),
        who="kim",
        why="test",
        until=after(draw(st.sampled_from([-1, 60]))),
        group=draw(st.sampled_from([None, "internet-edge"])),
        appliance=draw(st.sampled_from(["fw1", "fw2", "fw3"])),
        forced=draw(st.booleans()),
    )


PARTS = ("database", "peers", "elastic_ips", "interfaces", "instance_states", "overrides")


@st.composite
def observations(draw) -> Observation:
    """A world in order, of which some parts, or all, are anything."""
    clear = observation(
        draw(st.sampled_from(["fw1", "fw2"])),
        draw(st.sampled_from(["fw1", "fw2", None])),
        addresses=ADDRESSES,
        routes=None,
    )
    anything = draw(disturbed())
    parts = draw(st.sets(st.sampled_from(PARTS)))
    return replace(clear, **{part: getattr(anything, part) for part in parts}, failed=anything.failed)


@st.composite
def disturbed(draw) -> Observation:
    holders = {
        allocation(n): elastic_ip(n, draw(st.sampled_from(PLACES)))
        for n in range(ADDRESSES)
        if draw(st.integers(0, 9))
    }
    return Observation(
        database=RoutingDatabase(tuple(draw(routes)), draw(st.booleans())),
        peers=tuple(
            peer(n, e, draw(statuses), draw(st.sampled_from([UP, DOWN, None])))
            for n in ADDRESS
            for e in ENDPOINTS[n]
        ),
        elastic_ips=_one_place_each(holders),
        interfaces=draw(st.one_of(interfaces(), interfaces(), interfaces(), st.none())),
        instance_states=draw(
            st.one_of(
                st.none(),
                st.fixed_dictionaries(
                    {i: st.sampled_from(["running", "running", "stopped"]) for i in INSTANCE.values()}
                ),
            )
        ),
        overrides=tuple(draw(st.lists(overrides(), max_size=1))),
        failed=("a read failed",),
    )


def _one_place_each(holders):
    """EC2 has at most one Elastic IP on a private IP."""
    taken, kept = set(), {}
    for name, address in holders.items():
        place = address.holder and (address.holder.network_interface_id, address.holder.private_ip)
        kept[name] = replace(address, holder=None) if place in taken else address
        taken.add(place)
    return kept


@st.composite
def memories(draw) -> Memory:
    ago = st.one_of(st.integers(0, 10), st.integers(0, 200))
    kinds = st.lists(st.sampled_from(["sent", "shown", "left"]), min_size=ADDRESSES, max_size=ADDRESSES)
    one = st.tuples(st.sampled_from(["fw1", "fw2"]), ago, kinds)
    past = sorted(draw(st.lists(one, max_size=5)), key=lambda move: -move[1])
    return Memory(
        moves=tuple(
            PastMove(
                owner,
                NOW - timedelta(seconds=seconds),
                pending=tuple(allocation(n) for n, kind in enumerate(became) if kind == "sent"),
                verified=tuple(allocation(n) for n, kind in enumerate(became) if kind == "shown"),
            )
            for owner, seconds, became in past
        )
    )


declared = st.sampled_from([topology(ADDRESSES), topology(ADDRESSES, PREFIXES)])


def acted(observed: Observation, decisions: tuple[GroupDecision, ...]) -> Observation:
    """Returns what EC2 shows once every move was made: one place has one address, the last one to arrive."""
    addresses = dict(observed.elastic_ips)
    for move in moves(decisions):
        holder = Holder(move.target.network_interface_id, move.target.private_ip, "eipassoc-new")
        addresses[move.subject] = replace(addresses[move.subject], holder=holder)
    return replace(observed, elastic_ips=addresses)


@given(declared, observations(), memories())
def test_never_to_an_appliance_without_a_session_unless_a_forced_pin_is_recorded(
    declared: Topology, observed: Observation, memory: Memory
) -> None:
    for decision in decide(declared, observed, memory, NOW):
        for move in decision.moves:
            live = has_session(declared.appliances[str(move.owner)], observed)
            assert live or any(dict(report.facts).get("forced") for report in decision.reports)


@given(declared, observations())
def test_the_route_server_names_no_owner_that_it_calls_unready(
    declared: Topology, observed: Observation
) -> None:
    source = route_server(observed, declared)
    owner = source.ownership(declared.groups[0])
    assert owner.candidates or owner.hold
    for name in () if owner.hold else owner.candidates:
        assert source.why_unready(declared.appliances[name], "eipalloc-1") is None


@given(declared, observations(), memories())
def test_deciding_again_after_acting_moves_nothing(
    declared: Topology, observed: Observation, memory: Memory
) -> None:
    first = decide(declared, observed, memory, NOW)
    sent = moves(first)
    if sent:
        memory = _remembering(memory, sent, NOW)
    assert moves(decide(declared, acted(observed, first), memory, NOW)) == ()


@given(declared, observations(), memories())
def test_every_decision_has_a_reason_and_the_same_input_the_same_output(
    declared: Topology, observed: Observation, memory: Memory
) -> None:
    decisions = decide(declared, observed, memory, NOW)
    assert decisions == decide(declared, observed, memory, NOW)
    assert [d.group for d in decisions] == [g.name for g in declared.groups]
    for decision in decisions:
        assert decision.main_reasons
        assert said(decision)
        assert all(address.reasons for address in decision.addresses)
        assert [a.allocation_id for a in decision.addresses] == [
            a.allocation_id for a in declared.groups[0].elastic_ips
        ]


@given(declared, observations(), memories())
def test_nothing_undeclared_is_touched_and_nobody_displaced(
    declared: Topology, observed: Observation, memory: Memory
) -> None:
    planned = moves(decide(declared, observed, memory, NOW))
    leaving = {move.subject for move in planned}
    assert len({move.target for move in planned}) == len(planned)
    for move in planned:
        spec = next(s for s in declared.groups[0].elastic_ips if s.allocation_id == move.subject)
        assert move.target == spec.targets[move.owner]
        assert move.source is None or move.source.network_interface_id in INTERFACE.values()
        for other in observed.elastic_ips.values():
            if (
                other.holder
                and Target(other.holder.network_interface_id, other.holder.private_ip) == move.target
            ):
                assert other.allocation_id in leaving


@given(observations(), memories())
def test_a_live_holder_is_left_no_sooner_than_the_damping(observed: Observation, memory: Memory) -> None:
    for move in decide(topology(ADDRESSES), observed, memory, NOW)[0].moves:
        past = memory.moves_of(move.allocation_id)
        if past and not move.dead and move.holder_appliance != move.owner:
            finishes = past[-1].owner == move.owner and move.allocation_id in past[-1].pending
            assert finishes or NOW - past[-1].at >= timedelta(seconds=5)


@given(st.lists(st.sampled_from(PLACES), min_size=ADDRESSES, max_size=ADDRESSES), memories())
def test_what_was_put_right_is_put_right_again_no_sooner_than_the_damping_nor_a_fourth_time(
    places: list[Target | None], memory: Memory
) -> None:
    healthy = observation("fw1", "fw1", addresses=ADDRESSES)
    holders = {allocation(n): elastic_ip(n, place) for n, place in enumerate(places)}
    observed = replace(healthy, elastic_ips=_one_place_each(holders))
    for move in decide(topology(ADDRESSES), observed, memory, NOW)[0].moves:
        past = memory.moves_of(move.allocation_id)
        if (
            past
            and not move.dead
            and past[-1].owner == move.owner
            and move.allocation_id in past[-1].verified
        ):
            assert NOW - past[-1].at >= timedelta(seconds=5)
            came = takewhile(lambda m: m.owner == "fw1", reversed(past))
            assert sum(move.allocation_id in m.verified for m in came) < 3


def test_the_strategies_reach_every_action() -> None:
    """The properties above would say nothing of worlds in which nothing moves."""
    reached: Counter[Action] = Counter()

    @settings(max_examples=200, phases=[Phase.generate], database=None)
    @given(observations())
    def count(observation: Observation) -> None:
        reached[decide(topology(ADDRESSES), observation, Memory(), NOW)[0].action] += 1

    count()
    assert set(reached) == set(Action)
    assert min(reached.values()) >= 10, reached
