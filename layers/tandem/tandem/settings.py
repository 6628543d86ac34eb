"""Reads a function's settings from its environment, once at start."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, fields

from tandem.errors import ConfigurationError


@dataclass(frozen=True, slots=True)
class Settings:
    """Holds every function's settings: one environment variable per field, `TANDEM_` and the name in
    capitals.

    A function that does not need a field gets no variable for it; asking for an absent one is a
    ConfigurationError that names the variable.
    """

    stack_name: str
    state_table: str | None = None
    audit_table: str | None = None
    bus_name: str | None = None
    notification_topic: str | None = None
    failover_function: str | None = None
    failover_queue: str | None = None
    signals_function: str | None = None
    signals_queue: str | None = None
    peer_log_group: str | None = None
    provisioner_role: str | None = None
    loopback_answers: str | None = None
    """Set by the lab only: answers to CloudFormation may go to this machine."""
    resource_tag_keys: str | None = None
    report_bucket: str | None = None
    queues: str | None = None
    """Dead-letter queues: `name=url`, separated by commas."""

    @classmethod
    def from_env(cls, *required: str, environ: Mapping[str, str] = os.environ) -> Settings:
        """Reads the environment. Raises ConfigurationError with every missing variable at once."""
        values = {f.name: environ.get(_variable(f.name), "").strip() or None for f in fields(cls)}
        missing = [_variable(name) for name in ("stack_name", *required) if values[name] is None]
        if missing:
            raise ConfigurationError(
                f"missing environment variables: {', '.join(missing)}; the template sets them: deploy it"
            )
        return cls(**values)  # type: ignore[arg-type]  # stack_name was checked above

    def need(self, name: str) -> str:
        """Returns the field's value. Raises ConfigurationError if it is not set."""
        value = getattr(self, name)
        if value is None:
            raise ConfigurationError(f"missing environment variable {_variable(name)}")
        return str(value)


def _variable(name: str) -> str:
    return f"TANDEM_{name.upper()}"
