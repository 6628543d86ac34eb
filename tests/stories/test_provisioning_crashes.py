"""The provisioner killed before and after each of its AWS calls; then it starts again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import boto3
import pytest

from tandem.state.lease import is_over
from tandem.topology.shape import normalise
from tests.crashing import Crashes
from tests.emulated import SessionGuard, described, shown
from tests.forks import run_in_copy
from tests.managing import Managed, adoptable, managed, other_table, with_id
from tests.provisioning import LISTENERS, _load, changing
from tests.remembering import remembered
from tests.shared_worlds import begins_in
from tests.tiers import first_now
from tests.topologies import set_at

Document = dict[str, Any] | None
"""What the scenario leads to; None where nothing shall be left."""


@dataclass(frozen=True)
class Scenario:
    """Holds what was stored before the run that dies."""

    name: str
    fewest: int
    """AWS calls of its run at the least: each is two crash points, and they cannot become fewer unseen."""
    begins: Callable[[Managed], Document]
    runs: Callable[[Managed], object] = Managed.refresh
    """What dies, and is started again."""
    hurts: bool = False
    """Whether there is leave to take the owner's last session down."""


def nothing_yet(tandem: Managed) -> Document:
    return apply(tandem, tandem.wanted())


def there(tandem: Managed) -> dict[str, Any]:
    """A converged topology at rest, every session up."""
    wanted = tandem.wanted()
    tandem.run(wanted)
    tandem.settle(120)
    tandem.refresh()
    tandem.events()
    return wanted


def new_liveness(tandem: Managed) -> Document:
    wanted = there(tandem)
    for name in wanted["appliances"]:
        wanted = set_at(wanted, f"appliances.{name}.liveness", "bgp-keepalive")
    return apply(tandem, wanted)


def endpoint_elsewhere(tandem: Managed) -> Document:
    wanted = set_at(there(tandem), "route_server.endpoints.az1-a", tandem.ids["subnets"]["protected1"])
    return apply(tandem, wanted)


def another_table(tandem: Managed) -> Document:
    table = other_table(tandem.ids["vpc_id"])
    return apply(tandem, set_at(there(tandem), "route_server.propagate_to", [table]))


def modified(tandem: Managed) -> Document:
    wanted = set_at(there(tandem), "route_server.persist_routes", 3)
    return apply(tandem, set_at(wanted, "route_server.sns_notifications", False))


def another_address(tandem: Managed) -> Document:
    """The owner's, of which its interface has a further one."""
    wanted, interface = there(tandem), tandem.ids["interfaces"]["fw1"]
    boto3.client("ec2").assign_private_ip_addresses(
        NetworkInterfaceId=interface, PrivateIpAddresses=["10.0.1.30"]
    )
    return apply(
        tandem, set_at(wanted, "appliances.fw1.peers", dict.fromkeys(("az1-a", "az1-b"), "10.0.1.30"))
    )


def failed_endpoint(tandem: Managed) -> Document:
    """The owner's, while its session there goes on."""
    wanted = there(tandem)
    broken = tandem.record().provisioned.endpoints["az1-a"]
    tandem.lab.levers.resource(broken, "failed", "no capacity")
    return wanted


def with_leave(tandem: Managed) -> Document:
    """Each appliance has one session, and both are replaced."""
    wanted = there(tandem)
    for appliance in wanted["appliances"].values():
        appliance["peers"] = dict([next(iter(appliance["peers"].items()))])
    tandem.run(wanted)
    tandem.settle(120)
    tandem.refresh()
    tandem.events()
    for name in wanted["appliances"]:
        wanted = set_at(wanted, f"appliances.{name}.liveness", "bgp-keepalive")
    assert tandem.apply(wanted, allow_interruption=True)["problems"] == []
    return wanted


def adopted(tandem: Managed) -> Document:
    there(tandem)
    adoptable(tandem)
    return apply(tandem, with_id(tandem))


def deleted(tandem: Managed) -> Document:
    there(tandem)
    return None


def delete(tandem: Managed) -> None:
    """The schedule goes on with what was begun; what was not is asked for again."""
    record = tandem.record()
    if record is not None and record.is_leaving:
        tandem.refresh()
    elif record is not None:
        tandem.delete(resources=True)


def apply(tandem: Managed, wanted: dict[str, Any]) -> dict[str, Any]:
    assert tandem.apply(wanted)["problems"] == []
    return wanted


SCENARIOS = [
    Scenario("persistence and notifications", 25, modified),
    Scenario("from nothing", 110, nothing_yet),
    Scenario("another liveness", 140, new_liveness),
    Scenario("an endpoint elsewhere", 75, endpoint_elsewhere),
    Scenario("another route table", 65, another_table),
    Scenario("another address of the owner", 60, another_address),
    Scenario("a failed endpoint of the owner", 40, failed_endpoint),
    Scenario("leave to interrupt", 40, with_leave, hurts=True),
    Scenario("adopting", 65, adopted),
    Scenario("deleting", 60, deleted, delete),
]


