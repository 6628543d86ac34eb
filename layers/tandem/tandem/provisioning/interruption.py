"""Judges whom the end of a session would hurt: the owner of a tracked prefix that no other session
carries.

Invariant: no plan takes down the last live session that carries a tracked prefix in the FIB, or carries it
for its owner; where the routing database cannot be read, none that might.
"""

from __future__ import annotations

from collections.abc import Iterator

from tandem.model import Peer, Route, RouteStatus, Status
from tandem.provisioning.managed import AVAILABLE, Desired, Observed, tag_of
from tandem.reasons.provisioning import ProvisioningCode as Code
from tandem.reasons.reason import Reason, reason
from tandem.tags import APPLIANCE_TAG

UNREADABLE = reason(Code.UNTIL_ROUTES_READABLE, "routes")
"""What every change waits for that may end a session, where the routing database cannot be read."""


class Sessions:
    """The live sessions, as a plan takes them down one by one."""

    def __init__(self, desired: Desired, observed: Observed) -> None:
        self._observed = observed
        self._declared = {
            address: name
            for name, appliance in desired.topology.appliances.items()
            for address in appliance.peer_addresses
        }
        self._next_hops = {p.peer_address: self.appliance(p) for p in observed.peers} | {
            hop: name for name, a in desired.topology.appliances.items() for hop in a.next_hops
        }
        self._by_instance = {
            a.instance_id: name for name, a in desired.topology.appliances.items() if a.instance_id
        }
        self._prefixes = {p for group in desired.topology.groups for p in group.prefixes}
        self._peers = {p.peer_id: p for p in observed.peers}
        self._live = {p.peer_id for p in observed.peers if p.state == AVAILABLE and p.bgp is Status.UP}
        self._owned = dict(self._owners())

    def appliance(self, peer: Peer) -> str:
        """Returns the appliance that is meant: by its declared address, by our tag, else the address
        itself.
        """
        declared = self._declared.get(peer.peer_address)
        return declared or tag_of(peer.tags, APPLIANCE_TAG) or peer.peer_address

    def is_live(self, peer: Peer) -> bool:
        return peer.peer_id in self._live

    @property
    def are_routes_known(self) -> bool:
        """Returns True if the routing database could be read: otherwise nobody can tell who owns what."""
        return self._observed.routes is not None

    def live_of(self, appliance: str) -> list[str]:
        return sorted(i for i in self._live if self.appliance(self._peers[i]) == appliance)

    def owned_by(self, appliance: str) -> list[str]:
        """Returns the tracked prefixes that the appliance owns; all of them where nobody can tell."""
        if self._observed.routes is None:
            return sorted(self._prefixes) if self.live_of(appliance) else []
        return sorted(prefix for prefix, owner in self._owned.items() if owner == appliance)

    def owner_of(self, prefix: str) -> str | None:
        return self._owned.get(prefix)

    def last_for(self, peer: Peer) -> list[str]:
        """Returns the tracked prefixes that their owners would lose with this session; none where it is safe
        to end.

        An owner keeps a session of its own; a session may also carry a prefix for somebody else's next hop.
        """
        # a session that is down carries nothing; what persistence keeps is judged by `persisting`
        if not self.is_live(peer):
            return []
        others = self._live - {peer.peer_id}
        # the owner must keep one of its own sessions that carries the prefix
        own = others & set(self.live_of(self.appliance(peer)))
        lost = [p for p in self.owned_by(self.appliance(peer)) if not own & self._carrying(p)]
        # and nobody may lose a prefix that only this session carries, for this or another next hop
        lost += [
            prefix
            for prefix, owner in sorted(self._owned.items())
            for carriers in (self._carrying(prefix), self._carrying(prefix, owner))
            if peer.peer_id in carriers and not others & carriers
        ]
        return sorted(set(lost))

    def persisting(self, peer: Peer | None = None) -> str | None:
        """Returns the tracked prefix that is in the FIB through this session, or any, though it is down
        (docs/aws-facts.md#persistence).

        Persisted routes outlive their sessions; what becomes of them when a peer is deleted, or persistence
        is changed, AWS does not document. A live session that carries the prefix for the same owner makes it
        safe.
        """
        if self._observed.routes is None:
            # nobody can tell: with no session up, any tracked prefix may be in the FIB by persistence alone
            return next(iter(sorted(self._prefixes)), None) if not self._live else None
        return next(
            (
                prefix
                for prefix, owner in sorted(self._owned.items())
                for carriers in [self._carrying(prefix, owner)]
                if peer is None or owner == self.appliance(peer) or peer.peer_id in carriers
                if not self._live & carriers
            ),
            None,
        )

    def kept(self, prefix: str, code: Code) -> Reason:
        """Returns what a change waits for that such a prefix may not survive."""
        if not self.are_routes_known:
            return UNREADABLE
        return reason(code, str(self.owner_of(prefix)), prefix=prefix)

    def end(self, peer: Peer) -> None:
        """Counts the session as gone from here on in the plan."""
        self._live.discard(peer.peer_id)

    def _owners(self) -> Iterator[tuple[str, str]]:
        for route in self._observed.routes or ():
            if route.status is RouteStatus.IN_FIB and route.prefix in self._prefixes:
                yield route.prefix, self._owner(route)

    def _owner(self, route: Route) -> str:
        peer = self._peers.get(route.peer_id)
        return self._at(route.next_hop) or (self.appliance(peer) if peer else route.next_hop)

    def _at(self, next_hop: str) -> str | None:
        """Returns the declared appliance with this next hop: its session's address, or another of its
        instance.
        """
        for interface in self._observed.interfaces.values():
            has = next_hop in interface.ipv6 or any(a.private_ip == next_hop for a in interface.addresses)
            if has and interface.instance_id in self._by_instance:
                return self._by_instance[interface.instance_id]
        return self._next_hops.get(next_hop)

    def _carrying(self, prefix: str, owner: str | None = None) -> set[str]:
        """Returns the sessions through which the prefix was learned, for anybody or for this owner; none
        where nobody can tell (docs/aws-facts.md#routing-database: a row for each peer).
        """
        rows = (route for route in self._observed.routes or () if route.prefix == prefix)
        return {route.peer_id for route in rows if owner in (None, self._owner(route))}
