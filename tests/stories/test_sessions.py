"""BGP and BFD come and go: when the Elastic IPs stay, and when they follow."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from functools import partial

import pytest

from lab.ec2.timings import Behaviour, BfdDown
from tandem.signals.intake import forward, parse
from tests.judging import moved, reasons, told, whole
from tests.stack import MOVING, Stack, stack

LAGGING = ("DescribeRouteServerPeers", "GetRouteServerRoutingDatabase")
FOLLOWED = ["moving 4 Elastic IPs to fw2", "moved 4 Elastic IPs to fw2"]


def is_untouched(s: Stack) -> bool:
    """Nothing was moved, recorded or told."""
    return s.are_all_with("fw1") and (s.calls(*MOVING), s.audit(), told(s)) == ([], [], [])


@pytest.fixture(params=BfdDown)
def either(request: pytest.FixtureRequest) -> Iterator[Stack]:
    """BFD down beside BGP withdraws the routes of that session, or does not."""
    with stack(behaviour=Behaviour(bfd_down=request.param)) as s:
        yield s
        whole(s)


def bfd(s: Stack, name: str, state: str) -> None:
    """BFD of both sessions of an appliance; BGP stays up."""
    for endpoint in s.ids["peers"][name]:
        s.levers.session(name=name, endpoint=endpoint, state=state, protocol="bfd")


def test_bfd_of_one_session_flaps(either: Stack) -> None:
    """BGP stays up beside it, and the other session carries the route."""
    edge = either
    for state in ("down", "up") * 3:
        edge.levers.session(name="fw1", endpoint="az1-a", state=state, protocol="bfd")
        edge.live(3)
    assert is_untouched(edge)


def test_the_route_follows_bfd_and_the_addresses_follow_the_route() -> None:
    """BFD reports fw1 gone although its BGP sessions stay up: where the route goes, the addresses go."""
    with stack(behaviour=Behaviour(bfd_down=BfdDown.WITHDRAWS)) as s:
        bfd(s, "fw1", "down")
        s.live(60)
        assert s.are_all_with("fw2")
        assert told(s) == FOLLOWED
        whole(s)


def test_the_route_stays_although_bfd_is_down_and_so_do_the_addresses() -> None:
    with stack(behaviour=Behaviour(bfd_down=BfdDown.KEEPS)) as s:
        bfd(s, "fw1", "down")
        s.live(60)
        assert is_untouched(s)
        whole(s)


def test_bfd_of_a_standby_is_down_when_it_is_needed() -> None:
    """Its routes are withdrawn: there is nobody to move to until BFD is back."""
    with stack(behaviour=Behaviour(bfd_down=BfdDown.WITHDRAWS)) as s:
        bfd(s, "fw2", "down")
        s.live(5)
        assert is_untouched(s)
        s.levers.kill(name="fw1")
        s.live(60)
        assert s.calls(*MOVING) == []
        assert s.kinds() == ["hold"]
        assert "0.0.0.0/0 is not in the FIB" in reasons(s)[-1]
        bfd(s, "fw2", "up")
        s.live(60)
        assert s.are_all_with("fw2")
        whole(s)


@pytest.mark.parametrize("how", ["it never comes up", "it goes down and the routes stay"])
def test_bfd_is_down_while_bgp_carries_the_route(how: str) -> None:
    """It is reported beside the move; it is no veto."""
    with stack(behaviour=Behaviour(bfd_down=BfdDown.KEEPS) if "stay" in how else None) as s:
        if "stay" in how:
            bfd(s, "fw2", "down")
        else:
            route = {"prefix": "0.0.0.0/0", "as_path": [65002] * 3}
            s.levers.register("fw2", s.ids["instances"]["fw2"], 65002, [route], bfd=False)
            s.clock.sleep(30)
            s.delivered = len(s.published)  # its restart is not what this is about
        s.live(5)
        fw2_takes_over(s)
        whole(s)


def fw2_takes_over(edge: Stack) -> None:
    assert is_untouched(edge)
    edge.levers.kill(name="fw1")
    edge.live(60)
    assert edge.are_all_with("fw2")
    assert len(moved(edge)) == 4
    assert edge.kinds() == ["intent", "outcome"]
    (report,) = edge.audit()[0].body["groups"]["internet-edge"]["reports"]
    assert report.startswith("BFD is down beside BGP up on rsp-")
    assert told(edge) == FOLLOWED


@pytest.mark.parametrize("shows_bfd", [True, False])
def test_peers_without_bfd_are_never_said_to_have_it_down(shows_bfd: bool) -> None:
    """With bgp-keepalive AWS's own samples show a BfdStatus of down beside BGP up, where they show one."""
    behaviour = Behaviour(keepalive_peers_show_bfd=shows_bfd)
    with stack(liveness="bgp-keepalive", behaviour=behaviour) as keepalive:
        keepalive.levers.kill(name="fw1")
        keepalive.live(60)
        assert keepalive.are_all_with("fw2")
        intent = keepalive.audit()[0].body
        assert intent["groups"]["internet-edge"]["reports"] == []
        sessions = intent["evidence"]["sessions"].values()
        assert {session["bfd"] for appliance in sessions for session in appliance.values()} == {None}
        assert "BFD" not in json.dumps(keepalive.events())
        whole(keepalive)


