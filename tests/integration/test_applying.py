"""Topologies that are checked and applied with the command line: what is refused, and what is stored."""

from __future__ import annotations

import boto3
import pytest

from tandem.errors import TemporaryError
from tests.managing import Managed, converged, tags
from tests.provisioning import Provisioner, provisioner, watching
from tests.shared_worlds import begins_in
from tests.topologies import set_at


@pytest.fixture
@begins_in(provisioner)
def tandem():
    with provisioner() as made:
        yield made


@pytest.fixture
@begins_in(watching)
def watched():
    with watching() as tandem:
        yield tandem


def test_a_check_says_what_would_happen_and_stores_nothing(tandem: Provisioner) -> None:
    answer = tandem.check()
    assert answer["problems"] == []
    assert (answer["topology"], answer["mode"], answer["version"]) == ("edge", "enforce", 0)
    assert answer["preview"][0]["action"] == "no-change"
    assert not answer["stored"]
    assert tandem.changes == []
    assert tandem.record() is None


@begins_in(provisioner, associated=False)
def test_the_preview_is_the_engines_own_decision() -> None:
    with provisioner(associated=False) as tandem:
        group = tandem.check()["preview"][0]
    assert group["action"] == "move"
    assert [a["to"]["appliance"] for a in group["addresses"]] == ["fw1"] * 4
    assert all("nobody has it" in a["reason"] for a in group["addresses"])


def test_a_topology_is_stored_and_told(tandem: Provisioner) -> None:
    answer = tandem.apply()
    assert (answer["stored"], answer["version"]) == (True, 1)
    assert tandem.record().door == "cli"
    changed, asked = tandem.events()
    detail = changed["detail"]
    assert (detail["change"], detail["mode"], detail["previous_mode"]) == ("stored", "enforce", None)
    assert (detail["stated_by"], detail["request_id"]) == (None, "request")
    assert (asked["detail-type"], asked["detail"]["requested_by"]) == ("Look", "operator")
    assert asked["detail"]["cause"] == "version 1 was stored, mode enforce"


def test_who_pulls_the_brake_is_named_as_they_say(watched: Provisioner) -> None:
    kim = "arn:aws:sts::123456789012:assumed-role/network/kim"
    watched.apply(watched.document(mode="dry-run"), stated_by=kim)
    detail = watched.events()[0]["detail"]
    assert (detail["mode"], detail["previous_mode"], detail["stated_by"]) == ("dry-run", "enforce", kim)


@pytest.mark.parametrize(("stated_by", "kept"), [("k" * 900, "k" * 500), (" ", None), (["kim"], None)])
def test_a_name_that_nobody_can_read_is_none(
    watched: Provisioner, stated_by: object, kept: str | None
) -> None:
    watched.apply(watched.document(mode="dry-run"), stated_by=stated_by)
    assert watched.events()[0]["detail"]["stated_by"] == kept


def test_who_deletes_a_topology_is_named_as_they_say(watched: Provisioner) -> None:
    watched.delete(stated_by="kim")
    [detail] = [e["detail"] for e in watched.events()]
    assert (detail["change"], detail["stated_by"], detail["request_id"]) == ("deleted", "kim", "request")


def test_storing_the_same_again_stores_and_tells_nothing(watched: Provisioner) -> None:
    answer = watched.apply()
    assert (answer["stored"], answer["version"], answer["changes"]) == (True, 1, [])
    assert watched.changes == []
    assert watched.events() == []


def test_a_change_is_a_new_version_and_keeps_what_was_provisioned(watched: Provisioner) -> None:
    before = watched.record().provisioned
    answer = watched.apply(watched.document(mode="dry-run"))
    assert answer["changes"] == ["mode: enforce -> dry-run"]
    record = watched.record()
    assert (record.version, record.topology.mode, record.provisioned) == (2, "dry-run", before)


def test_an_invalid_topology_is_refused_whole_and_the_stored_one_stays(watched: Provisioner) -> None:
    broken = watched.document(mode="on", groups=[])
    answer = watched.apply(broken)
    assert [p["path"] for p in answer["problems"]] == ["mode", "groups"]
    assert not answer["stored"]
    assert watched.changes == []
    assert watched.record().topology.mode == "enforce"


def test_the_brake_works_in_a_broken_world(watched: Provisioner) -> None:
    """An instance is gone, so the document fits AWS no more; from enforce to dry-run goes all the same."""
    watched.lab.levers.instance(name="fw1", state="terminated")
    watched.lab.clock.sleep(5)
    more = watched.document(mode="dry-run", groups=[{"name": "transit", "prefixes": ["10.20.0.0/16"]}])
    assert watched.apply()["problems"]
    assert watched.apply(more)["problems"]
    answer = watched.apply(watched.document(mode="dry-run"))
    assert (answer["stored"], answer["problems"]) == (True, [])
    assert any("fw1" in warning for warning in answer["warnings"])
    assert watched.record().topology.mode == "dry-run"
    assert watched.apply(more)["problems"]
    released = watched.apply()
    assert (released["stored"], released["problems"]) == (True, [])
    assert any("fw1" in warning for warning in released["warnings"])
    assert watched.record().topology.mode == "enforce"


