"""Whatever cannot be read, the N-1 table says nothing that the whole reading would not say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TypeVar

from hypothesis import given, settings
from hypothesis import strategies as st

from tandem.compliance.whatif.endings import AddressEnd, Ending, FailureRow
from tandem.compliance.whatif.failures import Failure, Places, single_failures
from tandem.compliance.whatif.nminusone import failure_table, predict
from tandem.model import Observation, RouteStatus
from tandem.topology.document import Topology
from tests.pure import DOWN, NOW, allocation, database_of, elastic_ip, target
from tests.whatif_values import GROUP, of_three

T = TypeVar("T")

WHY = "cannot be read (KeyError: 'X')"
HIDDEN = ("interfaces", "instances", "peers", "elastic_ips", "routes")
World = tuple[Topology, Observation, Places]

paths = st.integers(1, 3)
meds = st.sampled_from([0, 0, 0, 10])


@st.composite
def worlds(draw) -> World:
    """Three appliances, one of which has the route as AWS would choose it; some targets are unready."""
    numbers = {"fw1": "65001", "fw2": "65002", "fw3": draw(st.sampled_from(["65002", "65003"]))}
    declared, seen, where = of_three(
        {name: (asn,) * draw(paths) for name, asn in numbers.items()}, {name: draw(meds) for name in numbers}
    )
    silenced = draw(st.sets(st.sampled_from([p.peer_id for p in seen.peers]), max_size=2))
    peers = tuple(replace(p, bgp=DOWN, bfd=DOWN) if p.peer_id in silenced else p for p in seen.peers)
    speaking = (r for r in database_of(seen).routes if r.peer_id not in silenced)
    left = [replace(r, status=RouteStatus.IN_RIB) for r in speaking]
    if left:
        best = min(left, key=lambda r: (len(r.as_path), r.med, r.peer_id))
        installed = next(r.installations for r in database_of(seen).routes if r.installations)
        left = [replace(r, installations=()) for r in left if r is not best]
        left.append(replace(best, status=RouteStatus.IN_FIB, installations=installed))
    interfaces = {}
    for id_, interface in (seen.interfaces or {}).items():
        kept = draw(st.sampled_from([3, 3, 3, 1]))
        attachment = draw(st.sampled_from(["attached", "attached", "attached", "detaching"]))
        interfaces[id_] = replace(interface, addresses=interface.addresses[:kept], attachment=attachment)
    at = draw(st.sampled_from(["fw1", "fw2", None]))
    addresses = {
        allocation(n): replace(elastic_ip(n, target(at, n) if at else None), border_group=draw(groups))
        for n in range(2)
    }
    states = {id_: draw(st.sampled_from(["running"] * 4 + ["stopped"])) for id_ in seen.instance_states or {}}
    seen = replace(
        seen,
        peers=peers,
        database=replace(database_of(seen), routes=tuple(left)),
        interfaces=interfaces,
        elastic_ips=addresses,
        instance_states=states,
    )
    assert where.server is not None
    server = replace(where.server, persist_state=draw(st.sampled_from(["enabled", "disabled"])))
    return declared, seen, replace(where, server=server)


groups = st.sampled_from([GROUP, GROUP, GROUP, "us-east-1-bos-1"])


@st.composite
def hidden(draw, world: World) -> World:
    """The same world, of which something cannot be read."""
    declared, seen, where = world
    for part in draw(st.sets(st.sampled_from(HIDDEN), min_size=1, max_size=2)):
        seen = draw(_without(part, seen))
    if draw(st.booleans()):
        where = replace(where, server=None)
    where = replace(where, subnets=draw(_some(where.subnets)), endpoints=draw(_some(where.endpoints)))
    return declared, seen, where


def _some(whole: Mapping[str, T]) -> st.SearchStrategy[dict[str, T]]:
    one = st.frozensets(st.sampled_from(sorted(whole)), max_size=1)
    lost: st.SearchStrategy[frozenset[str]] = st.one_of(st.just(frozenset()), one)
    return lost.map(lambda gone: {id_: one for id_, one in whole.items() if id_ not in gone})


@st.composite
def _without(  # noqa: PLR0911 - one for each part
    draw, part: str, seen: Observation
) -> Observation:
    unknown = seen.unknown
    match part:
        case "interfaces":
            if draw(st.booleans()):
                return replace(seen, interfaces=None, failed=(WHY,))
            gone = draw(st.sampled_from(sorted(seen.interfaces or {})))
            kept = {id_: i for id_, i in (seen.interfaces or {}).items() if id_ != gone}
            return replace(seen, interfaces=kept, unknown=replace(unknown, interfaces={gone: WHY}))
        case "instances":
            if draw(st.booleans()):
                return replace(seen, instance_states=None, failed=(WHY,))
            gone = draw(st.sampled_from(sorted(seen.instance_states or {})))
            states = {id_: s for id_, s in (seen.instance_states or {}).items() if id_ != gone}
            return replace(seen, instance_states=states, unknown=replace(unknown, instances={gone: WHY}))
        case "peers":
            peer = draw(st.sampled_from(seen.peers))
            left = tuple(p for p in seen.peers if p is not peer)
            about = draw(st.sampled_from([peer.peer_address, ""]))
            return replace(seen, peers=left, unknown=replace(unknown, peers={about: WHY}))
        case "elastic_ips":
            gone = draw(st.sampled_from(sorted(seen.elastic_ips)))
            addresses = {id_: a for id_, a in seen.elastic_ips.items() if id_ != gone}
            return replace(seen, elastic_ips=addresses, unknown=replace(unknown, elastic_ips={gone: WHY}))
    unread: Observation = draw(_without_a_route(seen))
    return unread


@st.composite
def _without_a_route(draw, seen: Observation) -> Observation:
    """A row is left out, or only a member of it, as the adapter does."""
    if not database_of(seen).routes:
        return seen
    row = draw(st.sampled_from(database_of(seen).routes))
    match draw(st.sampled_from(["row", "as path", "med", "peer"])):
        case "row":
            left = tuple(r for r in database_of(seen).routes if r is not row)
            doubts = {row.prefix: WHY} if row.status is RouteStatus.IN_FIB else {}
            return replace(
                seen, database=replace(database_of(seen), routes=left, unread=(WHY,), doubts=doubts)
            )
        case "as path":
            spoiled = replace(row, as_path=())
        case "med":
            spoiled = replace(row, med=0)
        case _:
            spoiled = replace(row, peer_id="")
    routes = tuple(spoiled if r is row else r for r in database_of(seen).routes)
    return replace(seen, database=replace(database_of(seen), routes=routes, odd=(WHY,)))


def ends(row: FailureRow) -> dict[str, AddressEnd]:
    return {a.allocation_id: a for g in row.groups for a in g.addresses}


def twin(failure: Failure, failures: tuple[Failure, ...]) -> Failure | None:
    return next((f for f in failures if (f.kind, f.name) == (failure.kind, failure.name)), None)


@settings(max_examples=40)
@given(st.data())
def test_what_cannot_be_read_makes_no_prediction_other_than_undetermined(data: st.DataObject) -> None:
    whole = data.draw(worlds())
    partial = data.draw(hidden(whole))
    failures = single_failures(*whole)
    for failure in single_failures(*partial):
        same = twin(failure, failures)
        if same is None:
            continue
        known, guessed = ends(predict([same], *whole, NOW)), ends(predict([failure], *partial, NOW))
        for id_, end in guessed.items():
            if end.ending is not Ending.UNDETERMINED and known[id_].ending is not Ending.UNDETERMINED:
                assert (end.ending, end.appliance) == (known[id_].ending, known[id_].appliance), (
                    failure,
                    end,
                    known[id_],
                )
            survives = end.ending in (Ending.IN_PLACE, Ending.MOVED)
            assert not survives or known[id_].ending is end.ending, (failure, end, known[id_])


@settings(max_examples=20)
@given(worlds())
def test_each_possible_ending_is_certain_and_none_is_named_twice(world: World) -> None:
    for row in failure_table(*world, NOW):
        for end in ends(row).values():
            assert (end.ending is Ending.UNDETERMINED) == bool(end.possible)
            assert all(one.ending is not Ending.UNDETERMINED for one in end.possible)
            assert end.reasons
