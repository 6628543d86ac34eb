"""The declared route tables, as the rules about them read them."""

from __future__ import annotations

from collections.abc import Iterator

from tandem.compliance.checks import unread_part_of
from tandem.compliance.snapshot import Snapshot, known
from tandem.topology.document import Topology
from tandem.topology.inventory import RouteTable
from tandem.topology.problems import path_of


def readable(snapshot: Snapshot) -> Iterator[tuple[RouteTable, str, str | None]]:
    """Yields each declared table that AWS shows, its place, and why it is not read as a whole."""
    topology, inventory = snapshot.topology, known(snapshot.inventory)
    for table_id, place in declared(topology):
        table = inventory.route_tables.get(table_id)
        doubt = unread_part_of((table_id,), inventory)
        unnamed = next((r for r in table.routes if not r.origin), None) if table else None
        if doubt is None and unnamed is not None:
            doubt = f"the route to {unnamed.destination} shows no origin"
        if doubt is None and table is not None and not table.routes:
            doubt = f"{table_id} shows no route, not even the local one"
        if table is not None:
            yield table, place, doubt
        elif doubt is not None:
            yield RouteTable(table_id, ""), place, doubt


def declared(topology: Topology) -> Iterator[tuple[str, str]]:
    for index, table_id in enumerate(topology.route_server.propagate_to):
        yield table_id, path_of(["route_server", "propagate_to", index])


def tracked_prefixes(topology: Topology) -> tuple[str, ...]:
    return tuple(prefix for group in topology.groups for prefix in group.prefixes)