def test_one_address_in_the_way_keeps_no_topology_in_dry_run(watched: Provisioner) -> None:
    """A stranger's Elastic IP on one target: three of the four would move, and enforce is stored for them."""
    watched.apply(watched.document(mode="dry-run"))
    ec2 = boto3.client("ec2")
    stranger = ec2.allocate_address(Domain="vpc")["AllocationId"]
    target = watched.document()["groups"][0]["elastic_ips"][3]["targets"]["fw2"]
    ec2.associate_address(
        AllocationId=stranger,
        NetworkInterfaceId=target["network_interface"],
        PrivateIpAddress=target["private_ip"],
    )
    watched.lab.levers.kill(name="fw1")
    watched.lab.clock.sleep(5)
    answer = watched.apply()
    assert (answer["stored"], answer["mode"], answer["problems"]) == (True, "enforce", [])
    assert any(stranger in warning for warning in answer["warnings"])
    actions = [a["action"] for a in answer["preview"][0]["addresses"]]
    assert actions == ["move"] * 3 + ["hold"]


def test_a_stored_topology_with_problems_is_previewed_as_it_is_stored(watched: Provisioner) -> None:
    watched.lab.levers.kill(name="fw1")
    watched.lab.levers.kill(name="fw2")
    watched.lab.clock.sleep(5)
    answer = watched.check(watched.document(groups=watched.document()["groups"] * 2))
    assert answer["problems"]
    [group] = answer["preview"]
    assert (group["action"], group["owner"]) == ("hold", None)


def test_a_new_topology_with_problems_has_no_preview(tandem: Provisioner) -> None:
    answer = tandem.check(tandem.document(groups=tandem.document()["groups"] * 2))
    assert answer["problems"]
    assert answer["preview"] == []


def test_what_does_not_fit_aws_is_refused_too(tandem: Provisioner) -> None:
    answer = tandem.apply(tandem.document(route_server={"id": "rs-0fffffffffffffff1"}))
    assert [p["path"] for p in answer["problems"]] == ["route_server.id"]
    assert tandem.ids["route_server_id"] in answer["problems"][0]["right"]
    assert tandem.record() is None


def test_an_elastic_ip_of_another_network_border_group_is_refused(tandem: Provisioner) -> None:
    ec2 = boto3.client("ec2")
    made = ec2.allocate_address(Domain="vpc", NetworkBorderGroup="us-east-1-bos-1")
    ec2.create_tags(Resources=[made["AllocationId"]], Tags=[{"Key": "tandem:stack", "Value": "tandem"}])
    path = "groups.0.elastic_ips.0.allocation_id"
    problems = tandem.check(set_at(tandem.document(), path, made["AllocationId"]))["problems"]
    refused = [p for p in problems if "network border group" in p["what"]]
    target = "groups[0].elastic_ips[0].targets.{}.network_interface"
    assert [p["path"] for p in refused] == [target.format("fw1"), target.format("fw2")]
    for problem in refused:
        assert "is in the network border group us-east-1, but" in problem["what"]
        assert f"{made['AllocationId']} is of us-east-1-bos-1" in problem["what"]


def test_what_lacks_its_owners_tag_is_named(tandem: Provisioner) -> None:
    interface = tandem.ids["interfaces"]["fw2"]
    boto3.client("ec2").delete_tags(Resources=[interface], Tags=[{"Key": "tandem:stack"}])
    answer = tandem.apply()
    assert [p["untagged"] for p in answer["problems"]] == [interface]
    boto3.client("ec2").create_tags(Resources=[interface], Tags=[{"Key": "tandem:stack", "Value": "tandem"}])
    assert tandem.apply()["stored"]


def test_what_another_stored_topology_claims_is_refused(watched: Provisioner) -> None:
    answer = watched.apply(watched.document(name="copy"))
    assert len(answer["problems"]) == 12
    assert all("claimed by the stored topology edge" in p["what"] for p in answer["problems"])


def test_a_topology_belongs_to_the_door_that_created_it(watched: Provisioner) -> None:
    arn = "arn:aws:cloudformation:us-east-1:123456789012:stack/network/1"
    watched.put_item(door={"S": arn})
    answer = watched.apply(watched.document(mode="dry-run"))
    assert [p["path"] for p in answer["problems"]] == ["name"]
    assert arn in answer["problems"][0]["what"]
    assert watched.apply(watched.document(mode="dry-run"), take_over=True)["stored"]
    assert watched.record().door == "cli"


