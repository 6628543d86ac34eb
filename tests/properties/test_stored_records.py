"""One member of one stored record is dropped or changed: nothing but what it is about changes.

The records are those of a real story; what changes them is what hands, bugs and other versions may do.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any

import boto3
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tandem.adapters import clients
from tandem.adapters.audits import AuditTable
from tandem.adapters.looks import LookStore
from tandem.adapters.overrides import OverrideStore
from tandem.adapters.requests import RequestStore
from tandem.adapters.topologies import TopologyStore
from tandem.errors import StateUnavailableError
from tandem.state.override import OverrideKind, prevailing
from tests.cloudformation import custom_resource
from tests.stack import stack

Item = dict[str, Any]
STATE, AUDIT = "tandem-state", "tandem-audit"
LATER = "2027-01-01T00:00:00Z"


@cache
def recorded() -> tuple[Item, ...]:
    """The items of two stories: a failover with overrides and holds, and two requests of a stack."""
    with stack() as edge:
        edge.store(name="aa")
        edge.store()
        edge.override(action="paused", until=LATER)
        edge.override("internet-edge", action="pinned", appliance="fw2", until=LATER)
        edge.sweep()
        edge.override()
        edge.override("internet-edge")
        edge.levers.kill(name="fw1")
        edge.run(30)
        edge.override(action="paused", until=LATER)
        edge.override("internet-edge", action="pinned", appliance="fw2", until=LATER)
        edge.sweep("aa")
        edge.sweep()
        looked = [*items(STATE), *items(AUDIT)]
    with custom_resource() as story:
        story.succeed(story.create())
        story.invoke(story.create(story.renamed(), logical_id="Transit"))
        served = [item for item in items(STATE) if item["kind"]["S"] != "look"]
    names = {(i["kind"]["S"], i["id"]["S"]) for i in served}
    return (
        *(i for i in looked if (i.get("kind", {}).get("S"), i.get("id", {}).get("S")) not in names),
        *served,
    )


def items(table: str) -> list[Item]:
    return list(boto3.client("dynamodb").scan(TableName=table)["Items"])


VALUES: list[Any] = [
    None,
    True,
    0,
    -1,
    10**31,
    1.5,
    "",
    "soon",
    "x" * 20_000,
    "\ud800",
    "2026-01-01",
    "2026-01-01T00:00:00",
    "0001-01-01T00:00:00+14:00",
    "9999-12-31T23:59:59-14:00",
    [],
    [[5], {}],
    {},
    {"a": [None]},
]
DEEP = "[" * 100_000
TYPED: list[Item | None] = [
    None,
    {"S": DEEP},
    {"S": "x" * 20_000},
    {"S": "\ud800"},
    {"S": '"\\ud800"'},
    {"S": "soon"},
    {"S": "[]"},
    {"S": "{}"},
    {"N": "1.5"},
    {"N": "-1"},
    {"N": "1" + "0" * 31},
    {"N": "3"},
    {"BOOL": True},
    {"NULL": True},
    {"L": []},
    {"M": {}},
    {"B": b"no gzip"},
]


@dataclass(frozen=True)
class Change:
    """An item with one member that is not as it was."""

    before: Item
    after: Item


def paths(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, one in inner:
        yield (*path, key)
        yield from paths(one, (*path, key))


def with_path(value: Any, path: tuple[Any, ...], new: Any, *, drop: bool) -> Any:
    made = json.loads(json.dumps(value))
    at = made
    for key in path[:-1]:
        at = at[key]
    if drop:
        del at[path[-1]]
    else:
        at[path[-1]] = new
    return made


@st.composite
def changes(draw: st.DrawFn) -> Change:
    item = draw(st.sampled_from(recorded()))
    keys = ("kind", "id", "sequence", "number")
    member = draw(st.sampled_from(sorted(item.keys() - set(keys))))
    text = item[member].get("S", "")
    inside = list(paths(json.loads(text))) if text.startswith("{") else []
    is_inside: bool = draw(st.booleans())
    if inside and is_inside:
        path = draw(st.sampled_from(inside))
        new = with_path(json.loads(text), path, draw(st.sampled_from(VALUES)), drop=draw(st.booleans()))
        return Change(item, {**item, member: {"S": json.dumps(new)}})
    new = draw(st.sampled_from(TYPED))
    return Change(item, {n: v for n, v in {**item, member: new}.items() if v is not None})


class Table:
    """DynamoDB's client over items in memory: what moto or AWS would refuse to store can be read as well."""

    def __init__(self, stored: tuple[Item, ...]) -> None:
        self._items = stored

    def query(self, *, ExpressionAttributeValues: Mapping[str, Any], **asked: Any) -> Any:  # noqa: N803
        values = [v.get("S") or v.get("N") for v in ExpressionAttributeValues.values()]
        found = [i for i in self._items if (i.get("kind") or i["sequence"])["S"] == values[0]]
        if "sequence" in found[0]:
            return {"Items": sorted(found, key=lambda i: -int(i["number"]["N"]))[:20]}
        if len(values) == 3:
            found = [i for i in found if values[1] <= i["id"]["S"] <= values[2]]
        return {"Items": sorted(found, key=lambda i: str(i["id"]["S"]))}

    def get_paginator(self, _name: str) -> Any:
        return self

    def paginate(self, **asked: Any) -> list[Any]:
        return [self.query(**asked)]


