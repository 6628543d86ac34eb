"""Ways in which Tandem itself falls asleep, or is kept from its work."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from tandem.adapters import clients
from tandem.adapters.topologies import TopologyStore
from tandem.reasons.compliance import RuleId
from tandem.topology.document import parse_topology
from tests.breakages import breaks
from tests.complying import DEAD_LETTERS, healthy_document
from tests.stack import Stack


@breaks(RuleId.LOOKED_AT_RECENTLY)
def the_sweep_stops(s: Stack) -> Iterable[str]:
    """Nothing looks at the topology for ten minutes; the watch goes on."""
    s.clock.sleep(600)
    s.watch()
    return ["edge"]


@breaks(RuleId.WATCHED_RECENTLY)
def the_watch_stops(s: Stack) -> Iterable[str]:
    """The watch does not run for ten minutes; the sweep goes on."""
    s.clock.sleep(600)
    s.sweep()
    return ["edge"]


@breaks(RuleId.NO_DEAD_LETTERS)
def a_dead_letter_waits(s: Stack) -> Iterable[str]:
    """An event that the failover function could not handle is in its queue."""
    url = s.queues.get_queue_url(QueueName=DEAD_LETTERS)["QueueUrl"]
    s.queues.send_message(QueueUrl=url, MessageBody="{}")
    return [DEAD_LETTERS]


@breaks(RuleId.NOT_PAUSED_FOR_LONG)
def a_pause_is_forgotten(s: Stack) -> Iterable[str]:
    """Somebody pauses a group for a week, and it stays paused for more than a day."""
    until = s.clock.now() + timedelta(days=7)
    s.override("internet-edge", action="paused", until=f"{until:%Y-%m-%dT%H:%M:%SZ}")
    s.sweep()
    _a_while(s, timedelta(hours=25))
    return ["internet-edge"]


@breaks(RuleId.NOT_DRY_RUN_FOR_LONG)
def dry_run_is_forgotten(s: Stack) -> Iterable[str]:
    """The topology is stored in dry-run, and is still so after eight days."""
    document = healthy_document(s.ids, mode="dry-run")
    store, now = TopologyStore(clients.dynamodb(), "tandem-state"), s.clock.now()
    s.record = store.put(parse_topology(document), "cli", store.get("edge"), stored_at=now)
    again = store.put(parse_topology(document), "cli", s.record, stored_at=now + timedelta(days=1))
    assert again.mode_since == now
    _a_while(s, timedelta(days=8))
    return ["edge"]


def _a_while(s: Stack, lasting: timedelta) -> None:
    """Lets time pass and looks again, as the sweep and the watch would have done all along."""
    s.clock.sleep(lasting.total_seconds())
    s.sweep()
    s.watch()
