"""Says reasons and problems to people: in a verdict, an answer to CloudFormation, an event, a record."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from tandem.reasons.reason import Reason
from tandem.topology.problems import Problem
from tandem.words.problem_reasons import PROBLEM_ENTRIES
from tandem.words.render import Entries, render, render_right
from tandem.words.step_reasons import STEP_ENTRIES

ENTRIES: Entries = {**PROBLEM_ENTRIES, **STEP_ENTRIES}


@dataclass(frozen=True, slots=True)
class SaidProblem:
    """Holds a problem with its words, as a verdict has it. The release before wrote neither codes nor
    facts.
    """

    path: str
    what: str
    right: str
    untagged: str | None = None
    gone: str | None = None
    cause: str | None = None
    code: str = ""
    subject: str = ""
    facts: dict[str, Any] = field(default_factory=dict)

    @property
    def kind(self) -> object:
        """Returns one key for what is one mistake in several places, or about one resource that is gone."""
        if self.gone:
            return self.gone
        if not self.code:
            return self.what, self.right
        return self.code, None if self.subject == self.path else self.subject, json.dumps(self.facts)


def said(problem: Problem) -> SaidProblem:
    """Returns the problem with its words."""
    return SaidProblem(
        problem.path,
        what=sentence_of(problem.reason),
        right=right_of(problem.reason),
        untagged=problem.untagged,
        gone=problem.gone,
        cause=problem.cause,
        **problem.reason.as_dict(),
    )


def sentence_of(reason: Reason) -> str:
    return render(reason, ENTRIES)


def right_of(reason: Reason) -> str:
    """Returns what would be right instead, or what AWS shows after a step."""
    return render_right(reason, ENTRIES)


def line_of(problem: Problem) -> str:
    """Returns a problem in one line."""
    found = said(problem)
    return f"{found.path}: {found.what}; right would be: {found.right}"


def warning_of(found: Reason | Problem) -> str:
    """Returns what refuses nothing, but a person should know."""
    return f"{found.path}: {sentence_of(found.reason)}" if isinstance(found, Problem) else sentence_of(found)


def folded(problems: Iterable[SaidProblem]) -> list[tuple[SaidProblem, ...]]:
    """Groups the problems of a document, each group's cause first: what follows from another problem, what is
    about one resource that is gone, and what is the same mistake in several places. The order stays.
    """
    every = list(problems)
    roots = {problem.path: problem for problem in every if problem.cause is None}

    def cause_of(problem: SaidProblem) -> SaidProblem:
        return roots.get(problem.cause, problem) if problem.cause else problem

    found: dict[object, list[SaidProblem]] = {}
    for problem in every:
        found.setdefault(cause_of(problem).kind, []).append(problem)
    return [tuple(sorted(group, key=lambda p: cause_of(p) is not p)) for group in found.values()]
