"""The endpoints' part of a managed plan: which one serves which name, which are created, renamed, deleted."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial

from tandem.provisioning.managed import (
    ALIVE,
    AVAILABLE,
    BROKEN,
    DELETED,
    DELETING,
    FAILED,
    FAILING,
    Desired,
    Observed,
    given_up,
    has_consent,
    is_adopted,
    is_created,
    is_foreign,
    is_ours,
    tag_of,
    token,
)
from tandem.provisioning.managesteps import Await, CreateEndpoint, DeleteEndpoint, Keep, SetTags, Step
from tandem.reasons.provisioning import ProvisioningCode as Code
from tandem.reasons.reason import Reason, reason
from tandem.tags import ADOPTED_TAG, ENDPOINT_TAG
from tandem.topology.consent import network_consent
from tandem.topology.crosschecks import MOST_ENDPOINTS_IN_SUBNET
from tandem.topology.inventory import Endpoint
from tandem.topology.problems import Problem, path_of, problem_at

_Signature = frozenset[tuple[str, str]]


@dataclass(slots=True)
class Matched:
    """Endpoint names with the endpoint that serves each, and what serves none."""

    by_name: dict[str, Endpoint] = field(default_factory=dict)
    surplus: list[Endpoint] = field(default_factory=list)
    ambiguous: dict[str, list[Endpoint]] = field(default_factory=dict)


def match(desired: Desired, observed: Observed) -> Matched:
    """Matches ours by name, ours under another name, then, where one is adopted, those that existed
    before.
    """
    matched = Matched()
    there = [e for e in observed.endpoints if e.state in (*ALIVE, FAILING)]
    ours = [e for e in there if is_ours(e.tags, desired)]
    wanted = dict(desired.topology.route_server.endpoints)
    for name, subnet_id in wanted.items():
        named = [e for e in ours if e.subnet_id == subnet_id and tag_of(e.tags, ENDPOINT_TAG) == name]
        _take(matched, name, sorted(named, key=lambda e: (e.state != AVAILABLE, e.endpoint_id)))
    for name, subnet_id in wanted.items():
        if name not in matched.by_name:
            spare = [e for e in _spare(ours, matched) if e.subnet_id == subnet_id]
            _take(matched, name, sorted(spare, key=partial(_fit, name, desired, observed)))
    if desired.adopts is not None:
        _adopt(desired, observed, there, matched)
    matched.surplus = _spare([e for e in observed.endpoints if is_ours(e.tags, desired)], matched)
    return matched


def endpoint_steps(
    desired: Desired, observed: Observed, matched: Matched, server_id: str, wait: Reason | None
) -> Iterator[Step]:
    """Returns the steps for each name's endpoint; `wait` is what keeps the route server from taking calls."""
    begun: Counter[str] = Counter()
    for name, subnet_id in desired.topology.route_server.endpoints:
        endpoint = matched.by_name.get(name)
        if name in matched.ambiguous:
            yield _ambiguous(name, matched.ambiguous[name])
        elif endpoint is None:
            step = _create(desired, observed, name, subnet_id, server_id, wait, begun[subnet_id])
            begun[subnet_id] += step.is_ready
            yield step
        else:
            yield from _labelled(desired, name, endpoint)
            if endpoint.state != AVAILABLE:
                state, because = endpoint.state, endpoint.failure_reason
                why = reason(Code.ENDPOINT_STATE, name, state=state, because=because)
                until = reason(Code.UNTIL_AVAILABLE, endpoint.endpoint_id)
                yield Step(Await(endpoint.endpoint_id), why, until)


def removal_steps(desired: Desired, observed: Observed, matched: Matched) -> Iterator[Step]:
    """Takes away what serves no name any more or is broken: only what Tandem created, after its peers."""
    for endpoint in matched.surplus:
        what = endpoint.endpoint_id
        named = tag_of(endpoint.tags, ENDPOINT_TAG) or "no name"
        if endpoint.state == DELETED:
            continue
        if endpoint.state == DELETING:
            yield Step(Await(what), reason(Code.BEING_DELETED, what), reason(Code.UNTIL_GONE, what))
        elif is_adopted(endpoint.tags):
            # what was there before Tandem is its owner's to delete, and in nobody's way while it works
            if endpoint.state in BROKEN:
                facts = {"name": named, "state": endpoint.state, "because": endpoint.failure_reason}
                refused = problem_at(_path(named), Code.ADOPTED_ENDPOINT_BROKEN, what, **facts)
                yield Step(Keep(what), refused.reason, refused=refused)
        elif endpoint.state not in (AVAILABLE, *BROKEN):
            # EC2 refuses to delete an endpoint that it is still making
            until = reason(Code.UNTIL_LEFT_STATE, what, state=endpoint.state)
            yield Step(DeleteEndpoint(what), reason(Code.ENDPOINT_OF_NO_NAME, what), until)
        else:
            yield _remove(desired, observed, endpoint, named)


