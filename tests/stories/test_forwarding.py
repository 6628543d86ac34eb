"""An interface that forwards with SourceDestCheck on: EC2 drops its traffic, so people are told."""

from __future__ import annotations

from typing import Any

import boto3
import pytest

from tests.managing import managed
from tests.provisioning import Provisioner, provisioner
from tests.shared_worlds import begins_in


def turn_on(tandem: Provisioner, name: str) -> str:
    interface = str(tandem.ids["interfaces"][name])
    boto3.client("ec2").modify_network_interface_attribute(
        NetworkInterfaceId=interface, SourceDestCheck={"Value": True}
    )
    return interface


def is_on(interface: str) -> bool:
    (shown,) = boto3.client("ec2").describe_network_interfaces(NetworkInterfaceIds=[interface])[
        "NetworkInterfaces"
    ]
    return bool(shown["SourceDestCheck"])


def said(warnings: list[str]) -> list[str]:
    return [warning for warning in warnings if "SourceDestCheck" in warning]


def completed(tandem: Provisioner) -> list[str]:
    details = [e["detail"] for e in tandem.events() if e["detail-type"] == "Provisioning Completed"]
    return said(details[-1]["warnings"])


def without_addresses(wanted: dict[str, Any]) -> dict[str, Any]:
    """Nothing that moves, so nothing needs its owner's tag."""
    return wanted | {"groups": [{"name": "transit", "prefixes": ["0.0.0.0/0"]}]}


@begins_in(provisioner)
def test_where_tandem_only_watches_the_owner_is_told_to_turn_it_off() -> None:
    with provisioner() as tandem:
        interface = turn_on(tandem, "fw1")
        answer = tandem.apply(tandem.document(manage=False))
        assert answer["problems"] == []
        (warning,) = said(answer["warnings"])
        assert warning.startswith(f"{interface} of fw1 has SourceDestCheck on: EC2 drops what fw1 forwards")
        assert "--no-source-dest-check" in warning
        assert "tag it" not in warning
        tandem.refresh()
        assert said(list(tandem.record().provisioned.warnings)) == [warning]
        assert completed(tandem) == [warning]
        assert is_on(interface)
        boto3.client("ec2").modify_network_interface_attribute(
            NetworkInterfaceId=interface, SourceDestCheck={"Value": False}
        )
        tandem.refresh()
        assert said(list(tandem.record().provisioned.warnings)) == []


@begins_in(managed)
def test_where_tandem_manages_the_tag_is_the_other_way_and_it_works() -> None:
    with managed() as tandem:
        interface = turn_on(tandem, "fw2")
        ec2 = boto3.client("ec2")
        ec2.delete_tags(Resources=[interface], Tags=[{"Key": "tandem:stack"}])
        wanted = without_addresses(tandem.wanted())
        (warning,) = said(tandem.check(wanted)["warnings"])
        assert f"{interface} of fw2" in warning
        assert "tag it tandem:stack=tandem" in warning
        tandem.run(wanted)
        assert completed(tandem) == [warning]
        assert is_on(interface)
        ec2.create_tags(Resources=[interface], Tags=[{"Key": "tandem:stack", "Value": "tandem"}])
        assert said(tandem.check(wanted)["warnings"]) == []
        tandem.refresh()
        tandem.converge()
        assert not is_on(interface)
        assert said(list(tandem.record().provisioned.warnings)) == []


@pytest.mark.parametrize("manage", [True, False])
@begins_in(provisioner)
def test_an_interface_that_forwards_nothing_may_check(manage: bool) -> None:
    """A management interface, on which no route and no Elastic IP leads to the appliance."""
    with provisioner() as tandem:
        ec2 = boto3.client("ec2")
        (one,) = ec2.describe_network_interfaces(NetworkInterfaceIds=[tandem.ids["interfaces"]["fw1"]])[
            "NetworkInterfaces"
        ]
        made = ec2.create_network_interface(SubnetId=one["SubnetId"])["NetworkInterface"]
        ec2.attach_network_interface(
            NetworkInterfaceId=made["NetworkInterfaceId"],
            InstanceId=tandem.ids["instances"]["fw1"],
            DeviceIndex=5,
        )
        assert is_on(made["NetworkInterfaceId"])
        answer = tandem.check(tandem.document(manage=manage))
        assert said(answer["warnings"]) == []
