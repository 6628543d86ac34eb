"""The decision rules (docs/how-it-works.md#what-it-does-when-something-happens), one behaviour a test."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from tandem.failover.deciding import decide
from tandem.failover.decision import Action, GroupDecision, Severity
from tandem.failover.moves import moves
from tandem.model import Observation, PrivateAddress, RouteInstallation, RouteStatus
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
    noted,
    observation,
    peer,
    route,
    said,
    target,
    topology,
    with_database,
    with_interface,
)

BOTH = (allocation(0), allocation(1))


def decided(
    observed: Observation, declared: Topology | None = None, memory: Memory | None = None
) -> GroupDecision:
    return decide(declared or topology(), observed, memory or Memory(), NOW)[0]


def test_addresses_that_are_with_the_route_stay() -> None:
    decision = decided(observation("fw1", "fw1"))
    assert decision.action is Action.NO_CHANGE
    assert decision.owner == "fw1"


def test_dead_holder_moves_at_once() -> None:
    decision = decided(
        observation("fw2", "fw1", alive=("fw2",)),
        memory=Memory().with_move("fw1", NOW, BOTH),
    )
    assert [(m.allocation_id, m.target) for m in decision.moves] == [
        (allocation(0), target("fw2", 0)),
        (allocation(1), target("fw2", 1)),
    ]
    assert "fw1 has no session with BGP up" in said(decision)


def test_live_holder_moves_when_the_route_left_it() -> None:
    decision = decided(observation("fw2", "fw1"))
    assert len(decision.moves) == 2
    assert "on purpose" in said(decision)


def test_one_session_down_of_a_live_appliance_moves_nothing() -> None:
    observed = observation("fw1", "fw1")
    first, *rest = observed.peers
    assert (
        decided(replace(observed, peers=(replace(first, bgp=DOWN, bfd=DOWN), *rest))).action
        is Action.NO_CHANGE
    )


def test_all_sessions_of_both_down_holds_and_says_so() -> None:
    decision = decided(observation("fw1", "fw1", alive=()))
    assert decision.action is Action.HOLD
    assert "fw1, which has no session with BGP up" in said(decision)
    assert decision.awaiting


def test_empty_fib_holds() -> None:
    decision = decided(observation(alive=(), routes=()))
    assert (decision.action, decision.severity) == (Action.HOLD, Severity.CRITICAL)
    assert "0.0.0.0/0 is not in the FIB" in said(decision)


def test_two_halves_instead_of_the_tracked_default_are_named() -> None:
    decision = decided(observation(routes=(route("fw2", "0.0.0.0/1"), route("fw2", "128.0.0.0/1"))))
    assert decision.action is Action.HOLD
    assert "it has only 0.0.0.0/1, 128.0.0.0/1" in said(decision)


def test_undeclared_next_hop_holds_and_is_named() -> None:
    decision = decided(observation(routes=(route("fw1", next_hop="10.0.9.9"),)))
    assert decision.action is Action.HOLD
    assert "10.0.9.9" in said(decision)


def test_persistence_only_words_the_reason() -> None:
    observed = observation("fw1", "fw1", alive=())
    persisted = with_database(observed, persisted=True)
    assert said(decided(persisted)) == said(decided(observed)) + " (AWS reports persisted routes)"
    fine = observation("fw1", "fw1")
    assert decided(with_database(fine, persisted=True)).action is Action.NO_CHANGE


def test_rejected_route_holds_while_the_holder_lives() -> None:
    decision = decided(observation("fw2", "fw1", routes=(route("fw2", rejected="a static route exists"),)))
    assert decision.action is Action.HOLD
    assert "a static route exists" in said(decision)


def test_rejected_route_moves_from_a_dead_holder_and_is_reported() -> None:
    observed = observation(
        "fw2", "fw1", alive=("fw2",), routes=(route("fw2", rejected="a static route exists"),)
    )
    decision = decided(observed)
    assert len(decision.moves) == 2
    assert any("a static route exists" in report for report in noted(decision))


def test_row_installed_in_one_of_two_tables_counts() -> None:
    row = route("fw2", rejected="full")
    both = replace(row, installations=(*row.installations, *route("fw2").installations))
    assert len(decided(observation("fw2", "fw1", routes=(both,))).moves) == 2


def test_row_without_any_table_asks_for_propagation() -> None:
    bare = replace(route("fw2"), installations=())
    decision = decided(observation("fw2", "fw1", routes=(bare,)))
    assert decision.action is Action.HOLD
    assert "is propagation enabled?" in said(decision)


def test_next_hop_that_is_not_the_peer_address_still_names_its_appliance() -> None:
    assert decided(observation("fw1", "fw1", routes=(route("fw2", next_hop="10.0.2.21"),))).owner == "fw2"


def test_ipv6_next_hop_names_its_appliance() -> None:
    six = replace(interface("fw2"), ipv6=("2001:db8::2",))
    declared = topology(prefixes=("2001:db8:f::/48",))
    rows = (route("fw2", "2001:db8:f::/48", next_hop="2001:db8::2"),)
    assert len(decided(with_interface(observation("fw1", "fw1", routes=rows), six), declared).moves) == 2


@pytest.mark.parametrize("holder", ["fw1", "fw2"])
def test_split_leaves_addresses_with_a_holder_that_owns_a_part(holder: str) -> None:
    """Also with the one that a choice without a holder would not take."""
    declared = topology(prefixes=("0.0.0.0/0", "10.20.0.0/16"))
    rows = (route("fw2"), route("fw1", "10.20.0.0/16"))
    decision = decided(observation("fw1", holder, routes=rows), declared)
    assert (decision.action, decision.moves) == (Action.HOLD, ())
    assert said(decision) == "the tracked prefixes are split: fw2 owns 0.0.0.0/0, fw1 owns 10.20.0.0/16"


def test_split_goes_to_the_appliance_with_most_prefixes_when_nobody_has_the_address() -> None:
    declared = topology(prefixes=("0.0.0.0/0", "10.20.0.0/16", "10.30.0.0/16"))
    rows = (route("fw1"), route("fw2", "10.20.0.0/16"), route("fw2", "10.30.0.0/16"))
    decision = decided(observation(holder=None, routes=rows), declared)
    assert {m.owner for m in decision.moves} == {"fw2"}


def test_missing_one_of_several_prefixes_is_reported_only() -> None:
    declared = topology(prefixes=("0.0.0.0/0", "10.20.0.0/16"))
    decision = decided(observation("fw2", "fw1", alive=("fw2",)), declared)
    assert len(decision.moves) == 2
    assert "10.20.0.0/16 is not in the FIB" in noted(decision)[0]


def test_address_that_nobody_has_is_associated_without_reassociation() -> None:
    decision = decided(observation("fw1", None))
    assert [m.allow_reassociation for m in moves((decision,))] == [False, False]
    assert all(m.allow_reassociation for m in moves((decided(observation("fw2", "fw1")),)))


def test_wrong_private_ip_of_the_right_appliance_is_put_right_without_damping() -> None:
    observed = observation("fw1", "fw1")
    wrong = Target(INTERFACE["fw1"], ADDRESS["fw1"])
    observed = replace(observed, elastic_ips={**observed.elastic_ips, allocation(0): elastic_ip(0, wrong)})
    memory = Memory().with_move("fw2", NOW, BOTH)
    assert [m.target for m in decided(observed, memory=memory).moves] == [target("fw1", 0)]


def _astray(seconds_ago: tuple[int, ...]) -> GroupDecision:
    """fw1 has the first address on another private IP than its target, as often as Tandem put it right."""
    observed = observation("fw1", "fw1")
    wrong = Target(INTERFACE["fw1"], ADDRESS["fw1"])
    observed = replace(observed, elastic_ips={**observed.elastic_ips, allocation(0): elastic_ip(0, wrong)})
    put_right = (PastMove("fw1", after(-s), verified=(allocation(0),)) for s in seconds_ago)
    return decided(observed, memory=Memory(moves=tuple(put_right)))


def test_wrong_private_ip_is_told_in_words_of_its_own() -> None:
    places = f"{ADDRESS['fw1']} of {INTERFACE['fw1']}", f"{target('fw1', 0).private_ip} of {INTERFACE['fw1']}"
    assert said(_astray(())) == f"fw1 owns the route; fw1 has it at {places[0]}, not at {places[1]}"
    again = f"something else moved it to {places[0]} after Tandem had moved it"
    assert said(_astray((6,))) == f"fw1 owns the route; {again}"


def test_wrong_private_ip_that_was_put_right_before_is_damped() -> None:
    held = _astray((15, 4)).addresses[0]
    assert (held.action, held.retry_at) == (Action.HOLD, after(6))
    assert said(held).startswith(
        f"fw1 has it at {ADDRESS['fw1']} of {INTERFACE['fw1']} and it moved a short time ago"
    )


def test_a_fight_within_one_appliance_is_told_not_fought() -> None:
    assert _astray((400, 200)).moves
    fought = _astray((590, 400, 200)).addresses[0]
    assert (fought.action, fought.severity, fought.retry_at) == (Action.HOLD, Severity.CRITICAL, None)
    assert f"it is at {ADDRESS['fw1']} of {INTERFACE['fw1']} again after 3 moves" in said(fought)
    assert "find what else moves it" in said(fought)
    assert _astray((610, 400, 200)).moves


def test_undeclared_interface_holds_that_address_and_the_others_move() -> None:
    observed = observation("fw2", "fw1")
    strange = elastic_ip(0, Target("eni-0strange", "10.0.7.7"))
    decision = decided(replace(observed, elastic_ips={**observed.elastic_ips, allocation(0): strange}))
    held, moved = decision.addresses
    assert (held.action, held.severity) == (Action.HOLD, Severity.CRITICAL)
    assert "Tandem did not move it there" in said(held)
    assert moved.action is Action.MOVE


def test_not_even_a_forced_pin_takes_an_address_from_an_undeclared_interface() -> None:
    strange = elastic_ip(0, Target("eni-0strange", "10.0.7.7"))
    observed = observation("fw1", "fw1")
    pin = _override(OverrideKind.PINNED, appliance="fw2", forced=True)
    addresses = {**observed.elastic_ips, allocation(0): strange}
    held, moved = decided(replace(observed, elastic_ips=addresses, overrides=(pin,))).addresses
    assert (held.action, held.severity) == (Action.HOLD, Severity.CRITICAL)
    assert moved.action is Action.MOVE


def test_an_appliance_whose_instance_is_not_listed_any_more_is_dead_though_its_sessions_are_up() -> None:
    observed = observation("fw2", "fw1")
    left = {INSTANCE["fw2"]: "running"}
    decision = decided(replace(observed, instance_states=left), memory=Memory().with_move("fw1", NOW, BOTH))
    assert [m.allocation_id for m in decision.moves] == list(BOTH)
    assert all(m.dead for m in decision.moves)


def test_released_address_holds() -> None:
    observed = observation("fw2", "fw1")
    left = {a: e for a, e in observed.elastic_ips.items() if a != allocation(0)}
    assert "released" in said(decided(replace(observed, elastic_ips=left)).addresses[0])


def _ready_world() -> Observation:
    """fw1 died and fw2 owns the route, by a next hop on an interface that no Elastic IP needs."""
    inside = replace(
        interface("fw2"), network_interface_id="eni-0inside", addresses=(PrivateAddress("10.0.22.1"),)
    )
    rows = (route("fw2", next_hop="10.0.22.1"),)
    return with_interface(observation("fw2", "fw1", alive=("fw2",), routes=rows), inside)


def _occupied(address: PrivateAddress) -> Observation:
    others = tuple(a for a in interface("fw2").addresses if a.private_ip != address.private_ip)
    return with_interface(_ready_world(), replace(interface("fw2"), addresses=(address, *others)))


_STRANGE = PrivateAddress("10.0.2.20", "198.51.100.1", "eipalloc-0stranger")
_AUTO = PrivateAddress("10.0.2.20", "198.51.100.1", None)
_OTHER_IP = tuple(a for a in interface("fw2").addresses if a.private_ip != "10.0.2.20")
_STOPPED = {INSTANCE["fw1"]: "running", INSTANCE["fw2"]: "stopped"}
_DETACHED = replace(interface("fw2"), instance_id=None, attachment=None)
_ELSEWHERE = replace(interface("fw2"), instance_id=INSTANCE["fw1"])
_GONE = {i: n for i, n in (_ready_world().interfaces or {}).items() if i != INTERFACE["fw2"]}


@pytest.mark.parametrize(
    ("observed", "words"),
    [
        (replace(_ready_world(), instance_states=_STOPPED), "which is stopped"),
        (
            with_interface(_ready_world(), replace(interface("fw2"), addresses=_OTHER_IP)),
            "private IP 10.0.2.20",
        ),
        (_occupied(_STRANGE), "another Elastic IP, eipalloc-0stranger"),
        (_occupied(_AUTO), "auto-assigned public address 198.51.100.1"),
        (with_interface(_ready_world(), _DETACHED), "not attached"),
        (
            with_interface(_ready_world(), replace(interface("fw2"), attachment="attaching")),
            "not attached to an instance (it is attaching)",
        ),
        (with_interface(_ready_world(), _ELSEWHERE), f"attached to {INSTANCE['fw1']}"),
        (replace(_ready_world(), interfaces=_GONE), "does not exist"),
    ],
)
def test_target_that_is_not_ready_holds_with_a_reason(observed: Observation, words: str) -> None:
    assert len(decided(_ready_world()).moves) == 2
    first = decided(observed).addresses[0]
    assert first.action is Action.HOLD
    assert words in said(first)


def test_swap_of_two_addresses_is_no_displacement() -> None:
    observed = observation("fw1", "fw1")
    crossed = {allocation(0): elastic_ip(0, target("fw1", 1)), allocation(1): elastic_ip(1, target("fw1", 0))}
    assert len(decided(replace(observed, elastic_ips=crossed)).moves) == 2


def test_held_address_in_the_way_holds_the_one_behind_it() -> None:
    observed = observation("fw1", "fw1", addresses=3)
    in_the_way = {
        allocation(0): elastic_ip(0, target("fw2", 0)),
        allocation(1): elastic_ip(1, target("fw1", 0)),
        allocation(2): elastic_ip(2, target("fw1", 1)),
    }
    no_room = replace(
        interface("fw1", 3),
        addresses=tuple(a for a in interface("fw1", 3).addresses if a.private_ip != "10.0.1.22"),
    )
    observed = with_interface(replace(observed, elastic_ips=in_the_way), no_room)
    assert [a.action for a in decided(observed, topology(3)).addresses] == [Action.HOLD] * 3


def test_failed_readiness_read_stops_nothing_when_the_holder_is_dead() -> None:
    blind = replace(
        observation("fw2", "fw1", alive=("fw2",)), interfaces=None, instance_states=None, failed=("it broke",)
    )
    assert len(decided(blind).moves) == 2
    alive = replace(observation("fw2", "fw1"), interfaces=None, failed=("it broke",))
    assert "it broke" in said(decided(alive))


def test_bfd_down_beside_bgp_up_is_a_report_not_a_veto() -> None:
    observed = observation("fw2", "fw1")
    peers = tuple(peer(n, e, UP, DOWN if n == "fw2" else UP) for n in ADDRESS for e in ENDPOINTS[n])
    decision = decided(replace(observed, peers=peers))
    assert len(decision.moves) == 2
    assert "BFD is down beside BGP up on rsp-rse-2a, rsp-rse-2b" in noted(decision)


@pytest.mark.parametrize(
    ("seconds_ago", "wait"),
    [((100, 50, 2), 18), ((3,), 2), ((30, 4), 6), ((6,), None), ((400, 3), 2), ((11, 8, 5, 3, 1), 59)],
)
def test_damping_doubles_while_the_owner_flaps(seconds_ago: tuple[int, ...], wait: int | None) -> None:
    owners = ["fw1" if n % 2 == 0 else "fw2" for n in range(len(seconds_ago))][::-1]
    memory = Memory(
        moves=tuple(
            PastMove(o, NOW - timedelta(seconds=s), verified=BOTH)
            for o, s in zip(owners, seconds_ago, strict=True)
        )
    )
    first = decided(observation("fw2", "fw1"), memory=memory).addresses[0]
    assert first.retry_at == (None if wait is None else after(wait))
    assert first.action is (Action.MOVE if wait is None else Action.HOLD)


def test_finishing_a_begun_move_is_not_damped() -> None:
    decision = _half_moved(Memory().with_move("fw2", NOW, BOTH))
    assert [m.allocation_id for m in decision.moves] == [allocation(1)]


def test_what_another_address_does_neither_frees_nor_damps_an_address() -> None:
    """The route flapped back to fw2: what nobody had went at once, what fw1 has waits for its own time."""
    flapped = Memory().with_move("fw1", after(-2), BOTH).with_verified(dict.fromkeys(BOTH, "fw1"))
    decision = _half_moved(flapped.with_move("fw2", after(-1), BOTH[:1]))
    assert decision.moves == ()
    assert decision.addresses[1].retry_at == after(3)
    follows = _half_moved(Memory().with_move("fw2", NOW, BOTH[:1]))
    assert [m.allocation_id for m in follows.moves] == [allocation(1)]


def _half_moved(memory: Memory) -> GroupDecision:
    """fw2 owns the route and has the first address; fw1, alive, has the second."""
    observed = observation("fw2", "fw1")
    half = {**observed.elastic_ips, allocation(0): elastic_ip(0, target("fw2", 0))}
    return decided(replace(observed, elastic_ips=half), memory=memory)


def test_a_last_move_from_the_future_waits_no_longer_than_the_damping() -> None:
    memory = Memory().with_move("fw1", after(3600), BOTH)
    assert decided(observation("fw2", "fw1"), memory=memory).addresses[0].retry_at == after(5)


def _override(kind: OverrideKind, **fields) -> Override:
    return Override(kind, "arn:aws:iam::123456789012:user/kim", "upgrade", after(60), **fields)


def test_paused_holds_and_names_who_and_why() -> None:
    paused = replace(observation("fw2", "fw1", alive=("fw2",)), overrides=(_override(OverrideKind.PAUSED),))
    decision = decided(paused)
    assert (decision.action, decision.severity) == (Action.HOLD, Severity.INFO)
    assert "user/kim" in said(decision)
    assert "upgrade" in said(decision)


def test_an_override_ends_by_itself() -> None:
    past = replace(_override(OverrideKind.PAUSED), until=NOW)
    assert len(decided(replace(observation("fw2", "fw1"), overrides=(past,))).moves) == 2


def test_pinned_appliance_gets_the_addresses_against_the_route() -> None:
    pin = _override(OverrideKind.PINNED, appliance="fw2")
    decision = decided(replace(observation("fw1", "fw1"), overrides=(pin,)))
    assert {m.owner for m in decision.moves} == {"fw2"}
    assert "pinned to fw2" in noted(decision)[0]


def test_pin_to_a_dead_appliance_holds_unless_forced() -> None:
    observed = observation("fw1", "fw1", alive=("fw1",))
    pin = _override(OverrideKind.PINNED, appliance="fw2")
    assert decided(replace(observed, overrides=(pin,))).action is Action.HOLD
    forced = decided(replace(observed, overrides=(replace(pin, forced=True),)))
    assert {m.owner for m in forced.moves} == {"fw2"}
    assert "forced" in noted(forced)[0]


def test_a_groups_own_override_beats_the_topologys_and_a_pause_beats_a_pin() -> None:
    pin = _override(OverrideKind.PINNED, appliance="fw2")
    own = _override(OverrideKind.PINNED, appliance="fw1", group="internet-edge")
    observed = observation("fw1", "fw1")
    assert decided(replace(observed, overrides=(pin, own))).action is Action.NO_CHANGE
    pause = _override(OverrideKind.PAUSED)
    assert "paused" in said(decided(replace(observed, overrides=(own, pause))))


def test_group_without_addresses_is_watched() -> None:
    declared = topology(0)
    assert decided(observation(addresses=0), declared).action is Action.NO_CHANGE
    assert decided(observation(addresses=0, routes=()), declared).action is Action.HOLD


def test_route_in_rib_only_owns_nothing() -> None:
    rows = (replace(route("fw2"), status=RouteStatus.IN_RIB),)
    assert decided(observation(routes=rows)).action is Action.HOLD


def test_rejected_without_a_reason_says_that_aws_gives_none() -> None:
    row = route("fw2", rejected="x")
    silent = replace(row, installations=(RouteInstallation("rtb-1", row.installations[0].status, None),))
    assert "AWS gives no reason" in said(decided(observation("fw2", "fw1", routes=(silent,))))


def test_a_hold_is_the_same_while_its_codes_and_addresses_are() -> None:
    """Another end of the damping, or another row of AWS's words, is no other hold."""
    away = observation("fw2", "fw1")
    moved = Memory().with_move("fw1", NOW, BOTH).with_verified(dict.fromkeys(BOTH, "fw1"))
    later = Memory().with_move("fw1", after(-2), BOTH).with_verified(dict.fromkeys(BOTH, "fw1"))
    first, second = decided(away, memory=moved), decided(away, memory=later)
    assert said(first) != said(second)
    assert first.identity == second.identity == {"damped": BOTH}
    for why in ("it broke", "it broke again"):
        blind = decided(replace(away, interfaces=None, failed=(why,)))
        assert blind.identity == {"interfaces-unreadable": BOTH}


