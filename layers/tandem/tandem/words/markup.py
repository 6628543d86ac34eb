"""Elements of HTML and SVG. Text goes in as text: the standard library escapes it when it writes."""

from __future__ import annotations

from collections.abc import Iterable
from xml.etree.ElementTree import Element, tostring

from tandem.topology.problems import visible

Content = Element | str | None


def tag(name: str, /, *content: Content | Iterable[Content], **attributes: object) -> Element:
    """Makes an element. An attribute that is None is left out; `class_` is `class`, `_` becomes `-`."""
    found = Element(name)
    for key, value in attributes.items():
        if value is not None:
            found.set(key.rstrip("_").replace("_", "-"), clean(_number(value)))
    for one in content:
        add(found, one)
    return found


def add(parent: Element, content: Content | Iterable[Content]) -> None:
    """Appends text, an element, or several of either."""
    match content:
        case None:
            return
        case str():
            _append_text(parent, clean(content))
        case Element():
            parent.append(content)
        case _:
            for one in content:
                add(parent, one)


def clean(text: str) -> str:
    """Returns a text whose control characters are visible: neither XML nor HTML may have them."""
    if text.isprintable():
        return text
    return "\n".join(visible(line) for line in text.split("\n"))


def xml(root: Element) -> str:
    """Writes an element as XML, for a file of its own."""
    return tostring(root, encoding="unicode")


def html(root: Element) -> str:
    """Writes an element as HTML: void elements have no end, style sheets no escapes."""
    return tostring(root, encoding="unicode", method="html")


def _append_text(parent: Element, text: str) -> None:
    if len(parent):
        parent[-1].tail = (parent[-1].tail or "") + text
    else:
        parent.text = (parent.text or "") + text


def _number(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
