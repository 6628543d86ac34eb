"""Takes the snapshot that compliance judges: every part by itself, and one may fail."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, cast

import botocore

from tandem.adapters import clients, cloudtrail, ec2, filterreads, inventory, peerlogs
from tandem.adapters.readings import reading
from tandem.compliance.rules.liveness import FLAP_WINDOW
from tandem.compliance.snapshot import (
    NO_HISTORY,
    NO_LOGS,
    NO_STACK,
    NO_STORE,
    CallHistory,
    Need,
    NotRead,
    Reading,
    Snapshot,
    StackFacts,
)
from tandem.errors import TemporaryError
from tandem.place import Place
from tandem.ports import Clock
from tandem.provisioning.actors import PAUSE_SECONDS
from tandem.signals.calls import Call, calls_of, is_unreadable
from tandem.topology.document import Topology

if TYPE_CHECKING:
    from botocore.model import StructureShape

_FIREWALL = "IgwFirewall"
"""The member of API_Route with an internet gateway firewall; it came with botocore 1.44.8."""

CHANGES = (
    *("AssociateAddress", "DisassociateAddress", "ReleaseAddress"),
    *("CreateRoute", "ReplaceRoute", "DeleteRoute", "ReplaceRouteTableAssociation"),
    *("CreateRouteServerPeer", "DeleteRouteServerPeer"),
    *("DisableRouteServerPropagation", "ModifyRouteServer", "ModifyNetworkInterfaceAttribute"),
)
"""Calls that are looked for in CloudTrail's event history."""

RECENT = timedelta(days=2)
"""Two periods of the daily run: a call that CloudTrail shows late is in the next one."""

PARTS = 8
"""Parts of a snapshot that are read at once; each begins further reads of its own."""


@dataclass(frozen=True, slots=True)
class Beside:
    """What is read beside EC2; what is left out is absent, and the rules about it do not apply."""

    peer_log_group: str | None = None
    facts: Callable[[], StackFacts] | None = None
    """Reads what a deployed stack says of itself."""
    stored: Reading[tuple[Topology, ...]] = NO_STORE
    """The stack's topologies."""
    changes: Reading[CallHistory] = NO_HISTORY
    """The account's calls, from `history`: one reading is for every topology of a run."""


def take(
    topology: Topology,
    stack: str,
    place: Place,
    now: datetime,
    *,
    has: frozenset[Need] = frozenset(Need),
    beside: Beside | None = None,
) -> Snapshot:
    """Reads AWS for one topology. Raises nothing that AWS answers: a part that cannot be read is NotRead."""
    more = beside or Beside()
    with ThreadPoolExecutor(max_workers=PARTS, thread_name_prefix="snapshot") as side:
        observation = side.submit(ec2.observe, topology)
        around = side.submit(inventory.read, topology, stack, place)
        logged = None
        if more.peer_log_group and topology.route_server.peer_logs:
            logged = side.submit(peerlogs.session_changes, more.peer_log_group, now, FLAP_WINDOW)
        of_stack = side.submit(more.facts) if more.facts else None
        found = reading(around.result)
        filters = found if isinstance(found, NotRead) else reading(partial(filterreads.read, found))
        return Snapshot(
            topology=topology,
            taken_at=now,
            observation=reading(observation.result),
            inventory=found,
            filters=filters,
            stack=reading(of_stack.result) if of_stack else NO_STACK,
            session_changes=reading(logged.result, "logs") if logged else NO_LOGS,
            stored=more.stored,
            firewalls=_firewalls(),
            changes=more.changes,
            has=has,
        )


def history(clock: Clock) -> Reading[CallHistory]:
    """Reads the account's calls of the last two days that change addresses, routes or peers.

    CloudTrail takes two questions a second of all of an account's users: it is for one reading a run.
    """
    return reading(partial(_history, clock), "cloudtrail")


def _history(clock: Clock) -> CallHistory:
    since, calls, cut = clock.now() - RECENT, list[Call](), set[str]()
    for name in CHANGES:
        is_cut = False
        for records, is_more in cloudtrail.pages(name, since):
            is_cut = is_more
            if any(is_unreadable(record) for record in records):
                raise TemporaryError(f"CloudTrail has a record of {name} that does not say who called")
            calls += calls_of(records)
            clock.sleep(PAUSE_SECONDS)
        cut |= {name} if is_cut else set()
    return CallHistory(tuple(calls), frozenset(cut))


def _firewalls() -> Reading[bool]:
    """Says if the SDK reads the firewalls of routes; what its model lacks it leaves out of every answer."""
    route = cast("StructureShape", clients.ec2().meta.service_model.shape_for("Route"))
    if _FIREWALL in route.members:
        return True
    why = f"this SDK, botocore {botocore.__version__}, knows no {_FIREWALL} of a route and does not show it"
    return NotRead(why, is_absent=True)
