"""Acts and verifies: one call to EC2 for every move, then reads until EC2 shows them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

from tandem.errors import TemporaryError
from tandem.failover.moves import NOT_BEGUN, Move, Moved, Outcome, Refusal, answered, batches, verified
from tandem.failover.ports import Cloud
from tandem.ports import Clock
from tandem.reasons.failover import ReportCode
from tandem.reasons.reason import Reason, reason

REFILL_SECONDS = 1.0
_REHEARSED = 10
VERIFY_SECONDS = 10
_LOST_SECONDS = 1
VERIFY_PAUSES = (0.0, 0.25, 0.5)
"""Seconds between reads back; the last one repeats."""


def carry_out(
    planned: tuple[Move, ...],
    cloud: Cloud,
    clock: Clock,
    before_batch: Callable[[int, tuple[Move, ...]], tuple[Moved, ...]],
    may_begin: Callable[[], bool],
) -> tuple[Moved, ...]:
    """Makes the moves within EC2's token bucket, batch by batch, and verifies them.

    `before_batch` is asked immediately before each batch, with its number: it raises where the lease was
    lost, and returns what became of the moves that must not begin.
    """
    done: list[Moved] = []
    for number, batch in enumerate(batches(planned)):
        if number:
            if not may_begin():
                done += [answered(move, NOT_BEGUN) for move in batch]
                continue
            clock.sleep(REFILL_SECONDS)
        stopped = before_batch(number, batch)
        done += stopped
        begun = [move for move in batch if move not in {m.move for m in stopped}]
        calls = cloud.begin(begun, may_begin, clock.now)
        done += [answered(move, call.result()) for move, call in zip(begun, calls, strict=True)]
    return _verify(tuple(done), cloud, clock)


def _verify(done: tuple[Moved, ...], cloud: Cloud, clock: Clock) -> tuple[Moved, ...]:
    """Reads back until every move shows, for 10 s at most; "verified" means that EC2 reports it.

    Where only such are left as EC2 did not take for certain, for 1 s: the next turn tries them again.
    """
    began = clock.now()
    pauses = iter(VERIFY_PAUSES)
    pause = next(pauses)
    while waiting := [m.move for m in done if m.outcome is Outcome.UNVERIFIED]:
        longest = VERIFY_SECONDS if any(m.is_unshown for m in done) else _LOST_SECONDS
        if clock.now() >= began + timedelta(seconds=longest):
            break
        if pause:
            clock.sleep(pause)
        try:
            shown = cloud.read_back(waiting)
        except TemporaryError:
            shown = {}
        now = clock.now()
        done = tuple(verified(m, shown.get(m.move.subject), now) for m in done)
        pause = next(pauses, VERIFY_PAUSES[-1])
    return done


def rehearse(planned: tuple[Move, ...], cloud: Cloud, clock: Clock) -> dict[str, tuple[Reason, ...]]:
    """Returns by group what EC2 would refuse of the first moves of a look: asked with DryRun
    (docs/aws-facts.md#dry-run).

    Only the first, since those calls may spend the tokens that another topology needs to move.
    """
    asked = [replace(move, dry_run=True) for move in planned[:_REHEARSED]]
    calls = cloud.begin(asked, lambda: True, clock.now)
    found: dict[str, tuple[Reason, ...]] = {}
    for move, call in zip(asked, calls, strict=True):
        match call.result():
            case Refusal(code, message, transient=False) if code != "DryRunOperation":
                report = reason(ReportCode.EC2_WOULD_REFUSE, move.subject, error=code, message=message)
                found[move.group] = (*found.get(move.group, ()), report)
    return found
