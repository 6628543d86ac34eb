"""Prints for the commands: for people, readable without colour and at any width."""

from __future__ import annotations

import errno
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from rich.console import Console
from rich.text import Text

from cli.document import Document
from cli.stack import Deletion, Group, Verdict
from tandem.topology.problems import visible
from tandem.words.provisioning import SaidProblem, folded

MOST_OF_A_KIND = 20
"""Places that are listed below a problem which shows in many."""

Row = Mapping[str, Any]


class Output(Console):
    """Standard output. What cannot be written to it ends the command, see `cli.__main__`."""

    def __init__(self) -> None:
        super().__init__(highlight=False)

    def on_broken_pipe(self) -> None:
        """Rich would end the command with 1, as if the topology had problems."""
        raise BrokenPipeError(errno.EPIPE, "Broken pipe")


def problems(console: Console, document: Document, found: Sequence[SaidProblem]) -> None:
    """Prints every problem in the order of the document: where, what, and what would be right. A problem that
    follows from another one is printed below it.
    """
    ordered = sorted(found, key=lambda problem: document.place(problem.path))
    _line(console, f"{document.name}: {_counted(len(found), 'problem')}", "bold red")
    shown: Counter[str] = Counter()
    for cause, *others in folded(ordered):
        shown[cause.code] += 1
        if not cause.code or shown[cause.code] <= MOST_OF_A_KIND:
            _problem(console, document, cause, others)
    for code, count in shown.items():
        if code and count > MOST_OF_A_KIND:
            _line(console, f"… and {count - MOST_OF_A_KIND} more of this kind ({code})")


def _problem(console: Console, document: Document, cause: SaidProblem, others: Sequence[SaidProblem]) -> None:
    _line(console, document.where(cause.path), "bold")
    _line(console, f"    {cause.what}")
    _line(console, f"    right would be: {cause.right}", "green")
    first = cause.facts.get("first")
    if isinstance(first, str):
        _line(console, f"    the first is at {document.where(first)}")
    for other in others[:MOST_OF_A_KIND]:
        is_same = (other.what, other.right) == (cause.what, cause.right)
        said = "the same" if is_same else f"caused by the problem above: {other.what}"
        _line(console, f"    {document.where(other.path)}: {said}")
    if len(others) > MOST_OF_A_KIND:
        _line(console, f"    … and {len(others) - MOST_OF_A_KIND} more of this kind")


def styled(console: Console, lines: Iterable[tuple[str, str]]) -> None:
    """Prints lines, each with its style."""
    for text, style in lines:
        _line(console, text, style)


def refusal(console: Console, name: str, found: Sequence[SaidProblem]) -> None:
    """Prints the problems of an order that has no file."""
    _line(console, f"{name}: {_counted(len(found), 'problem')}", "bold red")
    for problem in found:
        _line(console, f"    {problem.path}: {problem.what}")
        _line(console, f"    right would be: {problem.right}", "green")


def warnings(console: Console, found: Iterable[str]) -> None:
    for words in found:
        _line(console, f"warning: {words}", "yellow")


def changes(console: Console, verdict: Verdict) -> None:
    """Prints what the document changes in what is stored."""
    if not verdict.version:
        _line(console, f"{verdict.topology} is new; it starts in mode {verdict.mode}", "bold")
        return
    _line(console, f"{verdict.topology}, version {verdict.version} is stored; this changes:", "bold")
    for words in verdict.changes:
        _line(console, f"  {words}")


def plan(console: Console, verdict: Verdict) -> None:
    """Prints the steps of the provisioner in their order."""
    if not verdict.plan:
        _line(console, "The provisioner has nothing to create or change.", "bold")
        return
    _line(console, f"What the provisioner would do now, in {_counted(len(verdict.plan), 'step')}:", "bold")
    listed(console, verdict.plan)


