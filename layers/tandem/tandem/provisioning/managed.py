"""A managed route server: what shall be, what AWS shows of it, whose it is. The plan's vocabulary."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from tandem.model import NetworkInterface, Peer, Route, RouteServer
from tandem.reasons.provisioning import ProvisioningCode
from tandem.reasons.reason import Reason
from tandem.tags import ADOPTED_TAG, OWNER_TAG, STACK_TAG, TOPOLOGY_TAG
from tandem.topology.document import Topology
from tandem.topology.inventory import Endpoint
from tandem.topology.problems import Problem, problem_at

Tags = tuple[tuple[str, str], ...]

ALIVE = frozenset({"pending", "available"})
AVAILABLE, PENDING, DELETING, DELETED = "available", "pending", "deleting", "deleted"
FAILING, FAILED, DELETE_FAILED = "failing", "failed", "delete-failed"
BROKEN = frozenset({FAILED, DELETE_FAILED})
_RESTING = BROKEN | {AVAILABLE, DELETED, "associated", "enabled", "disabled", None}

MOST_FAILURES = 3
"""So often AWS may fail what is to be made, towards one version of a topology."""


@dataclass(frozen=True, slots=True)
class Desired:
    """What shall be: the document, and what is known from earlier runs."""

    topology: Topology
    stack: str
    adopts: str | None = None
    """The route server that the document names: one that was there before."""
    may_interrupt: bool = False
    former: Mapping[str, str] = field(default_factory=dict)
    """Endpoint name to the ID that was last recorded for it; the route server's under `ROUTE_SERVER`."""
    propagated: tuple[str, ...] = ()
    """Route tables to which Tandem has enabled propagation: it cannot be tagged, so it is recorded."""
    gone: tuple[str, ...] = ()
    """Route tables and VPCs that EC2 does not know any more: what it lists of them is in nobody's way."""
    failed: tuple[Reason, ...] = ()
    """Why AWS failed what was deleted for that, towards this version of the document."""

    @property
    def tags(self) -> dict[str, str]:
        """What says whose it is, on everything that Tandem manages."""
        return {STACK_TAG: self.stack, TOPOLOGY_TAG: self.topology.name}

    @property
    def labels(self) -> Tags:
        """All that is the same on everything that Tandem manages: with the tags of the document."""
        return (*self.tags.items(), *self.topology.tags)


ROUTE_SERVER = "route server"
"""The route server's own name beside the endpoints' names, which have no blank."""


@dataclass(frozen=True, slots=True)
class Observed:
    """One reading of AWS. Tombstones are in it: they say which client tokens were used up."""

    servers: tuple[RouteServer, ...] = ()
    """Every route server of the account and Region."""
    associations: tuple[tuple[str, str], ...] = ()
    """VPC and state, of the topology's route server, as all that follows."""
    endpoints: tuple[Endpoint, ...] = ()
    peers: tuple[Peer, ...] = ()
    propagations: tuple[tuple[str, str], ...] = ()
    """Route table and state."""
    routes: tuple[Route, ...] | None = ()
    """None where the routing database could not be read: nobody knows who owns what."""
    consents: Mapping[str, str | None] = field(default_factory=dict)
    """The owner's tag on each VPC, subnet and route table of the document; None where there is none."""
    interfaces: Mapping[str, NetworkInterface] = field(default_factory=dict)
    instance_states: Mapping[str, str] = field(default_factory=dict)


def is_ours(tags: Iterable[tuple[str, str]], desired: Desired) -> bool:
    """Whether the resource carries the tags of this stack and topology."""
    found = dict(tags)
    return all(found.get(key) == value for key, value in desired.tags.items())


def is_adopted(tags: Iterable[tuple[str, str]]) -> bool:
    return ADOPTED_TAG in dict(tags)


def is_created(tags: Iterable[tuple[str, str]], desired: Desired) -> bool:
    """Whether Tandem created it for this topology. Only that is deleted, but for an adopted peer that makes
    room for the new one of its session."""
    return is_ours(tags, desired) and not is_adopted(tags)


def is_foreign(tags: Iterable[tuple[str, str]], desired: Desired) -> bool:
    """Whether it is managed by another stack, or for another topology."""
    return STACK_TAG in dict(tags) and not is_ours(tags, desired)


def has_consent(tags: Iterable[tuple[str, str]], desired: Desired) -> bool:
    """Whether its owner lets this stack take it (docs/security.md#the-owners-tag-is-the-consent); what Tandem
    made needs no consent."""
    found = dict(tags)
    return found.get(OWNER_TAG) == desired.stack or is_ours(tags, desired)


def given_up(
    code: ProvisioningCode, subject: str, path: str, desired: Desired, failed: Iterable[Reason]
) -> Problem | None:
    """Returns what keeps Tandem from making it once more: AWS has failed it so often that it would go on for
    ever.

    `code` and `subject` name the failure. `failed` are those that AWS shows now; what had failed and was
    deleted for that is recorded.
    """
    times = [*(before for before in desired.failed if before.identity == (code, subject)), *failed]
    if len(times) < MOST_FAILURES:
        return None
    return problem_at(path, ProvisioningCode.GIVEN_UP, subject, last=times[-1], times=len(times))


def server_of(desired: Desired, servers: Iterable[RouteServer]) -> RouteServer | None:
    """The topology's route server: the declared one, or the one with its tags; tombstones do not exist.

    A deleting one counts, so that the next is made when it is gone. Of several the recorded one.
    """
    there = [s for s in servers if s.state != DELETED]
    if desired.adopts is not None:
        return next((s for s in there if s.route_server_id == desired.adopts), None)
    ours = [s for s in there if is_ours(s.tags, desired)]
    recorded = [s for s in ours if s.route_server_id == desired.former.get(ROUTE_SERVER)]
    return next(iter([*recorded, *sorted(ours, key=lambda s: s.route_server_id)]), None)


def is_moving(desired: Desired, observed: Observed) -> bool:
    """Whether AWS is at something: what is neither up nor gone nor failed becomes another without anybody."""
    server = server_of(desired, observed.servers)
    states = [server.state, server.persist_state] if server is not None else []
    states += [state for _, state in (*observed.associations, *observed.propagations)]
    states += [endpoint.state for endpoint in observed.endpoints]
    states += [peer.state for peer in observed.peers]
    return not _RESTING.issuperset(states)


def token(desired: Desired, kind: str, *parts: object) -> str:
    """A client token that a crash between call and record does not change (docs/aws-facts.md#client-tokens:
    64 characters).

    `parts` name what is made and its predecessors, so that a successor gets a token of its own.
    """
    text = "\n".join(str(part) for part in (desired.stack, desired.topology.name, kind, *parts))
    return f"tandem-{hashlib.sha256(text.encode()).hexdigest()[:48]}"


def tag_of(tags: Iterable[tuple[str, str]], key: str) -> str | None:
    return dict(tags).get(key)
