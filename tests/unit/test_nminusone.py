"""The N-1 table on plain values: best path, ties, silent standbys, persistence, and what cannot be read."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from tandem.compliance.whatif.endings import AddressEnd, Ending, FailureRow
from tandem.compliance.whatif.failures import Failure, FailureKind, Places, single_failures
from tandem.compliance.whatif.nminusone import failure_table, predict
from tandem.model import (
    InstallationStatus,
    Observation,
    PrivateAddress,
    RouteInstallation,
    Unknown,
)
from tandem.reasons.failover import HoldCode
from tandem.reasons.nminusone import AssumptionCode, UndeterminedCode
from tandem.reasons.reason import Reason
from tandem.state.override import Override, OverrideKind
from tandem.topology.document import Mode, Standby, Topology
from tandem.words.catalogue import ENTRIES
from tandem.words.render import render
from tests.pure import (
    ADDRESS,
    DOWN,
    ENDPOINTS,
    INSTANCE,
    INTERFACE,
    NOW,
    TABLE,
    after,
    allocation,
    database_of,
    elastic_ip,
    interface,
    target,
    topology,
    with_interface,
)
from tests.whatif_values import GROUP, PATH, THREE, ZONE, of_three, places, rows, world

WHY = "cannot be read (KeyError: 'X')"


def row(
    *fails: str,
    seen: Observation | None = None,
    declared: Topology | None = None,
    where: Places | None = None,
) -> FailureRow:
    seen, declared, where = seen or world(), declared or topology(), where or places()
    failures = single_failures(declared, seen, where)
    chosen = [next(f for f in failures if f.is_called(name)) for name in fails]
    return predict(chosen, declared, seen, where, NOW)


def ends(found: FailureRow) -> set[tuple[Ending, str | None, str | None]]:
    return {(a.ending, a.appliance, a.code) for g in found.groups for a in g.addresses}


def first(found: FailureRow) -> AddressEnd:
    return found.groups[0].addresses[0]


def without_endpoints(*names: str) -> Places:
    whole = places()
    return replace(whole, endpoints={id_: e for id_, e in whole.endpoints.items() if id_ not in names})


def silent(*names: str) -> Topology:
    declared = topology()
    appliances = {
        n: replace(a, standby=Standby.SILENT if n in names else a.standby)
        for n, a in declared.appliances.items()
    }
    return replace(declared, appliances=appliances)


def test_the_standby_takes_over_from_an_appliance_that_dies() -> None:
    found = row("fw1")
    assert ends(found) == {(Ending.MOVED, "fw2", "owner-has-route")}
    assert (found.calls, found.round_trips) == (2, 1)
    assert found.assumptions == ()


def test_nothing_moves_when_the_standby_dies() -> None:
    found = row("fw2")
    assert ends(found) == {(Ending.IN_PLACE, "fw1", "in-place")}
    assert found.calls == 0


@pytest.mark.parametrize("name", ["rsp-rse-1a", "rsp-rse-1b", "rse-1a", "session:rsp-rse-2a", "fw1@rse-1a"])
def test_one_session_or_endpoint_of_two_moves_nothing(name: str) -> None:
    assert ends(row(name)) == {(Ending.IN_PLACE, "fw1", "in-place")}


def test_a_zone_takes_its_appliance_along() -> None:
    assert ends(row(ZONE["fw1"])) == {(Ending.MOVED, "fw2", "owner-has-route")}


def test_several_failures_at_once_leave_nobody() -> None:
    assert ends(row("fw1", "fw2")) == {(Ending.LOST, "fw1", HoldCode.NO_ROUTE)}


def test_both_endpoints_of_an_appliance_are_its_death() -> None:
    assert ends(row("rse-1a", "rse-1b")) == {(Ending.MOVED, "fw2", "owner-has-route")}


def test_the_table_has_each_thing_once() -> None:
    found = failure_table(topology(), world(), places(), NOW)
    names = [(f.kind, f.name) for r in found for f in r.failures]
    assert names == [
        (FailureKind.APPLIANCE, "fw1"),
        (FailureKind.APPLIANCE, "fw2"),
        *((FailureKind.SESSION, f"rsp-{e}") for each in ENDPOINTS.values() for e in each),
        *((FailureKind.ENDPOINT, e) for each in ENDPOINTS.values() for e in each),
        *((FailureKind.ZONE, zone) for zone in ZONE.values()),
    ]
    assert [[f.name for f in r.alike] for r in found[:2]] == [[INSTANCE["fw1"]], [INSTANCE["fw2"]]]
    assert found[0].is_about(INSTANCE["fw1"])


def test_an_instance_has_a_row_of_its_own_where_it_ends_otherwise_than_its_appliance() -> None:
    """A forced pin needs no session, and an instance that runs."""
    pin = Override(OverrideKind.PINNED, "kim", "test", after(60), appliance="fw2", forced=True)
    found = failure_table(topology(), replace(world(), overrides=(pin,)), places(), NOW)
    by_name = {f.name: r.ending for r in found for f in r.failures}
    assert by_name["fw2"] is Ending.MOVED
    assert by_name[INSTANCE["fw2"]] is Ending.HELD


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda i: replace(i, attachment="detaching"), HoldCode.TARGET_DETACHED),
        (lambda i: replace(i, addresses=i.addresses[:1]), HoldCode.TARGET_LACKS_PRIVATE_IP),
        (
            lambda i: replace(
                i, addresses=tuple(PrivateAddress(a.private_ip, "192.0.2.200") for a in i.addresses)
            ),
            HoldCode.TARGET_HAS_AUTO_ASSIGNED_ADDRESS,
        ),
        (
            lambda i: replace(
                i,
                addresses=tuple(
                    PrivateAddress(a.private_ip, "192.0.2.200", "eipalloc-x") for a in i.addresses
                ),
            ),
            HoldCode.TARGET_OCCUPIED,
        ),
    ],
)
def test_a_standby_that_cannot_have_the_address_is_known_before(change: Any, code: HoldCode) -> None:
    seen = with_interface(world(), change(interface("fw2")))
    assert ends(row("fw1", seen=seen)) == {(Ending.LOST, "fw1", code)}


def test_an_address_of_another_network_border_group_is_lost() -> None:
    seen = world()
    far = replace(seen.elastic_ips[allocation(0)], border_group="us-east-1-bos-1")
    found = row("fw1", seen=replace(seen, elastic_ips={**seen.elastic_ips, allocation(0): far}))
    assert [(a.ending, a.code) for a in found.groups[0].addresses] == [
        (Ending.LOST, "border-groups-differ"),
        (Ending.MOVED, "owner-has-route"),
    ]
    assert found.calls == 1


def test_an_address_that_leaves_lets_another_group_s_in() -> None:
    """One look moves the first group, the next one the second onto what is free then."""
    declared = topology(prefixes=("0.0.0.0/0",))
    one, two = declared.groups[0].elastic_ips
    swapped = replace(two, targets={**two.targets, "fw2": target("fw2", 0)})
    one = replace(one, targets={**one.targets, "fw2": target("fw2", 1)})
    groups = (
        replace(declared.groups[0], name="second", elastic_ips=(swapped,)),
        replace(declared.groups[0], name="first", elastic_ips=(one,)),
    )
    seen = world()
    at_fw2 = replace(elastic_ip(0, target("fw2", 0)), border_group=GROUP)
    seen = replace(seen, elastic_ips={**seen.elastic_ips, allocation(0): at_fw2})
    found = row("fw1", seen=seen, declared=replace(declared, groups=groups))
    assert ends(found) == {(Ending.MOVED, "fw2", "owner-has-route")}
    assert (found.calls, found.round_trips) == (2, 2)


@pytest.mark.parametrize(
    ("paths", "meds", "winners"),
    [
        (THREE, {}, {"fw2", "fw3"}),
        ({**THREE, "fw3": ("65003",) * 3}, {}, {"fw2"}),
        ({**THREE, "fw2": ("65002",) * 3}, {"fw2": 5}, {"fw3"}),
        (THREE, {"fw2": 10}, {"fw2", "fw3"}),
        ({**THREE, "fw3": ("65002", "65003")}, {"fw2": 10}, {"fw3"}),
        ({**THREE, "fw3": ("65002", "65003")}, {"fw2": 10, "fw3": 10}, {"fw2", "fw3"}),
    ],
)
def test_the_shorter_path_wins_then_a_neighbour_s_lower_med_and_else_nobody_can_say(
    paths: dict[str, tuple[str, ...]], meds: dict[str, int], winners: set[str]
) -> None:
    declared, seen, where = of_three(paths, meds)
    found = row("fw1", seen=seen, declared=declared, where=where)
    if len(winners) == 1:
        assert ends(found) == {(Ending.MOVED, winners.pop(), "owner-has-route")}
    else:
        assert ends(found) == {(Ending.UNDETERMINED, None, UndeterminedCode.BEST_PATH_UNDOCUMENTED)}
        assert {(p.ending, p.appliance) for p in first(found).possible} == {
            (Ending.MOVED, w) for w in winners
        }


def test_a_tie_between_those_that_cannot_take_over_is_lost_whoever_wins() -> None:
    declared, seen, where = of_three(THREE, {})
    gone = {id_: i for id_, i in (seen.interfaces or {}).items() if id_ == INTERFACE["fw1"]}
    aside = [replace(i, addresses=i.addresses[:1]) for i in (seen.interfaces or {}).values()]
    seen = replace(seen, interfaces={**{i.network_interface_id: i for i in aside}, **gone})
    assert ends(row("fw1", seen=seen, declared=declared, where=where)) == {
        (Ending.LOST, "fw1", HoldCode.TARGET_LACKS_PRIVATE_IP)
    }


def test_a_winner_that_is_left_stays_the_winner_of_a_tie() -> None:
    """Whatever rule made it the winner, it beats what is left of the others."""
    declared, seen, where = of_three({**THREE, "fw1": THREE["fw2"]}, {"fw2": 10})
    found = row("rsp-3", seen=seen, declared=declared, where=where)
    assert ends(found) == {(Ending.IN_PLACE, "fw1", "in-place")}


def test_a_winner_of_equals_stays_when_another_equal_goes() -> None:
    declared, seen, where = of_three({**THREE, "fw1": ("65001", "65001")}, {})
    assert ends(row("rsp-3", seen=seen, declared=declared, where=where)) == {
        (Ending.IN_PLACE, "fw1", "in-place")
    }


def test_a_route_that_goes_may_have_kept_another_one_of_its_neighbour_from_winning() -> None:
    paths = {"fw1": ("65001", "65001"), "fw2": ("65002", "65002"), "fw3": ("65002", "65003")}
    declared, seen, where = of_three(paths, {"fw2": 5})
    found = row("rsp-3", seen=seen, declared=declared, where=where)
    assert ends(found) == {(Ending.UNDETERMINED, None, UndeterminedCode.BEST_PATH_UNDOCUMENTED)}
    assert {(p.ending, p.appliance) for p in first(found).possible} == {
        (Ending.IN_PLACE, "fw1"),
        (Ending.MOVED, "fw2"),
    }


def test_a_route_that_aws_passes_over_today_may_never_win() -> None:
    """A shorter path is in the RIB and not chosen: for a reason that AWS does not show."""
    seen = world(rows({"fw1": ("65001", "65001"), "fw2": ("65002",)}))
    found = row("fw1", seen=seen)
    assert ends(found) == {(Ending.UNDETERMINED, None, UndeterminedCode.ROUTE_UNRANKED)}
    assert {p.ending for p in first(found).possible} == {Ending.MOVED, Ending.LOST}


@pytest.mark.parametrize("as_path", [("65002", "65000"), ("65002", "0", "65002")])
def test_a_loop_takes_over_from_nobody(as_path: tuple[str, ...]) -> None:
    seen = world(rows({"fw1": ("65001",), "fw2": as_path}))
    assert ends(row("fw1", seen=seen)) == {(Ending.LOST, "fw1", HoldCode.NO_ROUTE)}


def test_a_path_through_others_may_be_a_loop_while_the_route_server_s_asn_is_unknown() -> None:
    seen = world(rows({"fw1": ("65001",), "fw2": ("65002", "65000")}))
    found = row("fw1", seen=seen, where=replace(places(), server=None))
    assert {e[0] for e in ends(found)} == {Ending.UNDETERMINED}


@pytest.mark.parametrize("broken", ["as path", "some member", "peer"])
def test_a_route_that_cannot_be_read_whole_makes_nobody_survive(broken: str) -> None:
    seen = world()
    spoiled = {
        "as path": lambda r: replace(r, as_path=()),
        "some member": lambda r: r,
        "peer": lambda r: replace(r, peer_id=""),
    }[broken]
    routes = tuple(spoiled(r) if r.next_hop == ADDRESS["fw2"] else r for r in database_of(seen).routes)
    database = replace(database_of(seen), routes=routes, odd=(WHY,) if broken == "some member" else ())
    found = row("fw1", seen=replace(seen, database=database))
    allowed = {"peer": {Ending.UNDETERMINED}}.get(broken, {Ending.MOVED})
    assert {e[0] for e in ends(found)} == allowed


def test_an_unreadable_path_ties_with_every_other() -> None:
    declared, seen, where = of_three({**THREE, "fw3": ()}, {})
    found = row("fw1", seen=seen, declared=declared, where=where)
    assert ends(found) == {(Ending.UNDETERMINED, None, UndeterminedCode.ROUTE_UNRANKED)}


def test_a_row_that_cannot_be_read_may_be_what_takes_over() -> None:
    seen = world()
    seen = replace(seen, database=replace(database_of(seen), unread=(WHY,)))
    found = row("fw1", seen=seen)
    assert ends(found) == {(Ending.UNDETERMINED, None, UndeterminedCode.ROUTES_INCOMPLETE)}
    assert ends(row("fw2", seen=seen)) == {(Ending.IN_PLACE, "fw1", "in-place")}


def test_a_prefix_whose_owner_cannot_be_read_survives_nothing() -> None:
    seen = world()
    doubts = replace(database_of(seen), unread=(WHY,), doubts={"0.0.0.0/0": WHY})
    for name in ADDRESS:
        assert {e[0] for e in ends(row(name, seen=replace(seen, database=doubts)))} == {Ending.UNDETERMINED}


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"interfaces": None, "failed": (WHY,)}, HoldCode.INTERFACES_UNREADABLE),
        ({"instance_states": None, "failed": (WHY,)}, HoldCode.INSTANCES_UNREADABLE),
        ({"unknown": Unknown(interfaces={INTERFACE["fw2"]: WHY})}, HoldCode.TARGET_INTERFACE_UNREADABLE),
        ({"unknown": Unknown(instances={INSTANCE["fw2"]: WHY})}, HoldCode.TARGET_INSTANCE_UNREADABLE),
    ],
)
def test_a_target_that_cannot_be_read_is_no_survivor(change: dict[str, Any], code: HoldCode) -> None:
    found = row("fw1", seen=replace(world(), **change))
    assert ends(found) == {(Ending.UNDETERMINED, None, code)}


def test_an_address_that_cannot_be_read_is_undetermined_and_the_other_is_not() -> None:
    seen = world()
    seen = replace(
        seen,
        elastic_ips={allocation(1): seen.elastic_ips[allocation(1)]},
        unknown=Unknown(elastic_ips={allocation(0): WHY}),
    )
    found = [a.ending for a in row("fw1", seen=seen).groups[0].addresses]
    assert found == [Ending.UNDETERMINED, Ending.MOVED]


def test_a_standby_whose_peers_cannot_be_read_is_no_survivor() -> None:
    seen = world()
    kept = tuple(p for p in seen.peers if p.peer_address != ADDRESS["fw2"])
    seen = replace(seen, peers=kept, unknown=Unknown(peers={ADDRESS["fw2"]: WHY}))
    assert {e[0] for e in ends(row("fw1", seen=seen))} == {Ending.UNDETERMINED}


def test_an_unknown_border_group_makes_a_move_undetermined() -> None:
    where = places()
    unknown = {id_: replace(s, border_group=None) for id_, s in where.subnets.items()}
    found = row("fw1", where=replace(where, subnets=unknown))
    assert ends(found) == {(Ending.UNDETERMINED, None, UndeterminedCode.BORDER_GROUP_UNKNOWN)}


def test_no_zone_is_clear_while_the_zone_of_an_endpoint_is_unknown() -> None:
    found = row(ZONE["fw1"], where=without_endpoints("rse-2b"))
    assert ends(found) == {(Ending.UNDETERMINED, None, UndeterminedCode.ZONE_UNKNOWN)}


def test_an_unread_page_of_overrides_may_pause_or_pin() -> None:
    unread = Override(OverrideKind.PAUSED, "unknown", WHY, after(60), is_record=False)
    found = row("fw1", seen=replace(world(), overrides=(unread,)))
    assert ends(found) == {(Ending.UNDETERMINED, None, UndeterminedCode.OVERRIDES_UNREADABLE)}


def test_a_paused_or_dry_run_topology_is_judged_as_if_enforced_and_that_is_said() -> None:
    pause = Override(OverrideKind.PAUSED, "kim", "test", after(60))
    declared = replace(topology(), mode=Mode.DRY_RUN)
    found = row("fw1", seen=replace(world(), overrides=(pause,)), declared=declared)
    assert ends(found) == {(Ending.MOVED, "fw2", "owner-has-route")}
    assert [a.code for a in found.assumptions] == [
        AssumptionCode.AS_IF_ENFORCED,
        AssumptionCode.AS_IF_NOT_PAUSED,
    ]


def test_a_pin_stays_and_loses_the_addresses_with_its_appliance() -> None:
    pin = Override(OverrideKind.PINNED, "kim", "test", after(60), appliance="fw1")
    found = row("fw1", seen=replace(world(), overrides=(pin,)))
    assert ends(found) == {(Ending.LOST, "fw1", HoldCode.PINNED_SILENT)}


def test_a_silent_standby_is_assumed_to_take_over() -> None:
    seen = world(rows({"fw1": PATH["fw1"]}), alive=("fw1",))
    found = row("fw1", seen=seen, declared=silent("fw1", "fw2"))
    assert ends(found) == {(Ending.ASSUMED, "fw2", "owner-has-route")}
    assert [(a.code, a.subject) for a in found.assumptions] == [
        (AssumptionCode.STANDBY_BECOMES_ACTIVE, "fw2")
    ]
    assert ends(row("fw1", seen=seen)) == {(Ending.LOST, "fw1", HoldCode.NO_ROUTE)}


def test_a_silent_standby_must_be_ready_all_the_same() -> None:
    seen = world(rows({"fw1": PATH["fw1"]}), alive=("fw1",))
    stopped = replace(seen, instance_states={**(seen.instance_states or {}), INSTANCE["fw2"]: "stopped"})
    assert ends(row("fw1", seen=stopped, declared=silent("fw2"))) == {
        (Ending.LOST, "fw1", HoldCode.TARGET_INSTANCE_NOT_RUNNING)
    }
    unpeered = replace(seen, peers=seen.peers[:2])
    assert {e[0] for e in ends(row("fw1", seen=unpeered, declared=silent("fw2")))} == {Ending.LOST}
    assert {e[0] for e in ends(row("fw1", "rse-2a", "rse-2b", seen=seen, declared=silent("fw2")))} == {
        Ending.LOST
    }


@pytest.mark.parametrize(
    ("persist", "codes", "assumed"),
    [
        ("disabled", {HoldCode.NO_ROUTE}, []),
        ("enabled", {HoldCode.OWNER_SILENT, HoldCode.NO_ROUTE}, [AssumptionCode.ROUTES_OUTLIVE_SESSIONS]),
        (None, {HoldCode.OWNER_SILENT, HoldCode.NO_ROUTE}, [AssumptionCode.ROUTES_OUTLIVE_SESSIONS]),
    ],
)
def test_routes_that_outlive_the_last_session_keep_the_addresses_on_the_dead(
    persist: str | None, codes: set[HoldCode], assumed: list[AssumptionCode]
) -> None:
    found = row("fw1", "fw2", where=places(persist))
    assert (first(found).ending, first(found).appliance) == (Ending.LOST, "fw1")
    assert {r.code for r in first(found).reasons} >= codes
    assert [a.code for a in found.assumptions] == assumed
    assert ends(row("fw1", where=places(persist))) == {(Ending.MOVED, "fw2", "owner-has-route")}


def test_tables_that_all_reject_today_s_route_may_take_another_one() -> None:
    refused = (RouteInstallation(TABLE, InstallationStatus.REJECTED, "no"),)
    routes = tuple(replace(r, installations=refused if r.installations else ()) for r in rows())
    moved = row("fw1", seen=world(routes))
    assert ends(moved) == {
        (Ending.MOVED, "fw2", "owner-has-route")
    }  # on a dead holder there is nothing to lose
    one = tuple(r for r in routes if r.peer_id in ("rsp-rse-1a", "rsp-rse-2a"))
    live = row("rsp-rse-1a", seen=world(one))
    assert {(p.ending, p.appliance) for p in first(live).possible} == {
        (Ending.MOVED, "fw2"),
        (Ending.HELD, "fw1"),
    }


def test_a_group_without_addresses_ends_as_its_route() -> None:
    bare = replace(topology(), groups=(replace(topology().groups[0], elastic_ips=()),))
    assert [
        (g.ending, g.appliance, [r.code for r in g.reasons])
        for name in (["fw1"], ["fw2"], ["fw1", "fw2"])
        for g in row(*name, declared=bare).groups
    ] == [
        (Ending.MOVED, "fw2", ["owner-has-route"]),
        (Ending.IN_PLACE, "fw1", ["owner-has-route"]),
        (Ending.HELD, None, [HoldCode.NO_ROUTE]),
    ]


def test_many_groups_with_several_possibilities_each_are_gone_through_side_by_side() -> None:
    prefixes = [f"10.{n}.0.0/16" for n in range(20)]
    declared, seen, where = of_three(THREE, {})
    [group] = declared.groups
    routes = tuple(replace(r, prefix=prefix) for r in database_of(seen).routes for prefix in prefixes)
    groups = tuple(replace(group, name=prefix, prefixes=(prefix,), elastic_ips=()) for prefix in prefixes)
    seen = replace(seen, database=replace(database_of(seen), routes=routes))
    found = row("fw1", seen=seen, declared=replace(declared, groups=groups), where=where)
    assert {(g.ending, g.appliance) for g in found.groups} == {(Ending.MOVED, None)}
    gone = row(
        "fw1", "fw2", "fw3", seen=seen, declared=replace(declared, groups=groups), where=places("enabled")
    )
    assert {g.ending for g in gone.groups} <= {Ending.LOST, Ending.HELD, Ending.UNDETERMINED}


def test_too_many_possibilities_of_one_group_are_undetermined() -> None:
    prefixes = tuple(f"10.{n}.0.0/16" for n in range(7))
    declared, seen, where = of_three(THREE, {})
    group = replace(declared.groups[0], prefixes=prefixes)
    routes = tuple(replace(r, prefix=prefix) for r in database_of(seen).routes for prefix in prefixes)
    seen = replace(seen, database=replace(database_of(seen), routes=routes))
    found = row("fw1", seen=seen, declared=replace(declared, groups=(group,)), where=where)
    assert ends(found) == {(Ending.UNDETERMINED, None, UndeterminedCode.TOO_MANY_POSSIBILITIES)}


def test_what_was_down_before_carries_nothing_after() -> None:
    seen = world()
    down = tuple(replace(p, bgp=DOWN, bfd=DOWN) if p.endpoint_id == "rse-2a" else p for p in seen.peers)
    found = row("rse-2b", "fw1", seen=replace(seen, peers=down))
    assert {e[0] for e in ends(found)} == {Ending.LOST}


def said(found: FailureRow) -> list[Reason]:
    addresses = [a for g in found.groups for a in g.addresses]
    every = [*found.assumptions, *(r for g in found.groups for r in (*g.reasons, *g.reports))]
    return every + [r for a in addresses for one in (a, *a.possible) for r in one.reasons]


def test_each_row_is_json_and_each_reason_has_words() -> None:
    pause = Override(OverrideKind.PAUSED, "kim", "test", after(60))
    unread = replace(database_of(world()), unread=(WHY,))
    worlds = [
        (topology(), replace(world(), overrides=(pause,)), places("enabled")),
        (topology(), replace(world(), database=unread), without_endpoints("rse-1a")),
        (silent("fw2"), world(rows({"fw1": PATH["fw1"]}), alive=("fw1",)), Places()),
        of_three(THREE, {}),
    ]
    for declared, seen, where in worlds:
        for found in failure_table(declared, seen, where, NOW):
            shown = json.loads(json.dumps(found.as_dict()))
            assert shown["outcome"] == found.ending
            assert all(render(why, ENTRIES) for why in said(found))


def test_a_failure_is_found_by_each_of_its_names() -> None:
    tagged = {
        id_: replace(e, tags=(("tandem:endpoint", f"az-{id_}"),)) for id_, e in places().endpoints.items()
    }
    failures = single_failures(topology(), world(), replace(places(), endpoints=tagged))

    def called(text: str) -> list[tuple[FailureKind, str]]:
        return [(f.kind, f.name) for f in failures if f.is_called(text)]

    assert called("az-rse-1a") == [(FailureKind.ENDPOINT, "rse-1a")]
    assert called("fw1@az-rse-1a") == called("rsp-rse-1a") == [(FailureKind.SESSION, "rsp-rse-1a")]
    assert called("appliance:fw1") == called("fw1") == [(FailureKind.APPLIANCE, "fw1")]
    assert called("fw9") == []


def test_prediction_with_nothing_failing_is_today() -> None:
    assert ends(predict((), topology(), world(), places(), NOW)) == {(Ending.IN_PLACE, "fw1", "in-place")}
    assert Failure(FailureKind.ZONE, "z").peers == frozenset()
