"""`tandem`: validate a topology, apply it to a deployed stack, take it away again."""

from __future__ import annotations

import json
import re
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path
from typing import Annotated, NoReturn, TypeVar

import typer
from rich.console import Console

from cli import compliance as judging
from cli import document, estimate_table, stack, words
from cli.discovery import command as discovery
from cli.discovery.snapshot import UndiscoverableError
from cli.document import Document
from cli.estimate import estimate as estimate_topology
from cli.exits import EPILOG, STOPPED, Exit
from cli.stack import Deletion, Verdict
from cli.waiting import waiting_for
from tandem.compliance.rule import RuleSeverity
from tandem.state.decoding import cut
from tandem.tags import OWNER_TAG
from tandem.topology.causes import with_causes
from tandem.topology.document import parse_topology
from tandem.topology.shape import normalise, topology_schema
from tandem.topology.shape import validate as validate_document
from tandem.topology.suggestions import cut_value
from tandem.words.provisioning import SaidProblem, said

T = TypeVar("T")
TAG_READS = 10
"""EC2's reads may lag behind a tag that was just written (docs/aws-facts.md#eventual-consistency)."""


app = typer.Typer(
    help="Keep an Elastic IP and the route that leads to it on the same appliance.",
    epilog=EPILOG,
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _file(given: str) -> Path:
    if not given or given.endswith("/"):
        raise typer.BadParameter(f"is {cut_value(given)}; right would be: the path of a file, or -")
    return Path(given)


File = Annotated[
    Path,
    typer.Argument(
        metavar="FILE", parser=_file, help="the topology document, YAML or JSON; - reads standard input"
    ),
]
Interruption = Annotated[
    bool,
    typer.Option("--allow-interruption", help="allow a change that ends the last session of a route's owner"),
]


def _checked(pattern: str, right: str) -> Callable[[str | None], str | None]:
    """Returns a check of an argument that needs no AWS."""

    def check(value: str | None) -> str | None:
        if value is None or re.fullmatch(pattern, value):
            return value
        raise typer.BadParameter(f"is {cut(json.dumps(value), 60)}; right would be: {right}")

    return check


Stack = Annotated[
    str,
    typer.Option(
        "--stack",
        help="the CloudFormation stack of Tandem",
        callback=_checked(
            "[A-Za-z][A-Za-z0-9-]{0,127}|arn:[^ ]{1,300}",
            "a stack's name, letters, digits and -, 128 at most, or its ARN",
        ),
    ),
]


_VPC = _checked("vpc-[0-9a-f]{8,17}", "the ID of a VPC, vpc- and 8 to 17 hexadecimal digits")
_ROUTE_SERVER = _checked("rs-[0-9a-f]{8,17}", "the ID of a route server, rs- and 8 to 17 hexadecimal digits")
Vpc = Annotated[
    str, typer.Option("--vpc", help="the VPC whose route server is to be described", callback=_VPC)
]
VpcChoice = Annotated[
    str | None, typer.Option("--vpc", help="judge what is there in this VPC", callback=_VPC)
]
RouteServerChoice = Annotated[
    str | None,
    typer.Option("--route-server", help="which one, where the VPC has several", callback=_ROUTE_SERVER),
]


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"tandem {metadata.version('tandem')}")
        raise typer.Exit(Exit.OK)


@app.callback()
def tandem(
    version: Annotated[
        bool,
        typer.Option("--version", help="print the version and exit", callback=_print_version, is_eager=True),
    ] = False,
) -> None:
    """Has the options that come before a command."""


@app.command(epilog=EPILOG)
def validate(
    file: File,
    online: Annotated[
        bool, typer.Option("--online", help="also compare with AWS and with what is stored; store nothing")
    ] = False,
    name: Stack = "tandem",
) -> None:
    """Report every problem of a topology. Without --online no call to AWS is made."""
    out = words.Output()
    topology = _local(file, out)
    if online:
        verdict = _ask(name, Verdict, action="check", document=topology.value)
        words.stored_preview(out, verdict)
        _end_with_problems(out, topology, verdict.problems)
        words.warnings(out, verdict.warnings)
        _end_if_due(out, f"{topology.name}: valid", verdict)
    words.done(out, f"{topology.name}: valid")


