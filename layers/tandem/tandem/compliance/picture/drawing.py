"""Draws a topology as SVG: what is there, where it is, and a mark at each thing that is wrong.

No script, no `<use>`, no font or image from elsewhere: a custom widget of CloudWatch may show it
(https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/add_custom_widget_dashboard_security.html).
"""

from __future__ import annotations

from dataclasses import dataclass
from xml.etree.ElementTree import Element

from tandem.compliance.picture import applianceboxes, boxes
from tandem.compliance.picture.boxes import GAP, INSET
from tandem.compliance.picture.canvas import Box, Canvas, Point, marks_height
from tandem.compliance.picture.scene import DrawnSession, DrawnSubnet, PictureScene, subnets_by_zone
from tandem.compliance.picture.theme import SANS, Theme, dark_style
from tandem.model import Status
from tandem.words import picture as words
from tandem.words.markup import tag, xml

NARROWEST = 760.0
PAD = 16.0
GUTTER = 60.0
"""Between the endpoints and the appliances: the sessions' lines, and no text."""
MOST_TABLES = 12


def svg(scene: PictureScene, theme: Theme = Theme.AUTO) -> str:
    """Returns the picture as a file of its own."""
    return xml(draw(scene, theme))


def draw(scene: PictureScene, theme: Theme = Theme.AUTO, *, is_linked: bool = False) -> Element:
    """Returns the picture; with `is_linked`, a mark leads to its finding in the page around it."""
    canvas = Canvas(theme, is_linked)
    inner = max(NARROWEST - 4 * PAD, _zones_width(scene))
    wide = inner + 4 * PAD
    end = _vpc(canvas, scene, inner)
    high = _legend(canvas, end + PAD, wide)
    title = tag("title", words.heading(scene.name))
    back = Canvas(theme)
    back.box((0, 0, wide, high), "page", radius=0)
    style = tag("style", dark_style()) if theme is Theme.AUTO else None
    return tag(
        "svg", title, tag("desc", _summary(scene)), style, back.elements, canvas.elements,
        xmlns="http://www.w3.org/2000/svg", viewBox=f"0 0 {wide:g} {high:g}", width=wide, height=high,
        role="group" if is_linked else "img", font_family=SANS, class_="tandem-picture",
    )  # fmt: skip


def _summary(scene: PictureScene) -> str:
    appliances = sum(len(subnet.appliances) for subnet in scene.subnets)
    endpoints = sum(len(subnet.endpoints) for subnet in scene.subnets)
    marks = len({mark.number for found in scene.marks.values() for mark in found})
    return words.summary(scene.name, appliances, endpoints, scene.elastic_ips, marks)


def _vpc(canvas: Canvas, scene: PictureScene, inner: float) -> float:
    """Draws the head and all that is in the VPC; returns where it ends."""
    y = 30.0
    canvas.text((PAD, y), words.heading(scene.name), inner, size=18, is_bold=True)
    drawn = Canvas(canvas.theme, canvas.is_linked)
    whole = scene.marks.get("", ())
    y += PAD
    if whole:
        canvas.marks((PAD, y - 4), whole, inner + 2 * PAD)
        y += marks_height(whole, inner + 2 * PAD)
    top, left = y, 2 * PAD
    drawn.text((left, y + 22), words.vpc_text(scene.vpc_id), inner, size=13, is_bold=True)
    y += 34
    for unread in scene.unread:
        drawn.text((left, y + 10), unread, inner, role="bad")
        y += 20
    y = boxes.draw_server(drawn, scene, (left, y), inner) + GAP
    y = _zones(drawn, scene, (left, y), inner) + GAP
    if scene.stray:
        y = applianceboxes.draw_stray(drawn, scene, (left, y), inner) + GAP
    y = _tables(drawn, scene, (left, y), inner) + PAD
    canvas.box((PAD, top, inner + 2 * PAD, y - top), "vpc", "edge", radius=10)
    canvas.elements.extend(drawn.elements)
    return y


def _legend(canvas: Canvas, y: float, wide: float) -> float:
    for number, text in enumerate((words.LEGEND_MARKS, words.LEGEND_LINES)):
        canvas.text((PAD, y + 10 + number * 18), text, wide - 2 * PAD, size=11, role="dim")
    return y + 2 * 18 + PAD / 2


def _column_width(subnet: DrawnSubnet) -> float:
    endpoints = len(subnet.endpoints) * (boxes.ENDPOINT_WIDTH + GAP) - GAP
    appliances = len(subnet.appliances) * (boxes.APPLIANCE_WIDTH + GAP) - GAP
    return max(endpoints, appliances, boxes.ENDPOINT_WIDTH) + 2 * INSET


def _zones_width(scene: PictureScene) -> float:
    zones = subnets_by_zone(scene.subnets)
    inside = sum(_column_width(subnet) + INSET for subnet in scene.subnets)
    return inside + len(zones) * INSET + max(0, len(zones) - 1) * GAP


@dataclass(frozen=True, slots=True)
class _Bands:
    """What all columns have in common, so that lines between them cross no text."""

    endpoints: float
    """Where the endpoints begin, under the head of the subnet."""
    appliances: float
    end: float


@dataclass(frozen=True, slots=True)
class _Lines:
    """Where the sessions' lines end, at appliances, and begin, at endpoints."""

    end: list[tuple[DrawnSession, Point]]
    begin: dict[str, Point]


