"""EC2's answers as they come over the wire, read by the SDK and then by Tandem."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qs

import pytest
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders

from tandem.adapters import clients, ec2reads, inventory, vpcreads
from tandem.errors import CallFailedError, ConfigurationError, TemporaryError
from tandem.model import Holder
from tests import awsclients
from tests.stack import ENVIRONMENT

Asked = dict[str, list[str]]
Answer = Callable[[Asked], tuple[int, str]]


class _Body:
    """Holds what the SDK reads of urllib3's response."""

    def __init__(self, text: str) -> None:
        self._text = text

    def stream(self, **_: object) -> Iterator[bytes]:
        yield self._text.encode()


class Wire:
    """Answers each request of the SDK with XML; `asked` has them in order."""

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self.answer: Answer = lambda _: (200, "")

    def send(self, request: Any, **_: object) -> AWSResponse:
        body = request.body if isinstance(request.body, str) else request.body.decode()
        self.asked.append(parse_qs(body, keep_blank_values=True))
        status, text = self.answer(self.asked[-1])
        return AWSResponse(request.url, status, HTTPHeaders(), _Body(text))

    def gives(self, *sets: str) -> None:
        """Answers 200 with the sets as they are."""
        self.answer = lambda _: (200, "".join(["<Answer>", *sets, "</Answer>"]))


@pytest.fixture
def wire(monkeypatch: pytest.MonkeyPatch) -> Iterator[Wire]:
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("botocore.endpoint.time.sleep", lambda _: None)
    awsclients.forget()
    found = Wire()
    clients.ec2().meta.events.register("before-send.ec2", found.send)  # type: ignore[arg-type]
    yield found
    awsclients.forget()


def refused(code: str, status: int = 400) -> tuple[int, str]:
    words = f"<Error><Code>{code}</Code><Message>words</Message></Error>"
    return status, f"<Response><Errors>{words}</Errors><RequestID>1</RequestID></Response>"


ADDRESS = "<publicIp>198.51.100.4</publicIp><allocationId>eipalloc-1</allocationId><domain>vpc</domain>"


def addresses(wire: Wire, more: str, address: str = ADDRESS) -> Any:
    wire.gives(f"<addressesSet><item>{address}{more}</item></addressesSet>")
    return ec2reads.elastic_ips("allocation-id", ["eipalloc-1"])


@pytest.mark.parametrize(
    "empty",
    ["<instanceId/>", "<associationId/>", "<networkInterfaceId/><instanceId/>", "<tagSet/><instanceId/>"],
)
def test_an_empty_element_is_a_missing_member(wire: Wire, empty: str) -> None:
    (address,) = addresses(wire, empty).found
    assert address.holder is None


def test_an_association_without_its_interface_is_unread(wire: Wire) -> None:
    rows = addresses(wire, "<instanceId>i-1</instanceId><networkInterfaceId/>")
    assert (rows.found, len(rows.unread)) == ((), 1)


@pytest.mark.parametrize("kind", ["carrierIp", "customerOwnedIp"])
def test_an_address_of_another_kind_is_read_with_its_own_member(wire: Wire, kind: str) -> None:
    there = "<associationId>eipassoc-1</associationId><networkInterfaceId>eni-1</networkInterfaceId>"
    there += "<privateIpAddress>10.0.1.5</privateIpAddress>"
    (address,) = addresses(wire, there, ADDRESS.replace("publicIp", kind)).found
    assert (address.public_ip, address.holder) == ("198.51.100.4", Holder("eni-1", "10.0.1.5", "eipassoc-1"))


def test_an_interface_with_a_carrier_address_is_read(wire: Wire) -> None:
    """Its address is taken, by one that is no Elastic IP of the Region."""
    private = "<privateIpAddress>10.0.1.5</privateIpAddress>"
    private += "<association><carrierIp>198.51.100.4</carrierIp></association>"
    interface = "<networkInterfaceId>eni-1</networkInterfaceId><subnetId>subnet-1</subnetId>"
    interface += f"<privateIpAddressesSet><item>{private}</item></privateIpAddressesSet>"
    wire.gives(f"<networkInterfaceSet><item>{interface}</item></networkInterfaceSet>")
    (found,) = ec2reads.interfaces("attachment.instance-id", ["i-1"]).found
    assert [(a.private_ip, a.public_ip) for a in found.addresses] == [("10.0.1.5", "198.51.100.4")]


def test_interfaces_are_asked_for_in_pages(wire: Wire) -> None:
    wire.gives("<networkInterfaceSet/>")
    ec2reads.interfaces("attachment.instance-id", ["i-1"])
    assert [asked["MaxResults"] for asked in wire.asked] == [["1000"]]


