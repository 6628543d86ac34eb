"""Compliance runs of the stories: a healthy world, ways to break it, and what the rules find then."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from functools import partial
from typing import TYPE_CHECKING, Any
from unittest import mock

from lab.ec2.signals import RecordingSink
from tandem.adapters import clients, snapshots, stackfacts
from tandem.adapters.topologies import TopologyStore
from tandem.compliance.engine import judge_snapshot
from tandem.compliance.rule import Finding, RuleVerdict
from tandem.compliance.rules.catalogue import RULES
from tandem.compliance.snapshot import NO_HISTORY, Snapshot, StackFacts
from tandem.place import Place
from tandem.ports import Clock
from tandem.reasons.compliance import RuleId
from tandem.state.record import TopologyRecord
from tests.stack import ACCOUNT, REGION, Stack, edge_document, stack

if TYPE_CHECKING:
    from mypy_boto3_logs.type_defs import InputLogEventTypeDef

FLOATING = "10.0.2.50"
"""A secondary address of fw2 that no Elastic IP uses."""

LATER = "2027-06-30"
OTHER = "other"
"""Name of a topology beside the one that is judged."""

PLACE = Place("aws", REGION, ACCOUNT)
DEAD_LETTERS = "tandem-failover-dead-letters"
PEER_LOGS = "/aws/vendedlogs/tandem/route-server-peer"


def healthy_document(ids: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """Returns the edge topology with its route table declared."""
    document = edge_document(ids)
    document["route_server"] |= {"propagate_to": [ids["route_tables"]["protected"]]}
    document["appliances"]["fw2"]["next_hops"] = [FLOATING]
    document["route_server"] |= {"persist_routes": "disable", "sns_notifications": True}
    document["route_server"]["endpoints"] = {
        name: endpoint["subnet_id"] for name, endpoint in ids["endpoints"].items()
    }
    for appliance in document["appliances"].values():
        appliance["allowed_prefixes"] = ["0.0.0.0/0"]
    document["waivers"] = [
        {
            "rule": "failback-wanted",
            "resource": "0.0.0.0/0",
            "reason": "fw1 is the faster one",
            "until": LATER,
        }
    ]
    document["groups"][0]["rto"] = 30
    return document | changes


@contextmanager
def healthy(world: Stack | None = None, **scenario: Any) -> Iterator[Stack]:
    """Yields the edge scenario, in a world of its own or this one, in a state in which every rule passes."""
    with stack(**scenario) if world is None else nullcontext(world) as s:
        s.lab.client().assign_private_ip_addresses(
            NetworkInterfaceId=s.ids["interfaces"]["fw2"], PrivateIpAddresses=[FLOATING]
        )
        document = healthy_document(s.ids)
        for appliance in document["appliances"].values():
            appliance["liveness"] = scenario.get("liveness", "bfd")
        if scenario.get("liveness", "bfd") != "bfd":  # no rto is met without BFD
            del document["groups"][0]["rto"]
        s.store(**document)
        clients.logs().create_log_group(logGroupName=PEER_LOGS)
        s.queues.create_queue(QueueName=DEAD_LETTERS)
        s.sweep()
        s.watch()
        yield s


def checked(s: Stack) -> tuple[Finding, ...]:
    """Runs every rule on what AWS shows now, CloudTrail's event history with it."""
    deliver_peer_logs(s)
    return judge_snapshot(RULES, taken(s, clock=s.clock))


def taken(s: Stack, *, clock: Clock | None = None) -> Snapshot:
    """Reads what AWS shows now for the topology of the story: the one that is not `OTHER`."""
    records = TopologyStore(clients.dynamodb(), "tandem-state").list().records
    record = next(r for r in records if r.topology.name != OTHER)
    stored = tuple(r.topology for r in records)
    changes = snapshots.history(clock) if clock else NO_HISTORY
    beside = snapshots.Beside(PEER_LOGS, partial(facts, s, record), stored, changes)
    return snapshots.take(record.topology, "tandem", PLACE, s.clock.now(), beside=beside)


def facts(s: Stack, record: TopologyRecord | None = None, **release: str) -> StackFacts:
    """Reads what the stack's own records say."""
    record = record or TopologyStore(clients.dynamodb(), "tandem-state").get(s.record.topology.name)
    assert record is not None
    url = s.queues.create_queue(QueueName=DEAD_LETTERS)["QueueUrl"]
    return stackfacts.read(record, "tandem-state", {DEAD_LETTERS: url}, **release)


def deliver_peer_logs(s: Stack) -> None:
    """Puts what the peers have logged so far into the log group, as AWS's delivery does."""
    logs = clients.logs()
    with suppress(logs.exceptions.ResourceAlreadyExistsException):
        logs.create_log_group(logGroupName=PEER_LOGS)
    assert isinstance(s.lab.sink, RecordingSink)
    for peer_id, record in s.lab.sink.logs:
        put_peer_log(s, peer_id, json.dumps(record), record["event_timestamp"])
    s.lab.sink.logs.clear()


def put_peer_log(s: Stack, peer_id: str, line: str, milliseconds: int) -> None:
    """Puts one record into a peer's log. moto takes records of the last days only, by its own clock."""
    logs, now = clients.logs(), s.clock.now().replace(tzinfo=None)
    with suppress(logs.exceptions.ResourceAlreadyExistsException):
        logs.create_log_stream(logGroupName=PEER_LOGS, logStreamName=peer_id)
    event: InputLogEventTypeDef = {"timestamp": milliseconds, "message": line}
    with mock.patch("moto.logs.models.utcnow", return_value=now):
        logs.put_log_events(logGroupName=PEER_LOGS, logStreamName=peer_id, logEvents=[event])


def failing(s: Stack) -> set[tuple[str, str]]:
    """Returns rule and resource of everything that does not pass, but for the rule of single failures."""
    return {f.identity for f in _bad(s) if f.rule.id is not RuleId.SINGLE_FAILURE}


def unsurvived(s: Stack) -> set[str]:
    """Returns the single failures that nobody would survive, or of which nobody can say."""
    names = {
        peer: f"{name}@{endpoint}"
        for name, peers in s.ids["peers"].items()
        for endpoint, peer in peers.items()
    }
    names |= {endpoint["id"]: name for name, endpoint in s.ids["endpoints"].items()}
    found = (f.result.resource.partition(" ") for f in _bad(s) if f.rule.id is RuleId.SINGLE_FAILURE)
    return {f"{kind} {names.get(name, name)}" for kind, _, name in found}


def _bad(s: Stack) -> list[Finding]:
    return [f for f in checked(s) if f.result.verdict in (RuleVerdict.FAIL, RuleVerdict.UNKNOWN)]
