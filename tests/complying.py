"""Compliance runs of the stories: a healthy world, ways to break it, and what the rules find then."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tandem.adapters import clients, snapshots
from tandem.adapters.topologies import TopologyStore
from tandem.compliance.engine import judge
from tandem.compliance.rule import Finding, Verdict
from tandem.compliance.rules.catalogue import RULES
from tandem.compliance.snapshot import Snapshot
from tandem.place import Place
from tandem.ports import Clock
from tests.stack import ACCOUNT, REGION, Stack, edge_document, stack

FLOATING = "10.0.2.50"
"""A secondary address of fw2 that no Elastic IP uses."""

LATER = "2027-06-30"
OTHER = "other"
"""Name of a topology beside the one that is judged."""

PLACE = Place("aws", REGION, ACCOUNT)


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
    return document | changes


@contextmanager
def healthy(**scenario: Any) -> Iterator[Stack]:
    """Yields the edge scenario in a state in which every rule passes."""
    with stack(**scenario) as s:
        s.lab.client().assign_private_ip_addresses(
            NetworkInterfaceId=s.ids["interfaces"]["fw2"], PrivateIpAddresses=[FLOATING]
        )
        document = healthy_document(s.ids)
        for appliance in document["appliances"].values():
            appliance["liveness"] = scenario.get("liveness", "bfd")
        s.store(**document)
        s.sweep()
        yield s


def snapshot_of(s: Stack, *, clock: Clock | None = None) -> Snapshot:
    """Reads what AWS shows now for the topology of the story: the one that is not `OTHER`."""
    stored = tuple(r.topology for r in TopologyStore(clients.dynamodb(), "tandem-state").list().records)
    topology = next(t for t in stored if t.name != OTHER)
    return snapshots.take(topology, "tandem", PLACE, s.clock.now(), stored=stored, clock=clock)


def checked(s: Stack) -> tuple[Finding, ...]:
    """Runs every rule on what AWS shows now, CloudTrail's event history with it."""
    return judge(RULES, snapshot_of(s, clock=s.clock))


def failing(s: Stack) -> set[tuple[str, str]]:
    """Returns rule and resource of everything that does not pass."""
    found = (f for f in checked(s) if f.result.verdict in (Verdict.FAIL, Verdict.UNKNOWN))
    return {f.identity for f in found}
