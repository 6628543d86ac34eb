"""The peers' part of a managed plan: a new session before the old one goes, the standby before the owner."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from tandem.model import Peer
from tandem.problems import Problem, path_of
from tandem.provisioning.endpointplan import Matched, consent_problem
from tandem.provisioning.interruption import Sessions
from tandem.provisioning.managed import (
    ALIVE,
    AVAILABLE,
    DELETED,
    DELETING,
    FAILED,
    FAILING,
    PENDING,
    Desired,
    Observed,
    given_up,
    is_adopted,
    is_ours,
    tag_of,
)
from tandem.provisioning.managesteps import UNKNOWN, Await, CreatePeer, DeletePeer, Keep, SetTags, Step
from tandem.tags import ADOPTED_TAG, APPLIANCE_TAG, ENDPOINT_TAG
from tandem.topology import Appliance

UNREADABLE = "the routing database cannot be read"


@dataclass(frozen=True, slots=True)
class Session:
    """One declared session, the peer that serves it, and the peers that stand in its way."""

    appliance: Appliance
    endpoint: str
    address: str
    endpoint_id: str | None
    is_open: bool
    """Whether its endpoint takes peers."""
    peer: Peer | None = None
    others: tuple[Peer, ...] = ()

    @property
    def words(self) -> str:
        return f"{self.appliance.name}'s session at {self.endpoint}"

    @property
    def path(self) -> str:
        return path_of(["appliances", self.appliance.name, "peers", self.endpoint])


def sessions_of(desired: Desired, observed: Observed, matched: Matched) -> list[Session]:
    """Every declared session, in the order of the document."""
    found = []
    for appliance in desired.topology.appliances.values():
        for name, address in appliance.peers:
            endpoint = matched.by_name.get(name)
            at = [
                p
                for p in observed.peers
                if endpoint and (p.endpoint_id, p.peer_address) == (endpoint.endpoint_id, address)
            ]
            at = [p for p in at if p.state != DELETED]
            fits = [
                p
                for p in at
                if p.state in ALIVE and (p.asn, p.liveness) == (appliance.asn, appliance.liveness)
            ]
            fits.sort(key=lambda p: (p.state != AVAILABLE, p.peer_id))
            peer = fits[0] if fits else None
            found.append(
                Session(
                    appliance,
                    name,
                    address,
                    endpoint.endpoint_id if endpoint else None,
                    bool(endpoint and endpoint.state == AVAILABLE),
                    peer,
                    tuple(p for p in at if p is not peer),
                )
            )
    return found


def peer_steps(desired: Desired, observed: Observed, matched: Matched, wait: str | None) -> Iterator[Step]:
    """What opens sessions, then what ends the old ones, each only where the route stays."""
    sessions = sessions_of(desired, observed, matched)
    for session in sessions:
        yield from _opened(desired, session, wait)
    yield from _ended(desired, observed, sessions)


def _opened(desired: Desired, session: Session, wait: str | None) -> Iterator[Step]:
    if session.peer is not None:
        yield from _kept(desired, session, session.peer)
        return
    create = CreatePeer(
        session.endpoint_id or UNKNOWN,
        session.endpoint,
        session.appliance.name,
        session.address,
        session.appliance.asn,
        session.appliance.liveness,
        _tags(desired, session),
    )
    blocking = next(iter(session.others), None)
    failed = (_difference(session, p) for p in session.others if p.state == FAILED)
    refused = given_up(session.words, session.path, desired, failed)
    if refused is not None:
        yield Step(create, f"{session.words} has no peer", refused=refused)
    elif blocking is not None:
        yield Step(create, _difference(session, blocking), f"{blocking.peer_id} to be gone")
    elif not session.is_open:
        yield Step(create, f"{session.words} has no peer", f"endpoint {session.endpoint} to be available")
    else:
        yield Step(create, f"{session.words} has no peer", wait)


def _kept(desired: Desired, session: Session, peer: Peer) -> Iterator[Step]:
    wanted, found = _tags(desired, session), dict(peer.tags)
    if any(found.get(key) != value for key, value in wanted):
        if is_ours(peer.tags, desired):
            yield Step(SetTags(peer.peer_id, wanted), f"it is {session.words}")
        else:
            refused = consent_problem(peer.peer_id, peer.tags, session.path, desired)
            reason = f"it was there before and is {session.words} now"
            yield Step(SetTags(peer.peer_id, (*wanted, (ADOPTED_TAG, "true"))), reason, refused=refused)
    if peer.state != AVAILABLE:
        yield Step(Await(peer.peer_id), f"{session.words} is {peer.state}", f"{peer.peer_id} to be available")


def _ended(desired: Desired, observed: Observed, sessions: list[Session]) -> Iterator[Step]:
    """One by one: what ends counts as gone for what comes after it."""
    live = Sessions(desired, observed)
    serving = {s.peer.peer_id for s in sessions if s.peer}
    in_the_way = {p.peer_id: s for s in sessions for p in s.others}
    going = [p for p in observed.peers if p.peer_id not in serving and p.state != DELETED]
    going = [p for p in going if p.peer_id in in_the_way or is_ours(p.tags, desired)]

    def rank(peer: Peer) -> tuple[bool, bool, str]:
        return bool(live.owned_by(live.appliance(peer))), live.is_live(peer), peer.peer_id

    for peer in sorted(going, key=rank):
        if peer.state in (DELETING, PENDING, FAILING):
            until = "gone" if peer.state == DELETING else f"no longer {peer.state}"
            yield Step(Await(peer.peer_id), f"it is {peer.state}", f"{peer.peer_id} to be {until}")
            continue
        step = _end(desired, observed, sessions, live, peer, in_the_way.get(peer.peer_id))
        if step is not None:
            if step.is_ready:
                live.end(peer)
            yield step


def _end(
    desired: Desired,
    observed: Observed,
    sessions: list[Session],
    live: Sessions,
    peer: Peer,
    session: Session | None,
) -> Step | None:
    """The step that deletes the peer; None for what was there before Tandem and replaces nothing."""
    appliance = live.appliance(peer)
    own = [s for s in sessions if s.appliance.name == appliance]
    if not is_ours(peer.tags, desired):
        return _strangers(peer, session)
    if is_adopted(peer.tags) and not any(tag_of(peer.tags, ENDPOINT_TAG) == s.endpoint for s in own):
        return None
    delete = DeletePeer(peer.peer_id, appliance)
    reason = _reason(peer, session)
    successors = [s for s in own if s is not session]
    missing = [s for s in successors if s.peer is None or s.peer.state != AVAILABLE]
    first = f"{missing[0].words} to be available" if missing else None
    owned = live.owned_by(appliance)
    is_spare, is_only = bool(session is None and owned), len(live.live_of(appliance)) == 1
    if not live.is_live(peer):
        spare = first if is_spare and peer.state == AVAILABLE else None
        return Step(delete, reason, spare or _persisted(desired, observed, sessions, live, peer))
    prefix = live.last_for(peer)
    if not own and owned:
        prefix = owned[0]
    if prefix is not None:
        return _last(desired, observed, sessions, live, Step(delete, reason), prefix, successors, session)
    if first and (is_only or is_spare):
        return Step(delete, reason, first)
    busy = _busy(sessions, live) if session is not None and owned else None
    keeps = "the only one that is live" if is_only else "which keeps another"
    return Step(delete, reason, busy, interrupts=f"one of {appliance}'s sessions, {keeps}")


def _last(
    desired: Desired,
    observed: Observed,
    sessions: list[Session],
    live: Sessions,
    step: Step,
    prefix: str,
    successors: list[Session],
    session: Session | None,
) -> Step:
    """The owner would lose the prefix: another session of its own first, or leave to interrupt."""
    appliance = step.do.appliance if isinstance(step.do, DeletePeer) else ""
    owner = live.owner_of(prefix) or appliance
    carries = "which owns" if owner == appliance else f"which carries for {owner}"
    hurt = f"{appliance}, {carries} {prefix}"
    if successors:
        advertises = f"{successors[0].words} to have BGP up and to advertise {prefix}"
        waits = advertises if live.are_routes_known else f"the routes: {UNREADABLE}"
        return Step(step.do, step.reason, waits, hurt)
    if not desired.may_interrupt:
        known = "" if live.are_routes_known else f" as far as anybody can tell: {UNREADABLE}"
        what = f"{step.reason}; it is the last live session of {hurt}{known}"
        where = session.path if session else path_of(["appliances", appliance])
        return Step(
            step.do,
            step.reason,
            None,
            hurt,
            Problem(
                where,
                what,
                "--allow-interruption (AllowInterruption: true), or the route with another appliance first",
            ),
        )
    return Step(step.do, step.reason, _leave(desired, observed, sessions, live, appliance), hurt)


def _persisted(
    desired: Desired, observed: Observed, sessions: list[Session], live: Sessions, peer: Peer
) -> str | None:
    """What the end of a session that is down waits for; a failed one never comes back."""
    prefix = live.persisting(peer) if peer.state == AVAILABLE else None
    if prefix is None:
        return None
    if desired.may_interrupt:
        return _leave(desired, observed, sessions, live, live.appliance(peer))
    if not live.are_routes_known:
        return f"the routes: {UNREADABLE}"
    return (
        f"{live.owner_of(prefix)} to have BGP up: {prefix} is in the FIB though its sessions are down, "
        "and AWS does not say what the end of a peer does to that"
    )


def _leave(
    desired: Desired, observed: Observed, sessions: list[Session], live: Sessions, appliance: str
) -> str | None:
    """What the owner's last session waits for, though it may be interrupted: to know, and the standby."""
    if not live.are_routes_known:
        return f"the routes: {UNREADABLE}"
    return _busy(sessions, live) or _standby(desired, observed, live, appliance)


