"""One odd answer of AWS, request or event reaches no further than what it is about."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Barrier
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tandem.adapters import clients, cloudformation
from tandem.errors import TemporaryError
from tandem.provisioning.manageapply import Convergence
from tandem.requests import answering, applying
from tests.cloudformation import Story, custom_resource
from tests.functions import Context, Said, aws, cold_start
from tests.managing import managed
from tests.provisioning import Provisioner, provisioner, watching
from tests.shared_worlds import begins_in
from tests.stack import MOVING, stack


@pytest.fixture
@begins_in(provisioner)
def story():
    with custom_resource() as story:
        yield story


@pytest.fixture
@begins_in(watching)
def watched():
    with watching() as tandem:
        yield tandem


@contextmanager
def shown(members: str, change: Any) -> Iterator[None]:
    """EC2's answers with the list `members` are changed on their way."""

    def changed(parsed: dict[str, Any], **_: object) -> None:
        if members in parsed:
            change(parsed[members])

    events = clients.ec2().meta.events
    events.register("after-call.ec2", changed)
    try:
        yield
    finally:
        events.unregister("after-call.ec2", changed)


def without_ipv4(rows: list[dict[str, Any]]) -> None:
    """What EC2 shows of a subnet that is for IPv6 only."""
    for row in rows:
        row.pop("CidrBlock", None)


def unreadable(rows: list[dict[str, Any]]) -> None:
    for row in rows:
        row["VpcId"] = None


def words(answer: dict[str, Any]) -> str:
    return "; ".join(f"{p['path']}: {p['what']}" for p in answer["problems"])


# what AWS shows, at the door


def test_a_subnet_without_an_ipv4_block_is_no_problem(watched: Provisioner) -> None:
    with shown("Subnets", without_ipv4):
        assert watched.check()["problems"] == []
        watched.refresh()
    assert watched.record().provisioned.failure is None


def test_what_cannot_be_read_of_a_declared_subnet_is_named(
    watched: Provisioner,
) -> None:
    with shown("Subnets", unreadable):
        answer = watched.check(watched.document())
    assert "route_server.endpoints.az1-a: the subnet subnet-" in words(answer)
    assert "cannot be read (VpcId is None)" in words(answer)


@pytest.mark.parametrize("broken", ["Subnets", "RouteServers", "Addresses", "RouteTables", "Vpcs"])
def test_the_brake_is_stored_whatever_aws_shows(watched: Provisioner, broken: str) -> None:
    watched.apply(watched.document(mode="enforce"))

    def odd(rows: list[Any]) -> None:
        rows[:] = [None, {}, {"x": object()}]

    with shown(broken, odd):
        answer = watched.apply(watched.document(mode="dry-run"))
    assert (answer["stored"], answer["mode"]) == (True, "dry-run")


def test_the_brake_is_stored_whatever_fails_in_tandem_itself(
    watched: Provisioner, monkeypatch: pytest.MonkeyPatch
) -> None:
    watched.apply(watched.document(mode="enforce"))

    def bug(*_: object) -> None:
        raise KeyError("CidrBlock")

    monkeypatch.setattr(applying, "worldcheck", bug)
    answer = watched.apply(watched.document(mode="dry-run"))
    assert (answer["stored"], answer["mode"]) == (True, "dry-run")
    assert any("KeyError: 'CidrBlock'" in warning for warning in answer["warnings"])


def test_an_elastic_ip_that_cannot_be_read_is_not_called_unknown_there(watched: Provisioner) -> None:
    def damaged(rows: list[dict[str, Any]]) -> None:
        rows[0]["PublicIp"] = None

    with shown("Addresses", damaged):
        said = words(watched.check(watched.document(mode="enforce")))
    assert "cannot be read (PublicIp is None)" in said
    assert "is not known in" not in said


# one topology beside another


def fails(name: str, error: Exception, monkeypatch: pytest.MonkeyPatch, app: Any) -> None:
    """Reading what is around the topology of that name raises."""
    real = app.world.route_servers.read

    def read(topology: Any, *rest: Any) -> Any:
        if topology.name == name:
            raise error
        return real(topology, *rest)

    monkeypatch.setattr(app.world.route_servers, "read", read)


