"""Packet filters are judged as AWS documents them: tables of permissions and rules against single flows."""

from __future__ import annotations

import pytest

from tandem.adapters import filterrows
from tandem.adapters.rows import read_rows
from tandem.compliance.packetfilters import (
    ANY,
    AclRule,
    Flow,
    NetworkAcl,
    Passage,
    Permission,
    SecurityGroup,
    through_acl,
    through_groups,
)

HERE, THERE = "10.0.2.10", "10.0.1.254"
BGP = Flow("tcp", HERE, THERE, (179, 179))
BFD = Flow("udp", THERE, HERE, (3784, 3784))
ANSWERS = Flow("tcp", THERE, HERE, (32768, 61000))
SIX = Flow("tcp", "2001:db8::10", "2001:db8::20", (179, 179))
LISTS = {"pl-1": ("10.0.1.0/24",), "pl-2": ("192.0.2.0/24",)}


PERMISSIONS = {
    "all protocols": (Permission(ANY, prefixes=("10.0.0.0/16",)), BGP, Passage.OPEN),
    "one port": (Permission("tcp", (179, 179), prefixes=("10.0.1.0/24",)), BGP, Passage.OPEN),
    "a range of ports": (Permission("tcp", (1, 1024), prefixes=("0.0.0.0/0",)), BGP, Passage.OPEN),
    "a range that ends before": (Permission("tcp", (1, 178), prefixes=("0.0.0.0/0",)), BGP, Passage.CLOSED),
    "another protocol": (Permission("udp", (0, 65535), prefixes=("0.0.0.0/0",)), BGP, Passage.CLOSED),
    "another prefix": (Permission(ANY, prefixes=("192.0.2.0/24",)), BGP, Passage.CLOSED),
    "IPv6 says nothing of IPv4": (Permission(ANY, prefixes=("::/0",)), BGP, Passage.CLOSED),
    "IPv4 says nothing of IPv6": (Permission(ANY, prefixes=("0.0.0.0/0",)), SIX, Passage.CLOSED),
    "IPv6": (Permission("tcp", (179, 179), prefixes=("2001:db8::/32",)), SIX, Passage.OPEN),
    "a group of the other end": (Permission(ANY, group_ids=("sg-2",)), BGP, Passage.OPEN),
    "the group itself, where the other end has it too": (
        Permission(ANY, group_ids=("sg-1",)),
        BGP,
        Passage.OPEN,
    ),
    "a group of nobody here": (Permission(ANY, group_ids=("sg-9",)), BGP, Passage.CLOSED),
    "a prefix list": (Permission("tcp", (179, 179), prefix_lists=("pl-1",)), BGP, Passage.OPEN),
    "a prefix list of others": (Permission(ANY, prefix_lists=("pl-2",)), BGP, Passage.CLOSED),
    "a prefix list that cannot be read": (Permission(ANY, prefix_lists=("pl-3",)), BGP, Passage.UNKNOWN),
    "one that cannot be read, of another port": (
        Permission("tcp", (22, 22), prefix_lists=("pl-3",)),
        BGP,
        Passage.CLOSED,
    ),
    "a protocol without ports": (Permission("icmp", prefixes=("0.0.0.0/0",)), BGP, Passage.CLOSED),
}


@pytest.mark.parametrize(("permission", "flow", "passage"), PERMISSIONS.values(), ids=PERMISSIONS)
def test_a_permission_opens_what_it_names(permission: Permission, flow: Flow, passage: Passage) -> None:
    group = SecurityGroup("sg-1", outbound=(permission,))
    others = ("sg-1", "sg-2")
    found = through_groups([group], flow, outbound=True, other_groups=others, prefix_lists=LISTS)
    assert found is passage
    assert (
        through_groups([group], flow, outbound=False, other_groups=(), prefix_lists=LISTS) is not Passage.OPEN
    )


def test_any_group_opens_and_no_group_closes_what_another_opens() -> None:
    groups = [
        SecurityGroup("sg-1", inbound=(Permission(ANY, prefix_lists=("pl-3",)),)),
        SecurityGroup("sg-2", inbound=(Permission("udp", (3784, 3784), prefixes=("10.0.1.0/24",)),)),
    ]
    found = through_groups(groups, BFD, outbound=False, other_groups=(), prefix_lists={})
    assert found is Passage.OPEN
    assert through_groups([], BFD, outbound=False, other_groups=(), prefix_lists={}) is Passage.CLOSED


def rule(
    number: int, protocol: str = ANY, *, allows: bool = True, prefix: str = "0.0.0.0/0", **ports: int
) -> AclRule:
    between = (ports.get("first", 0), ports.get("last", 65535))
    return AclRule(number, outbound=False, allows=allows, protocol=protocol, prefix=prefix, ports=between)