@app.command(epilog=EPILOG)
def plan(
    file: File,
    name: Stack = "tandem",
    allow_interruption: Interruption = False,
) -> None:
    """Print what the provisioner would do for a topology, step by step; store and change nothing."""
    out = words.Output()
    topology = _local(file, out)
    verdict = _ask(
        name, Verdict, action="plan", document=topology.value, allow_interruption=allow_interruption
    )
    words.stored_preview(out, verdict)
    words.plan(out, verdict)
    _end_with_problems(out, topology, verdict.problems)
    words.warnings(out, verdict.warnings)


@app.command(epilog=EPILOG)
def apply(
    file: File,
    name: Stack = "tandem",
    yes: Annotated[bool, typer.Option("--yes", "-y", help="store it without asking")] = False,
    take_over: Annotated[
        bool,
        typer.Option("--take-over", help="take a topology that CloudFormation created, or a damaged one"),
    ] = False,
    tag: Annotated[
        bool,
        typer.Option(
            "--tag", help=f"write the owner's tag {OWNER_TAG} where it is missing, with your credentials"
        ),
    ] = False,
    allow_interruption: Interruption = False,
) -> None:
    """Show what a topology changes and which addresses would move now; store it when you agree."""
    out = words.Output()
    if file == document.STDIN and not yes:
        _fail(
            "the document comes on standard input, so no question can be answered there: use --yes",
            Exit.UNREADABLE,
        )
    order: dict[str, object] = {"take_over": take_over, "allow_interruption": allow_interruption}
    with _stopping("nothing was stored"):
        topology = _local(file, out)
        order["document"] = topology.value
        verdict = _reviewed(out, topology, order, name, yes=yes, tag=tag)
        if verdict is None:
            return
        stated_by = stack.caller()
    with _stopping(f"it may have been stored; check with tandem plan {file}"):
        applied = _ask(name, Verdict, action="apply", seen=verdict.version, stated_by=stated_by, **order)
        _end_with_problems(out, topology, applied.problems)
        words.done(out, f"stored: {applied.topology}, version {applied.version}, mode {applied.mode}")


def _reviewed(
    out: Console, topology: Document, order: dict[str, object], name: str, *, yes: bool, tag: bool
) -> Verdict | None:
    """Shows what would be stored, and asks. Returns the verdict; None if nothing is to be stored."""
    verdict = _ask(name, Verdict, action="check", **order)
    if tag or not yes:
        verdict = _offer_tags(out, verdict, order, name, unasked=tag)
    words.stored_preview(out, verdict)
    _end_with_problems(out, topology, verdict.problems)
    words.warnings(out, verdict.warnings)
    is_forced = order["take_over"] or order["allow_interruption"]
    if verdict.version and not verdict.changes and not is_forced:
        same = f"nothing to change: version {verdict.version} of {verdict.topology} is identical"
        _end_if_due(out, same, verdict)
        words.done(out, same)
        return None
    words.changes(out, verdict)
    words.plan(out, verdict)
    if not verdict.version:
        words.preview(out, verdict)
    if not yes:
        _confirm(out, _question(verdict), "nothing was stored")
    return verdict


