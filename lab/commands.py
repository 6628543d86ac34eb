"""The commands of `python -m lab`: AWS on this machine, and the levers of what happens in it."""

import json
import sys
from typing import Annotated

import typer
import yaml
from rich.console import Console

from lab import running
from lab.deploy import DeployError
from lab.example import topology
from lab.levers import LeverRefused, NoLab, Outcome
from lab.picture import letter, picture
from lab.servers import ServersError

app = typer.Typer(
    help="AWS on this machine, and the levers of what happens in it. docs/lab.md has the whole story.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
)
PIPE_WIDTH = 1000
"""Where no terminal sets a width, no cell is folded: a program that reads lines finds whole rows."""

Name = Annotated[str, typer.Argument(help="the appliance: fw1")]
EndpointName = Annotated[str, typer.Argument(help="its ID or its name: az1-a")]
Prefix = Annotated[str, typer.Argument(help="0.0.0.0/0")]


@app.command()
def up(
    empty: Annotated[bool, typer.Option("--empty", help="no VPC, no route server, no appliances")] = False,
    managed: Annotated[
        bool, typer.Option("--managed", help="no route server: tandem apply makes it")
    ] = False,
    bare: Annotated[bool, typer.Option("--bare", help="deploy nothing")] = False,
) -> None:
    """Start the lab, deploy the template, build the edge scenario; stay up until interrupted."""
    if empty and managed:
        raise typer.BadParameter("--empty builds nothing that could be managed; give one of the two")
    from lab.attending import attend  # noqa: PLC0415 with moto, a second that no lever needs
    from lab.cloud import TEMPLATE, Cloud  # noqa: PLC0415
    from lab.ec2.scenario import appliances_only, edge  # noqa: PLC0415

    build = None if empty else appliances_only if managed else edge
    with running.alone("lab"):
        running.clear()
        with Cloud(template=None if bare else TEMPLATE, build=build, tell=_tell) as cloud:
            environment = {running.URL: cloud.ec2_url} | cloud.endpoints.environment()
            try:
                running.announce(environment)
                typer.echo(running.exports(environment), nl=False)
                if cloud.scenario:
                    document = topology(cloud.scenario)
                    running.TOPOLOGY.write_text(yaml.safe_dump(document, sort_keys=False), encoding="utf-8")
                    _tell(first_steps(is_managed=managed))
                _tell("running; the lines above are also in .lab/env. Ctrl-C stops the lab. Events (UTC):")
                attend(cloud, is_deployed=not bare, show=typer.echo)
            finally:
                running.clear()


def first_steps(*, is_managed: bool) -> str:
    """Returns what to type in a second terminal."""
    create = "create the route server or " if is_managed else ""
    return f"Tandem does not {create}move the addresses until you run, in a second terminal:\n" + "\n".join(
        f"    {line}" for line in (". .lab/env", ".venv/bin/tandem apply .lab/edge.yaml")
    )


@app.command()
def world(
    raw: Annotated[bool, typer.Option("--json", help="as the lab answers, for programs")] = False,
) -> None:
    """Show who owns and who holds what."""
    state = running.find().world()
    if raw:
        typer.echo(json.dumps(state, indent=2))
    else:
        Console(width=None if sys.stdout.isatty() else PIPE_WIDTH).print(picture(state))


@app.command()
def mail(
    raw: Annotated[bool, typer.Option("--json", help="one JSON object a line, with all attributes")] = False,
) -> None:
    """Show what Tandem has sent to people since the lab is up."""
    running.find()
    messages = running.read_mail()
    if raw and messages:
        typer.echo(running.MAIL.read_text(encoding="utf-8"), nl=False)
    elif not messages:
        _tell("no message yet")
    else:
        typer.echo("\n\n".join(letter(message) for message in messages))


@app.command()
def kill(
    name: Name,
    stop_instance: Annotated[
        bool, typer.Option("--stop-instance", help="its instance stops as well")
    ] = False,
) -> None:
    """An appliance dies without a goodbye: its sessions go down after the detection time."""
    _say(running.find().kill(name, stop_instance=stop_instance))


@app.command()
def restore(name: Name) -> None:
    """It lives again: its instance runs, it dials and advertises."""
    _say(running.find().restore(name))