def deletion(console: Console, topology: str, verdict: Deletion) -> None:
    """Prints what is deleted with a topology."""
    if not verdict.steps:
        _line(console, f"Tandem will forget {topology}; nothing in EC2 changes.", "bold")
        return
    _line(console, f"Tandem will delete with {topology}, in {_counted(len(verdict.steps), 'step')}:", "bold")
    listed(console, verdict.steps)


def listed(console: Console, steps: Iterable[str]) -> None:
    for number, step in enumerate(steps, start=1):
        _line(console, f"  {number}. {step}")


def stored_preview(console: Console, verdict: Verdict) -> None:
    """Prints the preview of a stored topology, which comes before everything else, problems included."""
    if verdict.version:
        preview(console, verdict)


def preview(console: Console, verdict: Verdict) -> None:
    """Prints which addresses would move now, and why; nothing while there is no route server."""
    if not verdict.preview:
        return
    _line(console, "What a look would decide now:", "bold")
    for group in verdict.preview:
        style = "yellow" if group.action == "hold" else ""
        _line(console, f"  {group.group}: {group.action}, {group.reason}", style)
        for address in group.addresses:
            _line(console, f"    {_address(address)}")
        for report in group.reports:
            _line(console, f"    note: {report}", "yellow")
    warnings(console, _held(verdict))
    moves = moving(verdict)
    if moves and verdict.mode != "enforce":
        _line(console, f"mode {verdict.mode}: {_counted(moves, 'move')} would be reported, none carried out")


def _held(verdict: Verdict) -> list[str]:
    """Returns a warning for each group that the preview shows as held."""
    held = [group for group in verdict.preview if group.action == "hold"]
    return [f"{group.group} is HELD: {_stranded(group)}; {_owner(group)}" for group in held]


def _stranded(group: Group) -> str:
    kept = sum(address.get("action") == "hold" for address in group.addresses)
    return (
        f"{_counted(kept, 'Elastic IP')} cannot follow the route"
        if kept
        else "the group has no Elastic IP that would follow the route"
    )


def _owner(group: Group) -> str:
    owner = group.owner
    return f"{owner} owns the route" if owner else "no appliance owns the route now"


def due(verdict: Verdict) -> str | None:
    """Returns what needs attention though the document changes nothing; None if nothing does."""
    held = sum(group.action == "hold" for group in verdict.preview)
    moves = moving(verdict)
    parts = [
        f"{_counted(held, 'group')} held" if held else "",
        f"{_counted(moves, 'move')} due" if moves else "",
    ]
    return " and ".join(part for part in parts if part) or None


def moving(verdict: Verdict) -> int:
    """Returns how many addresses would move now."""
    return sum(a.get("action") == "move" for group in verdict.preview for a in group.addresses)


def done(console: Console, words: str) -> None:
    _line(console, words, "bold green")


def note(console: Console, words: str) -> None:
    _line(console, words)


def failed(words: str) -> None:
    """Says on stderr why the command ends. If that cannot be written, the exit code still says it."""
    with suppress(OSError):
        _line(Console(stderr=True, highlight=False), words, "bold red")


def _address(address: Row) -> str:
    name = f"{address.get('public_ip') or 'unknown address'} ({address.get('allocation_id')})"
    match address.get("action"):
        case "move":
            way = f"moves from {_place(address.get('from'))} to {_place(address.get('to'))}"
            return f"{name}: {way}: {address.get('reason')}"
        case "hold":
            return f"{name}: held on {_place(address.get('from'))}: {address.get('reason')}"
    return f"{name}: stays on {_place(address.get('from'))}"


def _place(place: Row | None) -> str:
    if place is None:
        return "nobody"
    interface = f"{place.get('network_interface')}, {place.get('private_ip')}"
    return f"{place.get('appliance') or 'an undeclared appliance'} ({interface})"


def _counted(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def _line(console: Console, words: str, style: str = "") -> None:
    console.print(Text(visible(words), style=style), soft_wrap=True)