def _remove(desired: Desired, observed: Observed, endpoint: Endpoint, named: str) -> Step:
    what = endpoint.endpoint_id
    why = reason(Code.ENDPOINT_UNDECLARED, named, subnet_id=endpoint.subnet_id)
    if endpoint.state in BROKEN:
        why = _broken(named, endpoint)
    peers = [p for p in observed.peers if p.endpoint_id == what]
    strangers = tuple(p.peer_id for p in peers if not is_created(p.tags, desired))
    if strangers:
        refused = problem_at(_path(named), Code.PEERS_OF_OTHERS, what, peers=strangers)
        return Step(DeleteEndpoint(what), why, refused=refused)
    ids = tuple(p.peer_id for p in peers)
    return Step(DeleteEndpoint(what), why, reason(Code.UNTIL_ALL_GONE, what, peers=ids) if ids else None)


def _create(
    desired: Desired,
    observed: Observed,
    name: str,
    subnet_id: str,
    server_id: str,
    wait: Reason | None,
    begun: int,
) -> Step:
    """Creates the endpoint; `begun` is how many the same plan creates in the subnet before it."""
    in_subnet = [e for e in observed.endpoints if e.subnet_id == subnet_id and e.state != DELETED]
    why = reason(Code.NO_ENDPOINT, name, subnet_id=subnet_id)
    going = [
        e for e in in_subnet if e.state == DELETING or (e.state in BROKEN and is_created(e.tags, desired))
    ]
    made = CreateEndpoint(
        server_id,
        name,
        subnet_id,
        _token(desired, observed, name, subnet_id, server_id),
        _tags(desired, name),
    )
    failed = [e for e in observed.endpoints if e.state == FAILED and tag_of(e.tags, ENDPOINT_TAG) == name]
    now = (_broken(name, e) for e in failed if is_created(e.tags, desired))
    # AWS failed it too often: a person has to correct the cause before Tandem tries again
    refused = given_up(Code.ENDPOINT_FAILED, name, _path(name), desired, now)
    refused = refused or network_consent(_path(name), subnet_id, observed.consents, desired.stack)
    if refused is not None:
        return Step(made, why, refused=refused)
    if len(in_subnet) + begun < MOST_ENDPOINTS_IN_SUBNET:
        return Step(made, why, wait)
    # one on its way out still counts towards the quota, and makes room by itself
    if going:
        return Step(made, why, reason(Code.UNTIL_GONE, going[0].endpoint_id))
    facts = {"count": len(in_subnet), "endpoints": _ids(in_subnet), "most": MOST_ENDPOINTS_IN_SUBNET}
    return Step(made, why, refused=problem_at(_path(name), Code.SUBNET_FULL, subnet_id, **facts))


def _labelled(desired: Desired, name: str, endpoint: Endpoint) -> Iterator[Step]:
    wanted, found = _tags(desired, name), dict(endpoint.tags)
    if all(found.get(key) == value for key, value in wanted):
        return
    # our own tags on it say that its owner has agreed before
    if is_ours(endpoint.tags, desired):
        why = reason(Code.ENDPOINT_TAGS_DIFFER, endpoint.endpoint_id, name=name)
        yield Step(SetTags(endpoint.endpoint_id, wanted), why)
        return
    step = SetTags(endpoint.endpoint_id, (*wanted, (ADOPTED_TAG, "true")))
    why = reason(Code.ENDPOINT_ADOPTED, endpoint.endpoint_id, name=name)
    refused = adoption_problem(endpoint.endpoint_id, endpoint.tags, _path(name), desired)
    yield Step(step, why, refused=refused)


def adoption_problem(
    resource_id: str, tags: tuple[tuple[str, str], ...], path: str, desired: Desired
) -> Problem | None:
    """Returns what keeps Tandem from adopting a resource: its owner has not agreed
    (docs/security.md#the-owners-tag-is-the-consent).
    """
    if is_foreign(tags, desired):
        return problem_at(path, Code.ADOPTION_OF_MANAGED, resource_id, tags=str(dict(tags)))
    if has_consent(tags, desired):
        return None
    return problem_at(path, Code.ADOPTION_WITHOUT_TAG, resource_id, stack=desired.stack)


