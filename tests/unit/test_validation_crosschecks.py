"""Every rule within the document refuses the one whose parts do not fit, with path and words, no other."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tandem.reasons.documents import ProblemCode
from tandem.topology.causes import with_causes
from tandem.topology.crosschecks import CHECKS
from tandem.topology.problems import problem_at
from tandem.topology.shape import normalise, validate
from tandem.words.provisioning import folded, said
from tests.topologies import SUBNET, Edit, Expected, document, edited, in_words

FIRST_IP = "groups.0.elastic_ips.0"
OF_FIRST = "groups[0].elastic_ips[0]"
WAIVER = {"rule": "one-mover", "resource": "eni-1", "reason": "a drill", "until": "2027-06-30"}
SECOND_GROUP = {"name": "other", "prefixes": ["10.20.0.0/16"]}


def with_many_peers(root: dict[str, Any]) -> dict[str, Any]:
    for number in range(20):
        address = f"10.0.1.{100 + number}"
        peers = {"az1-a": address, "az1-b": address}
        root["appliances"][f"extra{number}"] = {"asn": 65001, "peers": peers}
    for address in root["groups"][0]["elastic_ips"]:
        interface = "eni-0a1b2c3d4e5f601"
        suffix = address["allocation_id"][-1]
        for number in range(20):
            ip = f"10.0.{number}.{suffix}"
            address["targets"][f"extra{number}"] = {
                "network_interface": f"{interface}{number:02}",
                "private_ip": ip,
            }
    return root


def edit(*edits: Edit) -> Callable[[dict[str, Any]], dict[str, Any]]:
    return lambda root: edited(root, *edits)


CROSS: dict[str, tuple[Callable[[dict[str, Any]], dict[str, Any]], list[Expected]]] = {
    # name: (what is done to the example, [(path, what is wrong, what would be right)])
    "what is managed is in a VPC": (
        edit(("manage", True), ("route_server.vpc_id", ...)),
        [("route_server.vpc_id", "Tandem manages the route server", "or manage: false")],
    ),
    "managing is the default": (
        edit(("manage", ...), ("route_server.vpc_id", ...)),
        [("route_server.vpc_id", "by default", "or manage: false")],
    ),
    "what is created has an ASN": (
        edit(("manage", True), ("route_server.id", ...), ("route_server.amazon_side_asn", ...)),
        [("route_server.amazon_side_asn", "is missing", "or the id of one")],
    ),
    "nothing to watch": (edit(("route_server.id", ...)), [("route_server.id", "with manage: false", "rs-")]),
    "a peer at an unknown endpoint": (
        edit(("appliances.fw1.peers.az3-a", "10.0.1.10")),
        [("appliances.fw1.peers.az3-a", "not an endpoint", "az2-a? known here: az1-a, az1-b, az2-a, az2-b")],
    ),
    "a target of an unknown appliance": (
        edit(
            (
                f"{FIRST_IP}.targets.fw3",
                {"network_interface": "eni-0a1b2c3d4e5f60003", "private_ip": "10.0.3.20"},
            )
        ),
        [(f"{OF_FIRST}.targets.fw3", "not declared", "known here: fw1, fw2")],
    ),
    "no target for an appliance": (
        edit((f"{FIRST_IP}.targets.fw2", ...)),
        [(f"{OF_FIRST}.targets.fw2", "could not follow the route to fw2", "an interface of fw2")],
    ),
    "the route server's ASN": (
        edit(("appliances.fw2.asn", 65000)),
        [("appliances.fw2.asn", "amazon_side_asn too", "different from the route server's")],
    ),
    "a multicast prefix": (
        edit(("groups.1", {**SECOND_GROUP, "prefixes": ["224.0.0.0/8"]})),
        [("groups[1].prefixes[0]", "224.0.0.0/8 is a multicast prefix", "unicast")],
    ),
    "a loopback prefix": (
        edit(("groups.1", {**SECOND_GROUP, "prefixes": ["127.0.0.0/8"]})),
        [("groups[1].prefixes[0]", "127.0.0.0/8 is a loopback prefix", "unicast")],
    ),
    "a link-local prefix": (
        edit(("groups.1", {**SECOND_GROUP, "prefixes": ["fe80::/64"]})),
        [("groups[1].prefixes[0]", "fe80::/64 is a link-local prefix", "unicast")],
    ),
    "one name for two groups": (
        edit(("groups.1", {**SECOND_GROUP, "name": "internet-edge"})),
        [("groups[1].name", "another group's name too, at groups[0].name", "its own")],
    ),
    "one prefix in two groups": (
        edit(("groups.1", {**SECOND_GROUP, "prefixes": ["10.20.0.0/16", "0.0.0.0/0"]})),
        [("groups[1].prefixes[1]", "by another group too, at groups[0].prefixes[0]", "one group only")],
    ),
    "one prefix in two groups, spelled differently": (
        edit(
            ("groups.0.prefixes.1", "2001:db8::/32"),
            ("groups.1", {**SECOND_GROUP, "prefixes": ["2001:DB8:0::/32"]}),
        ),
        [("groups[1].prefixes[0]", "2001:db8::/32 is tracked", "one group only")],
    ),
    "one Elastic IP twice": (
        edit(("groups.0.elastic_ips.1.allocation_id", "eipalloc-0a1b2c3d4e5f60001")),
        [
            (
                "groups[0].elastic_ips[1].allocation_id",
                f"declared twice, the first time at {OF_FIRST}.allocation_id",
                "once",
            )
        ],
    ),
    "one target for two Elastic IPs": (
        edit(("groups.0.elastic_ips.1.targets.fw1.private_ip", "10.0.1.20")),
        [
            (
                "groups[0].elastic_ips[1].targets.fw1",
                "10.0.1.20 on eni-0a1b2c3d4e5f60001 is a target twice",
                "of its own",
            )
        ],
    ),
    "one instance for two appliances": (
        edit(("appliances.fw2.instance_id", "i-0a1b2c3d4e5f60001")),
        [("appliances.fw2.instance_id", "another appliance's instance", "own instance")],
    ),
    "one address for two appliances": (
        edit(("appliances.fw2.peers.az2-b", "10.0.1.10")),
        [
            (
                "appliances.fw2.peers.az2-b",
                "10.0.1.10 belongs to fw1 already, at appliances.fw1.peers.az1-a",
                "fw2's own",
            )
        ],
    ),
    "one next hop for two appliances": (
        edit(("appliances.fw2.next_hops", ["10.0.1.10"])),
        [("appliances.fw2.next_hops[0]", "10.0.1.10 belongs to fw1", "fw2's own")],
    ),
    "one interface for two appliances": (
        edit((f"{FIRST_IP}.targets.fw2.network_interface", "eni-0a1b2c3d4e5f60001")),
        [(f"{OF_FIRST}.targets.fw2.network_interface", "belongs to fw1 already", "fw2's own")],
    ),
    "one private IP on interfaces of two appliances": (
        edit((f"{FIRST_IP}.targets.fw2.private_ip", "10.0.1.20")),
        [(f"{OF_FIRST}.targets.fw2.private_ip", "10.0.1.20 belongs to fw1 already", "one of fw2's own")],
    ),
    "one private IP on two interfaces of an appliance": (
        edit(
            ("groups.0.elastic_ips.1.targets.fw1.network_interface", "eni-0a1b2c3d4e5f60009"),
            ("groups.0.elastic_ips.1.targets.fw1.private_ip", "10.0.1.20"),
        ),
        [
            (
                "groups[0].elastic_ips[1].targets.fw1.private_ip",
                "10.0.1.20 is on eni-0a1b2c3d4e5f60001 already",
                "an address of eni-0a1b2c3d4e5f60009, or the interface eni-0a1b2c3d4e5f60001",
            )
        ],
    ),
    "another appliance's peer address as a target": (
        edit((f"{FIRST_IP}.targets.fw2.private_ip", "10.0.1.10")),
        [(f"{OF_FIRST}.targets.fw2.private_ip", "10.0.1.10 belongs to fw1 already", "one of fw2's own")],
    ),
    "a loopback address as a peer": (
        edit(("appliances.fw1.peers.az1-a", "127.0.0.1")),
        [("appliances.fw1.peers.az1-a", "127.0.0.1 is a loopback address", "interface in the VPC")],
    ),
    "no address as a target": (
        edit((f"{FIRST_IP}.targets.fw1.private_ip", "0.0.0.0")),  # noqa: S104 - no server binds it
        [
            (
                f"{OF_FIRST}.targets.fw1.private_ip",
                "0.0.0.0 is the unspecified address",
                "interface in the VPC",
            )
        ],
    ),
    "a multicast address as a next hop": (
        edit(("appliances.fw1.next_hops", ["224.0.0.5"])),
        [("appliances.fw1.next_hops[0]", "224.0.0.5 is a multicast address", "interface in the VPC")],
    ),
    "the metadata service as a peer": (
        edit(("appliances.fw1.peers.az1-a", "169.254.169.254")),
        [("appliances.fw1.peers.az1-a", "169.254.169.254 is a link-local address", "interface in the VPC")],
    ),
    "a tracked prefix that is not allowed": (
        edit(("appliances.fw1.allowed_prefixes", ["10.20.0.0/16"])),
        [("appliances.fw1.allowed_prefixes", "leaves out 0.0.0.0/0", "0.0.0.0/0 among them")],
    ),
    "three endpoints in a subnet": (
        edit(("route_server.endpoints.az1-c", f"{SUBNET}1")),
        [("route_server.endpoints", f"3 endpoints in {SUBNET}1", "at most 2")],
    ),
    "a hundred and one prefixes": (
        edit(("groups.0.prefixes", [f"10.{n}.0.0/16" for n in range(101)])),
        [("groups", "101 tracked prefixes", "at most 100")],
    ),
    "a waiver of a misspelled rule": (
        edit(("waivers", [{**WAIVER, "rule": "one-movers"}])),
        [("waivers[0].rule", '"one-movers" is no rule of compliance', "one-mover")],
    ),
    "a waiver of anything": (
        edit(("waivers", [WAIVER, {**WAIVER, "rule": "*"}])),
        [("waivers[1].rule", '"*" is no rule of compliance', "the name of a rule")],
    ),
    "too many peers of a prefix": (with_many_peers, [("appliances", "44 peers", "at most 32")]),
}


@pytest.mark.parametrize(("change", "expected"), CROSS.values(), ids=CROSS)
def test_parts_that_do_not_fit_are_named_and_nothing_else(change, expected) -> None:
    problems = validate(change(document()))
    assert [p.path for p in problems] == [path for path, _, _ in expected], in_words(problems)
    for problem, (_, what, right) in zip(problems, expected, strict=True):
        assert what in said(problem).what
        assert right in said(problem).right


def test_every_cross_check_is_shown_failing() -> None:
    silent = {check.__name__ for check in CHECKS}
    for change, _ in CROSS.values():
        changed = normalise(change(document()))
        silent -= {check.__name__ for check in CHECKS if list(check(changed))}
    assert silent == set()


CAUSES: dict[str, tuple[Callable[[dict[str, Any]], dict[str, Any]], str, int]] = {
    # name: (what is done to the example, the one cause, how many problems follow)
    "no appliances": (edit(("appliances", [])), "appliances", 8),
    "endpoints that are none": (edit(("route_server.endpoints", ["az1-a"])), "route_server.endpoints", 4),
    "a misspelled target": (
        lambda root: edited(
            root,
            (f"{FIRST_IP}.targets.fw_2", root["groups"][0]["elastic_ips"][0]["targets"]["fw2"]),
            (f"{FIRST_IP}.targets.fw2", ...),
        ),
        f"{OF_FIRST}.targets.fw_2",
        1,
    ),
    "a prefix that is none": (
        edit(("groups.0.prefixes.0", "0.0.0.0/33"), ("appliances.fw1.allowed_prefixes", ["0.0.0.0/0"])),
        "groups[0].prefixes[0]",
        1,
    ),
    "a misspelled route server": (
        lambda root: edited(root, ("routeserver", root["route_server"]), ("route_server", ...)),
        "routeserver",
        2,
    ),
    "misspelled endpoints": (
        lambda root: edited(
            root,
            ("manage", True),
            ("route_server.endpoint", root["route_server"]["endpoints"]),
            ("route_server.endpoints", ...),
        ),
        "route_server.endpoint",
        5,
    ),
    "misspelled appliances": (
        lambda root: edited(root, ("appliance", root["appliances"]), ("appliances", ...)),
        "appliance",
        9,
    ),
    "a misspelled private IP": (
        lambda root: edited(
            root,
            (f"{FIRST_IP}.targets.fw1.private_ip_address", "10.0.1.20"),
            (f"{FIRST_IP}.targets.fw1.private_ip", ...),
        ),
        f"{OF_FIRST}.targets.fw1.private_ip_address",
        1,
    ),
    "an appliance by a name that cannot be used": (
        lambda root: edited(
            root,
            ("appliances", {"fw1": root["appliances"]["fw1"], "fw.2": root["appliances"]["fw2"]}),
        ),
        'appliances["fw.2"]',
        8,
    ),
    "no route server": (edit(("manage", True), ("route_server", ...)), "route_server", 4),
    "a target by a name that cannot be used": (
        lambda root: edited(
            root,
            ("groups.0.elastic_ips", [root["groups"][0]["elastic_ips"][0]]),
            (
                f"{FIRST_IP}.targets",
                {
                    "fw.1": {"network_interface": "eni-0a1b2c3d4e5f60003", "private_ip": "10.0.3.20"},
                    **root["groups"][0]["elastic_ips"][0]["targets"],
                },
            ),
        ),
        f'{OF_FIRST}.targets["fw.1"]',
        1,
    ),
    "an Elastic IP that is there twice": (
        lambda root: edited(root, ("groups.0.elastic_ips.1", root["groups"][0]["elastic_ips"][0])),
        "groups[0].elastic_ips[1].allocation_id",
        2,
    ),
}


@pytest.mark.parametrize(("change", "cause", "followers"), CAUSES.values(), ids=CAUSES)
def test_what_follows_from_a_mistake_names_it_as_its_cause(change, cause: str, followers: int) -> None:
    (group,) = folded(map(said, validate(change(document()))))
    assert group[0].path == cause
    assert [p.cause for p in group] == [None, *[cause] * followers]


@pytest.mark.parametrize(
    ("change", "path", "never"),
    [
        (edit(("appliances.fw1.peers.az1-aa", "10.0.1.10")), "appliances.fw1.peers.az1-aa", "az1-a?"),
        (edit((f"{FIRST_IP}.targets.fw11", {})), f"{OF_FIRST}.targets.fw11", "fw1?"),
        (edit(("route_server.endpoints", {"az.1": f"{SUBNET}1"})), "appliances.fw1.peers.az1-a", "az.1?"),
    ],
)
def test_no_name_is_proposed_that_is_used_there_or_cannot_be_used(change, path: str, never: str) -> None:
    (right,) = {
        said(p).right for p in validate(change(document())) if p.path == path and "declared" in p.code
    }
    assert never not in right


def test_an_appliance_that_was_pasted_with_its_name_causes_what_names_the_other() -> None:
    root = edited(document(), ("appliances.fw2", ...))
    twice = problem_at(
        "appliances.fw1",
        ProblemCode.REPEATED_NAME,
        first=25,
        second=30,
        first_column=None,
        second_column=None,
    )
    (group,) = folded(map(said, with_causes([twice, *validate(root)])))
    assert (group[0].path, len(group)) == ("appliances.fw1", 5)


def test_a_target_that_was_pasted_with_its_name_causes_the_missing_one() -> None:
    root = edited(document(), (f"{FIRST_IP}.targets.fw2", ...))
    twice = problem_at(
        f"{OF_FIRST}.targets.fw1",
        ProblemCode.REPEATED_NAME,
        first=25,
        second=30,
        first_column=None,
        second_column=None,
    )
    (group,) = folded(map(said, with_causes([twice, *validate(root)])))
    assert [p.path for p in group] == [f"{OF_FIRST}.targets.fw1", f"{OF_FIRST}.targets.fw2"]
