"""failover: one look at every topology that a signal concerns."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from aws_lambda_powertools import Logger, Metrics

from tandem.adapters import clients
from tandem.adapters.audits import AuditTable
from tandem.adapters.bus import EventBus
from tandem.adapters.clock import SystemClock
from tandem.adapters.ec2 import Ec2
from tandem.adapters.journal import LambdaJournal
from tandem.adapters.looks import LookStore
from tandem.adapters.overrides import OverrideStore
from tandem.adapters.topologies import TopologyStore
from tandem.adapters.worstcase import LEFT_OVER
from tandem.failover.invocation import Invocation, Unreadable, last_start
from tandem.failover.lastknown import LastKnown
from tandem.failover.run import World
from tandem.settings import Settings

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

SIDE_WORKERS = 4
"""Threads for the calls that a look makes beside its own."""

logger = Logger()
metrics = Metrics()
settings = Settings.from_env("state_table", "audit_table", "bus_name")
clients.ec2()
clients.ec2_moves()
journal = LambdaJournal(logger, metrics)
unread = Unreadable()
store = TopologyStore(clients.dynamodb(), settings.need("state_table"))
world = World(
    cloud=Ec2(unread.rows),
    looks=LookStore(settings.need("state_table"), unread.records.__setitem__),
    overrides=OverrideStore(settings.need("state_table"), unread.records.__setitem__),
    audit=AuditTable(settings.need("audit_table"), unread.records.__setitem__),
    bus=EventBus(settings.need("bus_name")),
    clock=SystemClock(),
    note=journal.warning,
    last_known=LastKnown(),
    stored=store.sound,
    side=ThreadPoolExecutor(SIDE_WORKERS, thread_name_prefix="side"),
)


@logger.inject_lambda_context
@metrics.log_metrics
def handler(event: dict[str, Any], context: LambdaContext) -> None:
    """Raises the first topology's failure, so that Lambda tries again."""
    received_at = world.clock.now()
    seconds_left = context.get_remaining_time_in_millis() / 1000
    over_at = received_at + timedelta(seconds=seconds_left)
    invocation = Invocation(
        world,
        store,
        journal,
        owner=lambda: f"{context.aws_request_id}/{uuid4().hex[:8]}",
        received_at=received_at,
        ends_at=last_start(received_at, seconds_left, LEFT_OVER),
    )
    with clients.within(lambda: (over_at - world.clock.now()).total_seconds() - 1):
        try:
            invocation.look_at_all(event)
        finally:
            unread.report(journal)
