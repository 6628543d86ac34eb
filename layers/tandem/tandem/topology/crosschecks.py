"""The second pass over a topology document: whether its parts fit each other.

Tolerant of any shape, so that what the schema refuses in one place hides nothing in another.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from ipaddress import ip_network
from itertools import zip_longest
from typing import Any

from tandem.reasons.compliance import RuleId
from tandem.reasons.documents import ProblemCode
from tandem.topology import draft
from tandem.topology.addresses import addresses_of_interfaces, addresses_of_one_appliance
from tandem.topology.document import canonical_prefix
from tandem.topology.draft import Claim
from tandem.topology.problems import Problem, nearest, path_of, problem_at

Check = Callable[[dict[str, Any]], Iterator[Problem]]

_TO_MANAGE = {
    "vpc_id": ProblemCode.MANAGED_WITHOUT_VPC,
    "amazon_side_asn": ProblemCode.MANAGED_WITHOUT_ASN,
    "endpoints": ProblemCode.MANAGED_WITHOUT_ENDPOINTS,
}

MOST_ENDPOINTS_IN_SUBNET = 2
MOST_PEERS_OF_PREFIX = 32
MOST_ROUTES = 100


def crosscheck(document: object) -> list[Problem]:
    """Returns every problem between the parts of a normalised document."""
    if not isinstance(document, dict):
        return []
    return [problem for check in CHECKS for problem in check(document)]


def _says_which_route_server(root: dict[str, Any]) -> Iterator[Problem]:
    """Checks that a watched route server has an ID, and a managed one all that Tandem needs to create it."""
    server, manage = draft.server(root), root.get("manage", True)
    if manage is False and "id" not in server:
        yield problem_at("route_server.id", ProblemCode.WATCHED_WITHOUT_ID)
    if manage is True and isinstance(root.get("route_server"), dict):
        for name, code in _TO_MANAGE.items():
            if name not in server and not (name == "amazon_side_asn" and "id" in server):
                yield problem_at(f"route_server.{name}", code, by_default="manage" not in root)


def _known_endpoints(root: dict[str, Any]) -> Iterator[Problem]:
    """Checks the names of endpoints. With `manage: false` the endpoints may be left out: the names under
    `peers` are labels then.
    """
    if "endpoints" not in draft.server(root) and root.get("manage") is False:
        return
    known = draft.declared_endpoints(root)
    cause = None if known else "route_server.endpoints"
    for name, claim in draft.declared_peers(root):
        if name not in known:
            where, code = path_of(claim.keys), ProblemCode.UNDECLARED_ENDPOINT
            used = draft.mapping(draft.appliances(root)[str(claim.owner)].get("peers"))
            yield problem_at(where, code, **nearest(name, known, used)).caused_by(cause)


def _one_target_for_each_appliance(root: dict[str, Any]) -> Iterator[Problem]:
    known = draft.appliances(root)
    for keys, address in draft.declared_elastic_ips(root):
        targets = draft.mapping(address.get("targets"))
        strangers = [name for name in targets if name not in known]
        for name in strangers:
            where, code = path_of([*keys, "targets", name]), ProblemCode.UNDECLARED_APPLIANCE
            cause = None if known else "appliances"
            yield problem_at(where, code, **nearest(name, known, targets)).caused_by(cause)
        missing = [name for name in known if targets and name not in targets]
        for name, meant in zip_longest(missing, strangers[: len(missing)]):
            # a name that is misspelled is one mistake: the target is there, by another name
            where = path_of([*keys, "targets", name])
            cause = None if meant is None else path_of([*keys, "targets", meant])
            yield problem_at(where, ProblemCode.TARGETS_MISSING, appliance=name).caused_by(cause)


def _asn_of_its_own(root: dict[str, Any]) -> Iterator[Problem]:
    """The sessions are eBGP (docs/aws-facts.md#ebgp)."""
    amazon = draft.server(root).get("amazon_side_asn")
    for name, appliance in draft.appliances(root).items():
        if amazon is not None and appliance.get("asn") == amazon:
            where = path_of(["appliances", name, "asn"])
            yield problem_at(where, ProblemCode.ASN_OF_DECLARED_ROUTE_SERVER, asn=amazon)


def _nothing_claimed_twice(root: dict[str, Any]) -> Iterator[Problem]:
    groups = (
        Claim([*keys, "name"], draft.text_or_empty(group.get("name")))
        for keys, group in draft.declared_groups(root)
    )
    yield from _twice(groups, ProblemCode.GROUP_NAME_TWICE)
    yield from _twice(draft.prefixes(root), ProblemCode.PREFIX_TWICE)
    allocations = (
        Claim([*keys, "allocation_id"], draft.text_or_empty(address.get("allocation_id")))
        for keys, address in draft.declared_elastic_ips(root)
    )
    yield from _twice(allocations, ProblemCode.ELASTIC_IP_TWICE)
    yield from _twice(_target_claims(root), ProblemCode.TARGET_TWICE, _allocation_of)
    instances = (
        Claim(["appliances", name, "instance_id"], draft.text_or_empty(appliance.get("instance_id")))
        for name, appliance in draft.appliances(root).items()
    )
    yield from _twice(instances, ProblemCode.INSTANCE_TWICE)


def _prefixes_that_are_routed(root: dict[str, Any]) -> Iterator[Problem]:
    """A route server carries routes of unicast traffic between networks (RFC 6890, RFC 5771)."""
    for claim in draft.prefixes(root):
        kind = _unroutable(claim.value)
        if kind is not None:
            yield problem_at(path_of(claim.keys), ProblemCode.PREFIX_NOT_ROUTED, claim.value, kind=kind)


def _tracked_prefixes_allowed(root: dict[str, Any]) -> Iterator[Problem]:
    """Checks that tracked prefixes are allowed: else each advertisement of one would be reported as a
    route leak.
    """
    tracked = {claim.value: path_of(claim.keys) for claim in reversed(list(draft.prefixes(root)))}
    for name, appliance in draft.appliances(root).items():
        allowed = appliance.get("allowed_prefixes")
        listed = {draft.text_or_empty(prefix) for prefix in draft.sequence(allowed)}
        for prefix, where in reversed(tracked.items()) if isinstance(allowed, list) else ():
            if prefix not in listed:
                place = path_of(["appliances", name, "allowed_prefixes"])
                code, cause = ProblemCode.TRACKED_PREFIX_NOT_ALLOWED, None if _is_canonical(prefix) else where
                yield problem_at(place, code, prefix=prefix, appliance=name).caused_by(cause)


def _within_quotas(root: dict[str, Any]) -> Iterator[Problem]:
    """Quotas that nobody can raise (docs/aws-facts.md#quotas); for the others see
    `tandem.topology.quotas`."""
    crowded = Counter(subnet for subnet in draft.declared_endpoints(root).values() if isinstance(subnet, str))
    for subnet, count in crowded.items():
        if count > MOST_ENDPOINTS_IN_SUBNET:
            where, most = "route_server.endpoints", MOST_ENDPOINTS_IN_SUBNET
            code = ProblemCode.TOO_MANY_ENDPOINTS
            yield problem_at(where, code, subnet, count=count, most=most)
    prefixes = len({claim.value for claim in draft.prefixes(root)})
    if prefixes > MOST_ROUTES:
        yield problem_at("groups", ProblemCode.TOO_MANY_PREFIXES, count=prefixes, most=MOST_ROUTES)
    peers = len(list(draft.declared_peers(root)))
    if prefixes and peers > MOST_PEERS_OF_PREFIX:
        yield problem_at("appliances", ProblemCode.TOO_MANY_PEERS, count=peers, most=MOST_PEERS_OF_PREFIX)


def _waivers_of_rules(root: dict[str, Any]) -> Iterator[Problem]:
    """A waiver of a rule that there is not would hide nothing, and nobody would notice."""
    rules = [str(rule) for rule in RuleId]
    for index, waiver in enumerate(draft.sequence(root.get("waivers"))):
        rule = draft.text_or_empty(draft.mapping(waiver).get("rule"))
        if rule and rule not in rules:
            close = nearest(rule, rules)["close"]
            where = path_of(["waivers", index, "rule"])
            yield problem_at(where, ProblemCode.UNKNOWN_RULE, rule, close=close)


CHECKS: tuple[Check, ...] = (
    _says_which_route_server,
    _known_endpoints,
    _one_target_for_each_appliance,
    _asn_of_its_own,
    _nothing_claimed_twice,
    addresses_of_one_appliance,
    addresses_of_interfaces,
    _prefixes_that_are_routed,
    _tracked_prefixes_allowed,
    _within_quotas,
    _waivers_of_rules,
)


def _target_claims(root: dict[str, Any]) -> Iterator[Claim]:
    for keys, _, target in draft.declared_targets(root):
        interface, address = (
            draft.text_or_empty(target.get("network_interface")),
            draft.text_or_empty(target.get("private_ip")),
        )
        yield Claim(keys, f"{address} on {interface}" if interface and address else "")


def _twice(
    claims: Iterable[Claim], code: ProblemCode, cause: Callable[[Claim], str | None] = lambda _: None
) -> Iterator[Problem]:
    seen: dict[str, str] = {}
    for claim in claims:
        where = path_of(claim.keys)
        if claim.value and claim.value in seen:
            yield problem_at(where, code, claim.value, first=seen[claim.value]).caused_by(cause(claim))
        seen.setdefault(claim.value, where)


def _allocation_of(target: Claim) -> str:
    """Returns the path of the allocation ID beside a target: one that is declared twice has each target
    twice.
    """
    return path_of([*target.keys[:-2], "allocation_id"])


def _unroutable(prefix: str) -> str | None:
    """Returns what the prefix is, if all of its addresses are of a kind that is not routed."""
    if not _is_canonical(prefix):
        return None
    network = ip_network(prefix)
    kinds = {
        "multicast": network.is_multicast,
        "loopback": network.is_loopback,
        "link-local": network.is_link_local,
    }
    return next((kind for kind, is_it in kinds.items() if is_it), None)


def _is_canonical(prefix: str) -> bool:
    try:
        return canonical_prefix(prefix) == prefix
    except ValueError:
        return False
