"""The fonts and colours of the picture, and how wide a text is in them."""

from __future__ import annotations

from enum import StrEnum

SANS = '-apple-system, BlinkMacSystemFont, "Segoe UI", "Noto Sans", Helvetica, Arial, sans-serif'
MONO = 'ui-monospace, Menlo, Consolas, "DejaVu Sans Mono", monospace'
MONO_WIDTH = 0.637
"""Of a character, in its font size: 0.602 in Menlo and DejaVu Sans Mono; 7 whole pixels at size 11."""

NARROW, WIDE = frozenset(" !'\"(),./:;I[]fijlrt|-"), frozenset("#%&+<=>@GMOQW^mw~")
BOLD = 1.16


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


def width(text: str, size: float, *, is_mono: bool = False, is_bold: bool = False) -> float:
    """Returns how wide a text is at most, in the fonts with which it is shown."""
    if is_mono and text.isascii():
        return len(text) * MONO_WIDTH * size
    ems = sum(_width_of(character) for character in text)
    return ems * size * (BOLD if is_bold else 1.0)


def _width_of(character: str) -> float:
    if not character.isascii():
        return 1.3
    if character in NARROW:
        return 0.47
    if character in WIDE:
        return 1.0
    return 0.8 if character.isupper() else 0.66


def shortened(text: str, most: float, size: float, *, is_mono: bool = False, is_bold: bool = False) -> str:
    """Returns a text that is not wider than `most`: a sentence without its end, a name without its middle."""

    def fits(text: str) -> bool:
        return width(text, size, is_mono=is_mono, is_bold=is_bold) <= most

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
