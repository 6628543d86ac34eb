"""Takes the snapshot that compliance judges: every part by itself, and one may fail."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from functools import partial

from tandem.adapters import ec2, filterreads, inventory, peerlogs
from tandem.adapters.readings import reading
from tandem.compliance.rules.liveness import FLAP_WINDOW
from tandem.compliance.snapshot import NO_LOGS, NO_STACK, NotRead, Snapshot, StackFacts
from tandem.place import Place
from tandem.topology.document import Topology

PARTS = 8
"""Parts of a snapshot that are read at once; each begins further reads of its own."""


def take(
    topology: Topology,
    stack: str,
    place: Place,
    now: datetime,
    *,
    peer_log_group: str | None = None,
    facts: Callable[[], StackFacts] | None = None,
) -> Snapshot:
    """Reads AWS for one topology. Raises nothing that AWS answers: a part that cannot be read is NotRead.

    Without a log group there is nothing to say of the peers' logs, and without `facts` nothing of a stack.
    """
    with ThreadPoolExecutor(max_workers=PARTS, thread_name_prefix="snapshot") as side:
        observation = side.submit(ec2.observe, topology)
        around = side.submit(inventory.read, topology, stack, place)
        logged = None
        if peer_log_group and topology.route_server.peer_logs:
            logged = side.submit(peerlogs.session_changes, peer_log_group, now, FLAP_WINDOW)
        of_stack = side.submit(facts) if facts else None
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
        )
