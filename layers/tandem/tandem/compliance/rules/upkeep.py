"""Whether Tandem itself does its work: its looks, its watch, its queues, and what people left as it is."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from tandem.compliance.rule import Result, Rule, RuleSeverity
from tandem.compliance.snapshot import Snapshot, known
from tandem.reasons.compliance import CheckCode, RuleId
from tandem.topology.document import Mode
from tandem.topology.problems import path_of

LONGEST_WITHOUT = timedelta(minutes=5)
"""The sweep looks, and the watch begins anew, every minute."""

LONGEST_PAUSE = timedelta(days=1)
LONGEST_DRY_RUN = timedelta(days=7)


def looked_at(snapshot: Snapshot) -> Iterator[Result]:
    """Judges the topology by the time in its look record."""
    name, at = snapshot.topology.name, known(known(snapshot.stack).looked_at)
    if _is_recent(at, snapshot.taken_at):
        yield Result.passed(name)
    elif at is None and _is_new(snapshot):
        yield Result.not_applicable(name, CheckCode.STORED_JUST_NOW)
    else:
        yield Result.failed(name, CheckCode.NOT_LOOKED_AT, at=at)


def watch_runs(snapshot: Snapshot) -> Iterator[Result]:
    """Judges the watch by its heartbeat record."""
    name, at = snapshot.topology.name, known(known(snapshot.stack).watched_at)
    if _is_recent(at, snapshot.taken_at):
        yield Result.passed(name)
    elif at is None and _is_new(snapshot):
        yield Result.not_applicable(name, CheckCode.STORED_JUST_NOW)
    else:
        yield Result.failed(name, CheckCode.NOT_WATCHED, at=at)


def _is_recent(at: datetime | None, now: datetime) -> bool:
    return at is not None and now - at <= LONGEST_WITHOUT


def _is_new(snapshot: Snapshot) -> bool:
    """Returns True if the topology was stored so lately that nobody can have looked or watched yet."""
    since = known(known(snapshot.stack).mode_since)
    return since is not None and snapshot.taken_at - since <= LONGEST_WITHOUT


def dead_letters(snapshot: Snapshot) -> Iterator[Result]:
    """Judges each of the stack's dead-letter queues."""
    for queue, messages in known(known(snapshot.stack).dead_letters).items():
        if messages:
            yield Result.failed(queue, CheckCode.DEAD_LETTERS_WAIT, messages=messages)
        else:
            yield Result.passed(queue)


def versions(snapshot: Snapshot) -> Iterator[Result]:
    """Judges the stack's release by that of what runs the rules."""
    stack, name = known(snapshot.stack), snapshot.topology.name
    if stack.version == stack.tool_version:
        yield Result.passed(name)
    else:
        yield Result.failed(name, CheckCode.RELEASES_DIFFER, stack=stack.version, tool=stack.tool_version)


def paused(snapshot: Snapshot) -> Iterator[Result]:
    """Judges each pause that is in force by the age of the hold in the look record."""
    pauses = [p for p in known(known(snapshot.stack).pauses) if snapshot.taken_at < p.until]
    if not pauses:
        yield Result.passed(snapshot.topology.name)
    for pause in pauses:
        if pause.since is None:
            yield Result.unknown(pause.resource, "no look has recorded the hold of this pause yet")
        elif snapshot.taken_at - pause.since > LONGEST_PAUSE:
            yield Result.failed(
                pause.resource,
                CheckCode.PAUSED_FOR_LONG,
                who=pause.who,
                why=pause.why,
                since=pause.since,
                until=pause.until,
            )
        else:
            yield Result.passed(pause.resource)


def dry_run(snapshot: Snapshot) -> Iterator[Result]:
    """Judges the topology's mode by the time in its topology record."""
    name, place = snapshot.topology.name, path_of(["mode"])
    since = known(known(snapshot.stack).mode_since)
    if snapshot.topology.mode is not Mode.DRY_RUN:
        yield Result.passed(name, place)
    elif since is None:
        yield Result.not_applicable(name, CheckCode.MODE_TIME_NOT_RECORDED)
    elif snapshot.taken_at - since > LONGEST_DRY_RUN:
        yield Result.failed(name, CheckCode.DRY_RUN_FOR_LONG, place, since=since)
    else:
        yield Result.passed(name, place)


RULES = (
    Rule(RuleId.LOOKED_AT_RECENTLY, RuleSeverity.CRITICAL, looked_at),
    Rule(RuleId.WATCHED_RECENTLY, RuleSeverity.HIGH, watch_runs),
    Rule(RuleId.NO_DEAD_LETTERS, RuleSeverity.HIGH, dead_letters),
    Rule(RuleId.NOT_PAUSED_FOR_LONG, RuleSeverity.MEDIUM, paused),
    Rule(RuleId.NOT_DRY_RUN_FOR_LONG, RuleSeverity.MEDIUM, dry_run),
    Rule(RuleId.RELEASES_MATCH, RuleSeverity.LOW, versions),
)
