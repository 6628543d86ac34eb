"""Draws each thing of the picture in a box: its height follows from what is in it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tandem.compliance.drawing import Box, Canvas, Point, mark_width, marks_height, width
from tandem.compliance.scene import (
    Address,
    Appliance,
    Endpoint,
    Installation,
    Mark,
    Scene,
    Session,
    Subnet,
    Table,
    TableRow,
)
from tandem.model import Status
from tandem.words import picture as words

GAP = 12.0
INSET = 10.0
ENDPOINT_WIDTH = 178.0
APPLIANCE_WIDTH = 352.0
TABLE_WIDTH = 330.0
LINE = 18.0
ROW = 22.0
CHIPS = 2
"""Elastic IPs beside one another."""
MOST_ADDRESSES = 20
"""More Elastic IPs than these in a topology are counted, not drawn."""
MOST_ROUTES = 8


def share(count: int, column: float) -> float:
    """Returns the width of each of several boxes in a column."""
    return (column - 2 * INSET - (count - 1) * GAP) / max(count, 1)


def is_good(session: Session) -> bool | None:
    """Returns True if BGP, and BFD where the peer uses it, are up; None if nobody knows."""
    if session.bgp is None:
        return None
    return session.bgp is Status.UP and not (session.is_bfd and session.bfd is Status.DOWN)


def is_fine(state: str | None, fine: str) -> bool | None:
    return None if state is None else state == fine


def server(canvas: Canvas, scene: Scene, at: Point, wide: float) -> float:
    """Draws the route server; returns where it ends."""
    x, y = at
    marks = scene.marked(scene.route_server_id, scene.vpc_id)
    high = 36 + marks_height(marks, wide - 2 * INSET)
    canvas.box((x, y, wide, high), "box", "edge")
    canvas.sign((x + 16, y + 18), is_good=is_fine(scene.route_server_state, "available"))
    text = words.server(scene.route_server_id, scene.asn, scene.route_server_state)
    canvas.text((x + 28, y + 22), text, wide - 38, is_bold=True)
    canvas.marks((x + INSET, y + 34), marks, wide - 2 * INSET)
    return y + high


def head_height(scene: Scene, subnet: Subnet, wide: float) -> float:
    return 42 + marks_height(scene.marked(subnet.subnet_id), wide - 2 * INSET)


def subnet_head(canvas: Canvas, scene: Scene, subnet: Subnet, at: Point, wide: float) -> None:
    x, y = at
    most = wide - 2 * INSET
    name = subnet.subnet_id or words.UNKNOWN_SUBNET
    canvas.text((x + INSET, y + 18), name, most, size=11, is_mono=bool(subnet.subnet_id))
    canvas.text((x + INSET, y + 33), subnet.prefix or "", most, size=11, role="dim", is_mono=True)
    canvas.marks((x + INSET, y + 40), scene.marked(subnet.subnet_id), most)


def endpoint_height(scene: Scene, endpoint: Endpoint, wide: float) -> float:
    return 62 + marks_height(scene.marked(endpoint.endpoint_id), wide - 2 * INSET)


def endpoint(canvas: Canvas, scene: Scene, endpoint: Endpoint, at: Box) -> None:
    x, y, wide, _ = at
    most = wide - 2 * INSET
    canvas.box(at, "box", "edge")
    canvas.text((x + INSET, y + 18), endpoint.endpoint_id, most, size=11, is_mono=True)
    about = words.endpoint(endpoint.name, endpoint.address)
    canvas.text((x + INSET, y + 34), about, most, size=11, role="dim")
    good = is_fine(endpoint.state, "available")
    canvas.sign((x + INSET + 4, y + 47), is_good=good)
    role = "bad" if good is False else "dim"
    canvas.text((x + INSET + 14, y + 51), words.state(endpoint.state), most - 14, size=11, role=role)
    canvas.marks((x + INSET, y + 59), scene.marked(endpoint.endpoint_id), most)


def appliance_height(scene: Scene, appliance: Appliance, wide: float) -> float:
    """Returns the height of what `appliance` draws."""
    marks = marks_height(_appliance_marks(scene, appliance), wide - 2 * INSET)
    sessions = 1 + len(appliance.sessions) + _has_gap(appliance)
    chips = -(-len(_drawn(scene, appliance.elastic_ips)) // CHIPS)
    return 78 + marks + sessions * ROW + ROW + chips * ROW + 6


def appliance(canvas: Canvas, scene: Scene, appliance: Appliance, at: Box) -> list[tuple[Session, Point]]:
    """Draws an appliance; returns where the line of each session ends."""
    x, y, wide, _ = at
    left, most = x + INSET, wide - 2 * INSET
    is_owner = bool(appliance.owns)
    canvas.box(at, "box", "owner" if is_owner else "edge", radius=8, stroke_width=2.5 if is_owner else 1)
    _name(canvas, appliance, at)
    good = is_fine(appliance.instance_state, "running")
    canvas.sign((left + 4, y + 42), is_good=good)
    state = words.state(appliance.instance_state)
    end = canvas.text((left + 14, y + 46), appliance.instance_id or "-", most * 0.62, size=11, is_mono=True)
    role = "bad" if good is False else "dim"
    canvas.text((end + 8, y + 46), state, left + most - end - 8, size=11, role=role)
    canvas.text((left, y + 64), words.owns(appliance.asn, appliance.owns), most, size=11, role="dim")
    y += 72
    marks = _appliance_marks(scene, appliance)
    canvas.marks((left, y), marks, most)
    y += marks_height(marks, most)
    canvas.text((left, y + 15), words.SESSIONS, most, size=11, role="dim", is_bold=True)
    y += ROW
    for session in appliance.sessions:
        _session(canvas, scene, session, (left, y, most, ROW))
        y += ROW
    if _has_gap(appliance):
        canvas.sign((left + 4, y + 11), is_good=False)
        canvas.text((left + 14, y + 15), words.missing(appliance.missing), most - 14, size=11, role="bad")
        y += ROW
    head = words.addresses(len(appliance.elastic_ips)) if appliance.elastic_ips else words.NO_ADDRESS
    head = head if appliance.is_read else words.UNKNOWN_ADDRESSES
    canvas.text((left, y + 15), head, most, size=11, role="dim", is_bold=True)
    _addresses(canvas, scene, appliance.elastic_ips, (left, y + ROW), most)
    count = len(appliance.sessions)
    gap = wide / (count + 1)
    return [(session, (x + (n + 1) * gap, at[1])) for n, session in enumerate(appliance.sessions)]


def _has_gap(appliance: Appliance) -> bool:
    """Returns True if a row says which sessions there should be."""
    return bool(appliance.missing or not appliance.sessions)


def _name(canvas: Canvas, appliance: Appliance, at: Box) -> None:
    """Writes the name, and at the right what the appliance is now."""
    x, y, wide, _ = at
    role = words.role(owns=bool(appliance.owns), silent=appliance.is_silent, known=appliance.is_read)
    badge = width(role, 11, is_bold=True) + 16
    place = (x + wide - INSET - badge, y + 11, badge, 19.0)
    if appliance.owns:
        canvas.box(place, "owner", radius=9.5)
    else:
        canvas.box(place, "box", "edge", radius=9.5)
    ink = "on" if appliance.owns else "dim"
    middle = (place[0] + badge / 2, y + 24)
    canvas.text(middle, role, badge, size=11, role=ink, is_bold=True, is_centred=True)
    canvas.text((x + INSET, y + 26), appliance.name, wide - badge - 3 * INSET, size=15, is_bold=True)


def _session(canvas: Canvas, scene: Scene, session: Session, at: Box) -> None:
    x, y, wide, _ = at
    marks = _first(scene, session.peer_id)
    most = wide - sum(mark_width(mark) + 4 for mark in marks)
    good = is_good(session)
    canvas.sign((x + 4, y + 11), is_good=good)
    end = canvas.text((x + 14, y + 15), session.endpoint_id, most * 0.52, size=11, is_mono=True)
    text = words.session(session.bgp, session.bfd, is_bfd=session.is_bfd, peer_state=session.state)
    role = "bad" if good is False else "text"
    canvas.text((end + 8, y + 15), text, x + most - end - 8, size=11, role=role)
    canvas.marks((x + most + 4, y + 2), marks, wide)


def _addresses(canvas: Canvas, scene: Scene, addresses: Sequence[Address], at: Point, wide: float) -> None:
    """Draws Elastic IPs two by two, unless there are too many."""
    x, y = at
    chip = (wide - (CHIPS - 1) * 6) / CHIPS
    for number, address in enumerate(_drawn(scene, addresses)):
        left, top = x + number % CHIPS * (chip + 6), y + number // CHIPS * ROW
        marks = _first(scene, address.allocation_id)
        canvas.box((left, top, chip, ROW - 3), "subnet", "edge", radius=4)
        most = chip - 10 - sum(mark_width(mark) + 2 for mark in marks)
        shown = address.public_ip or address.allocation_id
        canvas.text((left + 6, top + 13.5), shown, most, size=11, is_mono=True)
        canvas.marks((left + 8 + most, top + 0.5), marks, chip)


def stray(canvas: Canvas, scene: Scene, at: Point, inner: float) -> float:
    """Draws the Elastic IPs that no declared appliance has; returns where they end."""
    x, y = at
    canvas.text((x, y + 14), words.NOWHERE, inner, size=13, is_bold=True)
    y += 24
    for interface, addresses in scene.stray:
        drawn = _drawn(scene, addresses)
        marks = [m for a in addresses for m in scene.marked(a.allocation_id)]
        left = [mark for mark in marks if not drawn or mark not in _shown(scene, drawn)]
        high = ROW + 10 + marks_height(left, inner - 2 * INSET) + -(-len(drawn) // CHIPS) * ROW
        canvas.box((x, y, inner, high), "box", "edge")
        canvas.text((x + INSET, y + 18), words.stray(interface, len(addresses)), inner - 2 * INSET)
        canvas.marks((x + INSET, y + 26), left, inner - 2 * INSET)
        top = y + 4 + ROW + marks_height(left, inner - 2 * INSET)
        _addresses(canvas, scene, drawn, (x + INSET, top), min(inner - 2 * INSET, APPLIANCE_WIDTH))
        y += high + GAP
    return y - GAP


def table_marks(scene: Scene, table: Table) -> tuple[Mark, ...]:
    """Returns all marks of a table and of its routes."""
    return scene.marked(table.table_id, *(f"{table.table_id} {row.prefix}" for row in table.rows))


def _head_marks(scene: Scene, table: Table) -> list[Mark]:
    """Returns the marks that stand at the head of a table: those that no row of it shows."""
    shown = {
        mark for row in _routes(scene, table) for mark in _first(scene, f"{table.table_id} {row.prefix}")
    }
    return [mark for mark in table_marks(scene, table) if mark not in shown]


def table_height(scene: Scene, table: Table, wide: float) -> float:
    rows = len(_routes(scene, table)) + (len(table.rows) > MOST_ROUTES)
    return 36 + marks_height(_head_marks(scene, table), wide - 2 * INSET) + rows * ROW


def table(canvas: Canvas, scene: Scene, table: Table, at: Box) -> None:
    """Draws a route table with its routes of tracked prefixes."""
    x, y, wide, _ = at
    left, most = x + INSET, wide - 2 * INSET
    canvas.box(at, "box", "edge")
    end = canvas.text((left, y + 20), table.table_id, most, size=11, is_mono=True)
    about = words.subnets(table.subnets, is_declared=table.is_declared)
    canvas.text((end + 8, y + 20), about, left + most - end - 8, size=11, role="dim")
    marks = _head_marks(scene, table)
    canvas.marks((left, y + 29), marks, most)
    y += 30 + marks_height(marks, most)
    for row in _routes(scene, table):
        _route(canvas, scene, table, row, (left, y, most, ROW))
        y += ROW
    if len(table.rows) > MOST_ROUTES:
        canvas.text((left, y + 15), words.more(len(table.rows) - MOST_ROUTES), most, size=11, role="dim")


def _route(canvas: Canvas, scene: Scene, table: Table, row: TableRow, at: Box) -> None:
    x, y, wide, _ = at
    marks = _first(scene, f"{table.table_id} {row.prefix}")
    most = wide - sum(mark_width(mark) + 4 for mark in marks)
    good = None if row.installation is Installation.UNKNOWN else row.installation is Installation.INSTALLED
    text = words.INSTALLATIONS[row.installation]
    is_bad = good is False
    canvas.sign((x + 4, y + 11), is_good=good)
    status = width(text, 11)
    canvas.text((x + most - status, y + 15), text, status + 1, size=11, role="bad" if is_bad else "dim")
    left = most - status - 22
    end = canvas.text((x + 14, y + 15), row.prefix, left * 0.65, size=11, is_mono=True)
    if row.to:
        end = canvas.text((end + 6, y + 15), words.TO, 30, size=11, role="dim")
        canvas.text((end + 5, y + 15), row.to, x + 14 + left - end - 5, size=11, is_mono=True)
    canvas.marks((x + most + 4, y + 2), marks, wide)


def _routes(scene: Scene, table: Table) -> list[TableRow]:
    """Returns the routes that are drawn: what is wrong first, if there are too many."""
    rows = sorted(table.rows, key=lambda row: row.installation is Installation.INSTALLED)
    return rows[:MOST_ROUTES]


def _drawn(scene: Scene, addresses: Sequence[Address]) -> Sequence[Address]:
    return addresses if scene.elastic_ips <= MOST_ADDRESSES else ()


def _first(scene: Scene, key: str | None) -> tuple[Mark, ...]:
    """Returns the one mark for which a row has room; the others stand at the box around it."""
    return scene.marked(key)[:1]


def _shown(scene: Scene, addresses: Sequence[Address]) -> set[Mark]:
    return {mark for address in addresses for mark in _first(scene, address.allocation_id)}


def _appliance_marks(scene: Scene, appliance: Appliance) -> list[Mark]:
    """Returns the marks at the appliance itself, and of what in it has no room for them."""
    return list(dict.fromkeys(sorted(_overflow(scene, appliance), key=lambda mark: mark.number)))


def _overflow(scene: Scene, appliance: Appliance) -> Iterator[Mark]:
    yield from scene.marked(appliance.name)
    for session in appliance.sessions:
        yield from scene.marked(session.peer_id)[1:]
    shown = _shown(scene, _drawn(scene, appliance.elastic_ips))
    for address in appliance.elastic_ips:
        yield from (mark for mark in scene.marked(address.allocation_id) if mark not in shown)
