"""What a compliance run reads: few rounds, and not more calls than leave EC2 to failover."""

from __future__ import annotations

from collections import Counter
from functools import partial

from lab.ec2.depth import depth
from lab.ec2.timings import Timings
from tandem.adapters import clients, snapshots
from tandem.adapters.counting import counting
from tandem.compliance.engine import judge_snapshot
from tandem.compliance.pace import CALLS_A_SECOND, paced
from tandem.compliance.rule import RuleVerdict
from tandem.compliance.rules.catalogue import RULES
from tandem.compliance.snapshot import Snapshot
from tandem.topology.document import parse_topology
from tests.breakages_filters import group_of, put_on
from tests.complying import PLACE, healthy_document
from tests.shared_worlds import begins_in
from tests.stack import Stack, edge_document, stack
from tests.stories.test_depth import Rounds
from tests.tiers import prove

LATENCY_S = 0.1
DEEPEST = 8
MOST_AT_ONCE = 20
TOPOLOGIES, GROUPS = 50, 4


@prove
def test_a_run_is_at_most_eight_reads_deep() -> None:
    with stack(timings=Timings.instant(), clock=Rounds()) as s:
        created = s.lab.client().create_managed_prefix_list(
            PrefixListName="vpc",
            MaxEntries=5,
            AddressFamily="IPv4",
            Entries=[{"Cidr": "10.0.0.0/16"}],
        )
        lists = [{"PrefixListId": created["PrefixList"]["PrefixListId"]}]
        put_on(s, "fw2", group_of(s, {"IpProtocol": "-1", "PrefixListIds": lists}))
        document = healthy_document(s.ids)
        del document["appliances"]["fw2"]["next_hops"]  # this edge has no such address
        s.store(**document)
        s.levers.fault(action="*", latency_s=LATENCY_S)
        s.forget_calls()
        snapshot = snapshots.take(s.record.topology, "tandem", PLACE, s.clock.now())
        calls = s.calls()
    assert {c["outcome"] for c in calls} == {"OK"}
    assert "GetManagedPrefixListEntries" in {c["action"] for c in calls}
    assert depth(calls) <= DEEPEST
    failing = {
        f.rule.id
        for f in judge_snapshot(RULES, snapshot)
        if f.result.verdict in (RuleVerdict.FAIL, RuleVerdict.UNKNOWN)
    }
    assert failing == set()


@prove
@begins_in(stack)
def test_the_reads_of_fifty_topologies_grow_with_them_and_leave_ec2_to_failover() -> None:
    with stack() as s:
        topologies = [parse_topology(_document(s, number)) for number in range(TOPOLOGIES)]
        s.forget_calls()
        taken = paced(
            topologies,
            partial(_taken, s),
            partial(dict, counting(clients.ec2())),
            s.clock,
        )
        began = s.clock.seconds()
        assert sum(1 for _ in taken) == TOPOLOGIES
        calls = s.calls()
        lasting = s.clock.seconds() - began
    reads = Counter(c["action"] for c in calls)
    assert all(count % TOPOLOGIES == 0 for count in reads.values())
    most = reads.most_common(1)[0][1] // TOPOLOGIES
    assert most <= 5
    assert reads.most_common(1)[0][1] <= CALLS_A_SECOND * (lasting + most / CALLS_A_SECOND)
    assert _most_in_a_second(calls) <= MOST_AT_ONCE


def _document(s: Stack, number: int) -> dict[str, object]:
    """Returns one of many topologies on the same route server, with four groups of an Elastic IP each."""
    specs = edge_document(s.ids)["groups"][0]["elastic_ips"]
    groups = [
        {"name": f"g{n}", "prefixes": ["0.0.0.0/0"], "elastic_ips": [spec]} for n, spec in enumerate(specs)
    ]
    assert len(groups) == GROUPS
    return healthy_document(s.ids, name=f"edge-{number}", groups=groups)


def _taken(s: Stack, topology: object) -> Snapshot:
    return snapshots.take(topology, "tandem", PLACE, s.clock.now())  # type: ignore[arg-type]


def _most_in_a_second(calls: list[dict[str, object]]) -> int:
    """Returns the most calls of one action that begin within any one second."""
    most = 0
    for action in {c["action"] for c in calls}:
        starts = sorted(float(str(c["start"])) for c in calls if c["action"] == action)
        most = max(most, *(sum(1 for other in starts if start <= other < start + 1) for start in starts))
    return most
