"""Every rule for Elastic IPs refuses one that could not move to a target, with path and words, no other."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tandem.model import PrivateAddress
from tandem.topology.inventory import Inventory
from tandem.topology.worldchecks import worldcheck
from tandem.words.provisioning import said
from tests.topologies import (
    EIP,
    ENI,
    INSTANCE,
    SUBNET,
    VPC,
    Edit,
    Expected,
    World,
    assert_refused,
    declared,
    document,
    in_words,
    inventory,
    of_interface,
    same,
    topology,
    without,
)

HERE = "account 123456789012, Region us-east-1"
FIRST = "groups[0].elastic_ips[0]"


def address(number: int, private_ip: str, **changes: Any) -> World:
    def bend(world: Inventory) -> Inventory:
        interface = world.interfaces[f"{ENI}{number}"]
        addresses = tuple(
            replace(own, **changes) if own.private_ip == private_ip else own for own in interface.addresses
        )
        return of_interface(number, addresses=addresses)(world)

    return bend


def moved_elsewhere(world: Inventory) -> Inventory:
    subnet = replace(world.subnets[f"{SUBNET}1"], vpc_id="vpc-0a1b2c3d4e5f60009")
    return replace(world, subnets={**world.subnets, f"{SUBNET}1": subnet})


def from_boston(world: Inventory) -> Inventory:
    elsewhere = replace(world.elastic_ips[f"{EIP}1"], border_group="us-east-1-bos-1")
    return replace(world, elastic_ips={**world.elastic_ips, f"{EIP}1": elsewhere})


def assigned_to_another(world: Inventory) -> Inventory:
    has = world.interfaces[f"{ENI}1"].addresses
    return of_interface(1, addresses=(*has, PrivateAddress("10.0.2.99")))(world)


NOTHING: tuple[Edit, ...] = ()
BROKEN: dict[str, tuple[World, tuple[Edit, ...], list[Expected]]] = {
    # name: (what AWS shows, what is declared, [(path, what is wrong, what would be right)])
    "an Elastic IP of another network border group": (
        from_boston,
        NOTHING,
        [
            (
                f"{FIRST}.targets.{name}.network_interface",
                f"{ENI}{n} is in the network border group us-east-1, but {EIP}1 is of us-east-1-bos-1",
                "an interface and an Elastic IP of the same network border group",
            )
            for n, name in ((1, "fw1"), (2, "fw2"))
        ],
    ),
    "interfaces and endpoints in another VPC": (
        moved_elsewhere,
        NOTHING,
        [
            ("route_server.endpoints.az1-a", f"{SUBNET}1 is in vpc-0a1b2c3d4e5f60009", VPC),
            ("route_server.endpoints.az1-b", f"{SUBNET}1 is in vpc-0a1b2c3d4e5f60009", VPC),
            *(
                (
                    f"groups[0].elastic_ips[{n}].targets.fw1.network_interface",
                    "is in vpc-0a1b2c3d4e5f60009",
                    VPC,
                )
                for n in range(4)
            ),
        ],
    ),
    "an unknown Elastic IP": (
        without("elastic_ips", f"{EIP}3"),
        NOTHING,
        [
            (
                "groups[0].elastic_ips[2].allocation_id",
                f"{EIP}3 is not known in {HERE}",
                "an Elastic IP of that account",
            )
        ],
    ),
    "an Elastic IP of AWS's own": (
        lambda world: replace(
            world,
            elastic_ips={
                **world.elastic_ips,
                f"{EIP}1": replace(world.elastic_ips[f"{EIP}1"], service_managed="nlb"),
            },
        ),
        NOTHING,
        [(f"{FIRST}.allocation_id", f"{EIP}1 is managed by nlb", "no AWS service manages")],
    ),
    "an Elastic IP without its owner's consent": (
        lambda world: replace(
            world,
            elastic_ips={**world.elastic_ips, f"{EIP}1": replace(world.elastic_ips[f"{EIP}1"], tags=())},
        ),
        NOTHING,
        [(f"{FIRST}.allocation_id", f"{EIP}1 lacks its owner's tag", "tandem:stack=tandem")],
    ),
    "an interface without its owner's consent, once": (
        of_interface(2, tags=(("Name", "fw2"),)),
        NOTHING,
        [(f"{FIRST}.targets.fw2.network_interface", f"{ENI}2 lacks its owner's tag", "tandem:stack=tandem")],
    ),
    "consent to another stack": (
        of_interface(1, tags=(("tandem:stack", "staging"),)),
        NOTHING,
        [(f"{FIRST}.targets.fw1.network_interface", "consents to another stack", "if its owner agrees")],
    ),
    "consent with a blank behind it": (
        of_interface(1, tags=(("tandem:stack", "tandem "),)),
        NOTHING,
        [
            (
                f"{FIRST}.targets.fw1.network_interface",
                'has tandem:stack="tandem ": the value must be the stack\'s name exactly, including case',
                'tandem:stack="tandem", if its owner agrees',
            )
        ],
    ),
    "another account's interface, untagged": (
        of_interface(2, owner="210987654321", tags=()),
        NOTHING,
        [
            (
                f"groups[0].elastic_ips[{n}].targets.fw2.network_interface",
                f"{ENI}2 belongs to account 210987654321",
                "an interface of account 123456789012",
            )
            for n in range(4)
        ],
    ),
    "an unknown interface": (
        same,
        (("groups.0.elastic_ips.0.targets.fw1.network_interface", f"{ENI}7"),),
        [
            (
                f"{FIRST}.targets.fw1.network_interface",
                f"{ENI}7 is not known in {HERE}",
                "a network interface of fw1",
            )
        ],
    ),
    "a detached interface": (
        of_interface(2, instance_id=None, attachment=None),
        (("appliances.fw2.instance_id", ...),),
        [
            (f"groups[0].elastic_ips[{n}].targets.fw2.network_interface", "attached to no instance", "fw2")
            for n in range(4)
        ],
    ),
    "an interface of another instance": (
        of_interface(2, instance_id=f"{INSTANCE}9"),
        (("appliances.fw2.peers", {"az2-a": "10.0.2.10"}),),
        [
            ("appliances.fw2.peers.az2-a", f"on no interface of {INSTANCE}2", "it has none"),
            *(
                (
                    f"groups[0].elastic_ips[{n}].targets.fw2.network_interface",
                    f"attached to {INSTANCE}9, not to fw2's {INSTANCE}2",
                    "it has none",
                )
                for n in range(4)
            ),
        ],
    ),
    "an address outside the subnet": (
        same,
        (("groups.0.elastic_ips.0.targets.fw1.private_ip", "10.0.2.99"),),
        [
            (
                f"{FIRST}.targets.fw1.private_ip",
                f"10.0.2.99 is outside {SUBNET}1 (10.0.1.0/24)",
                "10.0.1.10, 10.0.1.20",
            )
        ],
    ),
    "an address that the interface does not have": (
        same,
        (("groups.0.elastic_ips.0.targets.fw1.private_ip", "10.0.1.99"),),
        [(f"{FIRST}.targets.fw1.private_ip", f"{ENI}1 does not have 10.0.1.99", "assign it there first")],
    ),
    "an address that another interface has": (
        assigned_to_another,
        (("groups.0.elastic_ips.0.targets.fw2.private_ip", "10.0.2.99"),),
        [
            (
                f"{FIRST}.targets.fw2.private_ip",
                f"10.0.2.99 is on {ENI}1, of {INSTANCE}1, and not on {ENI}2",
                "assigning 10.0.2.99 to another interface would take it from there",
            )
        ],
    ),
    "a stranger's Elastic IP on the target": (
        address(2, "10.0.2.20", public_ip="198.51.100.7", allocation_id="eipalloc-0fffffffffffffff1"),
        NOTHING,
        [
            (
                f"{FIRST}.targets.fw2.private_ip",
                "another Elastic IP, eipalloc-0fffffffffffffff1 (198.51.100.7)",
                "without a public one",
            )
        ],
    ),
    "an auto-assigned public IP on the target": (
        address(2, "10.0.2.20", public_ip="198.51.100.7"),
        NOTHING,
        [
            (
                f"{FIRST}.targets.fw2.private_ip",
                "the auto-assigned public IP 198.51.100.7, which a move would release",
                "without a public one",
            )
        ],
    ),
}


@pytest.mark.parametrize(("world", "edits", "expected"), BROKEN.values(), ids=BROKEN)
def test_what_does_not_fit_aws_is_named_and_nothing_else(
    world: World, edits: tuple[Edit, ...], expected: list[Expected]
) -> None:
    assert_refused(worldcheck(declared(*edits), world(inventory()), []), expected)


def test_only_what_lacks_the_tag_alone_is_offered_for_tagging() -> None:
    bare = of_interface(2, tags=())(inventory())
    foreign = of_interface(2, tags=(("tandem:stack", "staging"),))(inventory())
    assert [p.untagged for p in worldcheck(topology(), bare, [])] == [f"{ENI}2"]
    assert [p.untagged for p in worldcheck(topology(), foreign, [])] == [None]


def test_declared_elastic_ips_displace_nobody_while_they_are_on_each_others_targets() -> None:
    swapped = address(2, "10.0.2.20", public_ip="192.0.2.24", allocation_id=f"{EIP}4")(inventory())
    assert in_words(worldcheck(topology(), swapped, [])) == []


def test_what_another_stored_topology_claims_is_refused_once_each() -> None:
    other = declared(("name", "other"), ("groups.0.elastic_ips", document()["groups"][0]["elastic_ips"][:1]))
    problems = worldcheck(topology(), inventory(), [other])
    assert [p.path for p in problems] == [
        f"{FIRST}.allocation_id",
        f"{FIRST}.targets.fw1",
        f"{FIRST}.targets.fw2",
    ]
    assert all("claimed by the stored topology other" in said(p).what for p in problems)


def test_its_own_older_version_claims_nothing() -> None:
    assert in_words(worldcheck(topology(), inventory(), [topology(mode="dry-run")])) == []