def test_one_session_of_a_live_appliance_goes_down(edge: Stack) -> None:
    edge.levers.session(name="fw1", endpoint="az1-a", state="down")
    edge.live(60)
    assert is_untouched(edge)


def test_only_the_first_of_two_sessions_is_down_yet(edge: Stack) -> None:
    """One invocation, woken by the first signal, settles until the second session is down as well."""
    edge.levers.session(name="fw1", endpoint="az1-a", state="down")
    edge.clock.sleep(0.4)
    edge.levers.session(name="fw1", endpoint="az1-b", state="down")
    assert edge.deliver(most=1) == 1
    assert edge.are_all_with("fw2")
    edge.live(30)
    assert len(moved(edge)) == 4
    assert edge.kinds() == ["intent", "outcome"]
    assert told(edge) == FOLLOWED


def test_all_sessions_of_both_appliances_down(edge: Stack) -> None:
    for name in ("fw1", "fw2"):
        edge.levers.kill(name=name)
    edge.live(120)
    assert edge.are_all_with("fw1")
    assert edge.calls(*MOVING) == []
    assert edge.kinds() == ["hold"]
    assert "0.0.0.0/0 is not in the FIB" in reasons(edge)[-1]
    assert told(edge) == ["OUTAGE: fw1 is dead with 4 Elastic IPs: 0.0.0.0/0 is not in the FIB"]


def test_one_endpoint_in_maintenance(edge: Stack) -> None:
    """Its sessions drop and come back; the other endpoint's carry on."""
    edge.levers.maintenance(endpoint="az1-a", seconds=20)
    edge.live(60)
    assert any("maintenance" in m.message.lower() for m in edge.published)
    assert is_untouched(edge)


def test_a_late_message_from_before_the_failure_says_nothing_any_more(edge: Stack) -> None:
    """SNS delivers an "up" after the "down" that followed it."""
    edge.levers.session(name="fw1", endpoint="az1-a", state="down")
    edge.clock.sleep(2)
    edge.levers.session(name="fw1", endpoint="az1-a", state="up")
    edge.clock.sleep(3)
    came_up = [n for n, m in enumerate(edge.published) if "now UP" in m.message][-2:]
    edge.levers.kill(name="fw1")
    edge.clock.sleep(3)
    edge.delivered = came_up[-1] + 1
    edge.deliver()
    assert edge.are_all_with("fw2")
    began = edge.clock.now()
    for number in came_up:
        edge.deliver_one(number)
    assert edge.clock.now() - began < timedelta(seconds=5)
    assert "hold" not in edge.kinds()
    assert told(edge) == FOLLOWED


@pytest.mark.parametrize("late", [0, 2, 29])
def test_a_session_that_describes_never_show_down_is_a_hold(edge: Stack, late: int) -> None:
    """A signal is never quite new, by whole seconds and its own way: it is unclear for 30 s all the same."""
    peer = edge.lab.client().describe_route_server_peers()["RouteServerPeers"][0]["RouteServerPeerId"]
    began = edge.clock.now()
    edge.invoke(
        {
            "source": "tandem",
            "detail-type": "Peer State Change",
            "detail": {
                "schema_version": 1,
                "topology": "edge",
                "occurred_at": (began - timedelta(seconds=late)).isoformat(),
                "cause": f"BGP of {peer} went down",
                "peer_id": peer,
                "protocol": "bgp",
                "status": "down",
                "source": "sns",
            },
        }
    )
    assert timedelta(seconds=29) <= edge.clock.now() - began <= timedelta(seconds=31)
    assert edge.calls(*MOVING) == []
    assert edge.kinds() == ["hold"]
    assert f"not clear after 30 s: AWS does not show yet that BGP of {peer} went down" in reasons(edge)[-1]
    edge.sweep()
    assert edge.kinds() == ["hold", "hold-ended"]


