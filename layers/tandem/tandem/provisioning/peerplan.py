"""The peers' part of a managed plan: a new session before the old one goes, the standby before the owner."""

from __future__ import annotations

from collections.abc import Iterator

from tandem.model import Peer
from tandem.provisioning.endpointplan import Matched, adoption_problem
from tandem.provisioning.managed import AVAILABLE, FAILED, Desired, Observed, given_up, is_ours
from tandem.provisioning.managesteps import UNKNOWN, Await, CreatePeer, SetTags, Step
from tandem.provisioning.sessionends import ended
from tandem.provisioning.sessions import Session, declared_sessions
from tandem.reasons.provisioning import ProvisioningCode as Code
from tandem.reasons.reason import Reason, reason
from tandem.tags import ADOPTED_TAG


def peer_steps(desired: Desired, observed: Observed, matched: Matched, wait: Reason | None) -> Iterator[Step]:
    """Yields what opens sessions, then what ends the old ones, each only where the route stays."""
    sessions = declared_sessions(desired, observed, matched)
    for session in sessions:
        yield from _opened(desired, session, wait)
    yield from ended(desired, observed, sessions)


def _opened(desired: Desired, session: Session, wait: Reason | None) -> Iterator[Step]:
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
    refused = given_up(Code.SESSION_FAILED, session.name, session.path, desired, failed)
    why = session.reason(Code.SESSION_WITHOUT_PEER)
    if refused is not None:
        yield Step(create, why, refused=refused)
    elif blocking is not None:
        yield Step(create, session.difference(blocking), reason(Code.UNTIL_GONE, blocking.peer_id))
    elif not session.is_open:
        yield Step(create, why, reason(Code.UNTIL_ENDPOINT, session.endpoint))
    else:
        yield Step(create, why, wait)


def _kept(desired: Desired, session: Session, peer: Peer) -> Iterator[Step]:
    wanted, found = session.tags(desired), dict(peer.tags)
    if any(found.get(key) != value for key, value in wanted):
        if is_ours(peer.tags, desired):
            yield Step(SetTags(peer.peer_id, wanted), session.reason(Code.SESSION_TAGS_DIFFER))
        else:
            refused = adoption_problem(peer.peer_id, peer.tags, session.path, desired)
            step = SetTags(peer.peer_id, (*wanted, (ADOPTED_TAG, "true")))
            yield Step(step, session.reason(Code.SESSION_ADOPTED), refused=refused)
    if peer.state != AVAILABLE:
        why = session.reason(Code.SESSION_STATE, state=peer.state, because=None)
        yield Step(Await(peer.peer_id), why, reason(Code.UNTIL_AVAILABLE, peer.peer_id))
