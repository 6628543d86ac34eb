"""What the first look would do: the engine's own decision on what AWS shows now, without a memory."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from tandem.failover.deciding import decide
from tandem.failover.telling import decision_detail
from tandem.model import Observation
from tandem.state.memory import Memory
from tandem.topology.document import Topology


def preview(topology: Topology, observation: Observation, now: datetime) -> list[dict[str, Any]]:
    """One decision a group, in words and JSON."""
    decisions = decide(topology, observation, Memory(), now)
    return [{"group": decision.group} | decision_detail(decision) for decision in decisions]
