"""Every example, managed, changed in every single field: it is reached, or refused with a reason."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

import pytest

from tandem.topology.shape import normalise
from tests.changes import Change, changes
from tests.emulated import SessionGuard, described, shown
from tests.examples_managed import MANAGED, converged, others
from tests.forks import run_in_copy
from tests.managing import Managed
from tests.remembering import Readings, remembered
from tests.tiers import prove

FEWEST = {
    "edge": 240,
    "floating-prefix": 145,
    "ingress-inspection": 160,
    "byoip": 150,
    "az-affinity": 230,
}
"""Changes of each example at the least: they cannot become fewer unseen."""

REACHED = {
    "edge": (70, 1),
    "floating-prefix": (60, 2),
    "ingress-inspection": (75, 2),
    "byoip": (65, 2),
    "az-affinity": (105, 4),
}
"""Of them those reached at the least, and with leave: a plan that refuses everything strands nobody."""

INTERRUPTS = "--allow-interruption"
TAKEN = re.compile(r"takes down (?P<name>\S+), which (?P<carried>[^;]+)")
CARRIED = re.compile(r"(?:owns|carries for (?P<owner>\S+)) (?P<prefixes>[^\s,]+(?:, [^\s,]+)*)")


@prove
@pytest.mark.parametrize("name", MANAGED)
def test_every_field_changed_is_reached_or_refused_and_no_owner_is_stranded(
    name: str, record_property: Callable[[str, object], None]
) -> None:
    with converged(name) as (tandem, documents), remembered(tandem.lab) as readings:
        swept = [change for d in documents for change in changes(d, others(tandem, d))]
        tandem.settle(60)
        tandem.refresh()
        tandem.events()
        ended = Counter(run_in_copy(partial(ends, tandem, change, readings)) for change in swept)
    told = ", ".join(f"{number} {end}" for end, number in sorted(ended.items()))
    record_property("met", f"{name}: {len(swept)} changes: {told}")
    assert len(swept) >= FEWEST[name]
    reached = ended["reached"], ended["reached with leave"]
    assert all(n >= least for n, least in zip(reached, REACHED[name], strict=True)), told


def ends(tandem: Managed, change: Change, readings: Readings) -> str:
    """Returns how the change ends: reached, reached with leave to interrupt, or refused with nothing
    changed.
    """
    before = picture(tandem)
    stored = {r.topology.name: r.topology.document for r in tandem.app.store.list().records}
    former = stored.get(str(change.document.get("name")), {"appliances": {}})
    with SessionGuard(tandem) as guard:
        answer, is_allowed = tandem.apply(change.document), False
        if answer["problems"]:
            assert all(p["path"] and p["what"] and p["right"] for p in answer["problems"]), change.what
            assert (tandem.changes, picture(tandem)) == ([], before), change.what
            if not any(INTERRUPTS in p["right"] for p in answer["problems"]):
                return "refused"
            answer, is_allowed = tandem.apply(change.document, allow_interruption=True), True
            if answer["problems"]:
                return "refused"
        leave = named((former, change.document), answer["plan"]) if is_allowed else set()
        made = normalise(change.document)
        if speak(tandem, made):
            readings.forget()
        reach(tandem, made, change.what)
        assert set(guard.lost) <= leave, (change.what, guard.stranded)
    at_rest(tandem, change)
    return "reached with leave" if leave else "reached"


def named(documents: Iterable[dict[str, Any]], plan: list[str]) -> set[tuple[str, str]]:
    """Prefix and instance of each appliance whose route the plan says it takes, which leave is then for."""
    instances = {n: a.get("instance_id") for d in documents for n, a in d["appliances"].items()}
    return {
        (prefix, str(instances.get(carried["owner"] or taken["name"])))
        for step in plan
        for taken in TAKEN.finditer(step)
        for carried in CARRIED.finditer(taken["carried"])
        for prefix in carried["prefixes"].split(", ")
    }


def speak(tandem: Managed, document: dict[str, Any]) -> bool:
    """Its owner configures an appliance for the ASN that the document says, where it is another."""
    region = tandem.lab.backend.lab_region
    for appliance in document["appliances"].values():
        asn = appliance["asn"]
        known = [a for a in region.appliances.values() if a.instance_id == appliance.get("instance_id")]
        if known and all(a.asn != asn for a in known):
            old = known[0]
            routes = [{"prefix": r.prefix, "as_path": [asn] * len(r.as_path)} for r in old.routes.values()]
            tandem.lab.levers.register(f"{old.name}-{asn}", old.instance_id, asn, routes, bfd=old.bfd)
            return True
    return False


def reach(tandem: Managed, document: dict[str, Any], what: str) -> None:
    tandem.refresh()
    tandem.converge(name=document["name"])
    found = tandem.record(document["name"]).provisioned
    assert (found.failure, found.pending) == (None, ()), what
    assert shown(tandem, found.route_server_id) == described(document), what


def at_rest(tandem: Managed, change: Change) -> None:
    again = tandem.apply(change.document)
    assert (again["plan"], again["problems"], tandem.changes) == ([], [], []), change.what
    tandem.refresh()
    assert tandem.changes == [], change.what


def picture(tandem: Managed) -> dict[str, Any]:
    """Everything that hangs on any route server, and what is stored."""
    region = tandem.lab.backend.lab_region
    there = [*region.route_servers, *region.endpoints, *region.peers]
    return {
        "there": {i: region.tags(i) for i in there},
        "states": [t.state for t in (*region.endpoints.values(), *region.peers.values())],
        "propagations": [dict(s.propagations) for s in region.route_servers.values()],
        "stored": [(r.topology.name, r.version, r.revision) for r in tandem.app.store.list().records],
    }
