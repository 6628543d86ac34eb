"""The second pass, addresses' side: each is on one interface, of one appliance, and can be on one at all."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from ipaddress import ip_address
from typing import Any

from tandem.reasons.documents import ProblemCode
from tandem.topology import draft
from tandem.topology.draft import Claim
from tandem.topology.problems import Problem, path_of, problem_at


def addresses_of_one_appliance(root: dict[str, Any]) -> Iterator[Problem]:
    """An address, and a target's interface, says which appliance is meant, where that is declared."""
    known = draft.appliances(root)
    targets = [target for target in draft.declared_targets(root) if target[1] in known]
    private_ips = [
        Claim([*k, "private_ip"], draft.text_or_empty(t.get("private_ip")), name) for k, name, t in targets
    ]
    yield from _shared([*draft.declared_addresses(root), *private_ips])
    interfaces = [
        Claim([*keys, "network_interface"], draft.text_or_empty(target.get("network_interface")), name)
        for keys, name, target in targets
    ]
    yield from _shared(interfaces)
    yield from _on_several_interfaces(zip(private_ips, interfaces, strict=True))


def addresses_of_interfaces(root: dict[str, Any]) -> Iterator[Problem]:
    """Addresses that no network interface can have (RFC 6890)."""
    private_ips = (
        Claim([*k, "private_ip"], draft.text_or_empty(t.get("private_ip")))
        for k, _, t in draft.declared_targets(root)
    )
    for claim in (*draft.declared_addresses(root), *private_ips):
        kind = _unusable(claim.value)
        if kind is not None:
            yield problem_at(path_of(claim.keys), kind, claim.value)


def _unusable(text: str) -> ProblemCode | None:
    try:
        address = ip_address(text)
    except ValueError:
        return None
    if address.is_unspecified:
        return ProblemCode.UNSPECIFIED_ADDRESS
    if address.is_multicast:
        return ProblemCode.MULTICAST_ADDRESS
    if address.is_loopback:
        return ProblemCode.LOOPBACK_ADDRESS
    is_link_local = address.version == 4 and address.is_link_local
    return ProblemCode.LINK_LOCAL_ADDRESS if is_link_local else None


def _on_several_interfaces(pairs: Iterable[tuple[Claim, Claim]]) -> Iterator[Problem]:
    """A private IP is on one interface of a VPC. Of two appliances `_shared` says that already."""
    first: dict[str, tuple[Claim, Claim]] = {}
    for address, interface in pairs:
        before, there = first.setdefault(address.value, (address, interface))
        if (
            address.value
            and interface.value
            and there.value != interface.value
            and there.owner == interface.owner
        ):
            yield problem_at(
                path_of(address.keys),
                ProblemCode.ADDRESS_ON_TWO_INTERFACES,
                address.value,
                first_id=there.value,
                second_id=interface.value,
                first=path_of(before.keys),
            )


def _shared(claims: Iterable[Claim]) -> Iterator[Problem]:
    firsts: dict[str, Claim] = {}
    for claim in claims:
        first = firsts.setdefault(claim.value, claim)
        if claim.value and first.owner != claim.owner:
            code, facts = ProblemCode.CLAIMED_BY_TWO_APPLIANCES, {"first": path_of(first.keys)}
            where = path_of(claim.keys)
            yield problem_at(where, code, claim.value, owner=first.owner, appliance=claim.owner, **facts)