def _busy(sessions: list[Session], live: Sessions) -> str | None:
    """A standby whose sessions are still being made: it comes first."""
    for session in sessions:
        standby = not live.owned_by(session.appliance.name)
        if standby and (session.peer is None or session.peer.state != AVAILABLE):
            return f"{session.words} to be available: the standby comes first"
    return None


def _standby(desired: Desired, observed: Observed, live: Sessions, appliance: str) -> str | None:
    """Somebody who takes over, where anybody could: an appliance that runs, or may."""
    others = [a for a in desired.topology.appliances.values() if a.name != appliance]
    if any(live.live_of(a.name) for a in others):
        return None
    running = [
        a for a in others if a.instance_id and observed.instance_states.get(a.instance_id) == "running"
    ]
    return f"{running[0].name} to have BGP up: it takes over meanwhile" if running else None


def _strangers(peer: Peer, session: Session | None) -> Step | None:
    if session is None:
        return None
    said = f"{peer.peer_id} is there with ASN {peer.asn} and {peer.liveness}, and is not Tandem's to replace"
    return Step(
        Keep(peer.peer_id),
        said,
        refused=Problem(session.path, said, "declared as it is, or deleted by its owner"),
    )


def _reason(peer: Peer, session: Session | None) -> str:
    if session is None:
        return "the topology has no such session any more"
    return _difference(session, peer)


def _difference(session: Session, peer: Peer) -> str:
    if peer.state in (FAILED, FAILING):
        because = f" ({peer.failure_reason})" if peer.failure_reason else ""
        return f"{session.words} is {peer.state}{because}"
    if peer.state == DELETING:
        return f"{session.words} has no peer but {peer.peer_id}, which is being deleted"
    wanted = f"ASN {session.appliance.asn}, {session.appliance.liveness}"
    return f"{peer.peer_id} has ASN {peer.asn}, {peer.liveness} instead of {wanted}, and AWS changes no peer"


def _tags(desired: Desired, session: Session) -> tuple[tuple[str, str], ...]:
    return (*desired.tags.items(), (ENDPOINT_TAG, session.endpoint), (APPLIANCE_TAG, session.appliance.name))
