"""The edge comes up by itself, at once or in its time, and shows what it returns."""

import boto3
from moto import mock_aws

from lab.ec2 import Timings, install, lab_ec2, uninstall
from lab.ec2.scenario import edge


def test_it_waits_for_what_takes_time():
    with lab_ec2(timings=Timings.lab()) as lab:
        world = edge(lab.client(), lab.levers, sleep=lab.clock.sleep, stack="other")
        assert 5 < lab.clock.seconds() < 60
        assert set(world["endpoints"]) == {"az1-a", "az1-b", "az2-a", "az2-b"}
        tagged = [{"Name": "tag:tandem:stack", "Values": ["other"]}]
        assert len(lab.client().describe_addresses(Filters=tagged)["Addresses"]) == 4
        assert len(lab.client().describe_network_interfaces(Filters=tagged)["NetworkInterfaces"]) == 2


def test_addresses_may_start_on_nobody(lab):
    edge(lab.client(), lab.levers, sleep=lab.clock.sleep, associated=False)
    rows = lab.client().describe_addresses()["Addresses"]
    assert [row for row in rows if "AssociationId" in row] == []


def test_the_lab_gives_ec2_back_to_moto():
    with lab_ec2() as lab:
        lab.client().create_route_server(AmazonSideAsn=65000)
    with mock_aws():
        assert boto3.client("ec2", region_name="us-east-1").describe_vpcs()["Vpcs"]


def test_the_lab_inside_a_mock_leaves_other_services_alone():
    with mock_aws():
        sns = boto3.client("sns", region_name="us-east-1")
        topic = sns.create_topic(Name="kept")["TopicArn"]
        with lab_ec2() as lab:
            lab.client().create_route_server(AmazonSideAsn=65000)
        assert [item["TopicArn"] for item in sns.list_topics()["Topics"]] == [topic]


def test_installing_twice_changes_nothing():
    try:
        first = install()
        with mock_aws():
            ec2 = boto3.client("ec2", region_name="us-east-1")
            server = ec2.create_route_server(AmazonSideAsn=65000)["RouteServer"]["RouteServerId"]
            assert install() is first
            ids = [row["RouteServerId"] for row in ec2.describe_route_servers()["RouteServers"]]
            assert ids == [server]
    finally:
        first.clock.stop()
        uninstall()
