"""The world of the lab as tables for people."""

from collections.abc import Iterator, Mapping
from datetime import UTC
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from lab.queues import Notification

World = Mapping[str, Any]

_DASH = "-"
WHOLE = {"peer", "interface", "instance", "address", "private IP", "next hop", "installed in"}
"""Columns of IDs and addresses: a folded one cannot be copied or searched for."""


def picture(world: World) -> RenderableType:
    """Returns who owns which prefix, who holds which Elastic IP, and the sessions and appliances behind
    it.
    """
    parts: list[RenderableType] = []
    for server in world["route_servers"]:
        parts += [_owners(server), _sessions(server)]
    parts += [_elastic_ips(world), _appliances(world)]
    if world["faults"]:
        parts.append(_faults(world))
    return Group(*parts)


def letter(message: Notification) -> str:
    """Shows a message as a mail, with the severity by which subscribers filter."""
    severity = message.attributes.get("severity", "no severity")
    head = f"{message.at.astimezone(UTC):%H:%M:%S} UTC  {severity}  {message.subject}"
    return "\n".join((head, *(f"    {line}".rstrip() for line in message.message.splitlines())))


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold")
    for column in columns:
        table.add_column(column, overflow="fold", no_wrap=column in WHOLE)
    return table


def _add(table: Table, *cells: str | Text) -> None:
    """Adds a row of words as they are: whoever registers an appliance names it, `[/x]` if they like."""
    table.add_row(*(Text(cell) if isinstance(cell, str) else cell for cell in cells))


def _owners(server: World) -> Table:
    table = _table(
        f"Routes of {server['id']}", "prefix", "owner", "next hop", "AS path", "MED", "installed in"
    )
    for route in server["routes"]:
        if route["RouteStatus"] == "in-fib":
            prefix = route["Prefix"]
            _add(
                table,
                prefix,
                server["owners"].get(prefix) or "undeclared",
                route["NextHopIp"],
                " ".join(route["AsPaths"]),
                str(route["Med"]),
                "\n".join(_installations(route)) or "nowhere",
            )
    if not table.row_count:
        _add(table, "none", *[_DASH] * 5)
    return table


def _installations(route: World) -> Iterator[str]:
    for item in route["RouteInstallationDetails"]:
        rejected = item["RouteInstallationStatus"] == "rejected"
        yield item["RouteTableId"] + (
            f"\n(rejected: {item['RouteInstallationStatusReason']})" if rejected else ""
        )


def _sessions(server: World) -> Table:
    endpoints = {endpoint["id"]: endpoint for endpoint in server["endpoints"]}
    table = _table(
        f"Sessions of {server['id']}", "appliance", "endpoint", "peer", "state", "BGP", "BFD", "note"
    )
    for peer in server["peers"]:
        endpoint = endpoints[peer["endpoint"]]
        held = [f"held down: {', '.join(peer['held_down'])}"] if peer["held_down"] else []
        work = ["endpoint maintenance"] if endpoint["maintenance"] else []
        _add(
            table,
            peer["appliance"] or _DASH,
            endpoint["name"] or endpoint["id"],
            peer["id"],
            peer["state"],
            _status(peer["bgp"]),
            _status(peer["bfd"]) if peer["bfd"] else _DASH,
            "; ".join(held + work),
        )
    return table


def _elastic_ips(world: World) -> Table:
    table = _table("Elastic IPs", "name", "address", "holder", "interface", "private IP")
    for address in world["elastic_ips"]:
        held = address["interface"] is not None
        _add(
            table,
            address["name"] or _DASH,
            address["public_ip"],
            (address["appliance"] or "undeclared") if held else "nobody",
            address["interface"] or _DASH,
            address["private_ip"] or _DASH,
        )
    return table


def _appliances(world: World) -> Table:
    table = _table("Appliances", "name", "alive", "instance", "state", "ASN", "advertises")
    for appliance in world["appliances"]:
        routes = (f"{route['prefix']} ({' '.join(route['as_path'])})" for route in appliance["routes"])
        _add(
            table,
            appliance["name"],
            "yes" if appliance["alive"] else Text("no", style="red"),
            appliance["instance_id"],
            appliance["instance_state"] or "gone",
            str(appliance["asn"]),
            ", ".join(routes) or _DASH,
        )
    return table


def _faults(world: World) -> Table:
    table = _table("Faults", "action", "trouble")
    for action, trouble in world["faults"].items():
        _add(table, action, ", ".join(f"{name} {value}" for name, value in trouble.items() if value))
    return table


def _status(status: str) -> Text:
    return Text(status, style="green" if status == "up" else "red")
