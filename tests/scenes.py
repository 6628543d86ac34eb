"""Topologies of every size as the picture's plain values: two to four appliances, one to eight endpoints."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import cycle

from tandem.compliance.picture.scene import (
    DrawnAppliance,
    DrawnElasticIp,
    DrawnEndpoint,
    DrawnRoute,
    DrawnRouteTable,
    DrawnSession,
    DrawnSubnet,
    Installation,
    Mark,
    PictureScene,
)
from tandem.compliance.rule import RuleSeverity
from tandem.model import Status

LONG = "a-firewall-with-a-name-of-forty-letters-x"
HOSTILE = '<script>alert("1")</script>&amp;\x00\u202e漢字'


def id_of(kind: str, number: int) -> str:
    return f"{kind}-0a1b2c3d4e5f6{number:04x}"


def appliance(
    number: int, endpoints: Iterable[str], addresses: int, *, name: str | None = None
) -> DrawnAppliance:
    """Returns an appliance with a session at each endpoint; the first one owns the route."""
    states = cycle(((Status.UP, Status.UP), (Status.DOWN, Status.DOWN), (None, None)))
    return DrawnAppliance(
        name=name or f"fw{number}",
        asn=4200000000 + number,
        instance_id=id_of("i", number),
        instance_state=("running", "shutting-down", None)[number % 3],
        owns=("0.0.0.0/0", "2001:db8:aaaa:bbbb::/64") if number == 0 else (),
        is_silent=number == 1,
        sessions=tuple(
            DrawnSession(e, id_of("rsp", 100 * number + n), *state, is_bfd=True, state="available")
            for n, (e, state) in enumerate(zip(endpoints, states, strict=False))
        ),
        elastic_ips=tuple(
            DrawnElasticIp(
                id_of("eipalloc", 100 * number + n), f"203.0.113.{100 + n}", f"10.0.{number}.{20 + n}"
            )
            for n in range(addresses)
        ),
    )


def scene(
    *,
    appliances: int = 2,
    endpoints: int = 4,
    addresses: int = 4,
    zones: int = 2,
    apart: bool = False,
    name: str | None = None,
    marked: int = 0,
) -> PictureScene:
    """Returns a scene. `apart`: appliances are in subnets of their own; `marked`: marks at everything."""
    names = [id_of("rse", n) for n in range(endpoints)]
    shown = [DrawnEndpoint(e, name or f"az{n}", f"10.0.{n}.254", "available") for n, e in enumerate(names)]
    counts = [addresses // appliances + (n < addresses % appliances) for n in range(appliances)]
    units = [appliance(n, names, counts[n], name=name and f"{name}{n}") for n in range(appliances)]
    homes = [
        DrawnSubnet(id_of("subnet", z), f"us-east-1{'abcdef'[z]}", "10.100.200.0/24",
               tuple(shown[z::zones]), () if apart else tuple(units[z::zones]))
        for z in range(zones)
    ]  # fmt: skip
    if apart:
        homes += [DrawnSubnet(None, None, None, (), (unit,)) for unit in units]
    tables = tuple(
        DrawnRouteTable(id_of("rtb", n), n, (
            DrawnRoute("0.0.0.0/0", Installation.INSTALLED, units[0].name),
            DrawnRoute("2001:db8:aaaa:bbbb:cccc:dddd::/96", Installation.REJECTED, units[-1].name),
        ), n != 1)
        for n in range(appliances)
    )  # fmt: skip
    whole = PictureScene(
        name=name or "edge",
        vpc_id=id_of("vpc", 1),
        route_server_id=id_of("rs", 1),
        route_server_state="available",
        asn=65000,
        subnets=tuple(homes),
        tables=tables,
        stray=(
            (None, (DrawnElasticIp(id_of("eipalloc", 9001), "203.0.113.250"),)),
            (id_of("eni", 1), (DrawnElasticIp(id_of("eipalloc", 9002), None, "10.0.9.9"),)),
        ),
        unread=(name or "EC2 throttles",),
    )
    _mark(whole, marked)
    return whole


def _mark(whole: PictureScene, times: int) -> None:
    """Marks every thing that can be marked so often."""
    keys = ["", whole.vpc_id, whole.route_server_id]
    for subnet in whole.subnets:
        keys += [subnet.subnet_id, subnet.zone, *(endpoint.endpoint_id for endpoint in subnet.endpoints)]
        for unit in subnet.appliances:
            keys += [
                unit.name,
                *(s.peer_id for s in unit.sessions),
                *(a.allocation_id for a in unit.elastic_ips),
            ]
    keys += [address.allocation_id for _, found in whole.stray for address in found]
    for table in whole.tables:
        keys += [table.table_id, *(f"{table.table_id} {row.prefix}" for row in table.rows)]
    severities = cycle(RuleSeverity)
    number = 0
    for key in dict.fromkeys(key for key in keys if key is not None):
        for _ in range(times):
            number += 1
            mark = Mark(number, next(severities), is_unknown=number % 5 == 0)
            whole.marks[key] = (*whole.marks.get(key, ()), mark)