def test_a_copy_of_the_signal_that_comes_another_way_answers_nothing(edge: Stack) -> None:
    """The signals function forwards each message of the topic to the bus, and SNS may deliver it twice."""
    peer = edge.lab.client().describe_route_server_peers()["RouteServerPeers"][0]["RouteServerPeerId"]
    began = edge.clock.now()
    attributes = {
        "eventCode": "ROUTE_SERVER_PEER_BGP_STATUS_CHANGE",
        "routeServerPeerId": peer,
        "newBgpStatus": "DOWN",
        "timestamp": began.strftime("%Y-%m-%dT%H:%M:%SZ"),
    }
    message = {
        "TopicArn": edge.ids["sns_topic_arn"],
        "Message": f"BGP for Route Server Peer [{peer}] is now [DOWN].",
        "MessageAttributes": {name: {"Type": "String", "Value": value} for name, value in attributes.items()},
    }
    sns = {"Records": [{"EventSource": "aws:sns", "Sns": message}]}
    (copy,) = forward(parse(sns), [edge.record], began).events
    forwarded = {"source": "tandem", "detail-type": copy.detail_type, "detail": copy.detail}
    edge.clock.after(1, partial(edge.invoke, forwarded))
    edge.clock.after(2, partial(edge.invoke, sns))
    edge.invoke(sns)
    assert timedelta(seconds=29) <= edge.clock.now() - began <= timedelta(seconds=31)
    unclear = f"not clear after 30 s: AWS does not show yet that BGP of {peer} went down"
    assert edge.kinds() == ["hold"]
    assert unclear in reasons(edge)[-1]
    (subject,) = told(edge)
    assert subject.startswith("HOLD, not clear after 30 s")
    edge.sweep()
    assert edge.kinds() == ["hold", "hold-ended"]


def test_a_session_was_down_for_a_moment_and_its_messages_come_late(edge: Stack) -> None:
    """The end of it is told while the look for its beginning settles: nothing is unclear about that."""
    edge.levers.session(name="fw1", endpoint="az1-a", state="down")
    edge.clock.sleep(1)
    edge.levers.session(name="fw1", endpoint="az1-a", state="up")
    edge.clock.sleep(10)
    late = range(edge.delivered, len(edge.published))
    edge.delivered = len(edge.published)
    down = [n for n in late if "now DOWN" in edge.published[n].message]
    up = [n for n in late if "now UP" in edge.published[n].message]
    for number in up:
        edge.clock.after(1, partial(edge.deliver_one, number))
    edge.deliver_one(down[0])
    edge.live(60)
    assert down
    assert up
    assert is_untouched(edge)


def test_maintenance_of_another_endpoint_ends_no_settling(edge: Stack) -> None:
    """It is announced in the batch that tells of a failure, and describes lag behind."""
    edge.sweep()
    for action in LAGGING:
        edge.levers.fault(action=action, lag_s=8)
    edge.clock.sleep(10)
    edge.levers.kill(name="fw1")
    edge.clock.sleep(3)
    told_of = [m.message for m in edge.published[edge.delivered :]]
    announced = "Route Server Endpoint rse-0123456789abcdef0 is now undergoing maintenance."
    topic = edge.ids["sns_topic_arn"]
    edge.invoke({"Records": [{"Sns": {"TopicArn": topic, "Message": m}} for m in [*told_of, announced]]})
    assert edge.are_all_with("fw2")


def test_a_message_from_another_topic_is_refused(edge: Stack) -> None:
    edge.levers.kill(name="fw1")
    edge.clock.sleep(3)
    edge.invoke(
        {"Records": [{"Sns": {"TopicArn": "arn:aws:sns:us-east-1:123456789012:other", "Message": "x"}}]}
    )
    assert edge.calls() == []
    assert is_untouched(edge)


def test_a_message_of_unknown_shape_still_causes_a_look(edge: Stack) -> None:
    edge.levers.kill(name="fw1")
    edge.clock.sleep(3)
    edge.invoke({"Records": [{"Sns": {"TopicArn": edge.ids["sns_topic_arn"], "Message": "who knows"}}]})
    assert edge.are_all_with("fw2")
    assert told(edge) == FOLLOWED


def test_an_unknown_bus_event_is_ignored(edge: Stack) -> None:
    edge.invoke({"source": "tandem", "detail-type": "Something New", "detail": {"topology": "edge"}})
    assert edge.calls() == []