def _zones(canvas: Canvas, scene: PictureScene, at: Point, inner: float) -> float:
    """Draws the zones with their subnets, side by side; returns where they end."""
    x, y = at
    zones = subnets_by_zone(scene.subnets)
    if not zones:
        return y
    extra = (inner - _zones_width(scene)) / len(scene.subnets)
    head = 32 + max(marks_height(scene.marked(zone), boxes.ENDPOINT_WIDTH) for zone, _ in zones)
    bands = _bands(scene, y + head, extra)
    lines = _Lines([], {})
    for zone, subnets in zones:
        columns = [_column_width(subnet) + extra for subnet in subnets]
        wide = sum(columns) + (len(columns) + 1) * INSET
        canvas.box((x, y, wide, bands.end + INSET - y), "zone", radius=8)
        canvas.text((x + INSET, y + 21), words.zone_text(zone), wide - 2 * INSET, is_bold=True)
        canvas.marks((x + INSET, y + 30), scene.marked(zone), wide - 2 * INSET)
        left = x + INSET
        for subnet, column in zip(subnets, columns, strict=True):
            _subnet(canvas, scene, subnet, (left, y + head, column, bands.end - y - head), bands, lines)
            left += column + INSET
        x += wide + GAP
    _draw_lines(canvas, lines)
    return bands.end + INSET


def _subnet(
    canvas: Canvas, scene: PictureScene, subnet: DrawnSubnet, at: Box, bands: _Bands, lines: _Lines
) -> None:
    """Draws a subnet with what is in it, and notes where lines begin and end."""
    left, top, column, _ = at
    canvas.box(at, "subnet", "edge", radius=6)
    boxes.draw_subnet_head(canvas, scene, subnet, (left, top), column)
    wide = boxes.share(len(subnet.endpoints), column)
    high = bands.appliances - GUTTER - bands.endpoints
    for number, endpoint in enumerate(subnet.endpoints):
        x = left + INSET + number * (wide + GAP)
        boxes.draw_endpoint(canvas, scene, endpoint, (x, bands.endpoints, wide, high))
        lines.begin[endpoint.endpoint_id] = (x + wide / 2, bands.endpoints + high)
    wide = boxes.share(len(subnet.appliances), column)
    high = bands.end - INSET - bands.appliances
    for number, appliance in enumerate(subnet.appliances):
        place = (left + INSET + number * (wide + GAP), bands.appliances, wide, high)
        lines.end.extend(applianceboxes.draw_appliance(canvas, scene, appliance, place))


def _bands(scene: PictureScene, y: float, extra: float) -> _Bands:
    """Returns the common heights: each is that of the highest."""
    columns = [(subnet, _column_width(subnet) + extra) for subnet in scene.subnets]
    top = y + max(boxes.head_height(scene, subnet, wide) for subnet, wide in columns)
    endpoints = [
        boxes.endpoint_height(scene, endpoint, boxes.share(len(subnet.endpoints), wide))
        for subnet, wide in columns
        for endpoint in subnet.endpoints
    ]
    appliances = [
        applianceboxes.appliance_height(scene, appliance, boxes.share(len(subnet.appliances), wide))
        for subnet, wide in columns
        for appliance in subnet.appliances
    ]
    begin = top + max(endpoints, default=0.0) + GUTTER
    return _Bands(top, begin, begin + max(appliances, default=0.0) + INSET)


def _draw_lines(canvas: Canvas, lines: _Lines) -> None:
    for session, (x, y) in lines.end:
        is_up = session.bgp is Status.UP
        role = "good" if is_up else "dim" if session.bgp is None else "bad"
        if session.endpoint_id in lines.begin:
            left, top = lines.begin[session.endpoint_id]
            middle = (top + y) / 2
            path = f"M{left:g} {top:g}C{left:g} {middle:g} {x:g} {middle:g} {x:g} {y:g}"
            canvas.line(path, role, dashes=None if is_up else "5 4")
        canvas.sign((x, y), is_good=applianceboxes.is_good(session))


def _tables(canvas: Canvas, scene: PictureScene, at: Point, inner: float) -> float:
    """Draws the route tables in a grid, what is wrong first; returns where it ends."""
    x, y = at
    canvas.text((x, y + 14), words.ROUTE_TABLES, inner, size=13, is_bold=True)
    y += 24
    if not scene.tables:
        canvas.text((x, y + 12), words.NO_TABLES, inner, role="dim")
        return y + 16
    tables = sorted(scene.tables, key=lambda table: not boxes.table_marks(scene, table))
    columns = max(1, int((inner + GAP) // (boxes.TABLE_WIDTH + GAP)))
    wide = (inner - (columns - 1) * GAP) / columns
    shown = tables[:MOST_TABLES]
    for start in range(0, len(shown), columns):
        row = shown[start : start + columns]
        high = max(boxes.table_height(scene, table, wide) for table in row)
        for number, table in enumerate(row):
            boxes.draw_table(canvas, scene, table, (x + number * (wide + GAP), y, wide, high))
        y += high + GAP
    left = len(tables) - len(shown)
    if left:
        canvas.text((x, y + 10), words.more_text(left), inner, role="dim")
        y += 16
    return y
