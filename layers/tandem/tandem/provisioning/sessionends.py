"""Describes what ends sessions in a managed plan: the standby's before the owner's, each only where the route
stays.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from tandem.model import Peer
from tandem.provisioning.interruption import UNREADABLE, Sessions
from tandem.provisioning.managed import (
    AVAILABLE,
    BROKEN,
    DELETED,
    DELETING,
    FAILING,
    PENDING,
    Desired,
    Observed,
    is_adopted,
    is_ours,
    tag_of,
)
from tandem.provisioning.managesteps import Await, DeletePeer, Keep, Step
from tandem.provisioning.sessions import Session
from tandem.reasons.provisioning import ProvisioningCode as Code
from tandem.reasons.reason import Reason, reason
from tandem.tags import ENDPOINT_TAG
from tandem.topology.crosschecks import MOST_ENDPOINTS_IN_SUBNET
from tandem.topology.problems import path_of, problem_at


def ended(desired: Desired, observed: Observed, sessions: list[Session]) -> Iterator[Step]:
    """Ends sessions one by one: what ends counts as gone for what comes after it."""
    ends = _Ends(desired, observed, sessions, Sessions(desired, observed))
    live = ends.live
    serving = {s.peer.peer_id for s in sessions if s.peer}
    in_the_way = {p.peer_id: s for s in sessions for p in s.others}
    going = [p for p in observed.peers if p.peer_id not in serving and p.state != DELETED]
    going = [p for p in going if p.peer_id in in_the_way or is_ours(p.tags, desired)]

    def rank(peer: Peer) -> tuple[bool, bool, str]:
        return bool(live.owned_by(live.appliance(peer))), live.is_live(peer), peer.peer_id

    # the standby's sessions end before the owner's, dead ones before live ones: the route stays longest
    for peer in sorted(going, key=rank):
        if peer.state in (DELETING, PENDING, FAILING):
            why = reason(Code.RESOURCE_STATE, peer.peer_id, state=peer.state)
            until = reason(Code.UNTIL_GONE, peer.peer_id)
            # one that is going needs only time; in the other states a deletion has to wait
            if peer.state != DELETING:
                until = reason(Code.UNTIL_NO_LONGER, peer.peer_id, state=peer.state)
            yield Step(Await(peer.peer_id), why, until)
            continue
        step = ends.end(peer, in_the_way.get(peer.peer_id))
        if step is not None:
            # a step that waits or is refused ends nothing, so its session still counts for the next ones
            if step.is_ready:
                live.end(peer)
            yield step


@dataclass(frozen=True, slots=True)
class _Ends:
    """Holds what the end of each session waits for."""

    desired: Desired
    observed: Observed
    sessions: list[Session]
    live: Sessions

    def end(self, peer: Peer, session: Session | None) -> Step | None:
        """Returns the step that deletes the peer; None for one that existed before Tandem and replaces
        nothing.
        """
        appliance = self.live.appliance(peer)
        own = [s for s in self.sessions if s.appliance.name == appliance]
        if not is_ours(peer.tags, self.desired):
            return _strangers(peer, session)
        # adopted and replaced by nothing declared: it was there before Tandem, so it stays
        if is_adopted(peer.tags) and not any(tag_of(peer.tags, ENDPOINT_TAG) == s.endpoint for s in own):
            return None
        delete = DeletePeer(peer.peer_id, appliance)
        why = reason(Code.SESSION_UNDECLARED, peer.peer_id) if session is None else session.difference(peer)
        successors = [s for s in own if s is not session]
        missing = [s for s in successors if s.peer is None or s.peer.state != AVAILABLE]
        # waiting for a session that itself waits for this peer to go would never end
        missing = [s for s in missing if not self._room_for(s, peer)]
        first = missing[0].reason(Code.UNTIL_SESSION) if missing else None
        owned = self.live.owned_by(appliance)
        is_spare, is_only = bool(session is None and owned), len(self.live.live_of(appliance)) == 1
        # a session that is down carries nothing, unless its routes are persisted
        # (docs/aws-facts.md#persistence)
        if not self.live.is_live(peer):
            spare = first if is_spare and peer.state == AVAILABLE else None
            return Step(delete, why, spare or self._persisted(peer))
        # an appliance that leaves the document loses all that it owns, whatever session carries it
        lost = owned if not own and owned else self.live.last_for(peer)
        if lost:
            successors = [s for s in successors if self._room_for(s, peer) != [peer.endpoint_id]]
            return self._last(delete, why, lost, successors, session)
        # make before break: the appliance must not be without a session in between
        if first and (is_only or is_spare):
            return Step(delete, why, first)
        busy = self._busy() if session is not None and owned else None
        hurt = reason(Code.ONLY_LIVE_SESSION if is_only else Code.ONE_OF_SESSIONS, appliance)
        return Step(delete, why, busy, interrupts=hurt)

    def _room_for(self, session: Session, peer: Peer) -> list[str]:
        """Returns the endpoints whose end makes room for the session's own in its full subnet, where the
        peer's is one of them: broken, and waiting for its peers to be gone. Such a session comes after the
        peer.
        """
        subnet_id = dict(self.desired.topology.route_server.endpoints).get(session.endpoint)
        there = [e for e in self.observed.endpoints if e.subnet_id == subnet_id and e.state != DELETED]
        going = [e for e in there if e.state in (DELETING, *BROKEN)]
        is_one = any(e.endpoint_id == peer.endpoint_id and e.state in BROKEN for e in going)
        waits = session.endpoint_id is None and len(there) >= MOST_ENDPOINTS_IN_SUBNET
        return [e.endpoint_id for e in going] if waits and is_one else []

    def _last(
        self,
        delete: DeletePeer,
        why: Reason,
        lost: list[str],
        successors: list[Session],
        session: Session | None,
    ) -> Step:
        """Returns what the owner's last session waits for: another session of its own, or leave to
        interrupt.
        """
        appliance = delete.appliance
        hurt = reason(Code.LAST_SESSION, appliance, carried=tuple(self._carried(appliance, lost)))
        # the route has to be on another session before this one ends; a readable FIB must show it
        if successors:
            advertises = successors[0].reason(Code.UNTIL_SESSION_ADVERTISES, prefixes=tuple(lost))
            return Step(delete, why, advertises if self.live.are_routes_known else UNREADABLE, hurt)
        # nobody else carries the route: ending it is an outage, which a person has to allow
        if not self.desired.may_interrupt:
            facts = {"because": why, "hurt": hurt, "is_unknown": not self.live.are_routes_known}
            where = session.path if session else path_of(["appliances", appliance])
            refused = problem_at(where, Code.WOULD_INTERRUPT, delete.about, **facts)
            return Step(delete, why, interrupts=hurt, refused=refused)
        return Step(delete, why, self._leave(appliance), hurt)

    def _carried(self, appliance: str, prefixes: list[str]) -> Iterator[Reason]:
        """Returns whose prefixes go with the session: the appliance's own, and those that it carries for
        others.
        """
        by_owner: dict[str, list[str]] = {}
        for prefix in prefixes:
            by_owner.setdefault(self.live.owner_of(prefix) or appliance, []).append(prefix)
        for owner, theirs in by_owner.items():
            yield reason(Code.OWNS if owner == appliance else Code.CARRIES, owner, prefixes=tuple(theirs))

    def _persisted(self, peer: Peer) -> Reason | None:
        """Returns what the end of a session that is down waits for; a failed one never comes back."""
        prefix = self.live.persisting(peer) if peer.state == AVAILABLE else None
        if prefix is None:
            return None
        if self.desired.may_interrupt:
            return self._leave(self.live.appliance(peer))
        return self.live.kept(prefix, Code.PERSISTED_BEFORE_END)

    def _leave(self, appliance: str) -> Reason | None:
        """Returns what the owner's last session waits for, though it may be interrupted: to know, and the
        standby.
        """
        if not self.live.are_routes_known:
            return UNREADABLE
        return self._busy() or self._standby(appliance)

    def _busy(self) -> Reason | None:
        """Returns a standby whose sessions AWS is still creating: it comes first."""
        for session in self.sessions:
            standby = not self.live.owned_by(session.appliance.name)
            if standby and (session.peer is None or session.peer.state != AVAILABLE):
                return session.reason(Code.UNTIL_STANDBY_SESSION)
        return None

    def _standby(self, appliance: str) -> Reason | None:
        """Returns somebody who takes over, where anybody could: an appliance that runs, or may."""
        others = [a for a in self.desired.topology.appliances.values() if a.name != appliance]
        if any(self.live.live_of(a.name) for a in others):
            return None
        states = self.observed.instance_states
        running = [a for a in others if a.instance_id and states.get(a.instance_id) == "running"]
        return reason(Code.UNTIL_STANDBY_UP, running[0].name) if running else None


def _strangers(peer: Peer, session: Session | None) -> Step | None:
    if session is None:
        return None
    facts = {"asn": peer.asn, "liveness": str(peer.liveness)}
    refused = problem_at(session.path, Code.PEER_OF_OTHERS, peer.peer_id, **facts)
    return Step(Keep(peer.peer_id), refused.reason, refused=refused)
