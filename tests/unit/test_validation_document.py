"""Every rule of the schema refuses the document that breaks it, with path and words."""

from __future__ import annotations

import json
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from tandem.topology.shape import shape_problems, topology_schema, validate
from tandem.topology.size import excess
from tandem.words.provisioning import said
from tests.topologies import SUBNET, document, edited, in_words, set_at

FIRST_IP = "groups.0.elastic_ips.0"
OF_FIRST = "groups[0].elastic_ips[0]"


WAIVER = {"rule": "one-mover", "resource": "eni-1", "reason": "a drill", "until": "2027-06-30"}


def waiver(**changes: object) -> dict[str, object]:
    """Returns a waiver with other values; `...` leaves a property out."""
    return {key: value for key, value in {**WAIVER, **changes}.items() if value is not ...}


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
    "an unknown property": ("moed", "enforce", "moed", "not a known property", "mode?"),
    "a list of tags": ("tags", ["CostCenter"], "tags", "is a list", "a mapping from tag keys"),
    "a tag of Tandem's": (
        "tags",
        {"Tandem:Stack": "x"},
        'tags["Tandem:Stack"]',
        "not a valid name",
        "in any spelling",
    ),
    "a tag of AWS's": (
        "tags",
        {"AWS:owner": "x"},
        'tags["AWS:owner"]',
        "not a valid name",
        "in any spelling",
    ),
    "a tag that is no text": ("tags", {"CostCenter": 7}, "tags.CostCenter", "is 7", "a text"),
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
        "1 to 4294967294",
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
        f"{SUBNET}1",
        'route_server.endpoints["az 3"]',
        "not a valid name",
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
        "repeats",
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
        "1 to 4294967294",
    ),
    "an ASN in dots": ("appliances.fw1.asn", "1.10", "appliances.fw1.asn", '"1.10"', "1 to 4294967294"),
    "an unknown liveness": (
        "appliances.fw1.liveness",
        "bdf",
        "appliances.fw1.liveness",
        '"bdf"',
        "bfd or bgp",
    ),
    "a standby that speaks in tongues": (
        "appliances.fw1.standby",
        "quiet",
        "appliances.fw1.standby",
        '"quiet"',
        "speaking or silent",
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
    "no time at all": ("groups.0.rto", 0, "groups[0].rto", "0", "1 to 86400"),
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
    "a prefix twice": ("groups.0.prefixes.1", "0.0.0.0/0", "groups[0].prefixes[1]", "repeats", "once"),
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
    "waivers without a list": ("waivers", WAIVER, "waivers", "a mapping", "a list of waivers"),
    "a waiver by name": ("waivers", ["one-mover"], "waivers[0]", '"one-mover"', "rule, resource, reason"),
    "a waiver of no rule": ("waivers", [waiver(rule=...)], "waivers[0].rule", "is missing", "a rule"),
    "a waiver of nothing": ("waivers", [waiver(resource="")], "waivers[0].resource", "is empty", "1 to 200"),
    "a waiver without a reason": (
        "waivers",
        [waiver(reason=...)],
        "waivers[0].reason",
        "is missing",
        "a text",
    ),
    "a waiver for ever": ("waivers", [waiver(until=...)], "waivers[0].until", "is missing", "a date"),
    "a waiver until no date": (
        "waivers",
        [waiver(until="2027-06-31")],
        "waivers[0].until",
        '"2027-06-31"',
        "a date, such as 2027-06-30",
    ),
    "a waiver until the end of a week": (
        "waivers",
        [waiver(until="2027-W26-3")],
        "waivers[0].until",
        '"2027-W26-3"',
        "2027-06-30",
    ),
    "a waiver twice": ("waivers", [WAIVER, WAIVER], "waivers[1]", "repeats", "each of them once"),
    "too many waivers": (
        "waivers",
        [waiver(resource=f"eni-{n}") for n in range(51)],
        "waivers",
        "has 51",
        "50 at most",
    ),
    "a misspelled property of a waiver": (
        "waivers",
        [{**WAIVER, "untill": "2027-06-30"}],
        "waivers[0].untill",
        "is not a known property",
        "until",
    ),
    "a misspelled target property": (
        f"{FIRST_IP}.targets.fw1.privat_ip",
        "10.0.1.20",
        f"{OF_FIRST}.targets.fw1.privat_ip",
        "not a known property",
        "private_ip?",
    ),
}


