"""Passes one and two: every rule refuses the document that breaks it, with path and words, and no other."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from tandem.problems import Problem, nearest, path_of
from tandem.topology import Mode, parse
from tandem.validation.crosschecks import CHECKS
from tandem.validation.document import normalise, schema, shape_problems, validate
from tests.topologies import document, set_at, topology

FIRST_IP = "groups.0.elastic_ips.0"
OF_FIRST = "groups[0].elastic_ips[0]"
SUBNET = "subnet-0a1b2c3d4e5f60001"

SHAPE: dict[str, tuple[str, object, str, str, str]] = {
    # name: (where, value, path of the problem, what is wrong, what would be right)
    "another schema version": ("tandem", 2, "tandem", "is 2", "1"),
    "no schema version": ("tandem", ..., "tandem", "is missing", "1"),
    "no name": ("name", ..., "name", "is missing", "lower-case"),
    "a name with a blank": ("name", "my edge", "name", 'is "my edge"', "lower-case letters, digits"),
    "a name with capitals": ("name", "Edge", "name", 'is "Edge"', "lower-case"),
    "a name with a line feed": ("name", "edge\n", "name", 'is "edge\\n"', "lower-case"),
    "a name with a hash": ("name", "failover#edge", "name", "failover#edge", "lower-case"),
    "a name that is too long": ("name", "e" * 41, "name", "is", "40 at most"),
    "a number for a name": ("name", 7, "name", "is 7", "lower-case"),
    "an unknown mode": ("mode", "enforced", "mode", 'is "enforced"', "dry-run or enforce"),
    "an empty mode": ("mode", None, "mode", "is empty", "dry-run or enforce"),
    "manage in words": ("manage", "no", "manage", 'is "no"', "true or false"),
    "an unknown property": ("moed", "enforce", "moed", "no property", "mode?"),
    "no route server": ("route_server", ..., "route_server", "is missing", "describes the route server"),
    "a list for the route server": ("route_server", ["rs"], "route_server", "is a list", "a mapping"),
    "an ARN for an ID": (
        "route_server.id",
        "arn:aws:ec2:us-east-1:123456789012:route-server/rs-0a1b2c3d4e5f60001",
        "route_server.id",
        "arn:aws",
        "rs-0a1b2c3d4e5f60001, the ID without the rest of the ARN",
    ),
    "another kind of ID": ("route_server.id", "rtb-0a1b2c3d4e5f60001", "route_server.id", "rtb-", "`rs-`"),
    "a VPC by name": ("route_server.vpc_id", "main", "route_server.vpc_id", '"main"', "`vpc-`"),
    "an ASN of zero": (
        "route_server.amazon_side_asn",
        0,
        "route_server.amazon_side_asn",
        "is 0",
        "1 to 4294967295",
    ),
    "persistence too long": (
        "route_server.persist_routes",
        6,
        "route_server.persist_routes",
        "is 6",
        "from 1 to 5",
    ),
    "persistence enabled": (
        "route_server.persist_routes",
        "enable",
        "route_server.persist_routes",
        '"enable"',
        "disable, or a number",
    ),
    "notifications in words": (
        "route_server.sns_notifications",
        "on",
        "route_server.sns_notifications",
        '"on"',
        "true or false",
    ),
    "peer logs in words": ("route_server.peer_logs", 1, "route_server.peer_logs", "is 1", "true or false"),
    "no endpoints in the mapping": (
        "route_server.endpoints",
        {},
        "route_server.endpoints",
        "is empty",
        "at least one",
    ),
    "an endpoint name with a blank": (
        "route_server.endpoints.az 3",
        SUBNET,
        'route_server.endpoints["az 3"]',
        "no name",
        "letters, digits",
    ),
    "an endpoint without a subnet": (
        "route_server.endpoints.az3",
        "eni-1",
        "route_server.endpoints.az3",
        "eni-1",
        "`subnet-`",
    ),
    "a route table by name": (
        "route_server.propagate_to.0",
        "protected",
        "route_server.propagate_to[0]",
        '"protected"',
        "`rtb-`",
    ),
    "a route table twice": (
        "route_server.propagate_to.1",
        "rtb-0a1b2c3d4e5f60001",
        "route_server.propagate_to[1]",
        "again",
        "once",
    ),
    "no appliances": ("appliances", {}, "appliances", "is empty", "at least one"),
    "an instance by name": (
        "appliances.fw1.instance_id",
        "fw1",
        "appliances.fw1.instance_id",
        '"fw1"',
        "`i-`",
    ),
    "no ASN": ("appliances.fw1.asn", ..., "appliances.fw1.asn", "is missing", "an ASN"),
    "an ASN out of range": (
        "appliances.fw1.asn",
        2**32,
        "appliances.fw1.asn",
        "4294967296",
        "1 to 4294967295",
    ),
    "an ASN in dots": ("appliances.fw1.asn", "1.10", "appliances.fw1.asn", '"1.10"', "1 to 4294967295"),
    "an unknown liveness": (
        "appliances.fw1.liveness",
        "bdf",
        "appliances.fw1.liveness",
        '"bdf"',
        "bfd or bgp",
    ),
    "no peers": ("appliances.fw1.peers", {}, "appliances.fw1.peers", "is empty", "at least one"),
    "an IPv6 peer": (
        "appliances.fw1.peers.az1-a",
        "2001:db8::1",
        "appliances.fw1.peers.az1-a",
        "2001",
        "IPv4",
    ),
    "a peer with a length": (
        "appliances.fw1.peers.az1-a",
        "10.0.1.10/32",
        "appliances.fw1.peers.az1-a",
        "/32",
        "IPv4",
    ),
    "an address out of range": (
        "appliances.fw1.peers.az1-a",
        "10.0.1.300",
        "appliances.fw1.peers.az1-a",
        "10.0.1.300",
        "IPv4",
    ),
    "a next hop by name": (
        "appliances.fw1.next_hops",
        ["fw1"],
        "appliances.fw1.next_hops[0]",
        '"fw1"',
        "IP address",
    ),
    "an allowed prefix with host bits": (
        "appliances.fw1.allowed_prefixes",
        ["0.0.0.0/0", "10.20.0.1/16"],
        "appliances.fw1.allowed_prefixes[1]",
        "10.20.0.1/16",
        "10.20.0.0/16",
    ),
    "no groups": ("groups", [], "groups", "is empty", "at least one"),
    "a mapping for the groups": ("groups", {"name": "x"}, "groups", "is a mapping", "a list of groups"),
    "no group name": ("groups.0.name", ..., "groups[0].name", "is missing", "letters, digits"),
    "no prefixes": ("groups.0.prefixes", [], "groups[0].prefixes", "is empty", "at least one"),
    "a prefix with host bits": (
        "groups.0.prefixes.0",
        "10.0.0.1/8",
        "groups[0].prefixes[0]",
        "10.0.0.1/8",
        "10.0.0.0/8",
    ),
    "a prefix without a length": (
        "groups.0.prefixes.0",
        "10.0.0.0",
        "groups[0].prefixes[0]",
        "10.0.0.0",
        "10.0.0.0/32",
    ),
    "a default route without a length": (
        "groups.0.prefixes.0",
        "::",
        "groups[0].prefixes[0]",
        '"::"',
        "::/0",
    ),
    "no prefix at all": ("groups.0.prefixes.0", "default", "groups[0].prefixes[0]", '"default"', "0.0.0.0/0"),
    "a prefix twice": ("groups.0.prefixes.1", "0.0.0.0/0", "groups[0].prefixes[1]", "again", "once"),
    "the public address for the allocation": (
        f"{FIRST_IP}.allocation_id",
        "192.0.2.1",
        f"{OF_FIRST}.allocation_id",
        "192.0.2.1",
        "`eipalloc-`",
    ),
    "no targets": (f"{FIRST_IP}.targets", ..., f"{OF_FIRST}.targets", "is missing", "every appliance's name"),
    "an instance for an interface": (
        f"{FIRST_IP}.targets.fw1.network_interface",
        "i-0a1b2c3d4e5f60001",
        f"{OF_FIRST}.targets.fw1.network_interface",
        "i-0a1b",
        "`eni-`",
    ),
    "no private IP": (
        f"{FIRST_IP}.targets.fw1.private_ip",
        ...,
        f"{OF_FIRST}.targets.fw1.private_ip",
        "is missing",
        "IPv4",
    ),
    "an IPv6 target": (
        f"{FIRST_IP}.targets.fw1.private_ip",
        "2001:db8::20",
        f"{OF_FIRST}.targets.fw1.private_ip",
        "2001",
        "IPv4",
    ),
    "a misspelled target property": (
        f"{FIRST_IP}.targets.fw1.privat_ip",
        "10.0.1.20",
        f"{OF_FIRST}.targets.fw1.privat_ip",
        "no property",
        "private_ip?",
    ),
}

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


def edit(*changes: tuple[str, object]) -> Callable[[dict[str, Any]], dict[str, Any]]:
    def apply(root: dict[str, Any]) -> dict[str, Any]:
        for path, value in changes:
            root = set_at(root, path, value)
        return root

    return apply


CROSS: dict[str, tuple[Callable[[dict[str, Any]], dict[str, Any]], list[tuple[str, str, str]]]] = {
    # name: (what is done to the example, [(path, what is wrong, what would be right)])
    "what is managed is in a VPC": (
        edit(("manage", True), ("route_server.vpc_id", ...)),
        [("route_server.vpc_id", "Tandem manages the route server", "or manage: false")],
    ),
    "managing is the default": (
        edit(("manage", ...), ("route_server.vpc_id", ...)),
        [("route_server.vpc_id", "where nothing else is said", "or manage: false")],
    ),
    "what is created has an ASN": (
        edit(("manage", True), ("route_server.id", ...), ("route_server.amazon_side_asn", ...)),
        [("route_server.amazon_side_asn", "is missing", "or the id of one")],
    ),
    "nothing to watch": (edit(("route_server.id", ...)), [("route_server.id", "with manage: false", "rs-")]),
    "a peer at an unknown endpoint": (
        edit(("appliances.fw1.peers.az3-a", "10.0.1.10")),
        [("appliances.fw1.peers.az3-a", "no endpoint", "az2-a? known here: az1-a, az1-b, az2-a, az2-b")],
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
    "one name for two groups": (
        edit(("groups.1", {**SECOND_GROUP, "name": "internet-edge"})),
        [("groups[1].name", "another group's name", "its own")],
    ),
    "one prefix in two groups": (
        edit(("groups.1", {**SECOND_GROUP, "prefixes": ["10.20.0.0/16", "0.0.0.0/0"]})),
        [("groups[1].prefixes[1]", "tracked by another group", "one group only")],
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
        [("groups[0].elastic_ips[1].allocation_id", "declared twice", "once")],
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
        [("appliances.fw2.peers.az2-b", "10.0.1.10 belongs to fw1", "fw2's own")],
    ),
    "one next hop for two appliances": (
        edit(("appliances.fw2.next_hops", ["10.0.1.10"])),
        [("appliances.fw2.next_hops[0]", "10.0.1.10 belongs to fw1", "fw2's own")],
    ),
    "one interface for two appliances": (
        edit((f"{FIRST_IP}.targets.fw2.network_interface", "eni-0a1b2c3d4e5f60001")),
        [(f"{OF_FIRST}.targets.fw2.network_interface", "belongs to fw1 already", "fw2's own")],
    ),
    "a tracked prefix that is not allowed": (
        edit(("appliances.fw1.allowed_prefixes", ["10.20.0.0/16"])),
        [("appliances.fw1.allowed_prefixes", "leaves out 0.0.0.0/0", "0.0.0.0/0 among them")],
    ),
    "three endpoints in a subnet": (
        edit(("route_server.endpoints.az1-c", SUBNET)),
        [("route_server.endpoints", f"3 endpoints in {SUBNET}", "at most 2")],
    ),
    "a hundred and one prefixes": (
        edit(("groups.0.prefixes", [f"10.{n}.0.0/16" for n in range(101)])),
        [("groups", "101 tracked prefixes", "at most 100")],
    ),
    "too many peers of a prefix": (with_many_peers, [("appliances", "44 peers", "at most 32")]),
    "too many peers of an endpoint to create": (
        lambda root: {**with_many_peers(root), "manage": True},
        [
            ("appliances", "44 peers", "at most 32"),
            ("route_server.endpoints.az1-a", "21 peers at one endpoint", "at most 20"),
            ("route_server.endpoints.az1-b", "21 peers at one endpoint", "at most 20"),
        ],
    ),
    "too many endpoints to create": (
        edit(
            ("manage", True),
            *((f"route_server.endpoints.more{n}", f"subnet-0a1b2c3d4e5f601{n:02}") for n in range(7)),
        ),
        [("route_server.endpoints", "11 endpoints", "at most 10")],
    ),
}


def describe(problems: list[Problem]) -> list[str]:
    return [str(problem) for problem in problems]


def test_the_example_is_valid_as_it_is() -> None:
    assert describe(validate(document())) == []


@pytest.mark.parametrize(("where", "value", "path", "what", "right"), SHAPE.values(), ids=SHAPE)
def test_a_wrong_shape_is_named_in_its_place(where, value, path, what, right) -> None:
    problems = [p for p in validate(set_at(document(), where, value)) if p.path == path]
    assert len(problems) == 1, describe(validate(set_at(document(), where, value)))
    assert what in problems[0].what
    assert right in problems[0].right


@pytest.mark.parametrize(("change", "expected"), CROSS.values(), ids=CROSS)
def test_parts_that_do_not_fit_are_named_and_nothing_else(change, expected) -> None:
    problems = validate(change(document()))
    assert [p.path for p in problems] == [path for path, _, _ in expected], describe(problems)
    for problem, (_, what, right) in zip(problems, expected, strict=True):
        assert what in problem.what
        assert right in problem.right


def test_every_cross_check_is_shown_failing() -> None:
    silent = {check.__name__ for check in CHECKS}
    for change, _ in CROSS.values():
        changed = normalise(change(document()))
        silent -= {check.__name__ for check in CHECKS if list(check(changed))}
    assert silent == set()


def test_every_property_of_the_schema_is_shown_failing() -> None:
    named = {where.replace(".0", "").replace(".1", "") for where, *_ in SHAPE.values()}
    known = {"fw1", "fw2", "targets"}
    properties = {key for node in nodes(schema()) for key in node.get("properties", {})}
    assert properties <= {part for where in named for part in where.split(".")} | known


def nodes(node: Any) -> list[dict[str, Any]]:
    if isinstance(node, list):
        return [found for item in node for found in nodes(item)]
    if not isinstance(node, dict):
        return []
    return [node, *(found for item in node.values() for found in nodes(item))]


def test_all_problems_come_at_once_whatever_their_pass() -> None:
    broken = edit(
        ("name", "My Edge"), ("appliances.fw1.asn", "x"), ("appliances.fw2.asn", 65000), ("mode", "on")
    )
    assert {p.path for p in validate(broken(document()))} == {
        "name", "mode", "appliances.fw1.asn", "appliances.fw2.asn",
    }  # fmt: skip


@pytest.mark.parametrize("nonsense", [None, [], "", "edge", 7, True, [document()]])
def test_what_is_no_document_at_all_is_one_problem(nonsense) -> None:
    assert [p.path for p in validate(nonsense)] == ["the document"]


def test_one_place_has_one_problem_for_its_name_and_one_for_its_value() -> None:
    problems = shape_problems(set_at(document(), "route_server.endpoints.az 3", "x"))
    assert [p.path for p in problems] == ['route_server.endpoints["az 3"]'] * 2


def test_cloudformations_texts_become_numbers_and_booleans() -> None:
    texts = edit(
        ("tandem", "1"),
        ("manage", "false"),
        ("route_server.amazon_side_asn", "65000"),
        ("route_server.persist_routes", "5"),
        ("route_server.sns_notifications", "true"),
        ("appliances.fw1.asn", "65001"),
    )(document())
    assert describe(validate(texts)) == []
    read = parse(normalise(texts))
    assert read.route_server.amazon_side_asn == 65000
    assert read.route_server.persist_minutes == 5
    assert read.route_server.sns_notifications is True
    assert read.manage is False
    assert read.appliances["fw1"].asn == 65001


def test_texts_stay_texts_where_the_schema_wants_texts() -> None:
    read = normalise(edit(("name", "123"), ("route_server.persist_routes", "disable"))(document()))
    assert read["name"] == "123"
    assert read["route_server"]["persist_routes"] == "disable"


def test_spellings_become_one() -> None:
    read = normalise(edit(("groups.0.prefixes", ["2001:DB8:0:0::/32"]))(document()))
    assert read["groups"][0]["prefixes"] == ["2001:db8::/32"]


def test_a_new_topology_moves_nothing_unless_it_says_so() -> None:
    assert parse(normalise(edit(("mode", ...))(document()))).mode is Mode.DRY_RUN
    assert topology().mode is Mode.ENFORCE


def test_endpoints_may_be_left_out_of_what_is_only_watched() -> None:
    assert validate(edit(("route_server.endpoints", ...))(document())) == []


def test_the_schema_is_a_schema_and_its_nodes_say_what_is_right() -> None:
    Draft202012Validator.check_schema(schema())
    branches = [branch for node in nodes(schema()) for branch in node.get("anyOf", ())]
    judging = [n for n in nodes(schema()) if isinstance(n.get("type"), str) or "anyOf" in n]
    assert [node for node in judging if "title" not in node and node not in branches] == []


def test_paths_can_be_found_in_the_document() -> None:
    assert path_of([]) == "the document"
    assert (
        path_of(["groups", 0, "elastic_ips", 1, "targets", "fw1"]) == "groups[0].elastic_ips[1].targets.fw1"
    )
    assert path_of(["appliances", "fw 1", "asn"]) == 'appliances["fw 1"].asn'


def test_the_nearest_name_comes_first() -> None:
    assert nearest("fw_1", ["fw1", "vpn"]) == "fw1? known here: fw1, vpn"
    assert nearest("x", []) == "nothing: none is declared"


def test_problems_are_json() -> None:
    assert json.dumps([p.path for p in validate({"tandem": float("nan")})])
