"""Whether a standby could take over: what it advertises, its sessions and its targets."""

from __future__ import annotations

from collections.abc import Iterator

from tandem.compliance.rule import Result, Rule, Severity, failed, not_applicable, passed, unknown
from tandem.compliance.snapshot import Snapshot
from tandem.model import Route, RouteStatus
from tandem.reasons.compliance import CheckCode, RuleId
from tandem.topology.document import Appliance, Standby


def advertises(snapshot: Snapshot) -> Iterator[Result]:
    """Judges each appliance and tracked prefix: there is a path, strictly worse than the chosen one's.

    Only AS path length and MED are compared: AWS documents no tie-break (docs/aws-facts.md#best-path).
    """
    database = snapshot.database
    for group in snapshot.topology.groups:
        for prefix in group.prefixes:
            paths = [route for route in database.routes if route.prefix == prefix]
            best = next((route for route in paths if route.status is RouteStatus.IN_FIB), None)
            for name, appliance in snapshot.topology.appliances.items():
                resource = f"{name} {prefix}"
                doubt = database.doubts.get(prefix) or database.doubts.get("")
                if doubt is not None:  # the row that nobody can read may be this appliance's
                    yield unknown(resource, doubt)
                    continue
                yield _judged(resource, prefix, appliance, paths, best, snapshot)


def _judged(
    resource: str,
    prefix: str,
    appliance: Appliance,
    paths: list[Route],
    best: Route | None,
    snapshot: Snapshot,
) -> Result:
    own = [route for route in paths if route.next_hop in _next_hops(appliance)]
    if best is not None and best in own:
        return passed(resource)
    if not own:
        if appliance.standby is Standby.SILENT:
            return not_applicable(resource, CheckCode.STANDBY_IS_SILENT, appliance=appliance.name)
        return failed(resource, CheckCode.STANDBY_LACKS_PREFIX, appliance=appliance.name, prefix=prefix)
    tied = best is not None and any(_rank(route) == _rank(best) for route in own)
    if best is not None and tied:
        owner = next(
            (n for n, a in snapshot.topology.appliances.items() if best.next_hop in _next_hops(a)),
            best.next_hop,
        )
        return failed(
            resource, CheckCode.STANDBY_PATH_TIES, appliance=appliance.name, prefix=prefix, owner=owner
        )
    return passed(resource)


def _next_hops(appliance: Appliance) -> frozenset[str]:
    return appliance.peer_addresses | set(appliance.next_hops)


def _rank(route: Route) -> tuple[int, int]:
    return len(route.as_path), route.med


RULES = (Rule(RuleId.STANDBY_ADVERTISES, Severity.CRITICAL, advertises),)