def test_the_example_is_valid_as_it_is() -> None:
    assert in_words(validate(document())) == []


@pytest.mark.parametrize(("where", "value", "path", "what", "right"), SHAPE.values(), ids=SHAPE)
def test_a_wrong_shape_is_named_in_its_place(where, value, path, what, right) -> None:
    problems = [p for p in validate(set_at(document(), where, value)) if p.path == path]
    assert len(problems) == 1, in_words(validate(set_at(document(), where, value)))
    assert what in said(problems[0]).what
    assert right in said(problems[0]).right


def test_every_property_of_the_schema_is_shown_failing() -> None:
    named = {where.replace(".0", "").replace(".1", "") for where, *_ in SHAPE.values()}
    known = {"fw1", "fw2", "targets", *WAIVER}  # a waiver's are in the values above
    properties = {key for node in nodes(topology_schema()) for key in node.get("properties", {})}
    assert properties <= {part for where in named for part in where.split(".")} | known


def nodes(node: Any) -> list[dict[str, Any]]:
    if isinstance(node, list):
        return [found for item in node for found in nodes(item)]
    if not isinstance(node, dict):
        return []
    return [node, *(found for item in node.values() for found in nodes(item))]


def test_all_problems_come_at_once_whatever_their_pass() -> None:
    broken = edited(
        document(),
        ("name", "My Edge"),
        ("appliances.fw1.asn", "x"),
        ("appliances.fw2.asn", 65000),
        ("mode", "on"),
    )
    assert {p.path for p in validate(broken)} == {
        "name", "mode", "appliances.fw1.asn", "appliances.fw2.asn",
    }  # fmt: skip


@pytest.mark.parametrize("nonsense", [None, [], "", "edge", 7, True, [document()]])
def test_what_is_no_document_at_all_is_one_problem(nonsense) -> None:
    assert [p.path for p in validate(nonsense)] == ["the document"]


def test_one_place_has_one_problem_for_its_name_and_one_for_its_value() -> None:
    problems = shape_problems(set_at(document(), "route_server.endpoints.az 3", "x"))
    assert [p.path for p in problems] == ['route_server.endpoints["az 3"]'] * 2


def test_a_waiver_is_taken() -> None:
    assert validate(set_at(document(), "waivers", [WAIVER])) == []


def test_endpoints_may_be_left_out_of_what_is_only_watched() -> None:
    assert validate(set_at(document(), "route_server.endpoints", ...)) == []


def test_the_schema_is_a_schema_and_its_nodes_say_what_is_right() -> None:
    Draft202012Validator.check_schema(topology_schema())
    branches = [branch for node in nodes(topology_schema()) for branch in node.get("anyOf", ())]
    judging = [n for n in nodes(topology_schema()) if isinstance(n.get("type"), str) or "anyOf" in n]
    assert [node for node in judging if "title" not in node and node not in branches] == []


def test_problems_are_json() -> None:
    assert json.dumps([p.path for p in validate({"tandem": float("nan")})])


