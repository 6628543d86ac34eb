"""Logs and counts what became of a batch of signals."""

from __future__ import annotations

import json
from collections import Counter

from tandem.events import DetailType, described
from tandem.ports import Journal
from tandem.signals.intake import Forwarding
from tandem.state.decoding import cut

LISTED = 10
"""So many of a kind are logged; all are counted."""


def report_left(found: Forwarding, event: object, journal: Journal) -> None:
    """Logs and counts the signals of an event of which nothing goes on as AWS documents it."""
    if found.unknown:
        journal.warning(
            "record of unknown shape",
            causes=[cut(signal.cause) for signal in found.unknown[:LISTED]],
            topic_arns=sorted({signal.topic_arn for signal in found.unknown if signal.topic_arn})[:LISTED],
            records=len(found.unknown),
            characters=len(json.dumps(event)),
        )
    refused = Counter((signal.topic_arn, signal.peer_id) for signal in found.refused)
    for (topic_arn, peer_id), count in refused.most_common(LISTED):
        journal.warning(
            "message matches no stored topology",
            topic_arn=topic_arn,
            peer_id=peer_id,
            messages=count,
            characters=len(json.dumps(event)),
        )
    if not found.events:
        journal.info("nothing to forward", **described(event), untracked=found.untracked)
    journal.count("UnknownSignal", len(found.unknown))
    journal.count("RefusedMessage", len(found.refused))
    journal.count("UntrackedRoutes", found.untracked)


def report_forwarded(found: Forwarding, journal: Journal) -> None:
    """Logs and counts the events that the bus took."""
    journal.count("SignalsForwarded", len(found.events))
    journal.count("RouteLeaks", sum(one.detail_type is DetailType.ROUTE_LEAK for one in found.events))
    for one in found.events:
        journal.info("signal forwarded", detail_type=one.detail_type, detail=one.detail)
