"""Takes the snapshot that compliance judges: every part by itself, and one may fail."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from functools import partial
from typing import TypeVar

from tandem.adapters import ec2, filterreads, inventory, peerlogs
from tandem.compliance.rules.sessions import FLAP_WINDOW
from tandem.compliance.snapshot import NO_LOGS, NotRead, Snapshot
from tandem.errors import CallFailedError, TandemError
from tandem.place import Place
from tandem.topology.document import Topology

T = TypeVar("T")

DENIED = frozenset({"UnauthorizedOperation", "AccessDenied", "AccessDeniedException"})
"""AWS's codes for a missing permission (https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html)."""

PARTS = 8
"""Parts of a snapshot that are read at once; each begins further reads of its own."""


def take(
    topology: Topology, stack: str, place: Place, now: datetime, *, peer_log_group: str | None = None
) -> Snapshot:
    """Reads AWS for one topology. Raises nothing that AWS answers: a part that cannot be read is NotRead.

    Without a log group there is nothing to say of the peers' logs.
    """
    with ThreadPoolExecutor(max_workers=PARTS, thread_name_prefix="snapshot") as side:
        observation = side.submit(ec2.observe, topology)
        around = side.submit(inventory.read, topology, stack, place)
        logged = None
        if peer_log_group and topology.route_server.peer_logs:
            logged = side.submit(peerlogs.session_changes, peer_log_group, now, FLAP_WINDOW)
        found = _reading(around.result)
        filters = found if isinstance(found, NotRead) else _reading(partial(filterreads.read, found))
        return Snapshot(
            topology=topology,
            taken_at=now,
            observation=_reading(observation.result),
            inventory=found,
            filters=filters,
            session_changes=_reading(logged.result, "logs") if logged else NO_LOGS,
        )


def _reading(part: Callable[[], T], service: str = "ec2") -> T | NotRead:
    try:
        return part()
    except TandemError as error:
        permission = None
        if isinstance(error, CallFailedError) and error.code in DENIED:
            permission = f"{service}:{error.call.partition(' ')[0]}"
        return NotRead(str(error), permission)
