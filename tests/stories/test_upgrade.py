"""A stack of release 0.1.0 goes on with this code: no move, no hold, no message lost and none repeated.

`tests/releases/0.1.0.json` has what its code (commit af1c443) wrote and what it asked of AWS;
`tests/release.py` says how.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from tandem.adapters.audits import record_of
from tandem.audit import problems
from tests.cloudformation import cloudformation
from tests.judging import moved, notified, told, whole
from tests.managing import Managed
from tests.release import World, both
from tests.rewording import reworded
from tests.shared_worlds import begins_in, shared_world
from tests.stack import WAKING, Stack
from tests.tiers import prove

RELEASE = Path(__file__).parents[1] / "releases" / "0.1.0.json"
FOLLOWED = ["moving 4 Elastic IPs to fw2", "moved 4 Elastic IPs to fw2"]


@shared_world
def left(moment: str) -> Iterator[tuple[Managed, Stack, World]]:
    """Yields the functions of this code, started in what the release left at that moment."""
    with both() as (tandem, edge):
        release = World(RELEASE)
        release.build(tandem, edge, moment)
        yield tandem, edge, release
        whole(edge)


def live(tandem: Managed, edge: Stack) -> list[str]:
    """Lets a minute and all that is scheduled pass; returns what the provisioner changed in AWS meanwhile."""
    edge.live(61)
    tandem.invoke({"action": "refresh", "due_only": True})
    changes = tandem.changes
    tandem.refresh()
    return [call for call in [*changes, *tandem.changes] if not call.startswith("dynamodb:")]


@begins_in(left, "quiet")
def test_a_converged_topology_stays_as_it_is_and_fails_over_once() -> None:
    with left("quiet") as (tandem, edge, _):
        records, topology = edge.kinds(), tandem.record().topology
        assert live(tandem, edge) == []
        assert moved(edge) == []
        assert told(edge) == []
        assert edge.kinds() == records
        assert tandem.record().topology == topology
        edge.levers.kill(name="fw1")
        assert live(tandem, edge) == []
        assert edge.are_all_with("fw2")
        assert told(edge) == FOLLOWED
        assert edge.kinds() == [*records, "intent", "outcome"]


@begins_in(left, "quiet")
def test_in_other_words_nothing_that_the_release_left_is_news() -> None:
    with left("quiet") as (tandem, edge, _), reworded():
        assert tandem.record().provisioned.codes is None
        assert live(tandem, edge) == []
        assert tandem.record().provisioned.codes is not None
        assert told(edge) == []


@prove
@begins_in(left, "paused")
def test_a_pause_goes_on_and_is_notified_once_more_as_it_keeps_addresses_on_a_dead_appliance() -> None:
    """The release did not say so; this version calls that critical."""
    with left("paused") as (tandem, edge, _):
        assert live(tandem, edge) == []
        assert moved(edge) == []
        assert told(edge) == ["OUTAGE: fw1 is dead, a pause keeps 4 Elastic IPs on it"]
        assert edge.kinds()[-1] == "hold"
        edge.override()
        edge.sweep()
        assert edge.are_all_with("fw2")
        assert told(edge) == [*FOLLOWED, "hold ended"]
        assert edge.kinds()[-3:] == ["intent", "outcome", "hold-ended"]


@prove
@begins_in(left, "untold")
def test_a_move_that_the_release_could_not_notify_is_notified_once() -> None:
    with left("untold") as (tandem, edge, _):
        assert live(tandem, edge) == []
        assert moved(edge) == []
        assert told(edge) == ["moved 4 Elastic IPs to fw2"]
        edge.sweep()
        assert told(edge) == []


@prove
def test_a_stack_that_asked_the_release_is_answered_once() -> None:
    with cloudformation() as stacks, both() as (tandem, edge):
        World(RELEASE).build(tandem, edge, "asked", f"http://127.0.0.1:{stacks.port}/asked")
        tandem.refresh()
        live(tandem, edge)
        (answer,) = stacks.answers["asked"]
        assert (answer["Status"], answer["LogicalResourceId"]) == ("SUCCESS", "Transit")
        assert tandem.record("transit").provisioned is not None
        assert moved(edge) == []


@begins_in(left, "quiet")
def test_what_was_sent_to_the_release_and_reaches_this_code_is_taken() -> None:
    with left("quiet") as (tandem, edge, release):
        records = edge.kinds()
        for event in release.events:
            if event["detail-type"] in WAKING:
                edge.invoke(event)
            elif event["detail-type"] == "Topology Change":
                tandem.invoke(event)
                assert [call for call in tandem.changes if not call.startswith("dynamodb:")] == []
        for number in range(len(edge.published)):
            edge.deliver_one(number)
        assert moved(edge) == []
        assert told(edge) == []
        assert edge.kinds() == records
        assert notified(edge, release.events) == [
            "Tandem edge: version 1 was stored",
            "Tandem edge: version 1 is provisioned",
            "moving 4 Elastic IPs to fw1",
            "moved 4 Elastic IPs to fw1",
        ]


def test_the_audit_trail_is_whole_as_the_release_wrote_it() -> None:
    records = [record for record, wrong in map(record_of, World(RELEASE).audit) if record and not wrong]
    assert len(records) == 8
    assert problems(records) == ()
