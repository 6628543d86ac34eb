"""Draws texts, boxes, lines and marks as SVG."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from xml.etree.ElementTree import Element

from tandem.compliance.picture.scene import Mark
from tandem.compliance.picture.theme import DARK, LIGHT, MONO, Theme, shorten, text_width
from tandem.words import picture as words
from tandem.words.markup import clean, tag

Point = tuple[float, float]
Box = tuple[float, float, float, float]
"""x, y, width and height."""

MARK_HEIGHT = 18.0
MARK_GAP = 4.0


def label_of(mark: Mark) -> str:
    return words.mark_label(mark.number, mark.severity, is_unknown=mark.is_unknown)


def mark_width(mark: Mark) -> float:
    return 12.0 + text_width(label_of(mark), 11, is_bold=True)


def rows_of(marks: Iterable[Mark], most: float) -> list[list[Mark]]:
    """Breaks marks into rows that are not wider than `most`."""
    rows: list[list[Mark]] = []
    left = 0.0
    for mark in marks:
        if not rows or mark_width(mark) > left:
            rows.append([])
            left = most
        rows[-1].append(mark)
        left -= mark_width(mark) + MARK_GAP
    return rows


def marks_height(marks: Sequence[Mark], most: float) -> float:
    return len(rows_of(marks, most)) * (MARK_HEIGHT + MARK_GAP)


@dataclass(frozen=True, slots=True)
class Canvas:
    """Collects what is drawn."""

    theme: Theme = Theme.AUTO
    is_linked: bool = False
    """True if a mark leads to `#finding-<number>` of the page around it."""
    elements: list[Element] = field(default_factory=list)

    def _painted(self, fill: str | None = None, stroke: str | None = None) -> dict[str, str]:
        """Returns the attributes of the colours: they hold even where a style sheet is taken away."""
        palette = DARK if self.theme is Theme.DARK else LIGHT
        classes = [*([f"tp-{fill}"] if fill else []), *([f"tp-s-{stroke}"] if stroke else [])]
        painted = {"fill": palette[fill] if fill else "none", "class": " ".join(classes)}
        return painted | ({"stroke": palette[stroke]} if stroke else {})

    def box(
        self,
        at: Box,
        fill: str,
        stroke: str | None = None,
        *,
        radius: float = 6,
        stroke_width: float = 1,
        dashes: str | None = None,
    ) -> None:
        """Draws a box at x, y with a width and a height."""
        x, y, wide, high = at
        self.elements.append(
            tag(
                "rect", x=x, y=y, width=wide, height=high, rx=radius,
                stroke_width=stroke_width if stroke else None, stroke_dasharray=dashes,
                **self._painted(fill, stroke),
            )
        )  # fmt: skip

    def text(
        self,
        at: Point,
        words: str,
        most: float,
        *,
        size: float = 12,
        role: str = "text",
        is_mono: bool = False,
        is_bold: bool = False,
        is_centred: bool = False,
    ) -> float:
        """Writes a text at x, or around it, and its base line; returns the x at which it ends, at most."""
        x, y = at
        words = clean(words)  # an escape takes more room than its character
        shown = shorten(words, most, size, is_mono=is_mono, is_bold=is_bold)
        if not shown:
            return x
        title = None if shown == words else tag("title", words)
        self.elements.append(
            tag(
                "text", shown, title, x=x, y=y, font_size=size, font_weight=600 if is_bold else None,
                font_family=MONO if is_mono else None, text_anchor="middle" if is_centred else None,
                **self._painted(role),
            )
        )  # fmt: skip
        return x + text_width(shown, size, is_mono=is_mono, is_bold=is_bold)

    def line(self, path: str, role: str, *, stroke_width: float = 1.5, dashes: str | None = None) -> None:
        self.elements.append(
            tag(
                "path",
                d=path,
                stroke_width=stroke_width,
                stroke_dasharray=dashes,
                **self._painted(stroke=role),
            )
        )

    def sign(self, at: Point, *, is_good: bool | None) -> None:
        """Draws a status: a disc is good, a cross is bad, a ring is not known."""
        x, y = at
        if is_good is False:
            self.line(f"M{x - 3.5:g} {y - 3.5:g}l7 7m0 -7l-7 7", "bad", stroke_width=2)
            return
        painted = self._painted("good") if is_good else self._painted(stroke="dim")
        self.elements.append(tag("circle", cx=x, cy=y, r=4.0, stroke_width=1.5, **painted))

    def mark(self, at: Point, mark: Mark) -> None:
        """Draws a mark; each severity has a letter, and what nobody can say a dashed edge."""
        x, y = at
        role, ink = str(mark.severity), "on"
        place = (x, y, mark_width(mark), MARK_HEIGHT)
        if mark.is_unknown:
            ink = role
            self.box(place, "box", role, radius=9, stroke_width=1.5, dashes="3 2")
        else:
            self.box(place, role, radius=3)
        middle = (x + place[2] / 2, y + 13)
        self.text(middle, label_of(mark), 100, size=11, role=ink, is_bold=True, is_centred=True)
        written, shape = self.elements.pop(), self.elements.pop()
        title = tag("title", words.mark_title(mark.number, mark.severity, is_unknown=mark.is_unknown))
        group = tag("g", title, shape, written, class_="tp-mark")
        link = f"#finding-{mark.number}" if self.is_linked else None
        self.elements.append(tag("a", group, href=link) if link else group)

    def marks(self, at: Point, marks: Sequence[Mark], most: float) -> None:
        """Draws marks in rows; `marks_height` is how high they are."""
        x, y = at
        for number, row in enumerate(rows_of(marks, most)):
            left = x
            for mark in row:
                self.mark((left, y + number * (MARK_HEIGHT + MARK_GAP)), mark)
                left += mark_width(mark) + MARK_GAP