MEANT: dict[str, tuple[str, object, str]] = {
    # name: (where, value, what was meant)
    "a number for the name": ("name", 20261121, '"20261121" in quotes'),
    "a word for true as the name": ("name", True, '"true" in quotes'),
    "a number for a group's name": ("groups.0.name", 1, '"1" in quotes'),
    "an ASN with an exponent": ("appliances.fw1.asn", "4.200000001E9", "4200000001"),
    "an ASN in dots": ("appliances.fw1.asn", "64086.59905", "4200000001"),
    "an ASN with its letters": ("appliances.fw1.asn", "AS65001", "65001"),
    "an ASN with separators": ("appliances.fw1.asn", "65,001", "65001"),
    "an ASN in hexadecimal": ("appliances.fw1.asn", "0xFDE9", "65001"),
    "minutes with a unit": ("route_server.persist_routes", "2m", "2"),
    "minutes with a longer unit": ("route_server.persist_routes", "2 minutes", "2"),
    "capitals": ("name", "Edge", "edge"),
    "a mode in capitals": ("mode", "Enforce", "enforce"),
    "an ID in capitals": ("route_server.id", "RS-0A1B2C3D4E5F60001", "rs-0a1b2c3d4e5f60001"),
    "a blank at the end": ("name", "edge ", '"edge", without the blanks'),
    "a blank behind an ID": (
        "route_server.vpc_id",
        " vpc-0a1b2c3d4e5f60001",
        '"vpc-0a1b2c3d4e5f60001", without',
    ),
    "a blank behind a prefix": ("groups.0.prefixes.0", "0.0.0.0/0 ", '"0.0.0.0/0", without the blanks'),
    "a route table without a list": (
        "route_server.propagate_to",
        "rtb-0a1b2c3d4e5f60001",
        "[rtb-0a1b2c3d4e5f60001], a list",
    ),
    "a prefix without a list": ("groups.0.prefixes", "0.0.0.0/0", "[0.0.0.0/0], a list"),
    "yes": ("route_server.sns_notifications", "yes", "true; true or false"),
    "off": ("route_server.peer_logs", "off", "false; true or false"),
    "a schema version with a point": ("tandem", "1.0", "1"),
    "an ID that is too short": (
        "appliances.fw1.instance_id",
        "i-123",
        "the ID of an instance, `i-` and 8 to 17 hexadecimal digits",
    ),
    "an address in IPv6's clothes": (
        f"{FIRST_IP}.targets.fw1.private_ip",
        "::ffff:10.0.1.20",
        "10.0.1.20, the IPv4 address by itself",
    ),
    "a next hop in IPv6's clothes": ("appliances.fw1.next_hops", ["::ffff:10.0.1.20"], "10.0.1.20, the IPv4"),
    "a mode with an underscore": ("mode", "dry_run", "dry-run;"),
    "a mode in the past": ("mode", "enforced", "enforce;"),
    "persistence in the past": ("route_server.persist_routes", "Disabled", "disable;"),
    "half of a liveness": ("appliances.fw1.liveness", "bgp", "bgp-keepalive;"),
    "an address with a port": (
        "appliances.fw1.peers.az1-a",
        "10.0.1.10:179",
        "10.0.1.10, the address without",
    ),
    "a prefix with a mask": ("groups.0.prefixes.0", "10.1.2.0/255.255.255.0", "10.1.2.0/24, its mask as a"),
    "a mask of an address": ("groups.0.prefixes.0", "10.1.2.3/255.0.0.0", "10.0.0.0/8, its mask as a"),
    "a wildcard mask": ("groups.0.prefixes.0", "10.1.2.0/0.0.0.255", "a prefix with its length"),
    "a wildcard of one address": ("groups.0.prefixes.0", "10.1.2.3/0.0.0.0", "a prefix with its length"),
    "a wildcard of all": ("groups.0.prefixes.0", "0.0.0.0/255.255.255.255", "a prefix with its length"),
    "a time of day": ("waivers", [waiver(until="2027-06-30T12:00:00Z")], "2027-06-30; a date"),
    "a date without hyphens": ("waivers", [waiver(until="20270630")], "2027-06-30; a date"),
    "a blank behind a date": ("waivers", [waiver(until="2027-06-30 ")], '"2027-06-30", without the blanks'),
    "an address with a length": (
        f"{FIRST_IP}.targets.fw1.private_ip",
        "10.0.1.20/24",
        "10.0.1.20, the address",
    ),
}


@pytest.mark.parametrize(("where", "value", "meant"), MEANT.values(), ids=MEANT)
def test_what_would_be_right_is_never_what_is_there_already(where, value, meant) -> None:
    (problem,) = validate(set_at(document(), where, value))
    assert said(problem).right.startswith(meant)
    given = value[0] if isinstance(value, list) else value
    given = given["until"] if isinstance(given, dict) else given
    assert json.dumps(given) in said(problem).what


@pytest.mark.parametrize("value", ["1.99999", "4.2E99", "AS", "6 5 0 0 1 0 0 0 0 0 0", "0x", "-1", "1e-3"])
def test_what_stands_for_no_number_is_not_guessed(value: str) -> None:
    (problem,) = validate(set_at(document(), "appliances.fw1.asn", value))
    assert said(problem).right == "an ASN, 1 to 4294967294 but for 23456 and 65535, which are reserved"