@pytest.mark.parametrize("error", [KeyError("CidrBlock"), RecursionError("deep"), AssertionError()], ids=repr)
def test_a_topology_at_which_tandem_fails_is_told_and_keeps_no_other_waiting(
    watched: Provisioner, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    watched.apply({**watched.other(), "name": "aaa"})
    watched.apply({**watched.other(), "name": "zzz", "groups": [{"name": "g", "prefixes": ["10.30.0.0/16"]}]})
    watched.events()
    fails("aaa", error, monkeypatch, watched.app)
    with pytest.raises(TemporaryError, match=f"aaa: {type(error).__name__}"):
        watched.refresh()
    assert watched.record("zzz").provisioned.version == 1
    (failed,) = [e for e in watched.events() if e["detail-type"] == "Provisioning Failed"]
    assert failed["detail"]["topology"] == "aaa"
    assert f"Tandem failed with an internal error: {type(error).__name__}" in failed["detail"]["reason"]
    with pytest.raises(TemporaryError):
        watched.refresh()
    assert watched.events() == []


@begins_in(managed)
def test_a_managed_topology_whose_turn_fails_lets_its_lease_go_and_the_others_go_on() -> None:
    with managed() as tandem:
        tandem.apply(tandem.wanted())
        tandem.events()
        real = Convergence.turn

        def turn(self: Any) -> bool:
            raise KeyError("State")

        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(Convergence, "turn", turn)
            with pytest.raises(TemporaryError, match="KeyError: 'State'"):
                tandem.refresh()
        assert [e["detail-type"] for e in tandem.events()] == ["Provisioning Failed"]
        assert Convergence.turn is real
        tandem.converge()


# CloudFormation's requests


def test_a_create_at_which_tandem_fails_is_answered_at_the_third_try(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    tries: list[str] = []

    def bug(*_: object) -> None:
        tries.append("tried")
        raise KeyError("CidrBlock")

    monkeypatch.setattr(applying, "worldcheck", bug)
    event = story.create()
    story.invoke(event)
    answer = story.stacks.answer(event)
    assert answer is not None
    assert (answer["Status"], len(tries)) == ("FAILED", answering.TRIES)
    assert answer["Reason"].startswith("Tandem failed with an internal error: KeyError: 'CidrBlock'")
    assert story.stored is None
    monkeypatch.undo()
    story.succeed(story.delete(PhysicalResourceId=answer["PhysicalResourceId"]))


@pytest.mark.parametrize("where", ["_attempt", "answer_due"])
def test_a_bug_in_serving_one_request_leaves_the_others_answered(
    story: Story, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    sick, well = story.create(), story.create(story.renamed(), logical_id="Copy")
    real = getattr(answering, where)

    def bug(noted: Any, *rest: Any) -> Any:
        if noted.request.logical_id == "Edge":
            raise TypeError("never")
        return real(noted, *rest)

    monkeypatch.setattr(answering, where, bug)
    for event in (sick, well):
        story.invoke(event)
    story.schedule()
    answers = [story.stacks.answer(event) for event in (sick, well)]
    assert [answer and answer["Status"] for answer in answers] == ["FAILED", "SUCCESS"]


def nobody_takes(events: list[dict[str, Any]], story: Story) -> None:
    """The requests are decided, and CloudFormation takes no answer yet."""

    def respond(*_: object) -> None:
        raise TemporaryError("nobody takes it")

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(cloudformation, "respond", respond)
        for event in events:
            story.invoke(event)


def test_answers_go_out_side_by_side(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each is taken only once all are on their way: one after the other none ever would be."""
    number = 5
    events = [story.create(story.properties(mode="on"), logical_id=f"Copy{n}") for n in range(number)]
    nobody_takes(events, story)
    together = Barrier(number)

    def respond(_url: str, _body: bytes, _clock: object) -> None:
        together.wait(timeout=60)

    monkeypatch.setattr(cloudformation, "respond", respond)
    assert story.table().count('"url"') == number
    story.schedule()
    assert story.table().count('"url"') == 0


def test_an_answer_that_nobody_takes_keeps_no_other_waiting(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    events = [story.create(story.properties(mode="on"), logical_id=f"Copy{n}") for n in range(3)]
    nobody_takes(events, story)
    real = cloudformation.respond

    def respond(url: str, body: bytes, clock: Any) -> str | None:
        if "Copy1" in body.decode():
            raise TemporaryError("nobody takes it")
        return real(url, body, clock)

    monkeypatch.setattr(cloudformation, "respond", respond)
    with pytest.raises(TemporaryError, match="nobody takes it"):
        story.schedule()
    assert story.table().count('"url"') == 1


@pytest.mark.parametrize("code", ["Throttled", "ThrottledException", "InternalError"])
def test_what_sns_refuses_for_now_is_waited_for(
    story: Story, monkeypatch: pytest.MonkeyPatch, code: str
) -> None:
    """CloudFormation is not told FAILED of what the next run brings about."""

    def refused(**_: object) -> None:
        raise ClientError({"Error": {"Code": code, "Message": "slow down"}}, "Subscribe")

    event = story.create()
    story.invoke(event)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(clients.sns(), "subscribe", refused)
        story.tandem.deliver()
        assert story.stacks.answer(event) is None
        found = story.stored.provisioned
        assert found.failure is None
        assert any(code in words for words in found.pending)
    story.schedule()
    answer = story.stacks.answer(event)
    assert answer is not None
    assert answer["Status"] == "SUCCESS"


# events


@pytest.mark.parametrize("event", [[], [{"action": "refresh"}], "refresh", 17, None, True, [["x"]]], ids=repr)
def test_what_is_no_json_object_wakes_nothing_and_is_logged(watched: Provisioner, event: Any, caplog) -> None:
    watched.app.logger.setLevel("INFO")
    assert watched.invoke(event) == {}
    assert "nothing to do" in caplog.messages
    assert watched.changes == []


ODD_EVENTS = [[], [{"x": 1}], "look", 17, None]


@pytest.mark.parametrize("event", ODD_EVENTS, ids=repr)
@pytest.mark.parametrize("name", ["signals", "notifier"])
def test_no_function_fails_at_an_event_that_is_no_json_object(name: str, event: Any, capsys) -> None:
    with aws(TANDEM_NOTIFICATION_TOPIC="arn:aws:sns:us-east-1:123456789012:people"):
        cold_start(name).handler(event, Context())
    assert any("no JSON object" in str(line) for line in Said(capsys).logs)


@pytest.mark.parametrize("event", ODD_EVENTS, ids=repr)
@begins_in(stack)
def test_a_look_does_not_fail_at_an_event_that_is_no_json_object(event: Any, caplog) -> None:
    with stack() as edge:
        edge.app.logger.setLevel("WARNING")
        edge.invoke(event)
        assert any("no JSON object" in str(vars(record)) for record in caplog.records)
        assert edge.calls(*MOVING) == []
