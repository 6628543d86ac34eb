"""Records and notifies what people should know beside the moves, when it begins and when it ends."""

from __future__ import annotations

from tandem.failover.moves import Moved, Outcome
from tandem.failover.run import Run
from tandem.failover.standbys import judge
from tandem.model import Observation

BEGUN = frozenset({Outcome.VERIFIED, Outcome.UNVERIFIED})


def record_findings(run: Run, observation: Observation, moved: tuple[Moved, ...]) -> None:
    """Records and notifies what a rule finds, once when it begins and once when it ends.

    A look that moves leaves that to the next one, and so does one that has no time left.
    """
    is_moving = any(m.outcome in BEGUN for m in (*moved, *run.report.moved))
    may_tell = not is_moving and not run.is_late()
    memory, found = judge(run.topology, observation, run.memory, run.observed_at, may_tell=may_tell)
    if found:  # it is told once it is written, and only then remembered as told
        run.trail.findings(run.decision_id, found, observation)
        run.trail.notify()
    run.memory = memory
