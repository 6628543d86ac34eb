"""Stories of what is waited for: routes that live on persistence, appliances that do not come, leave."""

from __future__ import annotations

from collections.abc import Iterator

import boto3
import pytest

from tests.emulated import SessionGuard
from tests.managing import Managed, tags
from tests.provisioning import types
from tests.shared_worlds import begins_in
from tests.stories.test_managing_between import at_rest, fib, kill_all
from tests.tiers import prove
from tests.topologies import set_at


@pytest.fixture
@begins_in(at_rest)
def there() -> Iterator[Managed]:
    with at_rest() as tandem:
        yield tandem


def test_persistence_that_somebody_switched_on_is_left_on_while_a_route_lives_on_it(there: Managed) -> None:
    """In an incident: persistence by hand, then everybody dies. It is repaired when somebody is back."""
    server_id = there.servers()[0]["RouteServerId"]
    boto3.client("ec2").modify_route_server(
        RouteServerId=server_id, PersistRoutes="enable", PersistRoutesDuration=5
    )
    there.settle(60)
    kill_all(there)
    there.settle(60)
    with SessionGuard(there) as guard:
        for _ in range(3):
            there.refresh()
            there.settle(60)
        assert there.ec2_changes() == []
        assert fib(there) == ["0.0.0.0/0"]
        (told,) = [e["detail"] for e in there.events() if e["detail-type"] == "Drift Detected"]
        assert "and waits for fw2 to have BGP up: 0.0.0.0/0 is in the FIB" in told["summary"]
        there.lab.levers.restore("fw2")
        there.settle(30)
        there.converge()
    assert guard.stranded == []
    assert there.world()["persist"][0] == "disabled"
    assert fib(there) == ["0.0.0.0/0"]


@pytest.mark.parametrize("state", ["failed", "delete-failed"])
def test_an_endpoint_of_the_owner_that_failed_is_replaced_though_its_peer_is_up(
    there: Managed, state: str
) -> None:
    before = there.world()
    broken = next(e for e in there.endpoints() if tags(e)["tandem:endpoint"] == "az1-a")
    there.lab.levers.resource(broken["RouteServerEndpointId"], state, "no capacity")
    with SessionGuard(there) as guard:
        there.refresh()
        there.converge()
    assert guard.stranded == []
    assert there.world() == before
    assert broken["RouteServerEndpointId"] not in [e["RouteServerEndpointId"] for e in there.endpoints()]


def another_asn(tandem: Managed) -> None:
    """In the document alone: nobody configures the appliance."""
    assert tandem.apply(set_at(tandem.wanted(), "appliances.fw1.asn", 65011))["problems"] == []
    tandem.refresh()
    tandem.settle(60)
    tandem.events()


@prove
def test_a_run_that_can_do_nothing_ends_at_once_and_people_hear_of_it_once(there: Managed) -> None:
    another_asn(there)
    told = []
    for minute in range(45):
        began = there.lab.clock.seconds()
        there.refresh()
        assert there.lab.clock.seconds() == began, "it does not poll for what AWS is not at"
        failed = [e["detail"] for e in there.events() if e["detail-type"] == "Provisioning Failed"]
        told += [(minute, detail["reason"]) for detail in failed]
        there.settle(60)
    ((minute, reason),) = told
    assert 25 < minute <= 30
    assert "it waits for rsp-" in reason
    assert "to have BGP up and to advertise 0.0.0.0/0; Tandem continues by itself" in reason
    assert there.record().provisioned.pending
    there.run(set_at(there.wanted(), "appliances.fw1.liveness", "bfd"))
    found = there.record().provisioned
    assert (found.waits_since, found.told_version) == (None, 0)


@prove
def test_what_goes_on_is_no_reason_to_worry(there: Managed) -> None:
    another_asn(there)
    for _ in range(40):
        there.settle(60)
        there.provisioned(waits_since=there.lab.clock.now())
        there.refresh()
    assert "Provisioning Failed" not in types(there.events())


def test_leave_to_interrupt_ends_with_what_it_was_given_for(there: Managed) -> None:
    """A version reached with leave; then somebody replaces the owner's last session by another one."""
    wanted = there.wanted()
    wanted["appliances"]["fw1"]["peers"] = {"az1-a": "10.0.1.10"}
    there.run(wanted, allow_interruption=True)
    there.settle(60)
    there.refresh()
    assert there.record().allow_interruption
    assert not there.record().may_interrupt
    broken = next(e for e in there.endpoints() if tags(e)["tandem:endpoint"] == "az1-a")
    there.lab.levers.resource(broken["RouteServerEndpointId"], "failed", "no capacity")
    with SessionGuard(there) as guard:
        for _ in range(4):
            there.refresh()
            there.settle(60)
    assert guard.stranded == []
    told = [e["detail"]["summary"] for e in there.events() if e["detail-type"] == "Drift Detected"]
    assert any("Tandem does not mend it: " in words and "last live session of fw1" in words for words in told)
    there.run(wanted, allow_interruption=True)
    assert there.record().version == 3
    assert broken["RouteServerEndpointId"] not in [e["RouteServerEndpointId"] for e in there.endpoints()]
    again = there.apply(wanted)
    assert (again["version"], there.changes) == (3, [])
