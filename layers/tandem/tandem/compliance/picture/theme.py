"""The fonts and colours of the picture, and how wide a text is in them."""

from __future__ import annotations

from enum import StrEnum

SANS = '-apple-system, BlinkMacSystemFont, "Segoe UI", "Noto Sans", Helvetica, Arial, sans-serif'
MONO = 'ui-monospace, Menlo, Consolas, "DejaVu Sans Mono", monospace'
MONO_WIDTH = 0.637
"""Of a character, in its font size: 0.602 in Menlo and DejaVu Sans Mono; 7 whole pixels at size 11."""

WIDTHS = (
    318, 401, 460, 838, 636, 950, 780, 275, 390, 390, 500, 838, 318, 361, 318, 337, 636, 636, 636,
    636, 636, 636, 636, 636, 636, 636, 337, 337, 838, 838, 838, 531, 1000, 684, 686, 698, 770, 632,
    575, 775, 752, 295, 295, 656, 557, 863, 748, 787, 603, 787, 695, 635, 611, 732, 684, 989, 685,
    611, 685, 390, 337, 390, 838, 500, 500, 613, 635, 550, 635, 615, 352, 635, 634, 278, 278, 579,
    278, 974, 634, 612, 635, 635, 411, 521, 392, 634, 592, 818, 592, 592, 525, 636, 337, 636, 838,
)  # fmt: skip
"""Of the characters from U+0020 to U+007E in DejaVu Sans, in thousandths of the size; others are narrower."""

OTHER_WIDTH, BOLD, HINTED = 1300, 1.24, 1.05
"""Of any other character; how much wider bold is at most; how much whole pixels may add."""


class Theme(StrEnum):
    """AUTO follows the reader's system, which a CloudWatch dashboard does not."""

    AUTO = "auto"
    LIGHT = "light"
    DARK = "dark"


LIGHT = {
    "page": "#ffffff",
    "vpc": "#f3f5f8",
    "zone": "#e6ebf1",
    "subnet": "#f8fafc",
    "box": "#ffffff",
    "edge": "#8896a6",
    "text": "#1b2430",
    "dim": "#4a5868",
    "good": "#17703a",
    "bad": "#b3161b",
    "owner": "#1d4fb8",
    "on": "#ffffff",
    "critical": "#a3121a",
    "high": "#b4450a",
    "medium": "#7a5b00",
    "low": "#2b5f94",
}
DARK = {
    "page": "#12171e",
    "vpc": "#19202a",
    "zone": "#222b37",
    "subnet": "#1a222d",
    "box": "#10151c",
    "edge": "#6d7d90",
    "text": "#e9eef4",
    "dim": "#aebac8",
    "good": "#6fd896",
    "bad": "#ff9a94",
    "owner": "#9dc0ff",
    "on": "#0d1117",
    "critical": "#ff8f8a",
    "high": "#ffb072",
    "medium": "#eccb57",
    "low": "#93c5f5",
}
"""Every text has a contrast of 4.5 or more on what it stands on; a test measures it."""


def dark_style() -> str:
    """Returns the style sheet that turns the roles' colours dark where the reader's screen is."""
    rules = "".join(
        f".tp-{role} {{ fill: {colour} }} .tp-s-{role} {{ stroke: {colour} }}\n"
        for role, colour in DARK.items()
    )
    return f"\n@media screen and (prefers-color-scheme: dark) {{\n{rules}}}\n"


def text_width(text: str, size: float, *, is_mono: bool = False, is_bold: bool = False) -> float:
    """Returns how wide a text is at most, in the fonts with which it is shown."""
    if is_mono and text.isascii():
        return len(text) * MONO_WIDTH * size
    wide = sum(_width_of(character) for character in text) / 1000 * size
    return wide * HINTED * (BOLD if is_bold else 1.0)


def _width_of(character: str) -> int:
    place = ord(character) - ord(" ")
    return WIDTHS[place] if 0 <= place < len(WIDTHS) else OTHER_WIDTH


def shorten(text: str, most: float, size: float, *, is_mono: bool = False, is_bold: bool = False) -> str:
    """Returns a text that is not wider than `most`: a sentence without its end, a name without its middle."""

    def fits(text: str) -> bool:
        return text_width(text, size, is_mono=is_mono, is_bold=is_bold) <= most

    if fits(text):
        return text
    cut = _cut_end if " " in text else _cut_middle
    low, high = 0, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if fits(cut(text, middle)) else (low, middle - 1)
    return cut(text, low) if low else ""


def _cut_end(text: str, left: int) -> str:
    return f"{text[:left]}..."


def _cut_middle(text: str, left: int) -> str:
    """Names often differ at their end only."""
    return f"{text[: left // 2]}...{text[len(text) - (left - left // 2) :]}"
