"""Stories of what is managed: from nothing to converged, changed, broken, repaired, on virtual time."""

from __future__ import annotations

import boto3
import pytest

from tests.managing import QUICK, REALISTIC, Managed, managed, tags


@pytest.fixture
def empty():
    with managed() as tandem:
        yield tandem


@pytest.fixture
def there(empty: Managed):
    empty.run()
    empty.events()
    return empty


def types(tandem: Managed) -> list[str]:
    return [e["detail-type"] for e in tandem.events()]


@pytest.mark.parametrize("timings", [QUICK, REALISTIC], ids=["seconds", "minutes"])
def test_from_nothing_to_converged_in_order_and_then_at_rest(timings) -> None:
    with managed(timings) as tandem:
        assert tandem.apply(tandem.wanted())["problems"] == []
        tandem.refresh()
        tandem.converge()
        made = [c.partition(":")[2] for c in tandem.every_call]
        order = [
            "CreateRouteServer",
            "AssociateRouteServer",
            "CreateRouteServerEndpoint",
            "EnableRouteServerPropagation",
            "CreateRouteServerPeer",
        ]
        assert [c for c in dict.fromkeys(made) if c in order] == order
        assert made.count("CreateRouteServerEndpoint") == 4
        assert made.count("CreateRouteServerPeer") == 4
        assert tandem.world()["states"] == {"available"}
        tandem.settle(60)
        assert tandem.delivered() == {p["RouteServerPeerId"] for p in tandem.peers()}
        assert set(types(tandem)) == {"Topology Change", "Provisioning Completed"}
        tandem.refresh()
        assert tandem.changes == []
        assert types(tandem) == []