@app.command(epilog=EPILOG)
def delete(
    topology: Annotated[
        str,
        typer.Argument(
            metavar="NAME",
            help="the topology's name, as it is stored",
            callback=_checked("[a-z0-9][a-z0-9-]{0,39}", topology_schema()["properties"]["name"]["title"]),
        ),
    ],
    name: Stack = "tandem",
    yes: Annotated[bool, typer.Option("--yes", "-y", help="delete it without asking")] = False,
    take_over: Annotated[
        bool, typer.Option("--take-over", help="delete a topology that CloudFormation created")
    ] = False,
    resources: Annotated[
        bool,
        typer.Option(
            "--resources", help="also delete the route server and everything else that Tandem created for it"
        ),
    ] = False,
) -> None:
    """Delete a topology: Tandem no longer moves its addresses. They stay where they are."""
    out = words.Output()
    order = {"topology": topology, "take_over": take_over, "resources": resources}
    with _stopping("nothing was deleted"):
        verdict = _ask(name, Deletion, action="delete", check=True, **order)
        _end_with_refusal(out, topology, verdict.problems)
        words.deletion(out, topology, verdict)
        if not yes:
            _confirm(out, f"Delete {topology}?", "nothing was deleted")
        stated_by = stack.caller()
    with _stopping(f"it may have been deleted; check with tandem delete {topology}, which asks first"):
        deleted = _ask(name, Deletion, action="delete", seen=verdict.version, stated_by=stated_by, **order)
        _end_with_refusal(out, topology, deleted.problems)
        if deleted.deleted:
            words.done(out, f"deleted: {topology}")
        else:
            words.note(out, f"Tandem is deleting {topology}, which takes some minutes; now it waits for:")
            words.listed(out, deleted.pending)


@app.command(epilog=EPILOG)
def discover(
    vpc: Vpc,
    route_server: RouteServerChoice = None,
) -> None:
    """Print a topology for a route server that exists already. Change nothing."""
    try:
        with waiting_for("EC2"):
            found = discovery.find(vpc, route_server)
    except UndiscoverableError as error:
        _fail(str(error), Exit.PROBLEMS)
    except stack.StackError as error:
        _fail(str(error), Exit.STACK)
    typer.echo(discovery.text(vpc, found), nl=False)


@app.command(epilog=EPILOG)
def compliance(
    vpc: VpcChoice = None,
    route_server: RouteServerChoice = None,
    file: Annotated[
        Path | None,
        typer.Option("--file", metavar="FILE", parser=_file, help="judge this topology document"),
    ] = None,
    form: Annotated[judging.Format, typer.Option("--format", help="how to print it")] = judging.Format.TEXT,
    fail_on: Annotated[
        RuleSeverity,
        typer.Option("--fail-on", help="exit with 1 for what is of this severity or graver"),
    ] = RuleSeverity.MEDIUM,
) -> None:
    """Judge whether the next failover will work, with your own credentials. Only reads; needs no stack."""
    out = words.Output()
    if (vpc is None) is (file is None):
        _fail("say what to judge: --vpc vpc-... or --file topology.yaml, one of them", Exit.UNREADABLE)
    if file is not None and route_server is not None:
        _fail("--route-server goes with --vpc: a document names its route server itself", Exit.UNREADABLE)
    document = _local(file, out) if file is not None else None
    try:
        with waiting_for("EC2"):
            judged = judging.of_document(document) if document else judging.of_vpc(str(vpc), route_server)
    except UndiscoverableError as error:
        _fail(str(error), Exit.PROBLEMS)
    except stack.StackError as error:
        _fail(str(error), Exit.STACK)
    if form is judging.Format.TEXT:
        words.styled(out, judging.text(judged, document))
    else:
        typer.echo(judging.printed(judged, form, document))
    if judged.is_bad(fail_on):
        raise typer.Exit(Exit.PROBLEMS)


@app.command(epilog=EPILOG)
def estimate(file: File) -> None:
    """Print what a topology costs a month, by item. No call to AWS is made."""
    out = words.Output()
    topology = parse_topology(normalise(_local(file, out).value))
    for line in estimate_table.lines(estimate_topology(topology)):
        words.note(out, line)


def _local(file: Path, out: Console) -> Document:
    """Returns the document; ends the command if it has problems that show without AWS."""
    try:
        found = document.load(file)
    except document.UnreadableError as error:
        _fail(str(error), Exit.UNREADABLE)
    problems = with_causes([*found.problems, *validate_document(found.value)])
    _end_with_problems(out, found, list(map(said, problems)))
    return found


def _ask(name: str, kind: type[T], **order: object) -> T:
    try:
        return stack.find(name).ask(kind, **order)
    except stack.StackError as error:
        _fail(str(error), Exit.STACK)


