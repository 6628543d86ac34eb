"""The third pass over a topology, over a snapshot: whether it fits what AWS shows and what else is stored."""

from __future__ import annotations

from collections.abc import Iterable

from tandem.elasticip_checks import ELASTIC_IP_CHECKS, claimed_by_others
from tandem.forwarding_checks import forwarding_warnings
from tandem.inventory import Inventory
from tandem.problems import Problem
from tandem.propagation_checks import PROPAGATION_CHECKS, propagation_warnings
from tandem.quota_checks import quota_warnings
from tandem.routeserver_checks import ROUTE_SERVER_CHECKS, route_server_warnings
from tandem.topology import Topology


def worldcheck(topology: Topology, inventory: Inventory, stored: Iterable[Topology]) -> list[Problem]:
    """Every problem between a parsed topology and the world; `stored` may hold an older version of itself."""
    checks = (*ROUTE_SERVER_CHECKS, *PROPAGATION_CHECKS, *ELASTIC_IP_CHECKS)
    found = [problem for check in checks for problem in check(topology, inventory)]
    return [*found, *claimed_by_others(topology, tuple(stored))]


def warnings(topology: Topology, inventory: Inventory) -> list[str]:
    """What refuses nothing, but a person should know before applying."""
    checks = (route_server_warnings, propagation_warnings, forwarding_warnings, quota_warnings)
    return [words for check in checks for words in check(topology, inventory)]
