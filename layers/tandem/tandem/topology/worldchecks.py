"""The third pass over a topology, over a snapshot: whether it fits what AWS shows and what else is stored."""

from __future__ import annotations

from collections.abc import Iterable

from tandem.reasons.reason import Reason
from tandem.topology.consent import network_warnings
from tandem.topology.document import Topology
from tandem.topology.elasticips import ELASTIC_IP_CHECKS, claimed_by_others
from tandem.topology.forwarding import forwarding_warnings
from tandem.topology.inventory import Inventory
from tandem.topology.problems import Problem
from tandem.topology.propagation import (
    PROPAGATION_CHECKS,
    propagation_warnings,
    static_route_warnings,
    tables_with_room,
)
from tandem.topology.quotas import quota_warnings
from tandem.topology.routeserver import ROUTE_SERVER_CHECKS, leak_warnings, route_server_warnings


def worldcheck(topology: Topology, inventory: Inventory, stored: Iterable[Topology]) -> list[Problem]:
    """Returns every problem between a parsed topology and the world; `stored` may hold an older version of
    itself.
    """
    checks = (*ROUTE_SERVER_CHECKS, *PROPAGATION_CHECKS, *ELASTIC_IP_CHECKS)
    found = [problem for check in checks for problem in check(topology, inventory)]
    others = tuple(stored)
    return [*found, *claimed_by_others(topology, others), *tables_with_room(topology, others)]


def warnings(topology: Topology, inventory: Inventory) -> list[Reason | Problem]:
    """Returns what refuses nothing, but a person should know before applying."""
    checks = (
        route_server_warnings,
        leak_warnings,
        propagation_warnings,
        static_route_warnings,
        forwarding_warnings,
        network_warnings,
        quota_warnings,
    )
    return [found for check in checks for found in check(topology, inventory)]
