"""The provisioner function itself: what it takes for an order, and the settings that it needs."""

from __future__ import annotations

import importlib
import sys
from typing import Any

import pytest

from tandem.errors import ConfigurationError
from tests.provisioning import Provisioner, provisioner, watching
from tests.shared_worlds import begins_in


@pytest.fixture
@begins_in(provisioner)
def tandem():
    with provisioner() as made:
        yield made


@pytest.fixture
@begins_in(watching)
def watched():
    with watching() as tandem:
        yield tandem


@pytest.mark.parametrize(
    "event",
    [
        {"source": "tandem", "detail-type": "Look", "detail": {"topology": "edge"}},
        {"source": "aws.ec2", "detail-type": "EC2 Instance State-change Notification", "detail": {}},
        {"source": "tandem", "detail-type": "Topology Change", "detail": {}},
        {},
    ],
)
def test_what_is_no_order_is_ignored(watched: Provisioner, event: dict[str, Any]) -> None:
    assert watched.invoke(event) == {}
    assert watched.calls == []


@pytest.mark.parametrize("order", [{"action": "destroy"}, {"action": "delete"}, {"action": None}])
def test_an_order_that_there_is_not_is_an_error(tandem: Provisioner, order: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError):
        tandem.invoke(order)


def test_a_missing_setting_is_one_clear_error(tandem: Provisioner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TANDEM_BUS_NAME")
    monkeypatch.delenv("TANDEM_SIGNALS_FUNCTION")
    sys.modules.pop("functions.provisioner.app")
    with pytest.raises(ConfigurationError, match="TANDEM_BUS_NAME, TANDEM_SIGNALS_FUNCTION"):
        importlib.import_module("functions.provisioner.app")
