"""The text of each picture fits in its box, in DejaVu Sans: the widest font with which it is shown."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree

import pytest
from matplotlib.font_manager import FontProperties, findfont
from matplotlib.ft2font import FT2Font

PICTURES = sorted((Path(__file__).parents[2] / "docs").glob("*.svg"))
SVG = "{http://www.w3.org/2000/svg}"
MARGIN = 3.0
FONTS = {
    is_bold: FT2Font(findfont(FontProperties(family="DejaVu Sans", weight="bold" if is_bold else "normal")))
    for is_bold in (False, True)
}


def width(text: str, size: float, *, is_bold: bool) -> float:
    font = FONTS[is_bold]
    font.set_size(size, 72)
    font.set_text(text, 0.0)
    return font.get_width_height()[0] / 64


def styles(svg: str) -> dict[str, dict[str, str]]:
    """The declarations of each selector."""
    rules = re.findall(r"^ +([\w. ]+) \{ (.*) \}$", svg, re.MULTILINE)
    return {name: dict(part.split(": ", 1) for part in body.split("; ")) for name, body in rules}


@pytest.mark.parametrize("picture", PICTURES, ids=lambda picture: picture.stem)
def test_text_fits_in_its_box(picture: Path) -> None:
    svg = picture.read_text(encoding="utf-8")
    rules, root = styles(svg), ElementTree.fromstring(svg)  # noqa: S314 our own file
    boxes = [
        tuple(float(rect.get(name, 0)) for name in ("x", "y", "width", "height"))
        for rect in root.iter(f"{SVG}rect")
    ]
    texts = [text for text in root.iter(f"{SVG}text") if not (text.text or "").isdecimal()]
    assert texts
    for text in texts:
        words = "".join(text.itertext())
        classes = (text.get("class") or "").split()
        style = rules["text"] | {k: v for c in classes for k, v in rules.get(f".{c}", {}).items()}
        style |= dict(part.split(": ") for part in (text.get("style") or "").split("; ") if part)
        is_bold = int(style.get("font-weight", "400")) >= 600
        wide = width(words, float(style["font-size"].removesuffix("px")), is_bold=is_bold)
        x, y = float(text.get("x", 0)), float(text.get("y", 0))
        left = x - wide / 2 if style.get("text-anchor") == "middle" else x
        around = [box for box in boxes if box[0] <= x <= box[0] + box[2] and box[1] <= y <= box[1] + box[3]]
        box = min(around, key=lambda box: box[2] * box[3])
        assert box[0] + MARGIN <= left, words
        assert left + wide <= box[0] + box[2] - MARGIN, words
