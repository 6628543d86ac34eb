"""Draws the appliances of the picture with their sessions and Elastic IPs, and the addresses on none."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tandem.compliance.picture.boxes import APPLIANCE_WIDTH, GAP, INSET, ROW, first_mark, is_fine
from tandem.compliance.picture.canvas import Box, Canvas, Point, mark_width, marks_height
from tandem.compliance.picture.scene import DrawnAppliance, DrawnElasticIp, DrawnSession, Mark, PictureScene
from tandem.compliance.picture.theme import text_width
from tandem.model import Status
from tandem.words import picture as words

CHIPS = 2
"""Elastic IPs beside one another."""
MOST_ADDRESSES = 20
"""More Elastic IPs than these in a topology are counted, not drawn."""


def is_good(session: DrawnSession) -> bool | None:
    """Returns True if BGP, and BFD where the peer uses it, are up; None if nobody knows."""
    if session.bgp is None:
        return None
    return session.bgp is Status.UP and not (session.is_bfd and session.bfd is Status.DOWN)


def appliance_height(scene: PictureScene, appliance: DrawnAppliance, wide: float) -> float:
    """Returns the height of what `draw_appliance` draws."""
    marks = marks_height(_appliance_marks(scene, appliance), wide - 2 * INSET)
    sessions = 1 + len(appliance.sessions) + _has_gap(appliance)
    chips = -(-len(_drawn(scene, appliance.elastic_ips)) // CHIPS)
    return 78 + marks + sessions * ROW + ROW + chips * ROW + 6


def draw_appliance(
    canvas: Canvas, scene: PictureScene, appliance: DrawnAppliance, at: Box
) -> list[tuple[DrawnSession, Point]]:
    """Draws an appliance; returns where the line of each session ends."""
    x, y, wide, _ = at
    left, most = x + INSET, wide - 2 * INSET
    is_owner = bool(appliance.owns)
    canvas.box(at, "box", "owner" if is_owner else "edge", radius=8, stroke_width=2.5 if is_owner else 1)
    _name(canvas, appliance, at)
    good = is_fine(appliance.instance_state, "running")
    canvas.sign((left + 4, y + 42), is_good=good)
    state = words.state_text(appliance.instance_state)
    end = canvas.text((left + 14, y + 46), appliance.instance_id or "-", most * 0.62, size=11, is_mono=True)
    role = "bad" if good is False else "dim"
    canvas.text((end + 8, y + 46), state, left + most - end - 8, size=11, role=role)
    canvas.text((left, y + 64), words.routes_text(appliance.asn, appliance.owns), most, size=11, role="dim")
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
        canvas.text(
            (left + 14, y + 15), words.missing_text(appliance.missing), most - 14, size=11, role="bad"
        )
        y += ROW
    head = words.addresses_text(len(appliance.elastic_ips)) if appliance.elastic_ips else words.NO_ADDRESS
    head = head if appliance.is_read else words.UNKNOWN_ADDRESSES
    canvas.text((left, y + 15), head, most, size=11, role="dim", is_bold=True)
    _addresses(canvas, scene, appliance.elastic_ips, (left, y + ROW), most)
    count = len(appliance.sessions)
    gap = wide / (count + 1)
    return [(session, (x + (n + 1) * gap, at[1])) for n, session in enumerate(appliance.sessions)]


def _has_gap(appliance: DrawnAppliance) -> bool:
    """Returns True if a row says which sessions there should be."""
    return bool(appliance.missing or not appliance.sessions)


def _name(canvas: Canvas, appliance: DrawnAppliance, at: Box) -> None:
    """Writes the name, and at the right what the appliance is now."""
    x, y, wide, _ = at
    role = words.role_text(owns=bool(appliance.owns), silent=appliance.is_silent, known=appliance.is_read)
    badge = text_width(role, 11, is_bold=True) + 16
    place = (x + wide - INSET - badge, y + 11, badge, 19.0)
    if appliance.owns:
        canvas.box(place, "owner", radius=9.5)
    else:
        canvas.box(place, "box", "edge", radius=9.5)
    ink = "on" if appliance.owns else "dim"
    middle = (place[0] + badge / 2, y + 24)
    canvas.text(middle, role, badge, size=11, role=ink, is_bold=True, is_centred=True)
    canvas.text((x + INSET, y + 26), appliance.name, wide - badge - 3 * INSET, size=15, is_bold=True)


def _session(canvas: Canvas, scene: PictureScene, session: DrawnSession, at: Box) -> None:
    x, y, wide, _ = at
    marks = first_mark(scene, session.peer_id)
    most = wide - sum(mark_width(mark) + 4 for mark in marks)
    good = is_good(session)
    canvas.sign((x + 4, y + 11), is_good=good)
    end = canvas.text((x + 14, y + 15), session.endpoint_id, most * 0.52, size=11, is_mono=True)
    text = words.session_text(session.bgp, session.bfd, is_bfd=session.is_bfd, peer_state=session.state)
    role = "bad" if good is False else "text"
    canvas.text((end + 8, y + 15), text, x + most - end - 8, size=11, role=role)
    canvas.marks((x + most + 4, y + 2), marks, wide)


def _addresses(
    canvas: Canvas, scene: PictureScene, addresses: Sequence[DrawnElasticIp], at: Point, wide: float
) -> None:
    """Draws Elastic IPs two by two, unless there are too many."""
    x, y = at
    chip = (wide - (CHIPS - 1) * 6) / CHIPS
    for number, address in enumerate(_drawn(scene, addresses)):
        left, top = x + number % CHIPS * (chip + 6), y + number // CHIPS * ROW
        marks = first_mark(scene, address.allocation_id)
        canvas.box((left, top, chip, ROW - 3), "subnet", "edge", radius=4)
        most = chip - 10 - sum(mark_width(mark) + 2 for mark in marks)
        shown = address.public_ip or address.allocation_id
        canvas.text((left + 6, top + 13.5), shown, most, size=11, is_mono=True)
        canvas.marks((left + 8 + most, top + 0.5), marks, chip)


def draw_stray(canvas: Canvas, scene: PictureScene, at: Point, inner: float) -> float:
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
        canvas.text((x + INSET, y + 18), words.stray_text(interface, len(addresses)), inner - 2 * INSET)
        canvas.marks((x + INSET, y + 26), left, inner - 2 * INSET)
        top = y + 4 + ROW + marks_height(left, inner - 2 * INSET)
        _addresses(canvas, scene, drawn, (x + INSET, top), min(inner - 2 * INSET, APPLIANCE_WIDTH))
        y += high + GAP
    return y - GAP


def _drawn(scene: PictureScene, addresses: Sequence[DrawnElasticIp]) -> Sequence[DrawnElasticIp]:
    return addresses if scene.elastic_ips <= MOST_ADDRESSES else ()


def _shown(scene: PictureScene, addresses: Sequence[DrawnElasticIp]) -> set[Mark]:
    return {mark for address in addresses for mark in first_mark(scene, address.allocation_id)}


def _appliance_marks(scene: PictureScene, appliance: DrawnAppliance) -> list[Mark]:
    """Returns the marks at the appliance itself, and of what in it has no room for them."""
    return list(dict.fromkeys(sorted(_overflow(scene, appliance), key=lambda mark: mark.number)))


def _overflow(scene: PictureScene, appliance: DrawnAppliance) -> Iterator[Mark]:
    yield from scene.marked(appliance.name)
    for session in appliance.sessions:
        yield from scene.marked(session.peer_id)[1:]
    shown = _shown(scene, _drawn(scene, appliance.elastic_ips))
    for address in appliance.elastic_ips:
        yield from (mark for mark in scene.marked(address.allocation_id) if mark not in shown)