def changes_among(calls: list[str]) -> int:
    return len(changing(calls))


def swept(tandem: Managed, scenario: Scenario, wanted: Document) -> Crashes:
    """A run that dies everywhere and lives on."""
    crashes = Crashes(tandem.lab.clock, changes_among)
    LISTENERS.append(crashes)
    with SessionGuard(tandem) as guard:

        def judge() -> dict[str, Any]:
            LISTENERS.remove(crashes)
            return started_again(tandem, scenario, wanted, guard)

        crashes.run(lambda: scenario.runs(tandem), judge)
    LISTENERS.remove(crashes)
    return crashes


@pytest.mark.parametrize("scenario", first_now(SCENARIOS), ids=lambda s: s.name)
@begins_in(managed)
def test_killed_at_any_call_the_next_run_comes_to_the_same_end(
    scenario: Scenario, record_property: Callable[[str, object], None]
) -> None:
    with managed() as tandem:
        wanted = scenario.begins(tandem)
        with remembered(tandem.lab):
            expected = run_in_copy(lambda: uninterrupted(tandem, scenario, wanted))
            crashes = swept(tandem, scenario, wanted)
    points = f"{2 * len(crashes.calls)} crash points in {len(crashes.results)} states of AWS"
    record_property("met", f"{scenario.name}: {points}: {', '.join(changing(crashes.calls))} and reads")
    assert len(crashes.calls) >= scenario.fewest
    assert len(crashes.results) > len(changing(crashes.calls))
    different = {where: end for where, end in crashes.results.items() if end != expected}
    assert different == {}


def uninterrupted(tandem: Managed, scenario: Scenario, wanted: Document) -> dict[str, Any]:
    with SessionGuard(tandem) as guard:
        scenario.runs(tandem)
        return end(tandem, scenario, wanted, guard)


def started_again(
    tandem: Managed, scenario: Scenario, wanted: Document, guard: SessionGuard
) -> dict[str, Any]:
    """A new process, after the dead one's lease is over."""
    tandem.app = _load(tandem.lab)
    tandem.settle(60)
    scenario.runs(tandem)
    return end(tandem, scenario, wanted, guard)


def end(tandem: Managed, scenario: Scenario, wanted: Document, guard: SessionGuard) -> dict[str, Any]:
    """Everything there is in the end, by name, once nothing is left to do; and what was told."""
    for _ in range(20):
        record = tandem.record()
        if record is None or not (record.provisioned is None or record.provisioned.pending):
            break
        tandem.settle(60)
        tandem.refresh()
    tandem.settle(60)
    tandem.refresh()
    tandem.refresh()
    assert tandem.changes == []
    told = {e["detail-type"]: e["detail"].get("version") for e in tandem.events()}
    there = {"told": told, "left": everything(tandem), "leased": is_leased(tandem)}
    if wanted is None:
        assert tandem.record() is None
        return there
    owner = tandem.ids["instances"]["fw1"]
    assert set(guard.lost) <= ({("0.0.0.0/0", owner)} if scenario.hurts else set()), guard.stranded
    record = tandem.record()
    assert record.provisioned.converged_version == record.version
    assert (record.provisioned.failure, record.provisioned.pending) == (None, ())
    found = shown(tandem, record.provisioned.route_server_id)
    assert found == described(normalise(wanted))
    assert tandem.delivered() == {p["RouteServerPeerId"] for p in tandem.peers()}
    return there | {"shown": found}


def everything(tandem: Managed) -> dict[str, int]:
    """Returns how many there are of everything that Tandem makes, whoever it belongs to."""
    logs, sns = boto3.client("logs"), boto3.client("sns")
    return {
        "servers": len(tandem.servers()),
        "endpoints": len(tandem.endpoints()),
        "peers": len(tandem.peers()),
        "sources": len(logs.describe_delivery_sources()["deliverySources"]),
        "deliveries": len(logs.describe_deliveries()["deliveries"]),
        "destinations": len(logs.describe_delivery_destinations()["deliveryDestinations"]),
        "subscriptions": len(sns.list_subscriptions()["Subscriptions"]),
    }


def is_leased(tandem: Managed) -> bool:
    """Returns True if another process would have to wait for the topology's lease."""
    key = {"kind": {"S": "provision"}, "id": {"S": "edge"}}
    item = boto3.client("dynamodb").get_item(TableName="tandem-state", Key=key).get("Item", {})
    if "lease_until" not in item:
        return False
    until = datetime.fromtimestamp(int(item["lease_until"]["N"]) / 1000, UTC)
    return not is_over(until, tandem.lab.clock.now())
