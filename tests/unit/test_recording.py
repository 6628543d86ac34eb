"""Tests what a record keeps for later runs: codes, and the sentences that release 0.1.0 reads and
wrote.
"""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, get_type_hints

import pytest

from tandem.provisioning.recording import (
    codes_of,
    has_changed,
    has_same_failure,
    still_differs,
    to_dial,
    was_notified,
    with_done,
    with_drift,
    with_failure,
    with_notified_sessions,
    with_pending,
    with_sessions,
    with_warnings,
)
from tandem.reasons.documents import ProblemCode
from tandem.reasons.provisioning import ProvisioningCode as Code
from tandem.reasons.provisioning import StepCode
from tandem.reasons.reason import Reason, reason
from tandem.state.decoding import shaped
from tandem.state.record import Provisioned
from tandem.topology.problems import Problem, problem_at

RELEASE = Path(__file__).parents[1] / "releases" / "0.1.0.json"
BARE = Provisioned("rs-1", version=1)
OFF = problem_at("route_server.sns_notifications", ProblemCode.NOTIFICATIONS_OFF, "rs-1")
GONE = problem_at("appliances.fw1.instance_id", ProblemCode.INSTANCE_TERMINATED, "i-1")
TRUNCATED = reason(Code.CALL_REFUSED, "CreateDelivery rsp-1: LimitExceededException", message="no more")
STATIC = reason(
    ProblemCode.STATIC_ROUTE_BESIDE,
    "::/0 in rtb-1",
    table_id="rtb-1",
    prefix="::/0",
    target="x",
    is_alone=True,
)


def session(appliance: str, address: str) -> Reason:
    return reason(
        Code.SESSION_TO_DIAL,
        f"{appliance} {address} 65001 10.0.1.5 65000 bfd",
        appliance=appliance,
        address=address,
        asn=65001,
        endpoint_address="10.0.1.5",
        server_asn=65000,
        liveness="bfd",
    )


def full() -> Provisioned:
    found = with_drift(BARE, [OFF, GONE])
    found = with_pending(found, [reason(Code.UNTIL_GONE, "rse-1")])
    found = with_failure(found, (TRUNCATED, OFF))
    found = with_warnings(found, [STATIC, OFF])
    found = with_notified_sessions(with_sessions(found, [session("fw1", "10.0.1.10")]))
    did = reason(StepCode.DELETE_ENDPOINT, "rse-1", is_done=True, because=None, refused=None)
    facts = {"interrupts": None, "waits_for": None}
    did = replace(did, facts=(*did.facts, *facts.items()))
    return with_done(found, did, reason(Code.ENDPOINT_FAILED, "az1-a", because="no capacity"), 100)


def first_release(found: Provisioned) -> Provisioned:
    """Returns what release 0.1.0 wrote of the same."""
    return replace(found, codes=None)


def test_a_record_is_read_as_it_was_written() -> None:
    found = full()
    assert shaped(Provisioned, json.loads(json.dumps(asdict(found)))) == found


def test_the_release_before_reads_each_member_that_it_knows() -> None:
    stored = json.loads(RELEASE.read_text(encoding="utf-8"))["moments"]["quiet"]["state"]
    (theirs,) = (json.loads(item["provisioned"]["S"]) for item in stored if "provisioned" in item)
    ours = json.loads(json.dumps(asdict(full())))
    assert theirs.keys() < ours.keys()
    for member in ("done", "drift", "pending", "warnings", "sessions", "notified_sessions"):
        assert ours[member], member
        assert all(isinstance(words, str) for words in ours[member])
    right = "SNS notifications on; or false, if they are to stay off"
    off = "route_server.sns_notifications: is true, but rs-1 has SNS notifications off"
    assert ours["drift"] == [f"{off}; right would be: {right}", "appliances.fw1.instance_id: i-1 is gone"]
    assert ours["failure"].startswith(
        "CreateDelivery rsp-1: LimitExceededException: no more; Tandem tries it again"
    )