def test_all_filters_of_a_request_have_200_values_at_most(wire: Wire) -> None:
    wire.gives("<networkInterfaceSet/>")
    asked_for = [f"10.0.{n // 250}.{n % 250}" for n in range(400)]
    ec2reads.interfaces("addresses.private-ip-address", asked_for, "vpc-1")
    values = [[v for name, v in asked.items() if ".Value." in name] for asked in wire.asked]
    assert [len(each) for each in values] == [200, 200, 3]


def instance(instance_id: str, state: str) -> str:
    words = f"<instanceId>{instance_id}</instanceId><instanceState><name>{state}</name></instanceState>"
    return f"<item><instancesSet><item>{words}</item></instancesSet></item>"


def zoned(states: dict[str, str | tuple[int, str]]) -> Answer:
    """Fails every call that is about an instance that fails, as in a zone's disruption."""

    def answer(asked: Asked) -> tuple[int, str]:
        about = [v for name, (v,) in asked.items() if name.startswith(("Filter.1.Value", "InstanceId."))]
        rows = [states[id_] for id_ in about]
        for row in rows:
            if isinstance(row, tuple):
                return row
        items = "".join(instance(id_, str(row)) for id_, row in zip(about, rows, strict=True))
        return 200, f"<A><reservationSet>{items}</reservationSet></A>"

    return answer


@pytest.mark.parametrize(
    "failure", [refused("Unavailable", 503), refused("InternalError", 500), refused("Odd")]
)
def test_while_a_zone_is_disrupted_the_instances_of_the_other_are_read(
    wire: Wire, failure: tuple[int, str]
) -> None:
    wire.answer = zoned({"i-1": failure, "i-2": "running"})
    rows = ec2reads.instances(["i-1", "i-2"])
    assert [(i.instance_id, i.state) for i in rows.found] == [("i-2", "running")]
    assert [row.about for row in rows.unread] == ["i-1"]


def test_an_instance_that_is_gone_is_absent_then(wire: Wire) -> None:
    failure, gone = refused("Unavailable", 503), refused("InvalidInstanceID.NotFound")
    wire.answer = zoned({"i-1": failure, "i-2": "running", "i-3": gone})
    rows = ec2reads.instances(["i-1", "i-2", "i-3"])
    assert ([i.instance_id for i in rows.found], [r.about for r in rows.unread]) == (["i-2"], ["i-1"])


@pytest.mark.parametrize("code", ["RequestLimitExceeded", "UnauthorizedOperation"])
def test_what_more_calls_would_only_repeat_is_not_repeated(wire: Wire, code: str) -> None:
    wire.answer = zoned({"i-1": refused(code), "i-2": refused(code)})
    with pytest.raises(CallFailedError, match=code):
        ec2reads.instances(["i-1", "i-2"])
    assert {name for asked in wire.asked for name in asked if name.startswith("InstanceId.")} == set()


def test_where_no_instance_can_be_read_the_call_has_failed(wire: Wire) -> None:
    wire.answer = zoned({"i-1": refused("Unavailable", 503), "i-2": refused("Unavailable", 503)})
    with pytest.raises(TemporaryError, match="Unavailable"):
        ec2reads.instances(["i-1", "i-2"])


def test_an_instance_in_a_state_that_aws_does_not_document_is_unread(wire: Wire) -> None:
    wire.answer = zoned({"i-1": "quarantined", "i-2": "stopped"})
    rows = ec2reads.instances(["i-1", "i-2"])
    assert ([i.instance_id for i in rows.found], [r.about for r in rows.unread]) == (["i-2"], ["i-1"])


@pytest.mark.parametrize("body", ["<html><p>busy</html>", "", "{}"])
def test_an_answer_that_the_sdk_cannot_read_is_none(wire: Wire, body: str) -> None:
    wire.answer = lambda _: (200, body)
    with pytest.raises(TemporaryError, match="eipalloc-1"):
        ec2reads.elastic_ips("allocation-id", ["eipalloc-1"])


def test_a_number_that_the_sdk_cannot_read_is_no_answer(wire: Wire) -> None:
    wire.gives("<routeSet><item><prefix>0.0.0.0/0</prefix><med/></item></routeSet>")
    with pytest.raises(TemporaryError, match="rs-1"):
        ec2reads.routing_database("rs-1")


def test_a_routing_database_without_routes_may_lack_their_list(wire: Wire) -> None:
    """No page of AWS says whether it does."""
    wire.gives("<areRoutesPersisted>false</areRoutesPersisted>")
    assert ec2reads.routing_database("rs-1").routes == ()
    wire.gives("<requestId>1</requestId>")
    with pytest.raises(TemporaryError, match="without Routes"):
        ec2reads.routing_database("rs-1")


def peer(peer_id: str, state: str, more: str = "") -> str:
    words = f"<routeServerPeerId>{peer_id}</routeServerPeerId><routeServerId>rs-1</routeServerId>"
    return f"<item>{words}<state>{state}</state><peerAddress>10.0.1.5</peerAddress>{more}</item>"


