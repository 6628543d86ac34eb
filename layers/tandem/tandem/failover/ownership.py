"""Resolves next hops, interfaces and sessions to declared appliances, and says who is alive."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_network

from tandem.model import InstallationStatus, NetworkInterface, Observation, Peer, Route, RouteStatus, Status
from tandem.reasons.failover import HoldCode, MoveCode, PartCode
from tandem.reasons.reason import Reason, reason
from tandem.topology.document import Appliance, Group, Topology


@dataclass(frozen=True, slots=True)
class PrefixOwner:
    """Says who owns one tracked prefix, as far as that is clear.

    `doubt` says what is not as it should be; `veto` that it is reason enough not to leave a live holder.
    """

    prefix: str
    appliance: str | None
    doubt: Reason | None = None
    veto: bool = False


def interfaces_of(appliance: Appliance, observation: Observation) -> tuple[NetworkInterface, ...]:
    """Returns the interfaces attached to the appliance's instance, as far as they could be read."""
    if appliance.instance_id is None or observation.interfaces is None:
        return ()
    return tuple(i for i in observation.interfaces.values() if i.instance_id == appliance.instance_id)


def addresses_of(appliance: Appliance, observation: Observation) -> frozenset[str]:
    """Returns every next hop that means this appliance.

    Route Server resolves a next hop to the interface that owns it (docs/aws-facts.md#next-hop-resolution), so
    the instance's own interfaces decide. The declared addresses stand in only where they could not be read;
    where one of them could not be, those that no other interface shows.
    """
    declared = frozenset(appliance.next_hops) | appliance.peer_addresses
    if appliance.instance_id is None or observation.interfaces is None:
        return declared
    own = _shown_on(interfaces_of(appliance, observation))
    if not observation.unknown.interfaces:
        return own
    return own | (declared - _shown_on(observation.interfaces.values()))


def _shown_on(interfaces: Iterable[NetworkInterface]) -> frozenset[str]:
    return frozenset(
        address for i in interfaces for address in (*(own.private_ip for own in i.addresses), *i.ipv6)
    )


def sessions_of(appliance: Appliance, observation: Observation) -> tuple[Peer, ...]:
    """Returns the appliance's peers: at its declared addresses or at an address that its interfaces have."""
    addresses = appliance.peer_addresses | addresses_of(appliance, observation)
    return tuple(peer for peer in observation.peers if peer.peer_address in addresses)


def has_session(appliance: Appliance, observation: Observation) -> bool:
    """True if BGP is up in at least one session."""
    return any(peer.bgp is Status.UP for peer in sessions_of(appliance, observation))


def unread_session(appliance: Appliance, observation: Observation) -> str | None:
    """Returns why a peer cannot be read that is the appliance's, or does not show whose it is."""
    addresses = appliance.peer_addresses | addresses_of(appliance, observation) | {""}
    return next((why for a, why in observation.unknown.peers.items() if a in addresses), None)


def why_dead(appliance: Appliance, observation: Observation) -> Reason | None:
    """Returns why the appliance counts as dead, or None: no session has BGP up, or its instance does not run.

    What cannot be read says neither that it is dead nor that it is alive, and so is no death.
    """
    # a session that cannot be read may be the one that is up
    if not has_session(appliance, observation) and unread_session(appliance, observation) is None:
        return reason(MoveCode.HOLDER_SILENT, appliance.name)
    state = not_running(appliance, observation)
    if state is None:
        return None
    return reason(
        MoveCode.HOLDER_INSTANCE_NOT_RUNNING, appliance.name, instance=appliance.instance_id, state=state
    )


def not_running(appliance: Appliance, observation: Observation) -> str | None:
    """Returns the state of an instance that does not run; None if it runs, or nobody knows."""
    state = instance_state(appliance, observation)
    return None if state == "running" else state


def instance_state(appliance: Appliance, observation: Observation) -> str | None:
    """Returns the state of the appliance's instance, `gone` if AWS does not know it; None if it has none, or
    its state cannot be read.
    """
    id_, states = appliance.instance_id, observation.instance_states
    if id_ is None or states is None or id_ in observation.unknown.instances:
        return None
    return states.get(id_, "gone")