def test_a_drift_of_the_release_before_is_told_whatever_its_words() -> None:
    before = replace(
        first_release(full()), drift=("route_server.sns_notifications: other words", "x.y: i-9 is gone")
    )
    assert was_notified(OFF, before)
    assert not was_notified(GONE, before)
    assert not still_differs(before, [OFF]), "the second one is gone by now"
    assert still_differs(replace(before, drift=before.drift[:1]), [OFF, GONE])


@pytest.mark.parametrize("before", [full(), first_release(full())], ids=["this code", "release 0.1.0"])
def test_the_same_in_other_words_is_no_news(before: Provisioned) -> None:
    worded = replace(
        before,
        drift=tuple(f"{words} or so" for words in before.drift),
        warnings=tuple(words.upper() for words in before.warnings),
        failure=str(before.failure).upper(),
        pending=tuple(words.upper() for words in before.pending),
    )
    assert not has_changed(worded, full())
    assert has_same_failure(worded, full())
    assert to_dial(replace(full(), codes=None, notified_sessions=full().sessions)) == []


OTHERWISE: dict[str, Provisioned] = {
    "a failure more": with_failure(full(), ()),
    "a failure less": with_failure(full(), (TRUNCATED, OFF, GONE)),
    "another wait": with_pending(full(), [reason(Code.UNTIL_GONE, "rse-2")]),
    "another warning": with_warnings(full(), [STATIC]),
    "another drift": with_drift(full(), [OFF]),
    "another session": with_sessions(full(), [session("fw1", "10.0.1.11")]),
    "another route server": replace(full(), route_server_id="rs-2"),
}


@pytest.mark.parametrize("now", OTHERWISE.values(), ids=OTHERWISE)
def test_something_else_is_news(now: Provisioned) -> None:
    assert has_changed(full(), now)
    assert has_changed(None, now)


def test_only_sessions_that_nobody_was_notified_of_are_to_be_dialled() -> None:
    told = with_notified_sessions(with_sessions(BARE, [session("fw1", "10.0.1.10")]))
    now = with_sessions(told, [session("fw1", "10.0.1.10"), session("fw2", "10.0.2.10")])
    expected = ["fw2: 10.0.2.10 (ASN 65001) dials 10.0.1.5 (ASN 65000), bfd"]
    assert to_dial(now) == expected
    assert (
        to_dial(
            with_sessions(first_release(told), [session("fw1", "10.0.1.10"), session("fw2", "10.0.2.10")])
        )
        == expected
    )


def test_a_drift_is_notified_once_whatever_its_words_and_facts() -> None:
    worded = replace(full(), drift=tuple(words.upper() for words in full().drift))
    forgotten = problem_at(GONE.path, ProblemCode.INSTANCE_UNKNOWN, "i-1", place="there")
    assert all(was_notified(problem, worded) for problem in (OFF, GONE, forgotten))
    other = problem_at(OFF.path, ProblemCode.NOTIFICATIONS_OFF, "rs-2")
    assert not was_notified(other, worded)
    assert still_differs(worded, [OFF, forgotten])
    assert not still_differs(worded, [OFF, other])


def test_what_failed_is_counted_on_from_the_sentences_of_the_release_before() -> None:
    done = (
        "deleted endpoint rse-1: endpoint az1-a is failed (no capacity)",
        "deleted peer rsp-1 of fw1: fw1's session at az1-a is failed",
        "deleted endpoint rse-2: endpoint az1-a is delete-failed (no)",
        "created endpoint az1-a in subnet-1: there is no endpoint az1-a in subnet-1",
    )
    failed = codes_of(replace(first_release(BARE), done=done)).failed
    assert [(each.identity, dict(each.facts)["because"]) for each in failed] == [
        (("endpoint-failed", "az1-a"), "no capacity"),
        (("session-failed", "fw1 at az1-a"), None),
    ]


def test_every_member_of_codes_is_identities_or_names() -> None:
    hints: dict[str, Any] = get_type_hints(type(codes_of(BARE)))
    assert set(hints) == {"drift", "pending", "failure", "warnings", "failed", "sessions", "notified"}


def test_a_problem_without_a_place_is_a_problem_of_its_subject() -> None:
    assert Problem("topology", TRUNCATED).identity == TRUNCATED.identity
