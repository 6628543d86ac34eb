"""The failover function in this process, invoked as Lambda invokes it; its log goes nowhere.

Nothing of the lab is imported here: it would be in the memory that is measured.
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable, Mapping
from contextlib import redirect_stdout
from typing import TYPE_CHECKING, Any

from bench.units import counting

if TYPE_CHECKING:
    from tandem.failover.run import Report


class Context:
    """A Lambda context with five minutes left."""

    function_name = "failover"
    memory_limit_in_mb = 1024
    invoked_function_arn = "arn:aws:lambda:us-east-1:123456789012:function:failover"
    log_stream_name = "bench"

    def __init__(self, number: int) -> None:
        self.aws_request_id = f"bench-{number}"

    def get_remaining_time_in_millis(self) -> int:
        return 300_000


class Failover:
    """A warm function. `reports` are those of its looks; `table_calls` what it asked of DynamoDB."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        os.environ.update(environment)
        self._nowhere = open(os.devnull, "w")  # noqa: PTH123, SIM115 - it lasts as long as the function
        with redirect_stdout(self._nowhere):
            self._app = importlib.import_module("functions.failover.app")
        self.reports: list[Report] = []
        self._invocations = 0
        looks = importlib.import_module("tandem.failover.invocation")
        vars(looks)["look"] = self._kept(looks.look)
        self.table_calls = counting(self._app.clients.dynamodb().meta.events)

    def invoke(self, event: Mapping[str, Any]) -> None:
        self._invocations += 1
        with redirect_stdout(self._nowhere):
            self._app.handler(event, Context(self._invocations))

    def _kept(self, look: Callable[..., Report]) -> Callable[..., Report]:
        def looked(*arguments: Any, **named: Any) -> Report:  # noqa: ANN401 - passed on as it came
            self.reports.append(look(*arguments, **named))
            return self.reports[-1]

        return looked


def sweep(topology: str) -> dict[str, Any]:
    """The event of one scheduled look."""
    detail = {
        "schema_version": 1,
        "topology": topology,
        "occurred_at": "2026-11-21T03:00:00.000Z",
        "cause": "sweep",
        "requested_by": "sweep",
    }
    return {"source": "tandem", "detail-type": "Look", "detail": detail}