def test_what_changed_since_it_was_looked_at_is_looked_at_again(watched: Provisioner) -> None:
    answer = watched.apply(watched.document(mode="dry-run"), seen=0)
    assert "changed meanwhile: version 1 is stored now, not version 0" in answer["problems"][0]["what"]
    assert watched.apply(watched.document(mode="dry-run"), seen=1)["version"] == 2


def test_a_damaged_topology_hurts_only_itself(watched: Provisioner) -> None:
    watched.put_item(document={"S": "{"})
    answer = watched.apply(watched.other())
    assert answer["stored"]
    assert "the stored topology edge is damaged" in answer["warnings"][-1]
    watched.refresh()
    assert watched.record("transit").provisioned is not None
    refused = watched.apply()
    assert "is damaged" in refused["problems"][0]["what"]
    assert watched.apply(take_over=True)["stored"]
    assert watched.record().topology.name == "edge"


def test_a_region_without_route_server_is_one_clear_problem(tandem: Provisioner) -> None:
    tandem.lab.levers.fault("DescribeRouteServers", error="InvalidAction")
    answer = tandem.check()
    assert [p["path"] for p in answer["problems"]] == ["route_server"]
    assert "not available in this Region" in answer["problems"][0]["what"]


def test_where_ec2_does_not_answer_nothing_is_stored(tandem: Provisioner) -> None:
    tandem.lab.levers.fault("DescribeSubnets", error="RequestLimitExceeded")
    with pytest.raises(TemporaryError, match="RequestLimitExceeded"):
        tandem.apply()
    assert tandem.record() is None


def test_cloudformations_texts_are_understood(tandem: Provisioner) -> None:
    texts = tandem.document(manage="false", tandem="1")
    texts["route_server"]["amazon_side_asn"] = "65000"
    assert tandem.apply(texts)["problems"] == []
    assert tandem.record().topology.route_server.amazon_side_asn == 65000


@pytest.fixture
@begins_in(converged)
def made():
    """A managed topology in force, and somebody's peer where one of its sessions was."""
    with converged() as tandem:
        assert tandem.apply(tandem.wanted(mode="enforce"))["problems"] == []
        endpoint = next(e for e in tandem.endpoints() if tags(e)["tandem:endpoint"] == "az2-b")
        there = {"RouteServerEndpointId": endpoint["RouteServerEndpointId"], "PeerAddress": "10.0.2.10"}
        (ours,) = [p for p in tandem.peers() if there.items() <= p.items()]
        ec2 = boto3.client("ec2")
        ec2.delete_route_server_peer(RouteServerPeerId=ours["RouteServerPeerId"])
        tandem.settle()
        ec2.create_route_server_peer(**there, BgpOptions={"PeerAsn": 65099})
        tandem.settle()
        yield tandem


def test_the_brake_works_where_the_plan_is_refused(made: Managed) -> None:
    (refused,) = made.apply(made.wanted(mode="enforce"))["problems"]
    assert "Tandem did not create it and may not replace it" in refused["what"]
    answer = made.apply(made.wanted(mode="dry-run"))
    assert (answer["problems"], answer["stored"]) == ([], True)
    assert f"{refused['path']}: {refused['what']}" in answer["warnings"]
    assert made.record().topology.mode == "dry-run"
    released = made.apply(made.wanted(mode="enforce"))
    assert (released["problems"], released["stored"]) == ([], True)
    assert f"{refused['path']}: {refused['what']}" in released["warnings"]


@pytest.mark.parametrize(
    ("read", "error"),
    [
        ("DescribeSubnets", "RequestLimitExceeded"),
        ("DescribeRouteServers", "InvalidAction"),
        ("DescribeRouteServers", "UnauthorizedOperation"),
        ("GetRouteServerPropagations", "UnauthorizedOperation"),
    ],
)
def test_the_brake_works_where_ec2_cannot_be_read(made: Managed, read: str, error: str) -> None:
    made.lab.levers.fault(read, error=error)
    answer = made.apply(made.wanted(mode="dry-run"))
    assert (answer["problems"], answer["stored"]) == ([], True)
    assert any(error in words or "not available" in words for words in answer["warnings"])
    assert made.record().topology.mode == "dry-run"


@pytest.mark.parametrize("is_read", [True, False])
def test_the_brake_is_its_owners_and_of_what_was_looked_at(made: Managed, is_read: bool) -> None:
    if not is_read:
        made.lab.levers.fault("DescribeSubnets", error="RequestLimitExceeded")
    version = made.record().version
    (stale,) = made.apply(made.wanted(mode="dry-run"), seen=version - 1)["problems"]
    assert "changed meanwhile" in stale["what"]
    made.app.store.put(made.record().topology, "somebody's", made.record())
    (foreign,) = made.apply(made.wanted(mode="dry-run"))["problems"]
    assert "belongs to" in foreign["what"]
    assert made.record().topology.mode == "enforce"
