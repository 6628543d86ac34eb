"""Any one member of any answer of EC2 is missing, or not as documented: only what it is about changes.

fw1 is dead, and its four addresses are to go to fw2. Nothing here is ever moved elsewhere, or raises.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator

import pytest

from cli.discovery import reads
from tandem.adapters import ec2, ec2reads, inventory, managing
from tandem.errors import ConfigurationError, TandemError, TemporaryError
from tandem.failover.deciding import decide
from tandem.failover.decision import Action
from tandem.model import Observation
from tandem.place import Place
from tandem.provisioning.managed import Desired
from tandem.state.memory import Memory
from tandem.topology.worldchecks import warnings, worldcheck
from tests.odd_answers import ODD, Answers, Path, members, recording, replaying
from tests.stack import Stack
from tests.tiers import prove

HERE = Place("aws", "us-east-1", "123456789012")
TOPS = {"Routes", "RouteServerPeers", "Addresses", "NextToken"}
"""Without these there is nothing to decide by."""

FEWEST = {"the look": 2500, "the door": 7000, "the plan": 4500, "discover": 6500}
"""Changes that are tried at the least: they cannot become fewer unseen."""


def moves(edge: Stack, observation: Observation) -> dict[str, tuple[Action, str | None]]:
    """Returns what is decided of each address: the action, and who is to have it where it moves."""
    decisions = decide(edge.record.topology, observation, Memory(), edge.clock.now())
    return {
        a.allocation_id: (a.action, a.owner if a.action is Action.MOVE else None)
        for d in decisions
        for a in d.addresses
    }


def changes(answers: Answers) -> Iterator[tuple[tuple[str, str], Path, object]]:
    return ((key, path, odd) for key, answer in answers.items() for path in members(answer) for odd in ODD)


def concerned(edge: Stack, answer: object, path: Path) -> set[str]:
    """Returns the addresses that a member may be about: one of its own row, all of what decides for all."""
    every = set(edge.record.topology.allocation_ids)
    if path[0] == "Addresses" and len(path) > 1 and isinstance(answer, dict):
        return {answer["Addresses"][path[1]]["AllocationId"]} & every
    return every


@pytest.mark.parametrize("of", ["DescribeAddresses", pytest.param("", marks=prove)])
def test_what_a_member_is_not_about_moves_all_the_same(
    edge: Stack, record_property: Callable[[str, object], None], of: str
) -> None:
    edge.levers.kill(name="fw1")
    edge.clock.sleep(3)
    with recording() as answers:
        whole = moves(edge, ec2.observe(edge.record.topology))
        targets = edge.record.topology.target_interface_ids
        for asked in (targets, *([target] for target in targets)):
            ec2reads.elastic_ips("network-interface-id", asked)
    assert set(whole.values()) == {(Action.MOVE, "fw2")}
    ended: Counter[str] = Counter()
    with replaying(answers) as replay:
        for replay.odd in changes(answers):
            key, path, odd = replay.odd
            if of not in key[0]:
                continue
            about = f"{key[0]} {path} {odd}"
            try:
                seen = ec2.observe(edge.record.topology)
            except (ConfigurationError, TemporaryError):
                assert path[1:] == (), about
                assert path[0] in TOPS, about
                ended["no answer"] += 1
                continue
            now = moves(edge, seen)
            assert {a for a, was in whole.items() if now[a] != was} <= concerned(edge, answers[key], path), (
                about
            )
            assert all(owner in (None, "fw2") for _, owner in now.values()), about
            ended["as before" if now == whole else "held"] += 1
    assert not replay.strange
    record_property("met", f"{of or 'all'}: {dict(ended)}")
    assert sum(ended.values()) >= (200 if of else FEWEST["the look"])


@prove
@pytest.mark.parametrize("reader", ["the door", "the plan", "discover"])
def test_no_member_is_an_error_that_nobody_named(
    edge: Stack, record_property: Callable[[str, object], None], reader: str
) -> None:
    topology = edge.record.topology

    def read() -> object:
        if reader == "the door":
            found = inventory.read(topology, "tandem", HERE)
            return [*worldcheck(topology, found, ()), *warnings(topology, found)]
        if reader == "the plan":
            return managing.observe(Desired(topology, "tandem", topology.route_server.route_server_id))
        return reads.snapshot(edge.ids["vpc_id"], edge.ids["route_server_id"])

    with recording() as answers:
        read()
    ended: Counter[str] = Counter()
    with replaying(answers) as replay:
        for replay.odd in changes(answers):
            try:
                read()
                ended["read"] += 1
            except TandemError:
                ended["refused with words"] += 1
            except Exception as error:
                raise AssertionError(f"{replay.odd}: {type(error).__name__}: {error}") from error
    record_property("met", f"{reader}: {dict(ended)}")
    assert sum(ended.values()) >= FEWEST[reader]
