"""The examples as whole worlds: their route servers over emulated AWS, watched by the real functions."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any
from unittest import mock

import pytest

from lab.ec2.inprocess import LabEC2
from tests.functions import cold_start, fresh_service
from tests.shared_worlds import THE_PARAM, begins_in
from tests.stack import MOVING, Context, VirtualTime
from tests.worlds import EXAMPLES, Watched, watched

STANDBY = {"router1": "router2", "fw1": "fw2", "edge1": "edge2"}


@pytest.fixture(params=EXAMPLES)
@begins_in(watched, THE_PARAM)
def world(request: pytest.FixtureRequest) -> Iterator[Watched]:
    with watched(request.param) as found:
        yield found


@pytest.fixture
@begins_in(watched, "az-affinity")
def affinity() -> Iterator[Watched]:
    with watched("az-affinity") as found:
        yield found


class OneTurn(Context):
    """So little time that the watch reads once and leaves."""

    def __init__(self, lab: LabEC2) -> None:
        super().__init__("watch")
        self._clock = lab.clock

    def get_remaining_time_in_millis(self) -> int:
        return 11_000


def told(world: Watched) -> list[dict[str, Any]]:
    """The route changes that one turn of the watch puts on the bus."""
    with mock.patch.dict(os.environ, fresh_service()):
        app = cold_start("watch")
        vars(app)["clock"] = VirtualTime(world.stack.lab)
        app.handler({"tandem": "watch"}, OneTurn(world.stack.lab))
    return [e["detail"] for e in world.stack.events() if e["detail-type"] == "Route Change"]


def actives(world: Watched) -> dict[str, str]:
    """The first appliance of each document: the one that does not prepend."""
    return {name: next(iter(document["appliances"])) for name, document in world.documents.items()}


def test_the_active_appliance_owns_every_tracked_prefix(world: Watched) -> None:
    for name, active in actives(world).items():
        prefixes = [p for group in world.documents[name]["groups"] for p in group["prefixes"]]
        assert world.routes(name) == dict.fromkeys(prefixes, active)


def test_a_converged_world_is_looked_at_in_silence(world: Watched) -> None:
    for _ in range(3):
        world.sweep()
    assert told(world) == []
    assert world.stack.events() == []
    assert world.stack.calls(*MOVING) == []


def test_the_route_fails_over_and_that_is_told_while_nothing_moves(world: Watched) -> None:
    name, active = next(iter(actives(world).items()))
    standby = STANDBY[active]
    addresses = {n: next(iter(s["peers"].values())) for n, s in world.documents[name]["appliances"].items()}
    world.stack.levers.kill(name=active, stop_instance=True)
    world.stack.clock.sleep(30)
    assert set(world.routes(name).values()) == {standby}
    changes = [c for c in told(world) if c["topology"] == name]
    prefixes = {p for group in world.documents[name]["groups"] for p in group["prefixes"]}
    assert {change["prefix"] for change in changes} == prefixes
    for change in changes:
        assert (change["previous_next_hop"], change["next_hop"]) == (addresses[active], addresses[standby])
        assert change["peer_id"] in world.peerings[name].peers[standby].values()
    world.stack.run(10)
    assert world.stack.calls(*MOVING) == []
    assert [e["detail-type"] for e in world.stack.events()] == []


def test_the_looks_that_follow_a_failover_hold_nothing(world: Watched) -> None:
    name, active = next(iter(actives(world).items()))
    world.stack.levers.kill(name=active)
    world.stack.run(40)
    world.stack.levers.restore(name=active)
    world.stack.run(40)
    world.sweep()
    assert told(world) == []
    assert set(world.routes(name).values()) == {active}
    assert world.stack.calls(*MOVING) == []
    decided = [e for e in world.stack.events() if e["detail-type"].startswith("Failover")]
    assert decided == []


@begins_in(watched, "ingress-inspection")
def test_ingress_traffic_and_its_answers_use_the_same_firewall() -> None:
    example = EXAMPLES["ingress-inspection"]
    gateway, application = example.tables
    with watched("ingress-inspection") as world:
        for alive in ("10.0.1.10", "10.0.2.10"):
            assert world.installed(gateway, example) == {"10.0.11.0/24": alive}
            assert world.installed(application, example)["0.0.0.0/0"] == alive
            world.stack.levers.kill(name="fw1")
            world.stack.clock.sleep(30)


@begins_in(watched, "ingress-inspection")
def test_ingress_inspection_survives_a_zone_of_endpoints() -> None:
    with watched("ingress-inspection") as world:
        for name in ("fw1", "fw2"):
            for endpoint in ("az1-a", "az1-b"):
                world.stack.levers.session(name=name, endpoint=endpoint, state="down")
        world.stack.run(10)
        world.sweep()
        assert set(world.routes("ingress-inspection").values()) == {"fw1"}
        assert world.stack.events() == []


def test_each_zone_uses_its_own_firewall(affinity: Watched) -> None:
    assert affinity.routes("az-affinity-1") == {"0.0.0.0/0": "fw1"}
    assert affinity.routes("az-affinity-2") == {"0.0.0.0/0": "fw2"}


def test_a_dead_firewall_changes_only_its_own_zone(affinity: Watched) -> None:
    affinity.stack.levers.kill(name="fw1")
    affinity.stack.clock.sleep(30)
    assert affinity.routes("az-affinity-1") == {"0.0.0.0/0": "fw2"}
    assert affinity.routes("az-affinity-2") == {"0.0.0.0/0": "fw2"}
    assert {change["topology"] for change in told(affinity)} == {"az-affinity-1"}


def test_a_signal_of_one_zone_looks_at_that_zone_alone(affinity: Watched) -> None:
    """The topics of the two route servers differ, and each look reads its own route server only."""
    first, second = (affinity.peerings[f"az-affinity-{zone}"] for zone in (1, 2))
    assert first.topic_arn != second.topic_arn
    affinity.stack.levers.session(name="fw1", endpoint="az1-a", state="down")
    affinity.stack.clock.sleep(2)
    affinity.stack.forget_calls()
    assert affinity.stack.deliver() > 0
    reads = affinity.stack.calls("GetRouteServerRoutingDatabase")
    assert reads
    assert first.route_server_id in str(reads)
    assert second.route_server_id not in str(reads)


def test_a_zone_without_sessions_holds_alone(affinity: Watched) -> None:
    """Both firewalls lose zone 1's endpoints; zone 2 stays as quiet as it was."""
    for name in ("fw1", "fw2"):
        for endpoint in ("az1-a", "az1-b"):
            affinity.stack.levers.session(name=name, endpoint=endpoint, state="down")
    affinity.stack.run(45)
    affinity.sweep()
    decided = [e["detail"] for e in affinity.stack.events() if e["detail-type"] == "Failover Decision"]
    assert {(d["topology"], d["action"]) for d in decided} == {("az-affinity-1", "hold")}
    assert affinity.routes("az-affinity-2") == {"0.0.0.0/0": "fw2"}
