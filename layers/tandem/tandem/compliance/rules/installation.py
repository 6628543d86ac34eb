"""Whether the routes of the tracked prefixes are in the route tables that need them."""

from __future__ import annotations

from collections.abc import Iterator

from tandem.compliance.rule import Result, Rule, Severity, failed, passed, unknown
from tandem.compliance.snapshot import Snapshot
from tandem.model import InstallationStatus
from tandem.reasons.compliance import CheckCode, RuleId
from tandem.topology.problems import path_of


def installed(snapshot: Snapshot) -> Iterator[Result]:
    """Judges each declared route table and tracked prefix by the chosen path's installations."""
    database = snapshot.database
    for group in snapshot.topology.groups:
        for prefix in group.prefixes:
            chosen = database.in_fib((prefix,))
            for index, table in enumerate(snapshot.topology.route_server.propagate_to):
                resource, place = f"{table} {prefix}", path_of(["route_server", "propagate_to", index])
                doubt = database.doubts.get(prefix) or database.doubts.get("")
                if doubt is not None:
                    yield unknown(resource, doubt, place)
                    continue
                found = [i for route in chosen for i in route.installations if i.route_table_id == table]
                rejected = [i for i in found if i.status is InstallationStatus.REJECTED]
                if rejected:
                    yield failed(
                        resource,
                        CheckCode.ROUTE_REJECTED,
                        place,
                        table=table,
                        prefix=prefix,
                        why=rejected[0].reason,
                    )
                elif not found:
                    yield failed(
                        resource,
                        CheckCode.ROUTE_NOT_INSTALLED,
                        place,
                        table=table,
                        prefix=prefix,
                        nobody=not chosen,
                    )
                else:
                    yield passed(resource, place)


RULES = (Rule(RuleId.ROUTE_INSTALLED, Severity.CRITICAL, installed),)
