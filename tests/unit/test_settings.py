"""A function that was deployed wrongly says so once, and says everything."""

from __future__ import annotations

import pytest

from tandem.adapters import clients
from tandem.errors import ConfigurationError
from tandem.settings import Settings


def test_every_missing_variable_is_named_at_once() -> None:
    with pytest.raises(ConfigurationError) as error:
        Settings.from_env("state_table", "bus_name", environ={"TANDEM_BUS_NAME": "  "})
    assert str(error.value).startswith(
        "missing environment variables: TANDEM_STACK_NAME, TANDEM_STATE_TABLE, TANDEM_BUS_NAME;"
    )


def test_what_is_not_asked_for_may_be_absent() -> None:
    settings = Settings.from_env(environ={"TANDEM_STACK_NAME": "tandem"})
    assert settings.stack_name == "tandem"
    with pytest.raises(ConfigurationError, match="TANDEM_AUDIT_TABLE"):
        settings.need("audit_table")


def test_an_sdk_without_route_server_is_one_clear_error(monkeypatch) -> None:
    class OldClient:
        pass

    monkeypatch.setattr(clients, "made", lambda *_: OldClient())
    clients.ec2.cache_clear()
    with pytest.raises(ConfigurationError, match="knows no Route Server"):
        clients.ec2()
    clients.ec2.cache_clear()