@app.command()
def shutdown(name: Name) -> None:
    """It closes its sessions in order and stays away."""
    _say(running.find().shutdown(name))


@app.command()
def session(
    name: Name,
    endpoint: EndpointName,
    state: Annotated[str, typer.Argument(help="down, or up again")],
    protocol: Annotated[str, typer.Option(help="both, bgp or bfd")] = "both",
) -> None:
    """Hold one session down, or let it up again."""
    _say(running.find().session(name, endpoint, state, protocol))


@app.command()
def advertise(
    name: Name,
    prefix: Prefix,
    as_path: Annotated[str | None, typer.Option(help='"65001 65001"; without, its own ASN')] = None,
    med: Annotated[int, typer.Option(help="lower is better")] = 0,
    next_hop: Annotated[str | None, typer.Option(help="without, the address it peers with")] = None,
) -> None:
    """It advertises a prefix, or advertises it anew with other attributes."""
    path = _path(as_path)
    _say(running.find().advertise(name, prefix, as_path=path, med=med, next_hop=next_hop))


@app.command()
def withdraw(name: Name, prefix: Prefix) -> None:
    """It takes a prefix back."""
    _say(running.find().withdraw(name, prefix))


@app.command()
def maintenance(
    endpoint: EndpointName,
    seconds: Annotated[float, typer.Option(help="how long its sessions stay away")] = 30.0,
) -> None:
    """AWS announces work on an endpoint and does it."""
    _say(running.find().maintenance(endpoint, seconds))


@app.command()
def instance(
    name: Annotated[str, typer.Argument(help="an appliance, or an instance ID")],
    state: Annotated[str, typer.Argument(help="running, stopped or terminated")],
) -> None:
    """Somebody starts, stops or terminates an instance."""
    _say(running.find().instance(name, state))


@app.command()
def fault(
    action: Annotated[
        str, typer.Argument(help="an EC2 action, * for all others, or clear for no more trouble")
    ],
    latency_s: Annotated[float | None, typer.Option(help="every answer takes this much longer")] = None,
    error: Annotated[str | None, typer.Option(help="an error code: RequestLimitExceeded")] = None,
    count: Annotated[int | None, typer.Option(help="errors and breaks strike this often")] = None,
    rate: Annotated[float | None, typer.Option(help="they strike with this probability")] = None,
    throttle: Annotated[
        str | None, typer.Option(help="a token bucket, capacity/refill per second: 50/5")
    ] = None,
    lag_s: Annotated[float | None, typer.Option(help="reads show the state of this long ago")] = None,
    break_s: Annotated[
        float | None, typer.Option(help="no answer at all; the connection closes then")
    ] = None,
) -> None:
    """Trouble for an EC2 action; what is named is added to what it suffers already."""
    bucket = _bucket(throttle)
    levers = running.find()
    if action == "clear":
        _say(levers.faults_clear())
        return
    trouble = {"latency_s": latency_s, "error": error, "count": count, "rate": rate, "lag_s": lag_s}
    _say(levers.fault(action, **trouble, break_s=break_s, throttle=bucket))


def _path(text: str | None) -> list[int] | None:
    if text is None:
        return None
    try:
        return [int(asn) for asn in text.split()]
    except ValueError as error:
        right = 'give AS numbers with blanks between them: "65001 65001"'
        raise typer.BadParameter(f"{text!r} is no AS path; {right}", param_hint="--as-path") from error


def _bucket(text: str | None) -> dict[str, float] | None:
    if text is None:
        return None
    capacity, _, refill = text.partition("/")
    try:
        return {"capacity": float(capacity), "refill": float(refill)}
    except ValueError as error:
        right = "give capacity/refill per second: 50/5"
        raise typer.BadParameter(f"{text!r} is no token bucket; {right}", param_hint="--throttle") from error


def _tell(words: str) -> None:
    typer.echo(f"lab: {words}", err=True)


def _say(outcome: Outcome) -> None:
    typer.echo(json.dumps(outcome))


def main() -> int:
    try:
        app()
    except NoLab as error:
        _tell(f"{error}: start one with `make lab`, or `.venv/bin/python -m lab up`, in another terminal")
        return 2
    except (LeverRefused, DeployError, ServersError, running.NotAlone) as error:
        _tell(str(error))
        return 1
    return 0
