"""Makes rules of the checks that a topology passes before it is stored: one wording for both."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from tandem.compliance.rule import Result, Rule, RuleSeverity, RuleVerdict
from tandem.compliance.snapshot import Need, NotReadError, Snapshot, known
from tandem.reasons.compliance import RuleId
from tandem.reasons.documents import ProblemCode
from tandem.reasons.reason import Reason
from tandem.topology.document import Topology
from tandem.topology.inventory import Inventory
from tandem.topology.problems import Problem

Check = Callable[[Topology, Inventory], Iterable[Problem | Reason]]


@dataclass(frozen=True, slots=True)
class Part:
    """One resource that a rule is about."""

    resource: str
    paths: tuple[str, ...] = ()
    """Places in the document that are about it; a problem at or below one of them is the resource's."""
    ids: tuple[str, ...] = ()
    """What has to be readable in AWS before the rule may say PASS or FAIL."""
    is_whole: bool = False
    """True for the topology itself, which passes only if there is no problem at all."""

    def has(self, problem: Problem) -> bool:
        return problem.subject == self.resource or any(_is_at(problem.path, path) for path in self.paths)


Parts = Callable[[Topology, Inventory], Iterable[Part]]


def _inventory(snapshot: Snapshot) -> Inventory:
    return known(snapshot.inventory)


def checked(
    id_: RuleId,
    severity: RuleSeverity,
    checks: Iterable[Check],
    codes: Iterable[ProblemCode],
    parts: Parts,
    inventory_of: Callable[[Snapshot], Inventory] = _inventory,
    needs: frozenset[Need] = frozenset(),
) -> Rule:
    """Makes the rule that these checks find none of these problems, part by part.

    A managed topology is judged as a watched one too: what Tandem manages should be as declared as well.
    `inventory_of` is for checks that need another inventory than the one that was read.
    """
    checks, codes = tuple(checks), frozenset(codes)

    def judge(snapshot: Snapshot) -> Iterator[Result]:
        topology, inventory = snapshot.topology, inventory_of(snapshot)
        views = dict.fromkeys((False, topology.manage))
        found = (
            _problem(one)
            for manage in views
            for check in checks
            for one in check(replace(topology, manage=manage), inventory)
        )
        problems = [problem for problem in found if problem.code in codes]
        yield from results(parts(topology, inventory), problems, inventory)

    return Rule(id_, severity, judge, codes, needs)


def results(parts: Iterable[Part], problems: Iterable[Problem], inventory: Inventory) -> Iterator[Result]:
    """Yields one result for each part, with its first problem; then one for each problem of no part."""
    left: dict[tuple[str, str], Problem] = {}
    for problem in problems:
        left.setdefault((problem.subject, problem.path), problem)
    for part in parts:
        if part.is_whole and left:
            continue
        mine = [key for key, problem in left.items() if part.has(problem)]
        first = left[mine[0]] if mine else None
        for key in mine:
            del left[key]
        doubt = unread_part_of(part.ids, inventory)
        place = part.paths[0] if part.paths else None
        if doubt is not None:
            yield Result.unknown(part.resource, doubt, place)
        elif first is not None:
            yield Result.failed_for(part.resource, first.reason, first.path or place)
        else:
            yield Result.passed(part.resource, place)
    for problem in {problem.subject: problem for problem in left.values()}.values():
        yield Result.failed_for(problem.subject, problem.reason, problem.path or None)


def unread_part_of(ids: Iterable[str], inventory: Inventory) -> str | None:
    """Returns why nobody can read what AWS shows of one of these IDs, or a part of it."""
    doubts = inventory.incomplete | inventory.unknown
    return next((doubts[id_] for id_ in ids if id_ in doubts), None)


def whole(topology: Topology, inventory: Inventory) -> Iterator[Part]:
    """Yields the topology itself, for problems that are of no single part: it passes if there are none."""
    yield Part(topology.name, (), tuple(inventory.unknown), is_whole=True)


def otherwise(first: Rule, more: Callable[[Snapshot], Mapping[str, Result]]) -> Rule:
    """Returns the rule with further results, by resource, that count where the rule itself passes."""

    def judge(snapshot: Snapshot) -> Iterator[Result]:
        try:
            found, missing = more(snapshot), None
        except NotReadError as error:
            found, missing = {}, error.missing
        for result in first.judge(snapshot):
            if result.verdict is not RuleVerdict.PASS:
                yield result
            elif missing is not None:
                yield Result.not_read(result.resource, missing)
            else:
                yield found.get(result.resource, result)

    return replace(first, judge=judge)


def as_watched(topology: Topology) -> Topology:
    return replace(topology, manage=False)


def _problem(found: Problem | Reason) -> Problem:
    return found if isinstance(found, Problem) else Problem("", found)


def _is_at(path: str, place: str) -> bool:
    return path == place or path.startswith((f"{place}.", f"{place}["))