def test_a_list_that_is_too_long_is_said_once_however_long_it_is() -> None:
    """The number of judged values is what counts, not the time."""
    prefixes = [f"10.{n // 250}.{n % 250}.0/24" for n in range(5_000)]
    for path, items in (
        ("groups.0.prefixes", prefixes),
        ("appliances.fw1.allowed_prefixes", [{"a": n} for n in range(5_000)]),
        ("groups.0.elastic_ips", [{} for _ in range(5_000)]),
        ("groups", [7] * 5_000),
    ):
        found = shape_problems(set_at(document(), path, items))
        assert [(said(p).what, said(p).right.split()[1:]) for p in found] == [
            ("has 5000 entries", ["at", "most"])
        ]


EXCESSIVE: dict[str, tuple[object, str]] = {
    "20,000 prefixes": ({"groups": [{"prefixes": ["10.0.0.0/8"] * 20_000}]}, "has more than 20,000 values"),
    "a long text": ({"name": "e" * 400_000}, "has more than 300,000 characters"),
    "many names": ({"n" * 40 + str(n): 1 for n in range(10_000)}, "has more than 300,000 characters"),
    "a deep list": (json.loads("[" * 900 + "]" * 900), "is nested more than 50 deep"),
}


@pytest.mark.parametrize(("value", "what"), EXCESSIVE.values(), ids=EXCESSIVE)
def test_what_is_too_large_is_not_judged_at_all(value: object, what: str) -> None:
    (problem,) = validate(value)
    assert (problem.path, said(problem).what) == ("the document", what)


def test_a_bomb_of_shared_values_is_counted_and_not_spelled_out() -> None:
    value: object = ["x"] * 10
    for _ in range(20):
        value = [value] * 10
    (problem,) = validate(value)
    assert said(problem).what == "has more than 20,000 values"


def test_two_thousand_elastic_ips_are_within_what_is_judged() -> None:
    target = {"network_interface": "eni-0a1b2c3d4e5f60001", "private_ip": "10.0.1.10"}
    address = {"allocation_id": "eipalloc-0a1b2c3d4e5f60001", "targets": {"fw1": target}}
    assert excess({"groups": [{"elastic_ips": [address] * 1000}]}) is None


@pytest.mark.parametrize("asn", [23456, 65535, 4294967295])
def test_reserved_asns_are_refused(asn: int) -> None:
    """RFC 6793, 7300 and 7607."""
    (problem,) = validate(set_at(document(), "appliances.fw1.asn", asn))
    assert said(problem).what == f"is {asn}"


@pytest.mark.parametrize(
    ("character", "shown", "name"),
    [
        ("\u200b", "\\u200b", "U+200B ZERO WIDTH SPACE"),
        ("\u202e", "\\u202e", "U+202E RIGHT-TO-LEFT OVERRIDE"),
        ("\u00a0", "\\u00a0", "U+00A0 NO-BREAK SPACE"),
        ("\u0430", "\u0430", "U+0430 CYRILLIC SMALL LETTER A"),
    ],
)
def test_a_character_that_does_not_show_is_named(character: str, shown: str, name: str) -> None:
    (problem,) = validate(set_at(document(), "route_server.vpc_id", f"vpc-0a1b2c3d4e5f6000{character}1"))
    assert f'"vpc-0a1b2c3d4e5f6000{shown}1", which has {name}' in said(problem).what
    (problem,) = validate(set_at(document(), "tags", {f"Own{character}er": "x"}))
    assert said(problem).what == f"is not a valid name: it has {name}"


def test_a_name_of_cloudformation_is_recognised() -> None:
    (problem,) = validate(
        set_at(set_at(document(), "route_server.vpc_id", ...), "route_server.VpcId", "vpc-1")
    )
    assert said(problem).right.startswith("vpc_id?")


@pytest.mark.parametrize(
    ("where", "right"),
    [
        ("route_server.mode", "at the top; known here"),
        ("endpoints", "at route_server; known here"),
        ("groups.0.asn", "at an appliance; known here"),
    ],
)
def test_a_property_in_the_wrong_place_says_where_it_belongs(where: str, right: str) -> None:
    found = [said(p) for p in validate(set_at(document(), where, "x")) if p.code == "misplaced-property"]
    assert [p.right.startswith(right) for p in found] == [True]
