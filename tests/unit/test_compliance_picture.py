"""The picture of a topology: texts have their places, marks are there once, and nothing in it is active."""

from __future__ import annotations

import re
from collections import Counter
from functools import cache
from itertools import combinations
from typing import NamedTuple
from xml.etree import ElementTree

import pytest
from matplotlib.font_manager import FontProperties, findfont
from matplotlib.ft2font import FT2Font

from tandem.compliance.picture import canvas
from tandem.compliance.picture.drawing import svg
from tandem.compliance.picture.scene import PictureScene
from tandem.compliance.picture.theme import DARK, LIGHT, Theme
from tests.scenes import HOSTILE, LONG, scene

SVG = "{http://www.w3.org/2000/svg}"
SIZES = [
    {"appliances": 2, "endpoints": 1, "addresses": 0, "zones": 1},
    {"appliances": 2, "endpoints": 4, "addresses": 4},
    {"appliances": 2, "endpoints": 4, "addresses": 4, "marked": 1},
    {"appliances": 3, "endpoints": 6, "addresses": 18, "zones": 3, "marked": 1},
    {"appliances": 4, "endpoints": 8, "addresses": 18, "marked": 2, "name": LONG},
    {"appliances": 4, "endpoints": 8, "addresses": 40, "zones": 4, "marked": 1},
    {"appliances": 2, "endpoints": 2, "addresses": 4, "name": f"{HOSTILE[:-2]}\u202e{LONG}"},
    {"appliances": 2, "endpoints": 3, "addresses": 4, "apart": True, "name": "fw", "marked": 1},
]


class Text(NamedTuple):
    words: str
    left: float
    top: float
    right: float
    bottom: float


@cache
def font(*, is_mono: bool, is_bold: bool) -> FT2Font:
    """Returns the widest font with which the picture is shown."""
    family = "DejaVu Sans Mono" if is_mono else "DejaVu Sans"
    return FT2Font(findfont(FontProperties(family=family, weight="bold" if is_bold else "normal")))


def texts(root: ElementTree.Element) -> list[Text]:
    """Returns every text with the room that it takes."""
    found = []
    for one in root.iter(f"{SVG}text"):
        words, size = one.text or "", float(one.get("font-size", "12"))
        used = font(is_mono="mono" in (one.get("font-family") or ""), is_bold=one.get("font-weight") == "600")
        used.set_size(size, 72)
        used.set_text(words, 0.0)
        wide = used.get_width_height()[0] / 64
        x, y = float(one.get("x", "0")), float(one.get("y", "0"))
        left = x - wide / 2 if one.get("text-anchor") == "middle" else x
        found.append(Text(words, left, y - 0.78 * size, left + wide, y + 0.22 * size))
    return found


def drawn(whole: PictureScene) -> ElementTree.Element:
    return ElementTree.fromstring(svg(whole))  # noqa: S314 - our own text


def name(size: dict[str, object]) -> str:
    return "-".join(str(value)[:4] for value in size.values())


@pytest.mark.parametrize("size", SIZES, ids=name)
def test_no_text_is_upon_another_or_leaves_its_box(size: dict[str, object]) -> None:
    root = drawn(scene(**size))  # type: ignore[arg-type]
    found = texts(root)
    for one, other in combinations(found, 2):
        is_beside = one.right <= other.left or other.right <= one.left
        is_above = one.bottom <= other.top or other.bottom <= one.top
        assert is_beside or is_above, (one, other)
    boxes = [
        tuple(float(rect.get(key, "0")) for key in ("x", "y", "width", "height"))
        for rect in root.iter(f"{SVG}rect")
    ]
    for one in found:
        around = [b for b in boxes if b[0] <= one.left <= b[0] + b[2] and b[1] <= one.top <= b[1] + b[3]]
        x, y, wide, high = min(around, key=lambda box: box[2] * box[3])
        assert one.right <= x + wide, one
        assert one.bottom <= y + high, one


@pytest.mark.parametrize("size", SIZES, ids=name)
def test_every_mark_is_drawn_once(size: dict[str, object]) -> None:
    whole = scene(**size)  # type: ignore[arg-type]
    expected = {canvas.label_of(mark) for found in whole.marks.values() for mark in found}
    shown = Counter(one.words for one in texts(drawn(whole)) if re.fullmatch(r"[CHML?]\d+", one.words))
    assert shown == Counter(expected)


def test_elastic_ips_are_drawn_one_by_one_up_to_twenty_and_then_counted() -> None:
    few = {one.words for one in texts(drawn(scene(addresses=18)))}
    many = {one.words for one in texts(drawn(scene(addresses=19)))}
    assert {"203.0.113.100", "203.0.113.250", "9 Elastic IPs"} <= few
    assert "203.0.113.100" not in many
    assert "10 Elastic IPs" in many


def test_nothing_in_it_is_active_or_from_elsewhere_whatever_the_names_are() -> None:
    text = svg(scene(name=HOSTILE, marked=1))
    root = ElementTree.fromstring(text)  # noqa: S314 - our own text
    assert {element.tag.removeprefix(SVG) for element in root.iter()} <= {
        "svg", "title", "desc", "style", "rect", "text", "path", "circle", "g",
    }  # fmt: skip
    attributes = {key for element in root.iter() for key in element.attrib}
    assert not [key for key in attributes if key.startswith("on") or "href" in key]
    assert "url(" not in text
    assert "\x00" not in text
    assert "\u202e" not in text


def test_it_is_described_for_those_who_do_not_see_it() -> None:
    root = drawn(scene(marked=1))
    assert root.get("role") == "img"
    assert root[0].tag == f"{SVG}title"
    assert root[0].text == "Topology edge"
    assert root[1].tag == f"{SVG}desc"
    assert (root[1].text or "").startswith(
        "Topology edge: 2 appliances, 4 route server endpoints, 6 Elastic IPs;"
    )


def test_a_status_is_a_shape_and_a_word_and_not_only_a_colour() -> None:
    root = drawn(scene())
    words = {one.words for one in texts(root)}
    assert {"BGP up, BFD up", "BGP down, BFD down", "not known", "has the route", "silent standby"} <= words
    assert {"running", "shutting-down", "installed", "rejected"} <= words
    assert any(path.get("stroke-dasharray") for path in root.iter(f"{SVG}path"))


@pytest.mark.parametrize("theme", [Theme.LIGHT, Theme.DARK])
def test_a_fixed_theme_needs_no_style_sheet(theme: Theme) -> None:
    root = ElementTree.fromstring(svg(scene(), theme))  # noqa: S314 - our own text
    assert root.find(f"{SVG}style") is None
    page = root.find(f"{SVG}rect")
    assert page is not None
    assert page.get("fill") == {Theme.LIGHT: LIGHT, Theme.DARK: DARK}[theme]["page"]


@pytest.mark.parametrize("palette", [LIGHT, DARK], ids=["light", "dark"])
def test_every_text_can_be_read_on_what_it_stands_on(palette: dict[str, str]) -> None:
    for ink in ("text", "dim", "bad"):
        for ground in ("page", "vpc", "zone", "subnet", "box"):
            assert contrast(palette[ink], palette[ground]) >= 4.5, (ink, ground)
    for ground in ("owner", "critical", "high", "medium", "low"):
        assert contrast(palette["on"], palette[ground]) >= 4.5, ground
        assert contrast(palette[ground], palette["box"]) >= 4.5, ground


def contrast(one: str, other: str) -> float:
    """Returns the contrast of two colours (https://www.w3.org/TR/WCAG21/#dfn-contrast-ratio)."""
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
