"""Whether an appliance that comes back takes the route back by itself."""

from __future__ import annotations

from collections.abc import Iterator

from tandem.compliance.rule import Result, Rule, RuleSeverity
from tandem.compliance.rules.standby import next_hops, rank, unread_path
from tandem.compliance.snapshot import Snapshot
from tandem.reasons.compliance import CheckCode, RuleId


def wanted(snapshot: Snapshot) -> Iterator[Result]:
    """Judges each tracked prefix: nobody's path is better than the others', so nobody takes the route back.

    Route Server chooses the better path as soon as it is there (docs/aws-facts.md#preemption).
    """
    topology, database = snapshot.topology, snapshot.database
    for prefix in (prefix for group in topology.groups for prefix in group.prefixes):
        doubt = unread_path(prefix, database)
        if doubt is not None:
            yield Result.unknown(prefix, doubt)
            continue
        best = {
            name: min(rank(r) for r in database.routes if r.prefix == prefix and r.next_hop in next_hops(a))
            for name, a in topology.appliances.items()
            if any(r.prefix == prefix and r.next_hop in next_hops(a) for r in database.routes)
        }
        if len(best) < 2:
            yield Result.not_applicable(prefix, CheckCode.NO_OTHER_PATH, prefix=prefix)
            continue
        first = [name for name, own in best.items() if own == min(best.values())]
        if len(first) == 1:
            yield Result.failed(prefix, CheckCode.PATH_COMES_BACK, appliance=first[0], prefix=prefix)
        else:
            yield Result.passed(prefix)


RULES = (Rule(RuleId.FAILBACK_WANTED, RuleSeverity.LOW, wanted),)