def test_a_deleted_peer_that_lacks_members_is_left_out(wire: Wire) -> None:
    wire.gives(
        f"<routeServerPeerSet>{peer('rsp-1', 'deleted')}{peer('rsp-2', 'available')}</routeServerPeerSet>"
    )
    rows = ec2reads.peers("rs-1")
    assert [re.findall("rsp-[0-9]", row.words) for row in rows.unread] == [["rsp-2"]]


def server(server_id: str, asn: str = "<amazonSideAsn>65000</amazonSideAsn>") -> str:
    return f"<item><routeServerId>{server_id}</routeServerId><state>available</state>{asn}</item>"


def servers(*rows: str) -> Answer:
    def answer(asked: Asked) -> tuple[int, str]:
        (action,) = asked["Action"]
        inner = "".join(rows) if action == "DescribeRouteServers" else ""
        name = {"DescribeRouteServers": "routeServerSet", "DescribeRouteServerPeers": "routeServerPeerSet"}
        outer = name.get(action, "routeServerEndpointSet")
        return 200, f"<A><{outer}>{inner}</{outer}></A>"

    return answer


def test_a_strangers_route_server_that_cannot_be_read_is_nobodys_trouble(wire: Wire) -> None:
    wire.answer = servers(server("rs-1"), server("rs-2", asn=""))
    found = inventory.route_server("rs-1")
    assert found is not None
    assert found.server.route_server_id == "rs-1"


@pytest.mark.parametrize("rows", [(server("rs-1", asn=""),), (server("", asn=""),)])
def test_a_route_server_that_may_be_ones_own_and_cannot_be_read_is_not_gone(
    wire: Wire, rows: tuple[str, ...]
) -> None:
    wire.answer = servers(*rows)
    with pytest.raises(ConfigurationError, match="cannot be read"):
        inventory.route_server("rs-1")


def table(route: str, association: str = "") -> str:
    words = "<routeTableId>rtb-1</routeTableId><vpcId>vpc-1</vpcId>"
    inner = f"<routeSet><item>{route}</item></routeSet><associationSet>{association}</associationSet>"
    return f"<routeTableSet><item>{words}{inner}</item></routeTableSet>"


@pytest.mark.parametrize(
    ("route", "leads"),
    [
        ("<destinationCidrBlock>0.0.0.0/0</destinationCidrBlock><state>active</state>", True),
        ("<destinationIpv6CidrBlock>::/0</destinationIpv6CidrBlock><state>active</state>", False),
        ("<destinationCidrBlock>0.0.0.0/0</destinationCidrBlock><state>blackhole</state>", False),
        ("<destinationCidrBlock>0.0.0.0/0</destinationCidrBlock><state>filtered</state>", False),
    ],
)
def test_an_elastic_ip_needs_an_ipv4_route_to_the_internet_gateway(
    wire: Wire, route: str, *, leads: bool
) -> None:
    wire.gives(table(f"{route}<gatewayId>igw-1</gatewayId>"))
    (found,) = vpcreads.route_tables(["vpc-1"]).found
    assert found.leads_to_internet is leads


@pytest.mark.parametrize(
    ("state", "subnets"),
    [("associated", ("subnet-1",)), ("associating", ("subnet-1",)), ("disassociated", ()), ("failed", ())],
)
def test_an_association_that_has_ended_is_none(wire: Wire, state: str, subnets: tuple[str, ...]) -> None:
    ended = f"<associationState><state>{state}</state></associationState>"
    row = f"<item><subnetId>subnet-1</subnetId><main>false</main>{ended}</item>"
    wire.gives(table("<destinationCidrBlock>10.0.0.0/16</destinationCidrBlock>", row))
    (found,) = vpcreads.route_tables(["vpc-1"]).found
    assert found.subnet_ids == subnets


def test_an_address_block_that_a_vpc_does_not_have_any_more_is_none(wire: Wire) -> None:
    blocks = "".join(
        f"<item><cidrBlock>10.{n}.0.0/16</cidrBlock>"
        f"<cidrBlockState><state>{state}</state></cidrBlockState></item>"
        for n, state in enumerate(["associated", "disassociated", "failing"])
    )
    gone = (
        "<item><ipv6CidrBlock/><ipv6CidrBlockState><state>disassociated</state></ipv6CidrBlockState></item>"
    )
    sets = f"<cidrBlockAssociationSet>{blocks}</cidrBlockAssociationSet>"
    sets += f"<ipv6CidrBlockAssociationSet>{gone}</ipv6CidrBlockAssociationSet>"
    wire.gives(f"<vpcSet><item><vpcId>vpc-1</vpcId>{sets}</item></vpcSet>")
    assert vpcreads.vpc_prefixes(["vpc-1"]).found == (("10.0.0.0/16",),)
