"""The signals function: raw records in, one event on the bus for each topology that they concern."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tandem.adapters import clients
from tandem.adapters.bus import MOST_BYTES, EventBus, EventsRefusedError
from tandem.errors import ConfigurationError, StateUnavailableError
from tandem.events import DetailType, Event, from_envelope
from tests.contracts import assert_meets_schema
from tests.functions import Context, Said, aws, cold_start, damage, on_the_bus, store
from tests.peerlog import delivery, line, prefixes, route
from tests.samples import PEER, names, ours, record, sample

RAW = [name for name in names() if name not in ours()]
SILENT = {"health-backup-copy", "peer-log-control-message"}
UNKNOWN = {"sns-unknown-shape": 1, "peer-log-unknown-shape": 2}


@pytest.fixture
def account():
    with aws():
        store(record())
        yield


def handled(event, capsys):
    cold_start("signals").handler(event, Context())
    return on_the_bus(), Said(capsys)


def test_every_raw_record_becomes_an_event_that_meets_its_schema(account, capsys):
    for name in RAW:
        events, said = handled(sample(name), capsys)
        assert bool(events) != (name in SILENT), name
        assert said.metric("SignalsForwarded") == len(events), name
        assert said.metric("UnknownSignal") == UNKNOWN.get(name, 0), name
        assert said.metric("RefusedMessage") == 0, name
        for envelope in events:
            event = from_envelope(envelope)
            assert event is not None, name
            assert event.detail["topology"] == "edge", name
            assert_meets_schema(event)


def test_a_session_going_down_names_its_appliance(account, capsys):
    (envelope,), said = handled(sample("sns-bgp-down"), capsys)
    assert envelope["detail-type"] == DetailType.PEER_STATE_CHANGE
    assert (envelope["detail"]["peer_id"], envelope["detail"]["appliance"]) == (PEER, "fw1")
    assert said.messages == ["signal forwarded"]


def test_a_message_from_a_topic_of_no_stored_topology_is_refused(account, capsys):
    event = sample("sns-bgp-down")
    event["Records"][0]["Sns"]["TopicArn"] = "arn:aws:sns:us-east-1:123456789012:somebody-elses"
    events, said = handled(event, capsys)
    assert events == []
    assert said.metric("RefusedMessage") == 1
    (line,) = (line for line in said.logs if line["message"] == "message matches no stored topology")
    assert line["topic_arn"].endswith(":somebody-elses")


def odd_messages() -> dict[str, dict[str, Any]]:
    """Records of unknown shape that come by a known topic, and from its peers' logs."""
    huge = "secret " * 35_000
    message, attribute, several = (sample("sns-unknown-shape") for _ in range(3))
    message["Records"][0]["Sns"]["Message"] = huge
    attribute["Records"][0]["Sns"]["MessageAttributes"] = {"eventCode": {"Type": "String", "Value": huge}}
    several["Records"] = [message["Records"][0]] * 20
    return {
        "its text": message,
        "an attribute": attribute,
        "several": several,
        "a peer's log": delivery(huge),
    }


@pytest.mark.parametrize("name", odd_messages())
def test_an_unknown_shape_is_logged_by_topic_and_length_counted_and_causes_a_look(account, capsys, name):
    event = odd_messages()[name]
    (envelope,), said = handled(event, capsys)
    assert envelope["detail-type"] == DetailType.LOOK
    assert said.metric("UnknownSignal") == len(event.get("Records", [1]))
    (line,) = (line for line in said.logs if line["message"] == "record of unknown shape")
    topics = {record["Sns"]["TopicArn"] for record in event.get("Records", [])}
    assert line["topic_arns"] == list(topics)
    assert line["characters"] == len(json.dumps(event))
    assert len(json.dumps(line)) < 5_000


FW2 = "rsp-0f2000000000000a2"


def test_ten_thousand_changes_of_untracked_prefixes_are_one_metric_and_no_event(account, capsys):
    lines = [route(prefix, peer_id=FW2) for prefix in prefixes(10_000)]
    events, said = handled(delivery(*lines), capsys)
    assert events == []
    assert said.metric("UntrackedRoutes") == 10_000
    assert said.metric("RouteLeaks") == said.metric("SignalsForwarded") == said.metric("RefusedMessage") == 0
    assert said.messages == ["nothing to forward"]


def test_ten_thousand_leaked_prefixes_are_one_event_with_ten_of_them(account, capsys):
    (envelope,), said = handled(delivery(*[route(prefix) for prefix in prefixes(10_000)]), capsys)
    detail = envelope["detail"]
    assert envelope["detail-type"] == DetailType.ROUTE_LEAK
    assert (detail["appliance"], detail["peer_id"], detail["count"]) == ("fw1", PEER, 10_000)
    assert detail["prefixes"] == prefixes(10)
    assert (said.metric("RouteLeaks"), said.metric("UntrackedRoutes")) == (1, 10_000)


