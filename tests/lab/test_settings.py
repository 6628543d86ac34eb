"""Tests what CreateRouteServer and ModifyRouteServer answer at once, as Terraform's acceptance tests
see it.
"""

import pytest

from lab.ec2 import Timings, lab_ec2


@pytest.fixture
def lab():
    with lab_ec2(timings=Timings.lab()) as running:
        yield running


def created(ec2, **more):
    return ec2.create_route_server(AmazonSideAsn=65000, **more)["RouteServer"]


def described(ec2, server):
    (row,) = ec2.describe_route_servers(RouteServerIds=[server])["RouteServers"]
    return row


def test_a_new_route_server_shows_its_persistence_at_once(ec2):
    made = created(ec2, PersistRoutes="enable", PersistRoutesDuration=2)
    assert (made["State"], made["PersistRoutesState"], made["PersistRoutesDuration"]) == (
        "pending",
        "enabled",
        2,
    )
    assert described(ec2, made["RouteServerId"])["PersistRoutesState"] == "enabled"


@pytest.mark.parametrize("said", [{}, {"PersistRoutes": "disable"}])
def test_a_new_route_server_without_persistence_shows_no_duration(ec2, said):
    made = created(ec2, **said)
    assert made["PersistRoutesState"] == "disabled"
    assert "PersistRoutesDuration" not in made


def test_the_duration_goes_when_persistence_does(ec2, lab):
    server = created(ec2, PersistRoutes="enable", PersistRoutesDuration=2)["RouteServerId"]
    lab.clock.advance(10)
    ec2.modify_route_server(RouteServerId=server, PersistRoutes="disable")
    lab.clock.advance(10)
    row = described(ec2, server)
    assert row["PersistRoutesState"] == "disabled"
    assert "PersistRoutesDuration" not in row


def test_the_duration_is_shown_only_while_persistence_is_enabled(ec2, lab):
    """The API says so of the member: "Only valid if persistRoutesState is 'enabled'"."""
    server = created(ec2)["RouteServerId"]
    lab.clock.advance(10)
    answers = [ec2.modify_route_server(RouteServerId=server, PersistRoutes="enable", PersistRoutesDuration=3)]
    lab.clock.advance(10)
    assert described(ec2, server)["PersistRoutesDuration"] == 3
    answers += [ec2.modify_route_server(RouteServerId=server, PersistRoutes="disable")]
    shown = [
        (a["RouteServer"]["PersistRoutesState"], "PersistRoutesDuration" in a["RouteServer"]) for a in answers
    ]
    assert shown == [("enabling", False), ("disabling", False)]


def test_a_reset_keeps_the_duration_for_later(ec2, lab):
    server = created(ec2, PersistRoutes="enable", PersistRoutesDuration=4)["RouteServerId"]
    lab.clock.advance(10)
    ec2.modify_route_server(RouteServerId=server, PersistRoutes="reset")
    lab.clock.advance(10)
    assert described(ec2, server)["PersistRoutesDuration"] == 4


def test_the_answer_that_notifications_are_on_names_their_topic(ec2, lab):
    server = created(ec2)["RouteServerId"]
    lab.clock.advance(10)
    answer = ec2.modify_route_server(RouteServerId=server, SnsNotificationsEnabled=True)["RouteServer"]
    assert answer["SnsTopicArn"] == described(ec2, server)["SnsTopicArn"]
    assert lab.recorded.topics == [answer["SnsTopicArn"]]


def test_a_dry_run_makes_no_topic(ec2, lab):
    server = created(ec2)["RouteServerId"]
    lab.clock.advance(10)
    with pytest.raises(Exception, match="DryRunOperation"):
        ec2.modify_route_server(RouteServerId=server, SnsNotificationsEnabled=True, DryRun=True)
    assert lab.recorded.topics == []


def test_a_change_of_notifications_and_persistence_in_one_call_shows_both(ec2, lab):
    """As `TestAccVPCRouteServer_updatePersitRoutesSNSNotification` changes them."""
    server = created(ec2, PersistRoutes="enable", PersistRoutesDuration=1)["RouteServerId"]
    lab.clock.advance(10)
    answer = ec2.modify_route_server(
        RouteServerId=server, PersistRoutes="disable", SnsNotificationsEnabled=True
    )["RouteServer"]
    assert answer["SnsTopicArn"]
    lab.clock.advance(10)
    row = described(ec2, server)
    assert (row["PersistRoutesState"], row["SnsNotificationsEnabled"]) == ("disabled", True)
    assert "PersistRoutesDuration" not in row