def _adopt(desired: Desired, observed: Observed, there: list[Endpoint], matched: Matched) -> None:
    """Adopts by its name in a tag; else by subnet, where it makes no difference which of them it is."""
    open_names: dict[str, list[str]] = defaultdict(list)
    for name, subnet_id in desired.topology.route_server.endpoints:
        if name not in matched.by_name:
            labels = [e for e in _spare(there, matched) if e.subnet_id == subnet_id and name in _labels(e)]
            # two endpoints claim the name: to guess could end the sessions of the wrong one
            if len(labels) > 1:
                matched.ambiguous[name] = labels
            elif labels:
                matched.by_name[name] = labels[0]
            else:
                open_names[subnet_id].append(name)
    for subnet_id, names in open_names.items():
        spare = sorted(
            (e for e in _spare(there, matched) if e.subnet_id == subnet_id), key=lambda e: e.endpoint_id
        )
        # names whose sessions are the same on endpoints that look the same may be given in any order
        alike = len({_declared_at(name, desired) for name in names}) == 1
        seen = {_seen_at(e, observed) for e in spare}
        if spare and (
            len(names) == len(spare) == 1 or (alike and len(seen) == 1 and len(spare) == len(names))
        ):
            matched.by_name |= dict(zip(names, spare, strict=True))
        elif spare:
            # a wrong guess would end the sessions of another name: a person has to say which one is meant
            matched.ambiguous |= dict.fromkeys(names, spare)


def _ambiguous(name: str, candidates: list[Endpoint]) -> Step:
    facts = {"name": name, "candidates": _ids(candidates)}
    refused = problem_at(_path(name), Code.ENDPOINT_AMBIGUOUS, by_step=False, **facts)
    why = reason(Code.ENDPOINT_AMBIGUOUS, name, by_step=True, **facts)
    return Step(Keep(name), why, refused=refused)


def _token(desired: Desired, observed: Observed, name: str, subnet_id: str, server_id: str) -> str:
    """Returns another token for each successor: EC2 would answer the old one with what is gone."""
    before = {
        e.endpoint_id
        for e in observed.endpoints
        if e.state not in ALIVE and tag_of(e.tags, ENDPOINT_TAG) == name
    }
    alive = {e.endpoint_id for e in observed.endpoints if e.state in ALIVE}
    former = desired.former.get(name)
    before |= {former} if former and former not in alive else set()
    return token(desired, "endpoint", server_id, name, subnet_id, *sorted(before), *desired.topology.tags)


def _tags(desired: Desired, name: str) -> tuple[tuple[str, str], ...]:
    return (*desired.labels, (ENDPOINT_TAG, name))


def _take(matched: Matched, name: str, found: list[Endpoint]) -> None:
    if found:
        matched.by_name[name] = found[0]


def _spare(endpoints: list[Endpoint], matched: Matched) -> list[Endpoint]:
    taken = {e.endpoint_id for e in matched.by_name.values()}
    return [e for e in endpoints if e.endpoint_id not in taken]


def _fit(name: str, desired: Desired, observed: Observed, endpoint: Endpoint) -> tuple[int, str]:
    """Prefers the endpoint that has more of the name's sessions already."""
    return -len(_declared_at(name, desired) & _seen_at(endpoint, observed)), endpoint.endpoint_id


def _declared_at(name: str, desired: Desired) -> _Signature:
    sessions = ((a, dict(a.peers).get(name)) for a in desired.topology.appliances.values())
    return frozenset((address, str(a.asn)) for a, address in sessions if address is not None)


def _seen_at(endpoint: Endpoint, observed: Observed) -> _Signature:
    return frozenset(
        (p.peer_address, str(p.asn)) for p in observed.peers if p.endpoint_id == endpoint.endpoint_id
    )


def _labels(endpoint: Endpoint) -> set[str | None]:
    return {tag_of(endpoint.tags, ENDPOINT_TAG), tag_of(endpoint.tags, "Name")}


def _broken(name: str, endpoint: Endpoint) -> Reason:
    code = Code.ENDPOINT_FAILED if endpoint.state == FAILED else Code.ENDPOINT_DELETE_FAILED
    return reason(code, name, because=endpoint.failure_reason)


def _ids(endpoints: list[Endpoint]) -> tuple[str, ...]:
    return tuple(sorted(e.endpoint_id for e in endpoints))


def _path(name: str) -> str:
    return path_of(["route_server", "endpoints", name])