def test_copies_of_a_tracked_prefix_in_a_batch_are_one_event(account, capsys):
    lines = [route("0.0.0.0/0", peer_id=peer) for peer in (PEER, FW2) for _ in range(5_000)]
    (envelope,), said = handled(delivery(*lines), capsys)
    assert (envelope["detail-type"], envelope["detail"]["prefix"]) == ("Route Change", "0.0.0.0/0")
    assert said.metric("UntrackedRoutes") == said.metric("RouteLeaks") == 0


def test_what_wakes_failover_is_on_the_bus_before_the_leaks(account, capsys):
    events, _ = handled(delivery(route("10.99.0.0/16"), route("0.0.0.0/0"), line()), capsys)
    assert [e["detail-type"] for e in events] == ["Route Change", "Peer State Change", "Route Leak"]


ODD = {
    "host bits": (route("10.99.0.1/8"), True),
    "a scope of 300 kB": (route(f"fe80::%{'x' * 300_000}/64"), True),
    "a list of prefixes": (route(prefixes(10_000)), True),
    "no prefix": (route(None), True),
    "an AS path of 300 kB": (route("0.0.0.0/0", peer_id=FW2, asPath="65001 " * 50_000), False),
    "an AS path that is no text": (route("0.0.0.0/0", peer_id=FW2, asPath="\ud800"), False),
    "a MED of 4,000 digits": (route("0.0.0.0/0", peer_id=FW2, med=int("9" * 4000)), False),
    "a peer of 300 kB": (line(peer_id="rsp-" + "a" * 300_000), True),
    "a scope in the next hop": (route("0.0.0.0/0", peer_id=FW2, nextHopIp="fe80::1%\ud800"), True),
}


@pytest.mark.parametrize("name", ODD)
def test_an_odd_record_keeps_no_other_from_being_judged(account, capsys, name):
    odd, is_unknown = ODD[name]
    events, said = handled(delivery(odd, route("10.99.0.0/16"), odd), capsys)
    kinds = [e["detail-type"] for e in events]
    assert kinds == ["Look" if is_unknown else "Route Change", "Route Leak"]
    assert events[-1]["detail"]["prefixes"] == ["10.99.0.0/16"]
    assert said.metric("UnknownSignal") == 2 * is_unknown


def test_records_of_peers_that_nobody_has_are_refused_in_a_few_lines(account, capsys):
    strangers = [f"rsp-{n:017x}" for n in range(10_000)]
    events, said = handled(delivery(*[route("10.99.0.0/16", peer_id=peer) for peer in strangers]), capsys)
    assert events == []
    assert said.metric("RefusedMessage") == 10_000
    assert said.metric("UntrackedRoutes") == said.metric("RouteLeaks") == 0
    refused = [entry for entry in said.logs if entry["message"] == "message matches no stored topology"]
    assert 1 <= len(refused) <= 10


def test_ten_thousand_records_of_unknown_shape_are_one_look_and_a_log_line_of_few_words(account, capsys):
    (envelope,), said = handled(delivery(*["x" * 200] * 10_000), capsys)
    assert envelope["detail-type"] == DetailType.LOOK
    assert said.metric("UnknownSignal") == 10_000
    (entry,) = (entry for entry in said.logs if entry["message"] == "record of unknown shape")
    assert len(entry["causes"]) <= 10


def test_a_record_of_unknown_shape_from_a_topic_of_nobody_is_logged_by_topic_and_length(account, capsys):
    event = sample("sns-unknown-shape")
    event["Records"][0]["Sns"] |= {
        "TopicArn": "arn:aws:sns:us-east-1:123456789012:odd",
        "Message": "x" * 250_000,
    }
    events, said = handled(event, capsys)
    assert events == []
    assert (said.metric("RefusedMessage"), said.metric("UnknownSignal")) == (1, 0)
    assert said.messages == ["message matches no stored topology", "nothing to forward"]
    line = said.logs[0]
    assert line["topic_arn"] == "arn:aws:sns:us-east-1:123456789012:odd"
    assert line["characters"] > 250_000
    assert sum(len(json.dumps(entry)) for entry in said.logs) < 2_000


def test_lone_surrogates_reach_the_bus_as_question_marks(account, capsys):
    """UTF-8 has no place for them (RFC 3629 §3), and JSON may hold them escaped."""
    sns = sample("sns-unknown-shape")
    sns["Records"][0]["Sns"]["MessageAttributes"] = {"eventCode": {"Type": "String", "Value": "\ud800"}}
    trail = sample("cloudtrail-associate-address")
    trail["detail"]["userIdentity"] = {"arn": "arn:aws:iam::123456789012:user/k\udfffm"}
    alarm = sample("cloudwatch-alarm")
    alarm["detail"]["alarmName"] = "\ud83d"
    log = delivery("\ud800", json.dumps({"x": "\ud800"}), line(status="\ud800"))
    for raw in (sns, trail, alarm, log):
        (envelope,), _ = handled(json.loads(json.dumps(raw)), capsys)
        assert envelope["detail-type"] == DetailType.LOOK
        assert "?" in envelope["detail"]["cause"] or "ud800" in envelope["detail"]["cause"]


