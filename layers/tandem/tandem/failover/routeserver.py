"""Judges ownership by the route server: its FIB names the owner, its sessions say who is alive."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from tandem.failover.appliances import not_running
from tandem.failover.decision import Severity
from tandem.failover.fib import PrefixOwner, owner_of
from tandem.failover.ownership import Ownership
from tandem.failover.sessions import has_session, sessions_of, unread_session
from tandem.model import Observation, Route, RoutingDatabase, Status
from tandem.reasons.failover import HoldCode, MoveCode, PartCode, ReportCode
from tandem.reasons.reason import Reason, reason
from tandem.topology.document import Appliance, Group, Topology


@dataclass(frozen=True, slots=True)
class RouteServerSource:
    """Judges by what one topology's route server shows. `route_server_source` makes it where there is one."""

    topology: Topology
    observation: Observation
    database: RoutingDatabase
    """The observation's own, known not to be None."""

    def ownership(self, group: Group) -> Ownership:
        """Returns the owner of the group's prefixes: by the FIB, then by live sessions, then by weight."""
        found = tuple(self.prefix_owner(prefix) for prefix in group.prefixes)
        doubts = tuple(owner.doubt for owner in found if owner.doubt is not None)
        candidates = _by_weight(found, self.topology)
        if not candidates:  # nobody can say who should have the addresses, so nobody gets any
            return Ownership(hold=doubts + self._persisted(group), severity=Severity.CRITICAL)
        alive = tuple(n for n in candidates if has_session(self.topology.appliances[n], self.observation))
        if not alive:
            # persisted routes, or Route Server is still converging: an address would follow a route to nobody
            unread = unread_session(self.topology.appliances[candidates[0]], self.observation)
            past = reason(HoldCode.OWNER_SILENT, candidates[0], unread=unread)
            return Ownership(
                self._named(candidates),
                hold=(past, *self._persisted(group)),
                severity=Severity.CRITICAL,
                reports=doubts,
                awaiting=past,
            )
        # prefixes of one group with different owners: an address may stay with either, and people should know
        split = _split(group, found) if len(candidates) > 1 else None
        return Ownership(
            self._named(alive),
            doubts=tuple(owner.doubt for owner in found if owner.doubt and owner.veto),
            split=split,
            reports=doubts + ((split,) if split else ()) + self._bfd_down(alive[0]),
            clear=not doubts and not split,
        )

    def why_dead(self, appliance: Appliance) -> Reason | None:
        """Returns that no session has BGP up, or that the instance does not run; None while it is alive."""
        # a session that cannot be read may be the one that is up
        if not has_session(appliance, self.observation) and self._unread(appliance) is None:
            return reason(MoveCode.HOLDER_SILENT, appliance.name)
        state = not_running(appliance, self.observation)
        if state is None:
            return None
        return reason(
            MoveCode.HOLDER_INSTANCE_NOT_RUNNING, appliance.name, instance=appliance.instance_id, state=state
        )

    def why_unready(self, appliance: Appliance, subject: str) -> Reason | None:
        """Returns that no session of the appliance has BGP up."""
        if has_session(appliance, self.observation):
            return None
        return reason(
            HoldCode.TARGET_SILENT, subject, appliance=appliance.name, unread=self._unread(appliance)
        )

    def why_pin_waits(self, appliance: Appliance, pin: Reason) -> Reason | None:
        """Returns that no session of the appliance has BGP up."""
        if has_session(appliance, self.observation):
            return None
        return reason(
            HoldCode.PINNED_SILENT,
            pin.subject,
            pin=pin,
            appliance=appliance.name,
            unread=self._unread(appliance),
            record=dict(pin.facts)["record"],
        )

    def prefix_owner(self, prefix: str) -> PrefixOwner:
        """Returns who owns one prefix by the FIB."""
        return owner_of(prefix, self.topology, self.observation, self.database)

    def tracked_routes(self) -> tuple[Route, ...]:
        """Returns the FIB's rows of the prefixes that groups track."""
        return self.database.in_fib({p for group in self.topology.groups for p in group.prefixes})

    def next_hops(self) -> dict[str, tuple[str, ...]]:
        """Returns each tracked prefix's in-FIB next hops, sorted."""
        return self.database.next_hops(sorted({p for g in self.topology.groups for p in g.prefixes}))

    def _named(self, names: Iterable[str]) -> dict[str, Reason]:
        return {name: reason(MoveCode.OWNER_HAS_ROUTE, name) for name in names}

    def _unread(self, appliance: Appliance) -> str | None:
        return unread_session(appliance, self.observation)

    def _bfd_down(self, name: str) -> tuple[Reason, ...]:
        """BFD down beside BGP up is a report, not a veto (docs/aws-facts.md#bfd-reports: BFD fails in the
        field while BGP works).
        """
        sessions = sessions_of(self.topology.appliances[name], self.observation)
        down = tuple(p.peer_id for p in sessions if p.bgp is Status.UP and p.bfd is Status.DOWN)
        return (reason(ReportCode.BFD_DOWN, name, peers=down),) if down else ()

    def _persisted(self, group: Group) -> tuple[Reason, ...]:
        """Reports persisted routes, which decide nothing: what `AreRoutesPersisted` means is undocumented
        (docs/aws-facts.md#are-routes-persisted).
        """
        return (reason(ReportCode.ROUTES_PERSISTED, group.name),) if self.database.persisted else ()


def route_server_source(topology: Topology, observation: Observation) -> RouteServerSource | None:
    """Returns what the topology's route server shows; None for a topology without one.

    A routing database that could not be read is no observation at all: that read raises.
    """
    if observation.database is None:
        return None
    return RouteServerSource(topology, observation, observation.database)


def _by_weight(found: Iterable[PrefixOwner], topology: Topology) -> tuple[str, ...]:
    """Returns the owning appliances, most prefixes first, then in declaration order."""
    names = [owner.appliance for owner in found if owner.appliance is not None]
    order = list(topology.appliances)
    return tuple(sorted(set(names), key=lambda name: (-names.count(name), order.index(name))))


def _split(group: Group, found: tuple[PrefixOwner, ...]) -> Reason:
    owners = tuple(reason(PartCode.PREFIX_OWNER, o.prefix, appliance=o.appliance) for o in found)
    return reason(HoldCode.SPLIT, group.name, owners=owners)
