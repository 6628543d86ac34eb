"""The second pass over a topology document: whether its parts fit each other.

Tolerant of any shape, so that what the schema refuses in one place hides nothing in another.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from itertools import zip_longest
from typing import Any

from tandem.problems import Problem, nearest, path_of
from tandem.topology import canonical_prefix
from tandem.validation import draft
from tandem.validation.addresses import addresses_of_interfaces, addresses_of_one_appliance
from tandem.validation.draft import Claim

Check = Callable[[dict[str, Any]], Iterator[Problem]]

TO_MANAGE = {
    "vpc_id": "the route server's VPC, vpc-…; or manage: false, to watch what something else manages",
    "amazon_side_asn": "the route server's own ASN, or the id of one that is there",
    "endpoints": "the endpoints: a name of your choice to the ID of its subnet",
}
UNASKED = " where nothing else is said (manage: true)"

MOST_ENDPOINTS_IN_SUBNET = 2
MOST_PEERS_OF_PREFIX = 32
MOST_ROUTES = 100


def crosscheck(document: object) -> list[Problem]:
    """Every problem between the parts of a normalised document."""
    if not isinstance(document, dict):
        return []
    return [problem for check in CHECKS for problem in check(document)]


def says_which_route_server(root: dict[str, Any]) -> Iterator[Problem]:
    """What is watched has an ID; what is managed has all that it is made of."""
    server, manage = draft.server(root), root.get("manage", True)
    if manage is False and "id" not in server:
        missing = "is missing, and with manage: false it says which route server to watch"
        yield Problem("route_server.id", missing, "the route server's ID, rs-…")
    if manage is True and isinstance(root.get("route_server"), dict):
        why = "is missing, and Tandem manages the route server" + ("" if "manage" in root else UNASKED)
        for name, right in TO_MANAGE.items():
            if name not in server and not (name == "amazon_side_asn" and "id" in server):
                yield Problem(f"route_server.{name}", why, right)


def known_endpoints(root: dict[str, Any]) -> Iterator[Problem]:
    """With `manage: false` the endpoints may be left out: the names under `peers` are labels then."""
    if "endpoints" not in draft.server(root) and root.get("manage") is False:
        return
    known = draft.endpoints(root)
    cause = None if known else "route_server.endpoints"
    for name, claim in draft.peers(root):
        if name not in known:
            unknown = "is no endpoint of route_server.endpoints"
            yield Problem(path_of(claim.keys), unknown, nearest(name, known), cause=cause)


def one_target_for_each_appliance(root: dict[str, Any]) -> Iterator[Problem]:
    known = draft.appliances(root)
    for keys, address in draft.elastic_ips(root):
        targets = draft.mapping(address.get("targets"))
        strangers = [name for name in targets if name not in known]
        for name in strangers:
            where, undeclared = (
                path_of([*keys, "targets", name]),
                "is the target for an appliance that is not declared",
            )
            cause = None if known else "appliances"
            yield Problem(where, undeclared, nearest(name, known), cause=cause)
        missing = [name for name in known if targets and name not in targets]
        for name, meant in zip_longest(missing, strangers[: len(missing)]):
            # a name that is misspelled is one mistake: the target is there, by another name
            yield Problem(
                path_of([*keys, "targets", name]),
                f"is missing: the Elastic IP could not follow the route to {name}",
                f"a target on an interface of {name}",
                cause=None if meant is None else path_of([*keys, "targets", meant]),
            )


def asn_of_its_own(root: dict[str, Any]) -> Iterator[Problem]:
    """The sessions are eBGP (facts §3.4)."""
    amazon = draft.server(root).get("amazon_side_asn")
    for name, appliance in draft.appliances(root).items():
        if amazon is not None and appliance.get("asn") == amazon:
            yield Problem(
                path_of(["appliances", name, "asn"]),
                f"is {amazon}, which is route_server.amazon_side_asn too, but the sessions are eBGP",
                "the appliance's own ASN, different from the route server's",
            )


def nothing_claimed_twice(root: dict[str, Any]) -> Iterator[Problem]:
    groups = (Claim([*keys, "name"], draft.text(group.get("name"))) for keys, group in draft.groups(root))
    yield from _twice(groups, "is another group's name too", "a name of its own")
    yield from _twice(
        draft.prefixes(root), "is tracked by another group too", "each prefix in one group only"
    )
    allocations = (
        Claim([*keys, "allocation_id"], draft.text(address.get("allocation_id")))
        for keys, address in draft.elastic_ips(root)
    )
    yield from _twice(allocations, "is declared twice", "each Elastic IP once")
    own = "a private IP of its own for each Elastic IP"
    yield from _twice(_target_claims(root), "is a target twice", own, _allocation_of)
    instances = (
        Claim(["appliances", name, "instance_id"], draft.text(appliance.get("instance_id")))
        for name, appliance in draft.appliances(root).items()
    )
    yield from _twice(instances, "is another appliance's instance too", "the appliance's own instance")


def tracked_prefixes_allowed(root: dict[str, Any]) -> Iterator[Problem]:
    """Otherwise every advertisement of a tracked prefix would be reported as a route leak."""
    tracked = {claim.value: path_of(claim.keys) for claim in reversed(list(draft.prefixes(root)))}
    for name, appliance in draft.appliances(root).items():
        allowed = appliance.get("allowed_prefixes")
        listed = {draft.text(prefix) for prefix in draft.sequence(allowed)}
        for prefix, where in reversed(tracked.items()) if isinstance(allowed, list) else ():
            if prefix not in listed:
                yield Problem(
                    path_of(["appliances", name, "allowed_prefixes"]),
                    f"leaves out {prefix}, which a group tracks: {name} would be reported for a route leak",
                    f"{prefix} among them",
                    cause=None if _is_canonical(prefix) else where,
                )


def within_quotas(root: dict[str, Any]) -> Iterator[Problem]:
    """Quotas of facts §3.1 that nobody can raise; for the others see `tandem.validation.quotas`."""
    crowded = Counter(subnet for subnet in draft.endpoints(root).values() if isinstance(subnet, str))
    for subnet, count in crowded.items():
        if count > MOST_ENDPOINTS_IN_SUBNET:
            yield _too_many(
                "route_server.endpoints", f"{count} endpoints in {subnet}", MOST_ENDPOINTS_IN_SUBNET
            )
    prefixes = len({claim.value for claim in draft.prefixes(root)})
    if prefixes > MOST_ROUTES:
        yield _too_many("groups", f"{prefixes} tracked prefixes", MOST_ROUTES)
    peers = len(list(draft.peers(root)))
    if prefixes and peers > MOST_PEERS_OF_PREFIX:
        yield _too_many("appliances", f"{peers} peers that may advertise one prefix", MOST_PEERS_OF_PREFIX)


CHECKS: tuple[Check, ...] = (
    says_which_route_server,
    known_endpoints,
    one_target_for_each_appliance,
    asn_of_its_own,
    nothing_claimed_twice,
    addresses_of_one_appliance,
    addresses_of_interfaces,
    tracked_prefixes_allowed,
    within_quotas,
)


def _target_claims(root: dict[str, Any]) -> Iterator[Claim]:
    for keys, _, target in draft.targets(root):
        interface, address = draft.text(target.get("network_interface")), draft.text(target.get("private_ip"))
        yield Claim(keys, f"{address} on {interface}" if interface and address else "")


def _twice(
    claims: Iterable[Claim], what: str, right: str, cause: Callable[[Claim], str | None] = lambda _: None
) -> Iterator[Problem]:
    seen: set[str] = set()
    for claim in claims:
        if claim.value and claim.value in seen:
            yield Problem(path_of(claim.keys), f"{claim.value} {what}", right, cause=cause(claim))
        seen.add(claim.value)


def _allocation_of(target: Claim) -> str:
    """The path of the allocation ID beside a target: one that is declared twice has each target twice."""
    return path_of([*target.keys[:-2], "allocation_id"])


def _is_canonical(prefix: str) -> bool:
    try:
        return canonical_prefix(prefix) == prefix
    except ValueError:
        return False


def _too_many(path: str, what: str, most: int) -> Problem:
    return Problem(path, f"has {what}", f"at most {most}: a quota of Amazon VPC Route Server")
