"""Takes the snapshot that compliance judges: every part by itself, and one may fail."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import TYPE_CHECKING, TypeVar, cast

import botocore

from tandem.adapters import clients, ec2, inventory
from tandem.compliance.snapshot import NotRead, Reading, Snapshot
from tandem.errors import CallFailedError, TandemError
from tandem.place import Place
from tandem.topology.document import Topology

if TYPE_CHECKING:
    from botocore.model import StructureShape

T = TypeVar("T")

DENIED = frozenset({"UnauthorizedOperation", "AccessDenied", "AccessDeniedException"})
"""AWS's codes for a missing permission (https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html)."""

FIREWALL = "IgwFirewall"
"""The member of API_Route with an internet gateway firewall; it came with botocore 1.44.8."""

PARTS = 8
"""Parts of a snapshot that are read at once; each begins further reads of its own."""


def take(topology: Topology, stack: str, place: Place, now: datetime) -> Snapshot:
    """Reads AWS for one topology. Raises nothing that AWS answers: a part that cannot be read is NotRead."""
    with ThreadPoolExecutor(max_workers=PARTS, thread_name_prefix="snapshot") as side:
        observation = side.submit(ec2.observe, topology)
        around = side.submit(inventory.read, topology, stack, place)
        return Snapshot(
            topology=topology,
            taken_at=now,
            observation=_reading(observation.result),
            inventory=_reading(around.result),
            firewalls=_firewalls(),
        )


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
            permission = f"ec2:{error.call.partition(' ')[0]}"
        return NotRead(str(error), permission)
