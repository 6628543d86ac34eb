"""The rules of packet filters and the lab, which judges them by itself, agree about random ones."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from lab.ec2 import packet_filters
from tandem.compliance.engine import judge_snapshot
from tandem.compliance.rule import RuleVerdict
from tandem.compliance.rules import filters
from tests.breakages_filters import acl_of, group_of_endpoint, put_on, rule, session_between_zones
from tests.complying import healthy, taken
from tests.shared_worlds import begins_in
from tests.stack import Stack, stack

WORLDS = 12
PORTS = ((0, 65535), (179, 179), (3784, 3784), (1024, 65535), (1, 1023))
"""None of them is a part of the ports that answers may go to: the lab's appliance dials from one."""


@pytest.fixture
@begins_in(stack)
def edge() -> Iterator[Stack]:
    with healthy() as s:
        yield s


def permissions(s: Stack, group_id: str, some: random.Random) -> list[dict[str, Any]]:
    who: list[dict[str, Any]] = [
        {"IpRanges": [{"CidrIp": "10.0.0.0/16"}]},
        {"IpRanges": [{"CidrIp": "10.0.2.0/24"}, {"CidrIp": "192.0.2.0/24"}]},
        {"UserIdGroupPairs": [{"GroupId": group_of_endpoint(s, "az2-a")}]},
        {"UserIdGroupPairs": [{"GroupId": group_id}]},
        {"Ipv6Ranges": [{"CidrIpv6": "::/0"}]},
    ]
    created = []
    for chosen in some.sample(who, some.randint(1, 3)):
        protocol = some.choice(["-1", "tcp", "udp"])
        first, last = some.choice(PORTS)
        between = {} if protocol == "-1" else {"FromPort": first, "ToPort": last}
        created.append({"IpProtocol": protocol, **between, **chosen})
    return created


def shuffle(s: Stack, number: int, some: random.Random) -> None:
    """Gives the standby a random security group, and its subnet a random network ACL."""
    client = s.lab.client()
    created = client.create_security_group(GroupName=f"g{number}", Description="any", VpcId=s.ids["vpc_id"])
    group_id = created["GroupId"]
    asked: Any = permissions(s, group_id, some)
    client.authorize_security_group_ingress(GroupId=group_id, IpPermissions=asked)
    put_on(s, "fw2", group_id)
    acl_id = acl_of(s, "az2")
    for at in some.sample(range(1, 200), some.randint(0, 4)):
        protocol, action = some.choice(["-1", "6", "17"]), some.choice(["allow", "deny"])
        if at != 100:
            outbound = some.random() < 0.5
            rule(s, acl_id, at, protocol, outbound=outbound, ports=some.choice(PORTS), action=action)


def test_the_rules_and_the_lab_agree(edge: Stack) -> None:
    some, met = random.Random(11), Counter[bool]()  # noqa: S311 - any worlds will do
    session_between_zones(edge)
    region = edge.levers.region
    for number in range(WORLDS):
        shuffle(edge, number, some)
        found = judge_snapshot(filters.RULES, taken(edge))
        assert {f.result.verdict for f in found} <= {RuleVerdict.PASS, RuleVerdict.FAIL}
        closed = {f.result.resource for f in found if f.result.verdict is RuleVerdict.FAIL}
        peers = [p for p in region.peers.values() if p.address == edge.ids["peer_addresses"]["fw2"]]
        assert closed == {f"fw2 {p.endpoint_id}" for p in peers if packet_filters.closed(region, p)}
        met.update(f"fw2 {p.endpoint_id}" in closed for p in peers)
    assert min(met[True], met[False]) > 5