def test_resources_that_no_topology_names_are_nobodys_business(account, capsys):
    event = sample("ec2-instance-stopping")
    event["detail"]["instance-id"] = "i-0ffffffffffffffff"
    event["resources"] = []
    events, said = handled(event, capsys)
    assert events == []
    assert said.metric("RefusedMessage") == 0
    assert said.messages == ["nothing to forward"]


def test_the_sweep_puts_one_look_per_topology_on_the_bus(account, capsys):
    for number in range(12):
        store(record(f"edge-{number:02}"))
    events, _ = handled({"tandem": "sweep"}, capsys)
    expected = ["edge", *(f"edge-{number:02}" for number in range(12))]
    assert sorted(e["detail"]["topology"] for e in events) == expected
    assert {(e["detail-type"], e["detail"]["requested_by"]) for e in events} == {("Look", "sweep")}


def test_a_damaged_topology_stops_no_other(account, capsys):
    store(record("twin", sns_topic_arn="arn:aws:sns:us-east-1:123456789012:twins"))
    damage("twin")
    events, said = handled(sample("sns-bgp-down"), capsys)
    assert [e["detail"]["topology"] for e in events] == ["edge"]
    assert said.metric("DamagedTopology") == 1
    assert "stored topology damaged" in said.messages


def test_an_empty_table_refuses_everything(capsys):
    with aws():
        events, said = handled(sample("sns-bgp-down"), capsys)
    assert events == []
    assert said.metric("RefusedMessage") == 1


def test_a_bus_that_takes_nothing_makes_lambda_try_again(account, monkeypatch):
    monkeypatch.setattr(clients.events(), "put_events", refusing({0}))
    with pytest.raises(EventsRefusedError, match="InternalFailure"):
        cold_start("signals").handler(sample("sns-bgp-down"), Context())
    assert on_the_bus() == []


def test_a_table_that_is_away_makes_lambda_try_again(account):
    clients.dynamodb().meta.events.register_first("before-call.dynamodb.Query", unavailable)
    with pytest.raises(StateUnavailableError):
        cold_start("signals").handler(sample("sns-bgp-down"), Context())


@pytest.mark.parametrize("variable", ["TANDEM_STATE_TABLE", "TANDEM_BUS_NAME", "TANDEM_STACK_NAME"])
def test_a_missing_variable_is_one_clear_configuration_error(variable):
    with aws(**{variable: ""}), pytest.raises(ConfigurationError, match=variable):
        cold_start("signals")


def unavailable(**_):
    raise ClientError({"Error": {"Code": "InternalServerError", "Message": "try later"}}, "Query")


def refusing(positions):
    """EventBridge, taking all but the entries at these positions of each request."""

    def put_events(Entries):  # noqa: N803
        answers = [
            {"ErrorCode": "InternalFailure", "ErrorMessage": "Internal Service Failure"}
            if n in positions
            else {"EventId": str(n)}
            for n in range(len(Entries))
        ]
        return {"FailedEntryCount": sum("ErrorCode" in a for a in answers), "Entries": answers}

    return put_events


def looks(count, filler=""):
    detail = {"cause": filler}
    return [Event(DetailType.LOOK, {"topology": f"edge-{n:03}", **detail}) for n in range(count)]


@pytest.mark.parametrize("count", [0, 1, 10, 11, 35])
def test_the_bus_takes_any_number_of_events_in_order(count):
    with aws():
        EventBus("tandem").put(*looks(count))
        assert [e["detail"]["topology"] for e in on_the_bus()] == [f"edge-{n:03}" for n in range(count)]


def test_no_request_is_larger_than_the_bus_takes(monkeypatch):
    with aws():
        requests, real = [], clients.events().put_events

        def put_events(Entries):  # noqa: N803
            requests.append(Entries)
            return real(Entries=Entries)

        monkeypatch.setattr(clients.events(), "put_events", put_events)
        EventBus("tandem").put(*looks(7, "é" * 50_000))
        assert len(on_the_bus()) == 7
    assert [len(entries) for entries in requests] == [2, 2, 2, 1]
    assert all(sum(len(e["Detail"].encode()) for e in entries) <= MOST_BYTES for entries in requests)


def test_an_event_too_large_for_the_bus_is_refused_after_the_others():
    with aws():
        good, huge = looks(2), Event(DetailType.LOOK, {"topology": "vast", "cause": "é" * (MOST_BYTES // 2)})
        with pytest.raises(ConfigurationError, match=r"Look of vast has \d+ bytes"):
            EventBus("tandem").put(good[0], huge, good[1])
        assert [e["detail"]["topology"] for e in on_the_bus()] == ["edge-000", "edge-001"]


def test_what_the_bus_did_not_take_is_named(monkeypatch):
    with aws():
        monkeypatch.setattr(clients.events(), "put_events", refusing({1, 3}))
        events = looks(14)
        with pytest.raises(EventsRefusedError, match="4 events") as raised:
            EventBus("tandem").put(*events)
        assert raised.value.failed == (events[1], events[3], events[11], events[13])