ACLS = {
    "no rule": ((), BFD, 32767),
    "everything": ((rule(100), rule(32767, allows=False)), BFD, None),
    "a deny with a lower number": ((rule(100), rule(50, "udp", allows=False)), BFD, 50),
    "a deny with a higher number": ((rule(100), rule(200, "udp", allows=False)), BFD, None),
    "an allow before a deny": ((rule(10, "udp", first=3784, last=3784), rule(50, allows=False)), BFD, None),
    "a deny of another protocol": ((rule(50, "tcp", allows=False), rule(100)), BFD, None),
    "a deny of another prefix": ((rule(50, allows=False, prefix="192.0.2.0/24"), rule(100)), BFD, None),
    "a deny of the host": ((rule(50, allows=False, prefix=f"{THERE}/32"), rule(100)), BFD, 50),
    "a deny of IPv6": ((rule(50, allows=False, prefix="::/0"), rule(100)), BFD, None),
    "only the other port": ((rule(100, "udp", first=3785, last=3785),), BFD, 32767),
    "all answers": ((rule(100, "tcp", first=1024, last=65535),), ANSWERS, None),
    "answers to the upper ports only": ((rule(100, "tcp", first=49152, last=65535),), ANSWERS, 32767),
    "answers to the lower ports only": ((rule(100, "tcp", first=1024, last=49151),), ANSWERS, 32767),
    "answers in two parts": (
        (rule(100, "tcp", first=1024, last=49151), rule(110, "tcp", first=49152, last=65535)),
        ANSWERS,
        None,
    ),
    "a hole in the answers": (
        (rule(50, "tcp", allows=False, first=40000, last=40001), rule(100)),
        ANSWERS,
        50,
    ),
    "rules of the other direction": (
        (AclRule(100, outbound=True, allows=True, protocol=ANY, prefix="0.0.0.0/0"),),
        BFD,
        32767,
    ),
}


@pytest.mark.parametrize(("rules", "flow", "stopped_by"), ACLS.values(), ids=ACLS)
def test_the_lowest_rule_that_matches_decides(
    rules: tuple[AclRule, ...], flow: Flow, stopped_by: int | None
) -> None:
    acl = NetworkAcl("acl-1", ("subnet-1",), rules)
    found = through_acl(acl, flow, outbound=False)
    assert (found.number if found else None) == stopped_by


def test_rows_are_read_as_ec2_shows_them() -> None:
    group = {
        "GroupId": "sg-1",
        "IpPermissions": [
            {
                "IpProtocol": "tcp",
                "FromPort": 179,
                "ToPort": 179,
                "IpRanges": [{"CidrIp": "10.0.0.0/16"}],
                "Ipv6Ranges": [{"CidrIpv6": "2001:db8::/32"}],
                "PrefixListIds": [{"PrefixListId": "pl-1"}],
                "UserIdGroupPairs": [{"GroupId": "sg-2"}, {"PeeringStatus": "deleted"}],
            },
            {"IpProtocol": "-1", "UserIdGroupPairs": [{"GroupId": "sg-1"}]},
            {"IpProtocol": "icmp", "FromPort": -1, "ToPort": -1},
        ],
    }
    [found] = read_rows([group], filterrows.GROUP).found
    assert found.inbound == (
        Permission("tcp", (179, 179), ("10.0.0.0/16", "2001:db8::/32"), ("pl-1",), ("sg-2",)),
        Permission(ANY, group_ids=("sg-1",)),
        Permission("icmp"),
    )
    assert found.outbound == ()


ODD_GROUPS = {
    "no port": {"GroupId": "sg-1", "IpPermissions": [{"IpProtocol": "tcp", "FromPort": 179}]},
    "no protocol": {"GroupId": "sg-1", "IpPermissions": [{"FromPort": 179, "ToPort": 179}]},
    "no prefix": {"GroupId": "sg-1", "IpPermissions": [{"IpProtocol": "-1", "IpRanges": [{}]}]},
    "no list": {"GroupId": "sg-1", "IpPermissions": "all"},
}
ENTRY = {
    "RuleNumber": 100,
    "Protocol": "-1",
    "RuleAction": "allow",
    "Egress": False,
    "CidrBlock": "0.0.0.0/0",
}


@pytest.mark.parametrize("row", ODD_GROUPS.values(), ids=ODD_GROUPS)
def test_a_group_that_cannot_be_read_is_unread_and_not_closed(row: dict[str, object]) -> None:
    assert [found.about for found in read_rows([row], filterrows.GROUP).unread] == ["sg-1"]


@pytest.mark.parametrize("member", ENTRY)
def test_an_acl_with_a_rule_that_cannot_be_read_is_unread(member: str) -> None:
    whole = {"NetworkAclId": "acl-1", "Entries": [ENTRY]}
    assert read_rows([whole], filterrows.ACL).unread == ()
    values: tuple[object, ...] = (None, "maybe", {})
    for value in values:
        odd = {**whole, "Entries": [{**ENTRY, member: value}]}
        if member == "Protocol" and value == "maybe":
            continue  # a protocol that nobody asks about
        assert [found.about for found in read_rows([odd], filterrows.ACL).unread] == ["acl-1"]
