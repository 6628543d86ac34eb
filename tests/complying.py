"""Compliance runs of the stories: a healthy world, ways to break it, and what the rules find then."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tandem.adapters import snapshots
from tandem.compliance.engine import judge
from tandem.compliance.rule import Finding, Verdict
from tandem.compliance.rules.catalogue import RULES
from tandem.place import Place
from tandem.reasons.compliance import RuleId
from tests.stack import ACCOUNT, REGION, Stack, edge_document, stack

PLACE = Place("aws", REGION, ACCOUNT)


def healthy_document(ids: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """Returns the edge topology with its route table declared."""
    document = edge_document(ids)
    document["route_server"] |= {"propagate_to": [ids["route_tables"]["protected"]]}
    return document | changes


@contextmanager
def healthy() -> Iterator[Stack]:
    """Yields the edge scenario in a state in which every rule passes."""
    with stack() as s:
        s.store(**healthy_document(s.ids))
        s.sweep()
        yield s


def checked(s: Stack) -> tuple[Finding, ...]:
    """Runs every rule on what AWS shows now."""
    snapshot = snapshots.take(s.record.topology, "tandem", PLACE, s.clock.now())
    return judge(RULES, snapshot)


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
    found = (f.result.resource.split() for f in _bad(s) if f.rule.id is RuleId.SINGLE_FAILURE)
    return {f"{kind} {names.get(name, name)}" for kind, name in found}


def _bad(s: Stack) -> list[Finding]:
    return [f for f in checked(s) if f.result.verdict in (Verdict.FAIL, Verdict.UNKNOWN)]
