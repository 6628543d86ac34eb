"""When "no change" may be believed after a signal."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from hypothesis import given
from hypothesis import strategies as st

from tandem.failover.deciding import decide
from tandem.failover.settling import awaited, heard, unanswered, without_copies
from tandem.failover.telling import mark, unmark
from tandem.model import Observation, Status
from tandem.signals.signal import Origin, Protocol, Signal, SignalKind, parse_bus
from tandem.state.memory import Memory
from tandem.words.failover_reasons import ENTRIES
from tandem.words.render import render
from tests.pure import DOWN, NOW, UP, after, observation, route, topology, with_database


def signal(
    peer_id: str, status: Status, at: datetime | None = NOW, protocol: Protocol = Protocol.BGP
) -> Signal:
    cause = f"{protocol} of {peer_id} went {status}"
    return Signal(SignalKind.SESSION, cause, at, peer_id=peer_id, protocol=protocol, status=status)


def waiting(
    signals: Sequence[Signal | None],
    current: Observation,
    previous: Observation | None = None,
    known: dict[str, datetime] | None = None,
) -> str | None:
    sent = [s for s in signals if s is not None]
    decisions = decide(topology(), current, Memory(), NOW)
    pending = awaited(sent, known or {}, topology(), decisions, previous, current, NOW)
    return None if pending is None else render(pending, ENTRIES)


def down(observed: Observation, peer_id: str) -> Observation:
    peers = tuple(replace(p, bgp=DOWN, bfd=DOWN) if p.peer_id == peer_id else p for p in observed.peers)
    return replace(observed, peers=peers)


def test_a_look_that_nobody_signalled_settles_at_the_first_read() -> None:
    assert waiting([Signal(SignalKind.LOOK, "sweep")], observation()) is None
    assert waiting([Signal(SignalKind.ROUTE, "route")], observation()) is None


def test_peers_that_lag_behind_the_signal_are_waited_for() -> None:
    assert "went down" in str(waiting([signal("rsp-rse-1a", DOWN)], observation(), observation()))
    assert waiting([signal("rsp-rse-1a", UP)], observation(), observation()) is None


def test_bfd_and_bgp_are_told_apart() -> None:
    observed = observation()
    bgp_only = replace(observed, peers=(replace(observed.peers[0], bgp=DOWN), *observed.peers[1:]))
    assert waiting([signal("rsp-rse-1a", DOWN)], bgp_only, bgp_only) is None
    assert "bfd" in str(waiting([signal("rsp-rse-1a", DOWN, protocol=Protocol.BFD)], bgp_only, bgp_only))


def test_two_equal_reads_are_asked_for() -> None:
    seen = down(observation(), "rsp-rse-1a")
    signals = [signal("rsp-rse-1a", DOWN)]
    assert "two reads in a row" in str(waiting(signals, seen))
    assert waiting(signals, seen, seen) is None
    assert "two reads in a row" in str(waiting(signals, seen, observation()))
    moved_on = with_database(seen, routes=(route("fw2"),))
    assert "two reads in a row" in str(waiting(signals, seen, moved_on))


def test_a_fib_that_shows_the_past_is_waited_for() -> None:
    past = observation("fw1", "fw1", alive=("fw2",))
    assert "the route is out of date" in str(waiting([signal("rsp-rse-1a", DOWN)], past, past))


def maintenance(endpoint_id: str | None, *peers: str) -> Signal:
    return Signal(SignalKind.MAINTENANCE, "maintenance", endpoint_id=endpoint_id, peer_ids=peers)


def test_announced_maintenance_ends_it_for_the_sessions_of_that_endpoint() -> None:
    session = signal("rsp-rse-1a", DOWN)
    for announced in (maintenance("rse-1a"), maintenance("rse-0gone", "rsp-rse-1a")):
        assert waiting([session, announced], observation()) is None
        assert waiting([announced, session], observation()) is None


def test_maintenance_of_another_endpoint_ends_nothing() -> None:
    session = signal("rsp-rse-1a", DOWN)
    for announced in (maintenance("rse-1b"), maintenance("rse-0stranger", "rsp-rse-1b"), maintenance(None)):
        assert "rsp-rse-1a went down" in str(waiting([session, announced], observation(), observation()))
    assert waiting([session, signal("rsp-rse-1b", DOWN), maintenance("rse-1a")], observation()) is not None


def test_a_deleted_peer_contradicts_nothing() -> None:
    assert waiting([signal("rsp-gone", DOWN)], observation(), observation()) is None


def test_the_newest_signal_of_a_session_counts_however_they_arrive() -> None:
    old, new = signal("rsp-rse-1a", DOWN, after(-2)), signal("rsp-rse-1a", UP, after(-1))
    for first, second in ((old, new), (new, old)):
        known = heard(heard({}, [first], NOW), [second], NOW)
        assert known == {"rsp-rse-1a bgp": after(-1)}
        assert waiting([second, first], observation(), observation(), known) is None
        assert waiting([old], observation(), observation(), known) is None
    untimed = signal("rsp-rse-1a", DOWN, None)
    assert waiting([untimed, new], observation(), observation(), known) is not None
    bfd = signal("rsp-rse-1a", DOWN, after(-2), protocol=Protocol.BFD)
    assert waiting([bfd], observation(), observation(), known) is not None


def test_a_signal_dated_in_the_future_makes_no_other_one_old() -> None:
    sent = [signal("rsp-rse-1a", DOWN, after(3600)), signal("rsp-rse-1a", UP)]
    current = observation()
    assert heard({}, sent, NOW) == {"rsp-rse-1a bgp": NOW}
    lagging = down(current, "rsp-rse-1a")
    assert (
        waiting(sent, lagging, lagging, heard({}, sent, NOW))
        == "AWS does not show yet that bgp of rsp-rse-1a went up"
    )


def test_either_of_two_signals_of_one_second_may_be_the_last() -> None:
    both = [signal("rsp-rse-1a", DOWN), signal("rsp-rse-1a", UP)]
    for shown in (observation(), down(observation(), "rsp-rse-1a")):
        assert waiting(both, shown, shown) is None
        assert waiting(both[::-1], shown, shown) is None
    assert waiting([signal("rsp-rse-1a", DOWN), signal("rsp-rse-1b", UP)], observation()) is not None
    assert waiting([signal("rsp-rse-1a", DOWN, after(1)), both[1]], observation()) is not None


def test_what_came_meanwhile_leaves_the_signals_that_it_does_not_follow() -> None:
    waited = signal("rsp-rse-1a", DOWN, after(-2))
    for came, left in (
        (signal("rsp-rse-1a", UP, after(-1)), ()),
        (signal("rsp-rse-1a", UP, after(-2)), ()),
        (signal("rsp-rse-1a", UP, after(-3)), (waited,)),
        (signal("rsp-rse-1a", DOWN, after(-1)), ()),
        (signal("rsp-rse-1a", DOWN, after(-2)), (waited,)),
        (signal("rsp-rse-1b", UP, after(-1)), (waited,)),
        (signal("rsp-rse-1a", UP, after(-1), protocol=Protocol.BFD), (waited,)),
        (Signal(SignalKind.LOOK, "sweep"), (waited,)),
    ):
        assert unanswered([waited], [came]) == left
    untimed = signal("rsp-rse-1a", DOWN, None)
    assert unanswered([untimed], [signal("rsp-rse-1a", UP)]) == (untimed,)


def test_a_copy_of_a_signal_is_nothing_more_to_look_for() -> None:
    waited = [signal("rsp-rse-1a", DOWN), signal("rsp-rse-1b", DOWN, None)]
    kept = (
        signal("rsp-rse-1a", UP),
        signal("rsp-rse-1a", DOWN, after(-1)),
        signal("rsp-rse-1a", DOWN, protocol=Protocol.BFD),
        signal("rsp-rse-1b", DOWN, None),
        Signal(SignalKind.LOOK, "sweep"),
    )
    copy = replace(waited[0], cause="in other words", origin=Origin.BUS)
    assert without_copies([copy, *kept], waited) == kept


def test_what_was_heard_is_forgotten_when_it_can_settle_nothing_any_more() -> None:
    assert heard({"rsp-rse-1a bgp": after(-31)}, [signal("rsp-rse-1a", UP, after(-40))], NOW) == {}


def test_a_signal_older_than_the_settling_waits_for_nothing() -> None:
    assert waiting([signal("rsp-rse-1a", DOWN, after(-29))], observation(), observation()) is not None
    assert waiting([signal("rsp-rse-1a", DOWN, after(-31))], observation(), observation()) is None


def test_a_peer_log_is_too_late_to_wait_for() -> None:
    detail = {
        "schema_version": 1,
        "topology": "edge",
        "occurred_at": "2026-11-21T03:00:00.000Z",
        "cause": "BGP of rsp-rse-1a went down",
        "peer_id": "rsp-rse-1a",
        "protocol": "bgp",
        "status": "down",
        "source": "peer-log",
    }
    envelope = {"source": "tandem", "detail-type": "Peer State Change", "detail": detail}
    assert waiting([parse_bus(envelope)], observation(), observation()) is None
    told = parse_bus(envelope | {"detail": detail | {"source": "sns"}})
    assert waiting([told], observation(), observation()) is not None


NAME = st.none() | st.text(min_size=1)


@given(
    st.builds(
        Signal,
        kind=st.sampled_from(SignalKind),
        cause=st.text(),
        occurred_at=st.none() | st.just(NOW),
        peer_id=NAME,
        protocol=st.none() | st.sampled_from(Protocol),
        status=st.none() | st.sampled_from(Status),
        endpoint_id=NAME,
        peer_ids=st.lists(st.text(), max_size=3).map(tuple),
    )
)
def test_a_look_again_mark_keeps_all_that_settling_asks_for(found: Signal) -> None:
    assert unmark(json.loads(json.dumps(mark(found)))) == found


MEMBERS = st.sampled_from(sorted(mark(signal("rsp-1", UP))))


@given(st.dictionaries(MEMBERS, st.none() | st.integers() | st.lists(st.text())))
def test_a_damaged_mark_is_still_a_reason_to_look(damage: dict[str, object]) -> None:
    found = unmark(mark(signal("rsp-1", UP)) | damage)
    waits = waiting([found], observation()) is not None
    assert waits == (found.kind is SignalKind.SESSION)
