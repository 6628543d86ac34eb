"""Whether a standby could take over: what it advertises, its sessions and its instance."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tandem.compliance.checks import Part, checked
from tandem.compliance.rule import Result, Rule, RuleSeverity
from tandem.compliance.snapshot import Snapshot, known
from tandem.failover import standbyreasons, vitality
from tandem.failover.routeserver import RouteServerSource
from tandem.failover.sessions import sessions_of, unread_session
from tandem.model import Liveness, Observation, Peer, Route, RouteStatus, RoutingDatabase, Status
from tandem.reasons.compliance import CheckCode, RuleId
from tandem.reasons.documents import ProblemCode as Code
from tandem.state.episodes import Change
from tandem.state.memory import Memory
from tandem.topology import routeserver
from tandem.topology.document import Appliance, Standby, Topology
from tandem.topology.inventory import Inventory
from tandem.topology.problems import path_of


def advertises(snapshot: Snapshot) -> Iterator[Result]:
    """Judges each appliance and tracked prefix: the route server has a path of it."""
    for resource, appliance, prefix, paths in _paths(snapshot):
        if isinstance(paths, Result):
            yield paths
        elif any(route.next_hop in next_hops(appliance) for route in paths):
            yield Result.passed(resource)
        elif appliance.standby is Standby.SILENT:
            yield Result.not_applicable(resource, CheckCode.STANDBY_IS_SILENT, appliance=appliance.name)
        else:
            name = appliance.name
            yield Result.failed(resource, CheckCode.STANDBY_LACKS_PREFIX, appliance=name, prefix=prefix)


def paths_ranked(snapshot: Snapshot) -> Iterator[Result]:
    """Judges each appliance and tracked prefix: its path is strictly worse than the chosen one's.

    Only AS path length and MED are compared: AWS documents no tie-break (docs/aws-facts.md#best-path).
    Where no Elastic IP follows the prefix it does not matter which path wins.
    """
    followed = {p for group in snapshot.topology.groups if group.elastic_ips for p in group.prefixes}
    for resource, appliance, prefix, paths in _paths(snapshot):
        if prefix not in followed:
            yield Result.not_applicable(resource, CheckCode.NOTHING_FOLLOWS, prefix=prefix)
        elif isinstance(paths, Result):
            yield paths
        else:
            yield _ranked(resource, appliance, prefix, paths, snapshot.topology)


def _ranked(
    resource: str, appliance: Appliance, prefix: str, paths: Sequence[Route], topology: Topology
) -> Result:
    best = next((route for route in paths if route.status is RouteStatus.IN_FIB), None)
    own = [route for route in paths if route.next_hop in next_hops(appliance)]
    if best is None or best in own:
        return Result.passed(resource)
    doubt = next(filter(None, (_doubt(route, best) for route in own)), None)
    ties = any(rank(route) == rank(best) for route in own)
    if not ties:
        return Result.passed(resource) if doubt is None else Result.unknown(resource, doubt)
    owners = (n for n, other in topology.appliances.items() if best.next_hop in next_hops(other))
    owner = next(owners, best.next_hop)
    name = appliance.name
    return Result.failed(resource, CheckCode.STANDBY_PATH_TIES, appliance=name, prefix=prefix, owner=owner)


def _doubt(route: Route, best: Route) -> str | None:
    """Says why a path that does not tie with the chosen one is not known to be worse; None if it is worse."""
    shorter = len(best.as_path) - len(route.as_path)
    if shorter == 0 and route.as_path[0] != best.as_path[0]:
        return (
            f"the paths by {route.next_hop} and {best.next_hop} differ by MED only, and AWS does not document"
            " that Route Server compares the MEDs of different neighbours"
        )
    if shorter > 0 or (shorter == 0 and route.med < best.med):
        return f"the path by {route.next_hop} is better than the chosen one by {best.next_hop}"
    return None


def _paths(snapshot: Snapshot) -> Iterator[tuple[str, Appliance, str, Sequence[Route] | Result]]:
    """Yields each appliance with each tracked prefix, and the prefix's paths or why they are unknown."""
    database = snapshot.database
    for prefix in dict.fromkeys(p for group in snapshot.topology.groups for p in group.prefixes):
        paths = [route for route in database.routes if route.prefix == prefix]
        doubt = unread_path(prefix, database)
        for name, appliance in snapshot.topology.appliances.items():
            resource = f"{name} {prefix}"
            yield resource, appliance, prefix, Result.unknown(resource, doubt) if doubt else paths


def unread_path(prefix: str, database: RoutingDatabase) -> str | None:
    """Returns why the paths to a prefix cannot be compared: a row is not read, or shows no AS path.

    The sessions are eBGP, so every path has an ASN. A row that nobody can read may be any appliance's.
    """
    doubt = database.doubts.get(prefix) or database.doubts.get("")
    unread = doubt or database.incomplete.get(prefix) or database.incomplete.get("")
    pathless = (r.next_hop for r in database.routes if r.prefix == prefix and not r.as_path)
    empty = next((f"the route to {prefix} by {next_hop} shows no AS path" for next_hop in pathless), None)
    return unread or empty


def next_hops(appliance: Appliance) -> frozenset[str]:
    return appliance.peer_addresses | set(appliance.next_hops)


def rank(route: Route) -> tuple[int, int]:
    return len(route.as_path), route.med


def alive(snapshot: Snapshot) -> Iterator[Result]:
    """Judges each appliance as the failover function does: a session carries routes, the instance runs."""
    source = _source(snapshot)
    for name, appliance, doubt in _speaking(snapshot, source.observation):
        if doubt is not None:
            yield doubt
        elif vitality.cannot_take_over(appliance, source) is True:
            yield _found(standbyreasons.StandbyRule.STANDBY_ALIVE, name, source)
        elif vitality.cannot_take_over(appliance, source) is None:
            yield Result.unknown(name, "AWS is creating its session, or shows one that cannot be read")
        else:
            yield Result.passed(name, path_of(["appliances", name]))


def sessions_up(snapshot: Snapshot) -> Iterator[Result]:
    """Judges every session of an appliance that is alive: BGP, and BFD where the peer uses BFD."""
    source = _source(snapshot)
    for name, appliance, doubt in _speaking(snapshot, source.observation):
        down = vitality.some_down(appliance, source)
        if doubt is not None:
            yield doubt
        elif vitality.cannot_take_over(appliance, source) is True:
            yield Result.not_applicable(name, CheckCode.APPLIANCE_IS_DEAD, appliance=name)
        elif down is True:
            yield _found(standbyreasons.StandbyRule.SESSIONS_UP, name, source)
        elif down is None:
            yield Result.unknown(name, "AWS is creating its session, or shows one that cannot be read")
        else:
            yield Result.passed(name, path_of(["appliances", name, "peers"]))


def _speaking(snapshot: Snapshot, observation: Observation) -> Iterator[tuple[str, Appliance, Result | None]]:
    """Yields each appliance; with a result where its sessions say nothing of it."""
    for name, appliance in snapshot.topology.appliances.items():
        silent = Result.not_applicable(name, CheckCode.STANDBY_IS_SILENT, appliance=name)
        unclear = next((p for p in sessions_of(appliance, observation) if _hides_bfd(p)), None)
        unread = unread_session(appliance, observation)
        state = observation.unknown.instances.get(appliance.instance_id or "")
        if appliance.standby is Standby.SILENT:
            yield name, appliance, silent
        elif unread or state:
            yield name, appliance, Result.unknown(name, unread or state or "")
        elif unclear is not None:
            yield (
                name,
                appliance,
                Result.unknown(name, f"{unclear.peer_id} has BFD and shows no status of it"),
            )
        elif observation.instance_states is None and appliance.instance_id is not None:
            yield name, appliance, Result.unknown(name, "; ".join(observation.failed))
        else:
            yield name, appliance, None


def _hides_bfd(peer: Peer) -> bool:
    return peer.liveness is Liveness.BFD and peer.bfd is None and peer.bgp is Status.UP


def _source(snapshot: Snapshot) -> RouteServerSource:
    return RouteServerSource(snapshot.topology, known(snapshot.observation), snapshot.database)


def _found(rule: standbyreasons.StandbyRule, name: str, source: RouteServerSource) -> Result:
    appliances = source.topology.appliances.items()
    # nobody knows here what was up before: all that is said is what is so now
    up = {n: vitality.declared_as(source.topology, appliance) for n, appliance in appliances}
    scene = vitality.Scene(source, Memory(seen_up=up))
    why = standbyreasons.why_found(rule, name, Change.OPENED, scene)
    return Result.failed_for(name, why, path_of(["appliances", name]))


def _instances(topology: Topology, inventory: Inventory) -> Iterator[Part]:
    for name, appliance in topology.appliances.items():
        if appliance.instance_id is not None:
            where = path_of(["appliances", name, "instance_id"])
            yield Part(appliance.instance_id, (where,), (appliance.instance_id,))


def _addresses(topology: Topology, inventory: Inventory) -> Iterator[Part]:
    """Yields each appliance: any of its interfaces may have its addresses, so all have to be read."""
    for name, appliance in topology.appliances.items():
        if appliance.instance_id is not None:
            paths = tuple(path_of(["appliances", name, part]) for part in ("peers", "next_hops"))
            own = (i.network_interface_id for i in inventory.interfaces_of(appliance.instance_id))
            yield Part(name, paths, (*inventory.unknown, *own))


RULES = (
    Rule(RuleId.STANDBY_ADVERTISES, RuleSeverity.CRITICAL, advertises),
    Rule(RuleId.PATHS_RANKED, RuleSeverity.HIGH, paths_ranked),
    Rule(RuleId.STANDBY_ALIVE, RuleSeverity.CRITICAL, alive),
    Rule(RuleId.SESSIONS_UP, RuleSeverity.HIGH, sessions_up),
    checked(
        RuleId.INSTANCE_EXISTS,
        RuleSeverity.CRITICAL,
        (routeserver.instances_exist,),
        (Code.INSTANCE_UNKNOWN, Code.INSTANCE_TERMINATED),
        _instances,
    ),
    checked(
        RuleId.APPLIANCE_HAS_ADDRESSES,
        RuleSeverity.HIGH,
        (routeserver.instances_exist,),
        (Code.PEER_ADDRESS_ELSEWHERE, Code.NEXT_HOP_ELSEWHERE),
        _addresses,
    ),
)
