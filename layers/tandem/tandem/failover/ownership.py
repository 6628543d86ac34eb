"""Who is who and who is alive: next hops, interfaces and sessions resolved to declared appliances."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import IPv4Network, IPv6Network, ip_network

from tandem.model import InstallationStatus, NetworkInterface, Observation, Peer, Route, RouteStatus, Status
from tandem.topology import Appliance, Group, Topology


class HoldCode(StrEnum):
    """Why a group or an address is held: `words.advice` says what to do about each. Nothing else uses it."""

    PAUSED = "paused"
    PINNED_UNDECLARED = "pinned-undeclared"
    PINNED_SILENT = "pinned-silent"
    NO_ROUTE = "no-route"
    UNDECLARED_NEXT_HOP = "undeclared-next-hop"
    NOT_INSTALLED = "not-installed"
    UNREADABLE = "unreadable"
    OWNER_SILENT = "owner-silent"
    SPLIT = "split"
    ADDRESS_GONE = "address-gone"
    UNDECLARED_HOLDER = "undeclared-holder"
    TARGET_NOT_READY = "target-not-ready"
    TARGET_OCCUPIED = "target-occupied"
    CONTESTED = "contested"
    DAMPED = "damped"
    NOT_MOVED = "not-moved"
    UNCLEAR = "unclear"


@dataclass(frozen=True, slots=True)
class PrefixOwner:
    """Who owns one tracked prefix, as far as that is clear.

    `doubt` says what is not as it should be; `veto` that it is reason enough not to leave a live holder.
    """

    prefix: str
    appliance: str | None
    doubt: str | None = None
    veto: bool = False
    code: HoldCode | None = None
    """The doubt's."""


def interfaces_of(appliance: Appliance, observation: Observation) -> tuple[NetworkInterface, ...]:
    """The interfaces attached to the appliance's instance, as far as they could be read."""
    if appliance.instance_id is None or observation.interfaces is None:
        return ()
    return tuple(i for i in observation.interfaces.values() if i.instance_id == appliance.instance_id)


def addresses_of(appliance: Appliance, observation: Observation) -> frozenset[str]:
    """Every next hop that means this appliance.

    Route Server resolves a next hop to the interface that owns it (facts §3.4), so the instance's own
    interfaces decide. The declared addresses stand in only where they could not be read; where one of them
    could not be, those that no other interface shows.
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
    """The appliance's peers: those at its declared addresses or at an address that its interfaces have."""
    addresses = appliance.peer_addresses | addresses_of(appliance, observation)
    return tuple(peer for peer in observation.peers if peer.peer_address in addresses)


def has_session(appliance: Appliance, observation: Observation) -> bool:
    """Whether BGP is up in at least one session."""
    return any(peer.bgp is Status.UP for peer in sessions_of(appliance, observation))


def no_session(appliance: Appliance, observation: Observation) -> str | None:
    """That it has no session with BGP up, in words, with one that may be up and cannot be read. None where
    it has one.
    """
    if has_session(appliance, observation):
        return None
    words = "no session with BGP up"
    unread = unread_session(appliance, observation)
    return f"no readable session with BGP up: {unread}" if unread else words


def unread_session(appliance: Appliance, observation: Observation) -> str | None:
    """Why a peer cannot be read that is the appliance's, or does not show whose it is."""
    addresses = appliance.peer_addresses | addresses_of(appliance, observation) | {""}
    return next((why for a, why in observation.unknown.peers.items() if a in addresses), None)


def is_dead(appliance: Appliance, observation: Observation) -> str | None:
    """Why the appliance counts as dead, or None: no session has BGP up, or its instance does not run.

    What cannot be read says neither that it is dead nor that it is alive, and so is no death.
    """
    silent = no_session(appliance, observation)
    if silent is not None and unread_session(appliance, observation) is None:
        return f"{appliance.name} has {silent}"
    stopped = not_running(appliance, observation)
    return f"{appliance.name}'s instance {appliance.instance_id} is {stopped}" if stopped else None


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
    """The declared appliance behind an interface: by attachment, else by the targets that declare it."""
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
    """The appliance whose address is the in-FIB next hop of exactly this prefix.

    One winner per prefix (facts §3.4). A row counts when it is installed in at least one route table;
    one that is installed nowhere still names an owner, but with a doubt. Where a row that cannot be read may
    be in the FIB, nobody owns the prefix.
    """
    doubts = observation.database.doubts
    rows = [r for r in observation.database.routes if r.prefix == prefix and r.status is RouteStatus.IN_FIB]
    unread = doubts.get(prefix) or (None if rows else doubts.get(""))
    if unread is not None:
        return PrefixOwner(prefix, None, unread, veto=True, code=HoldCode.UNREADABLE)
    if not rows:
        return PrefixOwner(prefix, None, _no_row(prefix, observation.database.routes), code=HoldCode.NO_ROUTE)
    row = next((r for r in rows if _installed(r)), rows[0])
    named = [n for n, a in topology.appliances.items() if row.next_hop in addresses_of(a, observation)]
    if not named:
        strange = f"{prefix} goes to {row.next_hop}, {_unknown(observation)}"
        is_read = observation.interfaces is not None and not observation.unknown.interfaces
        code = HoldCode.UNDECLARED_NEXT_HOP if is_read else HoldCode.UNREADABLE
        return PrefixOwner(prefix, None, strange, veto=True, code=code)
    if _installed(row):
        return PrefixOwner(prefix, named[0])
    return PrefixOwner(prefix, named[0], _not_installed(row), True, HoldCode.NOT_INSTALLED)


def _unknown(observation: Observation) -> str:
    if observation.interfaces is None:
        return f"and the interfaces could not be read: {'; '.join(observation.failed)}"
    if observation.unknown.interfaces:
        return f"and {'; '.join(dict.fromkeys(observation.unknown.interfaces.values()))}"
    return "which no declared appliance has"


def owners(group: Group, topology: Topology, observation: Observation) -> tuple[PrefixOwner, ...]:
    return tuple(owner_of(prefix, topology, observation) for prefix in group.prefixes)


def by_weight(found: Iterable[PrefixOwner], topology: Topology) -> tuple[str, ...]:
    """The owning appliances, most prefixes first, then in declaration order."""
    names = [owner.appliance for owner in found if owner.appliance is not None]
    order = list(topology.appliances)
    return tuple(sorted(set(names), key=lambda name: (-names.count(name), order.index(name))))


def _installed(route: Route) -> bool:
    return any(i.status is InstallationStatus.INSTALLED for i in route.installations)


def _not_installed(route: Route) -> str:
    if not route.installations:
        return f"{route.prefix} is in the FIB but in no route table: is propagation enabled?"
    words = "; ".join(f"{i.route_table_id}: {i.reason or 'AWS gives no reason'}" for i in route.installations)
    return f"{route.prefix} is rejected by every route table ({words})"


def _no_row(prefix: str, routes: Iterable[Route]) -> str:
    wanted = ip_network(prefix)
    inside = sorted(
        {r.prefix for r in routes if r.status is RouteStatus.IN_FIB and _within(r.prefix, wanted)}
    )
    also = f"; more specific ones are: {', '.join(inside)}" if inside else ""
    return f"{prefix} is not in the FIB{also}"


def _within(prefix: str, wanted: IPv4Network | IPv6Network) -> bool:
    network = ip_network(prefix)
    if isinstance(network, IPv4Network) and isinstance(wanted, IPv4Network):
        return network != wanted and network.subnet_of(wanted)
    if isinstance(network, IPv6Network) and isinstance(wanted, IPv6Network):
        return network != wanted and network.subnet_of(wanted)
    return False
