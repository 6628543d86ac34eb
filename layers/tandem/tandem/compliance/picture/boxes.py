"""Draws the route server, subnets, endpoints and route tables: a box is as high as what is in it."""

from __future__ import annotations

from tandem.compliance.picture.canvas import Box, Canvas, Point, mark_width, marks_height
from tandem.compliance.picture.scene import (
    DrawnEndpoint,
    DrawnRoute,
    DrawnRouteTable,
    DrawnSubnet,
    Installation,
    Mark,
    PictureScene,
)
from tandem.compliance.picture.theme import text_width
from tandem.words import picture as words

GAP = 12.0
INSET = 10.0
ENDPOINT_WIDTH = 178.0
APPLIANCE_WIDTH = 352.0
TABLE_WIDTH = 330.0
ROW = 22.0
MOST_ROUTES = 8


def share(count: int, column: float) -> float:
    """Returns the width of each of several boxes in a column."""
    return (column - 2 * INSET - (count - 1) * GAP) / max(count, 1)


def is_fine(state: str | None, fine: str) -> bool | None:
    return None if state is None else state == fine


def draw_server(canvas: Canvas, scene: PictureScene, at: Point, wide: float) -> float:
    """Draws the route server; returns where it ends."""
    x, y = at
    marks = scene.marked(scene.route_server_id, scene.vpc_id)
    high = 36 + marks_height(marks, wide - 2 * INSET)
    canvas.box((x, y, wide, high), "box", "edge")
    canvas.sign((x + 16, y + 18), is_good=is_fine(scene.route_server_state, "available"))
    text = words.server_text(scene.route_server_id, scene.asn, scene.route_server_state)
    canvas.text((x + 28, y + 22), text, wide - 38, is_bold=True)
    canvas.marks((x + INSET, y + 34), marks, wide - 2 * INSET)
    return y + high


def head_height(scene: PictureScene, subnet: DrawnSubnet, wide: float) -> float:
    return 42 + marks_height(scene.marked(subnet.subnet_id), wide - 2 * INSET)


def draw_subnet_head(
    canvas: Canvas, scene: PictureScene, subnet: DrawnSubnet, at: Point, wide: float
) -> None:
    x, y = at
    most = wide - 2 * INSET
    name = subnet.subnet_id or words.UNKNOWN_SUBNET
    canvas.text((x + INSET, y + 18), name, most, size=11, is_mono=bool(subnet.subnet_id))
    canvas.text((x + INSET, y + 33), subnet.prefix or "", most, size=11, role="dim", is_mono=True)
    canvas.marks((x + INSET, y + 40), scene.marked(subnet.subnet_id), most)


def endpoint_height(scene: PictureScene, endpoint: DrawnEndpoint, wide: float) -> float:
    return 62 + marks_height(scene.marked(endpoint.endpoint_id), wide - 2 * INSET)


def draw_endpoint(canvas: Canvas, scene: PictureScene, endpoint: DrawnEndpoint, at: Box) -> None:
    x, y, wide, _ = at
    most = wide - 2 * INSET
    canvas.box(at, "box", "edge")
    canvas.text((x + INSET, y + 18), endpoint.endpoint_id, most, size=11, is_mono=True)
    about = words.endpoint_text(endpoint.name, endpoint.address)
    canvas.text((x + INSET, y + 34), about, most, size=11, role="dim")
    good = is_fine(endpoint.state, "available")
    canvas.sign((x + INSET + 4, y + 47), is_good=good)
    role = "bad" if good is False else "dim"
    canvas.text((x + INSET + 14, y + 51), words.state_text(endpoint.state), most - 14, size=11, role=role)
    canvas.marks((x + INSET, y + 59), scene.marked(endpoint.endpoint_id), most)


def table_marks(scene: PictureScene, table: DrawnRouteTable) -> tuple[Mark, ...]:
    """Returns all marks of a table and of its routes."""
    return scene.marked(table.table_id, *(f"{table.table_id} {row.prefix}" for row in table.rows))


def _head_marks(scene: PictureScene, table: DrawnRouteTable) -> list[Mark]:
    """Returns the marks that stand at the head of a table: those that no row of it shows."""
    shown = {
        mark for row in _routes(scene, table) for mark in first_mark(scene, f"{table.table_id} {row.prefix}")
    }
    return [mark for mark in table_marks(scene, table) if mark not in shown]


def table_height(scene: PictureScene, table: DrawnRouteTable, wide: float) -> float:
    rows = len(_routes(scene, table)) + (len(table.rows) > MOST_ROUTES)
    return 36 + marks_height(_head_marks(scene, table), wide - 2 * INSET) + rows * ROW


def draw_table(canvas: Canvas, scene: PictureScene, table: DrawnRouteTable, at: Box) -> None:
    """Draws a route table with its routes of tracked prefixes."""
    x, y, wide, _ = at
    left, most = x + INSET, wide - 2 * INSET
    canvas.box(at, "box", "edge")
    end = canvas.text((left, y + 20), table.table_id, most, size=11, is_mono=True)
    about = words.subnets_text(table.subnets, is_declared=table.is_declared)
    canvas.text((end + 8, y + 20), about, left + most - end - 8, size=11, role="dim")
    marks = _head_marks(scene, table)
    canvas.marks((left, y + 29), marks, most)
    y += 30 + marks_height(marks, most)
    for row in _routes(scene, table):
        _route(canvas, scene, table, row, (left, y, most, ROW))
        y += ROW
    if len(table.rows) > MOST_ROUTES:
        canvas.text((left, y + 15), words.more_text(len(table.rows) - MOST_ROUTES), most, size=11, role="dim")


def _route(canvas: Canvas, scene: PictureScene, table: DrawnRouteTable, row: DrawnRoute, at: Box) -> None:
    x, y, wide, _ = at
    marks = first_mark(scene, f"{table.table_id} {row.prefix}")
    most = wide - sum(mark_width(mark) + 4 for mark in marks)
    good = None if row.installation is Installation.UNKNOWN else row.installation is Installation.INSTALLED
    text = words.INSTALLATIONS[row.installation]
    is_bad = good is False
    canvas.sign((x + 4, y + 11), is_good=good)
    status = text_width(text, 11)
    canvas.text((x + most - status, y + 15), text, status + 1, size=11, role="bad" if is_bad else "dim")
    left = most - status - 22
    end = canvas.text((x + 14, y + 15), row.prefix, left * 0.65, size=11, is_mono=True)
    if row.to:
        end = canvas.text((end + 6, y + 15), words.TO, 30, size=11, role="dim")
        canvas.text((end + 5, y + 15), row.to, x + 14 + left - end - 5, size=11, is_mono=True)
    canvas.marks((x + most + 4, y + 2), marks, wide)


def _routes(scene: PictureScene, table: DrawnRouteTable) -> list[DrawnRoute]:
    """Returns the routes that are drawn: what is wrong first, if there are too many."""
    rows = sorted(table.rows, key=lambda row: row.installation is Installation.INSTALLED)
    return rows[:MOST_ROUTES]


def first_mark(scene: PictureScene, key: str | None) -> tuple[Mark, ...]:
    """Returns the one mark for which a row has room; the others stand at the box around it."""
    return scene.marked(key)[:1]
