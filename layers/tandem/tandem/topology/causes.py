"""Finds what follows from what: one mistake that shows in many places is one problem with its
consequences.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from difflib import get_close_matches
from typing import Any

from tandem.reasons.documents import ProblemCode as Code
from tandem.topology.problems import USABLE_NAME, WHOLE, Problem, parent_of, path_of

_ABSENT = frozenset(
    {
        Code.MISSING,
        Code.WATCHED_WITHOUT_ID,
        Code.MANAGED_WITHOUT_VPC,
        Code.MANAGED_WITHOUT_ASN,
        Code.MANAGED_WITHOUT_ENDPOINTS,
    }
)
"""Codes of what is not there, perhaps because its name is misspelled."""

_OF_ITSELF = frozenset(
    {
        Code.WRONG_NAME,
        Code.REPEATED_NAME,
        Code.UNKNOWN_PROPERTY,
        Code.MISPLACED_PROPERTY,
        Code.WRONG_VALUE,
        Code.REPEATED_ITEM,
        Code.TOO_MANY_ITEMS,
    }
)
"""Codes of what is wrong wherever it stands."""

_NAMED_IN = {Code.UNDECLARED_APPLIANCE: "appliances", Code.UNDECLARED_ENDPOINT: "route_server.endpoints"}
"""Where the name stands that is declared nowhere."""


def with_causes(problems: Iterable[Problem]) -> list[Problem]:
    """Returns the problems, each that follows from another one with its cause.

    What is missing follows from its misspelled name. What is below something missing, or below a name that
    cannot be used, follows from that. A name that is declared nowhere follows from one that is declared twice
    in its place: it was pasted, and only one of the two was changed.
    """
    found = list(problems)
    roots = dict(_roots(found))
    twice: dict[str, str] = {}
    for problem in found:
        if problem.code == Code.REPEATED_NAME:
            twice.setdefault(parent_of(problem.path), problem.path)
    linked = [_caused(problem, roots, twice) for problem in found]
    causes = {problem.path: problem.cause for problem in linked if problem.cause != problem.path}
    return [replace(one, cause=causes.get(one.cause) or one.cause) if one.cause else one for one in linked]


def _roots(found: list[Problem]) -> Iterator[tuple[str, str]]:
    """Yields each path below which all follows from one problem, with the path of that problem."""
    absent = {problem.path for problem in found if problem.code in _ABSENT}
    yield from ((path, path) for path in absent)
    yield from ((problem.path, problem.path) for problem in found if problem.code == Code.WRONG_NAME)
    for problem in reversed(found):
        close = _facts(problem).get("close") if problem.code == Code.UNKNOWN_PROPERTY else None
        around = parent_of(problem.path)
        meant = f"{close}" if around == WHOLE else f"{around}.{close}"
        if close and meant in absent:
            yield meant, problem.path


def _caused(problem: Problem, roots: dict[str, str], twice: dict[str, str]) -> Problem:
    if problem.code in _OF_ITSELF:
        return problem
    if problem.code in _NAMED_IN:
        place = _NAMED_IN[Code(problem.code)]
        declared = _unusable(problem, place) or twice.get(place)
        if declared is not None:
            return problem.caused_by(declared)
    if problem.code == Code.TARGETS_MISSING and parent_of(problem.path) in twice:
        return problem.caused_by(twice[parent_of(problem.path)])
    path, cause = problem.cause or problem.path, None
    while True:
        # the outermost: what is below something missing cannot be there
        cause = roots.get(path, cause)
        if parent_of(path) == path:
            break
        path = parent_of(path)
    is_itself = cause == problem.path and problem.code in _ABSENT
    return problem if cause is None or is_itself else problem.caused_by(cause)


def _unusable(problem: Problem, place: str) -> str | None:
    """Returns the path of a declared name that may have been meant, if that one cannot be used."""
    name = problem.path.removeprefix(parent_of(problem.path)).lstrip(".")
    wrong = [known for known in _facts(problem)["known"] if not USABLE_NAME.fullmatch(known)]
    meant = get_close_matches(name, wrong, n=1)
    return place + path_of([meant[0]]) if meant else None


def _facts(problem: Problem) -> dict[str, Any]:
    return dict(problem.reason.facts)