def shown(client: Any) -> dict[tuple[str, str], Any]:
    """Every value that the stores make of the items, by what it is about."""
    topologies = TopologyStore(client, STATE).list()
    found: dict[tuple[str, str], Any] = {
        ("topology", r.topology.name): (r, r.topology.document) for r in topologies.looked_at
    }
    found |= {("request", noted.request.key): noted for noted in RequestStore(client, STATE).list()}
    overrides = OverrideStore(STATE)
    found |= {("next hops", name): hops for name, hops in LookStore(STATE).next_hops().items()}
    found |= {("overrides", name): overrides.of(name) for name in ("aa", "edge", "transit")}
    try:
        trail = AuditTable(AUDIT).recent("failover#edge")
    except StateUnavailableError:
        trail = ()
    found |= {("audit", str(record.number)): record for record in trail}
    return found


ABOUT = {"topology": "topology", "request": "request", "look": "next hops"}


@settings(suppress_health_check=list(HealthCheck))
@given(changes())
def test_one_damaged_member_changes_only_what_it_is_about(change: Change) -> None:
    stored = recorded()
    real, client = clients.dynamodb, [Table(stored)]
    clients.dynamodb = lambda: client[0]  # type: ignore[assignment]
    try:
        before = shown(client[0])
        damaged = tuple(change.after if item is change.before else item for item in stored)
        client[0] = Table(damaged)
        after = shown(client[0])
    finally:
        clients.dynamodb = real
    kind = change.before.get("kind", {}).get("S", "audit")
    own_id = change.before["id"]["S"] if kind != "audit" else change.before["number"]["N"]
    own = ("overrides", own_id.partition("#")[0]) if kind == "override" else (ABOUT.get(kind, kind), own_id)
    assert {k: v for k, v in after.items() if k != own} == {k: v for k, v in before.items() if k != own}
    if kind == "override":
        assert_no_pause_is_lost(change, before[own], after[own])


def assert_no_pause_is_lost(change: Change, before: Any, after: Any) -> None:
    """A pause is lost only where its record says, readably, that it is none or over."""
    now = datetime(2026, 6, 1, tzinfo=UTC)
    assert len(after) == len(before)
    for group in ("internet-edge", "another"):
        was, found = prevailing(before, group, now), prevailing(after, group, now)
        if was is not None and was.kind is OverrideKind.PAUSED and found != was:
            until = change.after.get("until", {}).get("S", "")
            assert found is not None or until.startswith(("2026", "0001"))
