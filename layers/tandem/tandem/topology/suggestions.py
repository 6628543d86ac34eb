"""Says what a wrong value is, and what would be right in its place, in words."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import datetime
from decimal import Decimal
from difflib import get_close_matches
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Any

from tandem.topology.problems import visible

Takes = Callable[[object], bool]
"""Says if the schema takes another value in that place."""

_SCIENTIFIC = re.compile(r"[+-]?[0-9]{1,20}(?:\.[0-9]{1,20})?(?:[eE][+-]?[0-9]{1,2})?")
_SEPARATED = re.compile(
    r"(?:AS)?\s?([0-9]{1,4}(?:[_,' ]?[0-9]{1,4}){0,5})\s?(?:m|min|minutes?)?", re.IGNORECASE
)
_HEXADECIMAL = re.compile(r"0[xX][0-9a-fA-F]{1,8}")
_ASDOT = re.compile(r"([0-9]{1,5})\.([0-9]{1,5})")
_SHOWN = 60
_NEVER = "(?!)"


def cut_value(value: object) -> str:
    """Returns what there is, cut where it is long. A text stands in quotes, so that a blank shows."""
    if value is None or value in ("", [], {}):
        return "empty"
    match value:
        case dict():
            return "a mapping"
        case list():
            return "a list"
    text = visible(json.dumps(value, ensure_ascii=False, default=str))
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "…"


def strange(value: object) -> str | None:
    """Returns the first character of a text that is not ASCII, by its number and its Unicode name."""
    odd = next((c for c in value if not c.isascii()), None) if isinstance(value, str) else None
    return None if odd is None else f"U+{ord(odd):04X} {unicodedata.name(odd, '')}".rstrip()


def suggestion(value: object, node: dict[str, Any], right: str, takes: Takes) -> str | None:
    """Returns what was meant, if that is clear and is not what the schema says is `right`."""
    if isinstance(value, str):
        meant = next(_meant_by_text(value, node, takes), None)
    elif isinstance(value, bool | int | float) and takes(json.dumps(value)):
        meant = f'"{json.dumps(value)}" in quotes: without them it is not a text'
    else:
        meant = None
    return None if meant == right else meant


def _meant_by_text(text: str, node: dict[str, Any], takes: Takes) -> Iterator[str]:
    stripped, pattern = text.strip(), node.get("pattern", _NEVER)
    if stripped != text and takes(stripped):
        yield f"{json.dumps(stripped, ensure_ascii=False)}, without the blanks around it"
    if takes([text]):
        yield f"[{text}], a list with one member"
    truth = {"yes": True, "on": True, "no": False, "off": False}.get(stripped.lower())
    if truth is not None and takes(truth):
        yield json.dumps(truth)
    yield from (str(number) for number in _numbers(stripped) if takes(number))
    tail = re.split("[/:]", stripped)[-1]
    if stripped.startswith("arn:") and re.fullmatch(pattern, tail):
        yield f"{tail}, the ID without the rest of the ARN"
    if takes(stripped.lower()):
        yield stripped.lower()
    yield from _words(stripped, node, takes)
    yield from _addresses(stripped, takes)
    if node.get("format") in ("address", "ipv4"):
        yield from _mapped(stripped)
    if node.get("format") == "date":
        with suppress(ValueError):
            yield datetime.fromisoformat(stripped).date().isoformat()
    if node.get("format") == "prefix":
        yield from _prefixes(stripped)


def _words(stripped: str, node: dict[str, Any], takes: Takes) -> Iterator[str]:
    unquoted = stripped.strip("\u201c\u201d\u2018\u2019")
    if unquoted != stripped and takes(unquoted):
        yield f"{unquoted}, without the typographic quotation marks"
    if close := _close(stripped.lower().replace("_", "-"), node):
        yield close


def _addresses(stripped: str, takes: Takes) -> Iterator[str]:
    if (ported := re.fullmatch(r"([0-9.]+):[0-9]{1,5}", stripped)) and takes(ported[1]):
        yield f"{ported[1]}, the address without the port"
    address, _, length = stripped.partition("/")
    if length and takes(address):
        yield f"{address}, the address without the length"


def _close(text: str, node: dict[str, Any]) -> str | None:
    """Returns the one of the allowed words that looks like the text, or begins with it."""
    branches = [node, *node.get("anyOf", ())]
    words = [w for b in branches for w in (*b.get("enum", ()), b.get("const")) if isinstance(w, str)]
    begun = [word for word in words if len(text) > 2 and word.startswith(f"{text}-")]
    return next(iter([*begun, *get_close_matches(text, words, n=1, cutoff=0.75)]), None)


def _numbers(text: str) -> Iterator[int]:
    """Yields the whole numbers that a text may stand for: with an exponent, in hexadecimal, with separators
    or a unit, an ASN with `AS` before it or in dots (RFC 5396).
    """
    if _SCIENTIFIC.fullmatch(text) and (exact := Decimal(text)) == exact.to_integral_value():
        yield int(exact)
    if (dots := _ASDOT.fullmatch(text)) and max(high := int(dots[1]), low := int(dots[2])) < 65536:
        yield high * 65536 + low
    if separated := _SEPARATED.fullmatch(text):
        yield int(re.sub("[^0-9]", "", separated[1]))
    if _HEXADECIMAL.fullmatch(text):
        yield int(text, 16)


def _mapped(text: str) -> Iterator[str]:
    with suppress(ValueError):
        address = ip_address(text)
        if isinstance(address, IPv6Address) and address.ipv4_mapped:
            yield f"{address.ipv4_mapped}, the IPv4 address by itself"


def _prefixes(text: str) -> Iterator[str]:
    try:
        network = ip_network(text, strict=False)
    except ValueError:
        return
    mask = text.partition("/")[2]
    if "." in mask:
        # 0.0.0.0 and 255.255.255.255 mean one thing as a mask and the opposite as a wildcard
        if str(network.netmask) == mask and 0 < network.prefixlen < network.max_prefixlen:
            yield f"{network}, its mask as a length"
    elif "/" in text:
        yield f"{network}, as its length says"
    else:
        address = network.network_address
        yield f"{address}/0" if address.is_unspecified else str(network)
