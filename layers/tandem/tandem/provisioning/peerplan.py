"""The peers' part of a managed plan: a new session before the old one goes, the standby before the owner."""

from __future__ import annotations

from collections.abc import Iterator

from tandem.model import Peer
from tandem.provisioning.endpointplan import Matched, consent_problem
from tandem.provisioning.managed import AVAILABLE, FAILED, Desired, Observed, given_up, is_ours
from tandem.provisioning.managesteps import UNKNOWN, Await, CreatePeer, SetTags, Step
from tandem.provisioning.sessionends import ended
from tandem.provisioning.sessions import Session, sessions_of
from tandem.tags import ADOPTED_TAG


def peer_steps(desired: Desired, observed: Observed, matched: Matched, wait: str | None) -> Iterator[Step]:
    """What opens sessions, then what ends the old ones, each only where the route stays."""
    sessions = sessions_of(desired, observed, matched)
    for session in sessions:
        yield from _opened(desired, session, wait)
    yield from ended(desired, observed, sessions)


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
        session.tags(desired),
    )
    blocking = next(iter(session.others), None)
    failed = (session.difference(p) for p in session.others if p.state == FAILED)
    refused = given_up(session.words, session.path, desired, failed)
    if refused is not None:
        yield Step(create, f"{session.words} has no peer", refused=refused)
    elif blocking is not None:
        yield Step(create, session.difference(blocking), f"{blocking.peer_id} to be gone")
    elif not session.is_open:
        yield Step(create, f"{session.words} has no peer", f"endpoint {session.endpoint} to be available")
    else:
        yield Step(create, f"{session.words} has no peer", wait)


def _kept(desired: Desired, session: Session, peer: Peer) -> Iterator[Step]:
    wanted, found = session.tags(desired), dict(peer.tags)
    if any(found.get(key) != value for key, value in wanted):
        if is_ours(peer.tags, desired):
            yield Step(SetTags(peer.peer_id, wanted), f"it is {session.words}")
        else:
            refused = consent_problem(peer.peer_id, peer.tags, session.path, desired)
            reason = f"it was there before and is {session.words} now"
            yield Step(SetTags(peer.peer_id, (*wanted, (ADOPTED_TAG, "true"))), reason, refused=refused)
    if peer.state != AVAILABLE:
        yield Step(Await(peer.peer_id), f"{session.words} is {peer.state}", f"{peer.peer_id} to be available")