def appliance_at(interface_id: str, topology: Topology, observation: Observation) -> str | None:
    """Returns the appliance behind an interface: by attachment, else by the targets that declare it."""
    interface = (observation.interfaces or {}).get(interface_id)
    for name, appliance in topology.appliances.items():
        if interface is not None and interface.instance_id and interface.instance_id == appliance.instance_id:
            return name
    declared = (
        name
        for group in topology.groups
        for address in group.elastic_ips
        for name, target in address.targets.items()
        if target.network_interface_id == interface_id
    )
    return next(declared, None)


def owner_of(prefix: str, topology: Topology, observation: Observation) -> PrefixOwner:
    """Returns the appliance whose address is the in-FIB next hop of exactly this prefix.

    One winner per prefix (docs/aws-facts.md#one-winner). A row counts when it is installed in at least one
    route table; one that is installed nowhere still names an owner, but with a doubt. Where a row that cannot
    be read may be in the FIB, nobody owns the prefix.
    """
    doubts = observation.database.doubts
    rows = observation.database.in_fib({prefix})
    unread = doubts.get(prefix) or (None if rows else doubts.get(""))
    if unread is not None:  # it may be the row in the FIB, so nobody can be said to own the prefix
        return PrefixOwner(prefix, None, reason(HoldCode.ROUTE_UNREADABLE, prefix, error=unread), veto=True)
    if not rows:  # no veto: the group's other prefixes may still have an owner
        return PrefixOwner(prefix, None, _no_row(prefix, observation.database.routes))
    row = next((r for r in rows if _installed(r)), rows[0])
    named = [n for n, a in topology.appliances.items() if row.next_hop in addresses_of(a, observation)]
    if not named:  # somebody whom the topology does not know carries the traffic
        return PrefixOwner(prefix, None, _strange(row, observation), veto=True)
    if _installed(row):
        return PrefixOwner(prefix, named[0])
    # AWS chose this route and no table has it: moving there leaves a live holder for a way that is not there
    return PrefixOwner(prefix, named[0], _not_installed(row), veto=True)


def _strange(row: Route, observation: Observation) -> Reason:
    """Returns that a next hop is nobody's, or that nobody can tell whose it is."""
    unread = tuple(dict.fromkeys(observation.unknown.interfaces.values()))
    if observation.interfaces is not None and not unread:
        return reason(HoldCode.UNDECLARED_NEXT_HOP, row.prefix, next_hop=row.next_hop)
    none_read = observation.interfaces is None
    errors = observation.failed if none_read else unread
    return reason(
        HoldCode.NEXT_HOP_UNREADABLE, row.prefix, next_hop=row.next_hop, none_read=none_read, errors=errors
    )


def owners(group: Group, topology: Topology, observation: Observation) -> tuple[PrefixOwner, ...]:
    return tuple(owner_of(prefix, topology, observation) for prefix in group.prefixes)


def by_weight(found: Iterable[PrefixOwner], topology: Topology) -> tuple[str, ...]:
    """Returns the owning appliances, most prefixes first, then in declaration order."""
    names = [owner.appliance for owner in found if owner.appliance is not None]
    order = list(topology.appliances)
    return tuple(sorted(set(names), key=lambda name: (-names.count(name), order.index(name))))


def _installed(route: Route) -> bool:
    return any(i.status is InstallationStatus.INSTALLED for i in route.installations)


def _not_installed(route: Route) -> Reason:
    if not route.installations:
        return reason(HoldCode.NOT_PROPAGATED, route.prefix)
    tables = tuple(
        reason(PartCode.TABLE_REJECTS, i.route_table_id, cause=i.reason or None) for i in route.installations
    )
    return reason(HoldCode.NOT_INSTALLED, route.prefix, tables=tables)


def _no_row(prefix: str, routes: Iterable[Route]) -> Reason:
    wanted = ip_network(prefix)
    inside = {r.prefix for r in routes if r.status is RouteStatus.IN_FIB and _within(r.prefix, wanted)}
    return reason(HoldCode.NO_ROUTE, prefix, inside=tuple(sorted(inside)))


def _within(prefix: str, wanted: IPv4Network | IPv6Network) -> bool:
    network = ip_network(prefix)
    if isinstance(network, IPv4Network) and isinstance(wanted, IPv4Network):
        return network != wanted and network.subnet_of(wanted)
    if isinstance(network, IPv6Network) and isinstance(wanted, IPv6Network):
        return network != wanted and network.subnet_of(wanted)
    return False