def test_one_address_more_that_is_held_is_another_hold() -> None:
    row = route("fw2", rejected="a static route exists")
    both = observation("fw2", "fw1", routes=(row,))
    one = replace(both, elastic_ips={**both.elastic_ips, allocation(0): elastic_ip(0, target("fw2", 0))})
    assert decided(both).identity == {"not-installed": ("0.0.0.0/0", *BOTH)}
    assert decided(one).identity == {"not-installed": ("0.0.0.0/0", allocation(1))}


def test_the_code_of_a_hold_is_that_of_its_gravest_address() -> None:
    observed = observation("fw2", "fw1")
    left = {a: e for a, e in observed.elastic_ips.items() if a != allocation(1)}
    moved = Memory().with_move("fw1", NOW, BOTH).with_verified(dict.fromkeys(BOTH, "fw1"))
    decision = decided(replace(observed, elastic_ips=left), memory=moved)
    assert [a.code for a in decision.addresses] == ["damped", "address-gone"]
    assert decision.code == "address-gone"


def test_an_override_that_lasts_longer_is_another_hold() -> None:
    pause = _override(OverrideKind.PAUSED)
    longer = replace(pause, until=after(120))
    there = observation("fw1", "fw1")
    holds = [decided(replace(there, overrides=(found,))) for found in (pause, longer)]
    assert [hold.code for hold in holds] == ["paused", "paused"]
    assert holds[0].identity != holds[1].identity


@pytest.mark.parametrize("count", [0, 2])
def test_who_is_only_pinned_is_not_said_to_own_the_route(count: int) -> None:
    pin = replace(_override(OverrideKind.PINNED), appliance="fw1")
    there = observation("fw2", "fw1", addresses=count)
    decision = decided(replace(there, overrides=(pin,)), topology(count))
    assert decision.action is Action.NO_CHANGE
    assert "owns the route" not in said(decision)


def test_a_prefix_without_a_route_holds_nothing_that_another_one_decides() -> None:
    """Its doubt is no veto: moves go on, and what is in place is no hold."""
    declared = topology(prefixes=("0.0.0.0/0", "10.9.0.0/16"))
    assert decided(observation("fw1", "fw1"), declared).action is Action.NO_CHANGE
    assert decided(observation("fw2", "fw1"), declared).action is Action.MOVE