@contextmanager
def _stopping(outcome: str) -> Iterator[None]:
    """Says what a Ctrl-C leaves behind. An order that was sent may still be carried out."""
    try:
        yield
    except KeyboardInterrupt:
        _fail(f"stopped: {outcome}", STOPPED)


def _texts(value: object) -> Iterator[str]:
    """Yields every text in a document, at any depth."""
    if isinstance(value, str):
        yield value
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    for part in inner:
        yield from _texts(part)


def _offer_tags(
    out: Console, verdict: Verdict, order: dict[str, object], name: str, *, unasked: bool
) -> Verdict:
    """Lets the owner consent if nothing else is wrong; Tandem never writes that tag.

    The stack names what lacks the tag. It may name only what the document has, and endpoints and peers, which
    a document does not name: whoever controls the stack must not choose what its owner consents to.
    """
    found = verdict.problems
    lacking = [problem.untagged for problem in found if problem.untagged]
    untagged = list(dict.fromkeys([*lacking, *verdict.untagged]))
    if not untagged or len(lacking) < len(found):
        return verdict
    named = set(_texts(order["document"]))
    strange = [id_ for id_ in untagged if id_ not in named and not id_.startswith(("rse-", "rsp-"))]
    if strange:
        what = f"the stack asks for {OWNER_TAG} on {', '.join(strange)}, which the document does not name"
        _fail(f"{what}; nothing was tagged or stored", Exit.STACK)
    words.note(out, f"{OWNER_TAG}={name} is missing on: {', '.join(untagged)}")
    words.note(
        out, "The tag lets Tandem move these addresses, use these interfaces, and route in these networks."
    )
    if not unasked and not _agreed("Write it with your own credentials?"):
        return verdict
    try:
        stack.tag(untagged, name)
    except stack.StackError as error:
        _fail(str(error), Exit.STACK)
    for turn in range(TAG_READS):
        verdict = _ask(name, Verdict, action="check", **order)
        if not verdict.untagged and not any(problem.untagged for problem in verdict.problems):
            break
        if turn + 1 < TAG_READS:
            time.sleep(1)
    return verdict


def _question(verdict: Verdict) -> str:
    moves = words.moving(verdict)
    at_once = f"; {moves} of its addresses move at once" if moves and verdict.mode == "enforce" else ""
    return f"Store {verdict.topology} in mode {verdict.mode}{at_once}?"


def _confirm(out: Console, question: str, otherwise: str) -> None:
    try:
        is_agreed = _agreed(question)
    except KeyboardInterrupt:
        typer.echo()
        words.note(out, otherwise)
        raise typer.Exit(STOPPED) from None
    if not is_agreed:
        words.note(out, otherwise)
        raise typer.Exit(Exit.DECLINED)


def _agreed(question: str) -> bool:
    """Asks. No answer counts as a no, and without a terminal --yes is named; Ctrl-C ends the command."""
    if sys.stdin is not None:
        try:
            return typer.confirm(question)
        except typer.Abort as abort:
            if isinstance(abort.__context__, KeyboardInterrupt):
                raise KeyboardInterrupt from None
    if sys.stdin is None or not sys.stdin.isatty():
        words.failed("no terminal to ask for confirmation; use --yes")
    return False


def _end_with_problems(out: Console, document: Document, found: Sequence[SaidProblem]) -> None:
    if found:
        words.problems(out, document, found)
        raise typer.Exit(Exit.PROBLEMS)


def _end_with_refusal(out: Console, name: str, found: Sequence[SaidProblem]) -> None:
    if found:
        words.refusal(out, name, found)
        raise typer.Exit(Exit.PROBLEMS)


def _end_if_due(out: Console, said: str, verdict: Verdict) -> None:
    """Ends the command with a warning if the document is valid and something in AWS needs attention."""
    due = words.due(verdict) if verdict.version else None
    if due:
        words.warnings(out, [f"{said}, but the topology needs attention: {due}, see above"])
        raise typer.Exit(Exit.OK)


def _fail(why: str, code: int) -> NoReturn:
    words.failed(why)
    raise typer.Exit(code)
