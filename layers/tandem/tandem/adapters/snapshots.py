"""Takes the snapshot that compliance judges: every part by itself, and one may fail."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, TypeVar, cast

import botocore

from tandem.adapters import clients, cloudtrail, ec2, inventory
from tandem.compliance.snapshot import NO_HISTORY, NO_STORE, NotRead, Reading, Snapshot
from tandem.errors import CallFailedError, TandemError, TemporaryError
from tandem.place import Place
from tandem.ports import Clock
from tandem.provisioning.actors import PAUSE_SECONDS
from tandem.signals.calls import Call, calls_of, is_unreadable
from tandem.topology.document import Topology

if TYPE_CHECKING:
    from botocore.model import StructureShape

T = TypeVar("T")

DENIED = frozenset({"UnauthorizedOperation", "AccessDenied", "AccessDeniedException"})
"""AWS's codes for a missing permission (https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html)."""

FIREWALL = "IgwFirewall"
"""The member of API_Route with an internet gateway firewall; it came with botocore 1.44.8."""

CHANGES = (
    *("AssociateAddress", "CreateRoute", "ReplaceRoute", "DeleteRoute"),
    *("CreateRouteServerPeer", "DeleteRouteServerPeer"),
)
"""Calls that are looked for in CloudTrail's event history."""

SERVICES = {"LookupEvents": "cloudtrail"}
"""Services of the reads that are none of EC2."""

RECENT = timedelta(days=1)

PARTS = 8
"""Parts of a snapshot that are read at once; each begins further reads of its own."""


def take(
    topology: Topology,
    stack: str,
    place: Place,
    now: datetime,
    *,
    stored: Reading[tuple[Topology, ...]] | None = None,
    clock: Clock | None = None,
) -> Snapshot:
    """Reads AWS for one topology. Raises nothing that AWS answers: a part that cannot be read is NotRead.

    `stored` are the stack's topologies. CloudTrail is read where a `clock` is given, to wait between calls.
    """
    with ThreadPoolExecutor(max_workers=PARTS, thread_name_prefix="snapshot") as side:
        observation = side.submit(ec2.observe, topology)
        around = side.submit(inventory.read, topology, stack, place)
        changes = side.submit(_changes, clock, now)
        return Snapshot(
            topology=topology,
            taken_at=now,
            observation=_reading(observation.result),
            inventory=_reading(around.result),
            stored=NO_STORE if stored is None else stored,
            firewalls=_firewalls(),
            changes=_reading(changes.result),
        )


def _changes(clock: Clock | None, now: datetime) -> tuple[Call, ...] | NotRead:
    """Reads the calls of the last day that change addresses, routes or peers."""
    if clock is None:
        return NO_HISTORY
    calls: list[Call] = []
    for name in CHANGES:
        records = cloudtrail.records(name, now - RECENT)
        if any(is_unreadable(record) for record in records):
            raise TemporaryError(f"CloudTrail has a record of {name} that does not say who called")
        calls += calls_of(records)
        clock.sleep(PAUSE_SECONDS)
    return tuple(calls)


def _firewalls() -> Reading[bool]:
    """Says if the SDK reads the firewalls of routes; what its model lacks it leaves out of every answer."""
    route = cast("StructureShape", clients.ec2().meta.service_model.shape_for("Route"))
    if FIREWALL in route.members:
        return True
    return NotRead(f"botocore {botocore.__version__} knows no {FIREWALL} of a route", is_absent=True)


def _reading(part: Callable[[], T]) -> T | NotRead:
    try:
        return part()
    except TandemError as error:
        permission = None
        if isinstance(error, CallFailedError) and error.code in DENIED:
            action = error.call.partition(" ")[0]
            permission = f"{SERVICES.get(action, 'ec2')}:{action}"
        return NotRead(str(error), permission)
