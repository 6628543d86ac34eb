"""Records and notifies what people should know beside the moves, when it begins and when it ends."""

from __future__ import annotations

from dataclasses import replace

from tandem.failover.moves import Outcome
from tandem.failover.run import Progress, Run
from tandem.failover.standbys import judge

_BEGUN = frozenset({Outcome.VERIFIED, Outcome.UNVERIFIED})


def record_findings(run: Run, progress: Progress) -> Progress:
    """Records and notifies what a rule finds, once when it begins and once when it ends.

    A look that moves leaves that to the next one, and so does one that has no time left.
    """
    is_moving = any(m.outcome in _BEGUN for m in (*progress.tried, *progress.moved))
    may_tell = not is_moving and not run.is_late()
    observation, at = progress.observation, progress.observed_at
    memory, found = judge(run.topology, observation, progress.memory, at, may_tell=may_tell)
    if found:  # it is told once it is written, and only then remembered as told
        run.trail.findings(progress.decision_id, found, observation)
        run.trail.notify()
    return replace(progress, memory=memory)
