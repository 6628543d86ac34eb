"""Whether security groups and network ACLs let BGP and BFD pass between endpoints and appliances."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from ipaddress import ip_address

from tandem.compliance.packetfilters import (
    Filters,
    Flow,
    Passage,
    SecurityGroup,
    open_ports,
    through_acl,
    through_groups,
)
from tandem.compliance.rule import Result, Rule, RuleSeverity
from tandem.compliance.rules.peers import peers_of, reading_of, unread_peer_of
from tandem.compliance.snapshot import Snapshot, known
from tandem.model import Liveness, NetworkInterface, Peer, Status
from tandem.reasons.compliance import CheckCode, RuleId
from tandem.topology.inventory import Endpoint

BGP, BFD = (179, 179), (3784, 3784)

EPHEMERAL = (1024, 65535)
"""Every system dials from some of these ports (docs/aws-facts.md#packet-filters): the answers go there."""


@dataclass(frozen=True, slots=True)
class _Session:
    """A peer of a declared appliance, with the endpoint that it is at."""

    appliance: str
    peer: Peer
    endpoint: Endpoint

    @property
    def resource(self) -> str:
        return f"{self.appliance} {self.endpoint.endpoint_id}"


def groups_pass(snapshot: Snapshot) -> Iterator[Result]:
    """Judges each session by the security groups at both ends.

    The appliance dials (docs/aws-facts.md#who-dials), and groups remember connections: BGP needs one way.
    BFD is sent from both ends, so it needs both. An address that is on no interface, as Amazon EVS's, or an
    interface without groups, is judged by network ACLs alone (docs/aws-facts.md#endpoint-security-group).
    """
    filters = known(snapshot.filters)
    for found in _sessions(snapshot):
        yield found if isinstance(found, Result) else _by_groups(found, filters)


def _by_groups(session: _Session, filters: Filters) -> Result:
    unread: str | None = None
    there = session.endpoint.address
    for flow in _opened(session):
        for outbound, address in ((True, flow.source), (False, flow.destination)):
            interface = filters.interface_at(address)
            other = filters.interface_at(flow.destination if outbound else flow.source)
            groups = _groups_on(interface, filters, session.endpoint if address == there else None)
            if groups == ():
                continue
            if isinstance(groups, str):
                unread = unread or groups
                continue
            passage = through_groups(
                groups,
                flow,
                outbound=outbound,
                other_groups=(other.group_ids or ()) if other else (),
                prefix_lists=filters.prefix_lists,
            )
            names = tuple(group.group_id for group in groups)
            if passage is Passage.UNKNOWN:
                unread = unread or _unread_list(groups, filters)
            elif passage is Passage.CLOSED:
                return Result.failed(
                    session.resource,
                    CheckCode.GROUPS_STOP_SESSION,
                    appliance=session.appliance,
                    flow=flow.words,
                    source=flow.source,
                    destination=flow.destination,
                    groups=names,
                    outbound=outbound,
                )
    return Result.passed(session.resource) if unread is None else Result.unknown(session.resource, unread)


def _groups_on(
    interface: NetworkInterface | None, filters: Filters, endpoint: Endpoint | None
) -> tuple[SecurityGroup, ...] | str:
    """Returns the groups of an interface, an endpoint's or an appliance's; none where none count; why nobody
    knows them.
    """
    if interface is None and endpoint is not None:
        return filters.interface_doubt or f"EC2 does not show the interface of {endpoint.endpoint_id}"
    if interface is None:
        return filters.interface_doubt or ()
    if interface.group_ids is None:
        return f"the security groups of {interface.network_interface_id} cannot be read"
    missing = next((id_ for id_ in interface.group_ids if id_ not in filters.groups), None)
    if missing is not None:
        return filters.why(missing)
    return tuple(filters.groups[id_] for id_ in interface.group_ids)


def _unread_list(groups: tuple[SecurityGroup, ...], filters: Filters) -> str:
    lists = (id_ for g in groups for p in (*g.inbound, *g.outbound) for id_ in p.prefix_lists)
    return filters.why(next((id_ for id_ in lists if id_ not in filters.prefix_lists), "a prefix list"))


def acls_pass(snapshot: Snapshot) -> Iterator[Result]:
    """Judges each session by the network ACLs of both subnets, the answers' ports included.

    Within one subnet no network ACL is asked (docs/aws-facts.md#packet-filters). Where a part of the answers'
    ports passes, only a session that is up shows that it is the right part.
    """
    filters = known(snapshot.filters)
    for found in _sessions(snapshot):
        yield found if isinstance(found, Result) else _by_acls(found, filters)


def _by_acls(session: _Session, filters: Filters) -> Result:
    address = session.peer.peer_address
    own, there = filters.subnet_of(address), session.endpoint.subnet_id
    if own is None:
        why = filters.subnet_doubt or filters.interface_doubt or f"no subnet that EC2 shows has {address}"
        return Result.unknown(session.resource, why)
    if own == there:
        return Result.passed(session.resource)
    unread: str | None = None
    for flow in (*_opened(session), *_answers(session)):
        left: tuple[tuple[int, int], ...] = (flow.ports,)
        ends = (own, there) if flow.source == address else (there, own)
        for outbound, subnet_id in zip((True, False), ends, strict=True):
            acl = filters.acl_of(subnet_id)
            if acl is None:
                unread = unread or filters.acl_doubt or f"EC2 shows no network ACL of {subnet_id}"
                continue
            rule = through_acl(acl, flow, outbound=outbound)
            if rule is not None:
                parts = (open_ports(acl, replace(flow, ports=p), outbound=outbound) for p in left)
                left = tuple(part for found in parts for part in found)
            if rule is not None and not left:
                return Result.failed(
                    session.resource,
                    CheckCode.ACL_STOPS_SESSION,
                    appliance=session.appliance,
                    flow=flow.words,
                    source=flow.source,
                    destination=flow.destination,
                    acl=acl.acl_id,
                    subnet=subnet_id,
                    rule=rule.number,
                    outbound=outbound,
                )
        if left != (flow.ports,) and session.peer.bgp is not Status.UP:
            unread = unread or _partly(flow, left)
    return Result.passed(session.resource) if unread is None else Result.unknown(session.resource, unread)


def _partly(flow: Flow, left: Iterable[tuple[int, int]]) -> str:
    ports = ", ".join(f"{first}-{last}" for first, last in left)
    return (
        f"{flow.source} answers to one of the ports {flow.ports[0]}-{flow.ports[1]} of {flow.destination},"
        f" and the network ACLs let only {ports} pass; from which one it dials depends on its system"
    )


def _opened(session: _Session) -> Iterator[Flow]:
    """Yields the flows that one end begins."""
    here, there = session.peer.peer_address, str(session.endpoint.address)
    yield Flow("tcp", here, there, BGP)
    if session.peer.liveness is Liveness.BFD:
        yield Flow("udp", here, there, BFD)
        yield Flow("udp", there, here, BFD)


def _answers(session: _Session) -> Iterator[Flow]:
    """BFD has none: each end sends to the same port of the other (RFC 5881 §4)."""
    yield Flow("tcp", str(session.endpoint.address), session.peer.peer_address, EPHEMERAL)


def _sessions(snapshot: Snapshot) -> Iterator[_Session | Result]:
    """Yields each session; UNKNOWN for one of which nobody knows both ends."""
    observation = known(snapshot.observation)
    endpoints = {e.endpoint_id: e for e in (*reading_of(snapshot).endpoints, *reading_of(snapshot).broken)}
    for name, appliance in snapshot.topology.appliances.items():
        doubt = unread_peer_of(observation, appliance)
        if doubt is not None:
            yield Result.unknown(name, doubt)
        for peer in peers_of(observation, appliance):
            endpoint = endpoints.get(peer.endpoint_id)
            if endpoint is None or not _is_address(endpoint.address):
                yield Result.unknown(
                    f"{name} {peer.endpoint_id}", f"EC2 shows no address of {peer.endpoint_id}"
                )
            else:
                yield _Session(name, peer, endpoint)


def _is_address(text: str | None) -> bool:
    with suppress(ValueError):
        return text is not None and bool(ip_address(text))
    return False


RULES = (
    Rule(RuleId.SECURITY_GROUPS_PASS, RuleSeverity.HIGH, groups_pass),
    Rule(RuleId.NETWORK_ACLS_PASS, RuleSeverity.HIGH, acls_pass),
)
