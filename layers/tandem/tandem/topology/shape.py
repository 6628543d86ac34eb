"""The first pass over a topology document: its shape, judged by the published JSON Schema alone."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from datetime import date
from functools import cache, partial
from importlib.resources import files
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Any

from jsonschema import Draft202012Validator, FormatChecker, ValidationError
from jsonschema.validators import extend

from tandem.reasons.documents import ProblemCode
from tandem.topology.causes import with_causes
from tandem.topology.crosschecks import crosscheck
from tandem.topology.document import canonical_address, canonical_prefix
from tandem.topology.problems import Problem, nearest, path_of, problem_at
from tandem.topology.size import MOST_VALUES, excess
from tandem.topology.suggestions import cut_value, strange, suggestion

_INTEGER = re.compile(r"[+-]?[0-9]{1,20}")


def _address(text: str) -> str:
    """Raises ValueError for an IPv4 address in IPv6's clothes too: AWS spells no next hop so."""
    address = ip_address(text)
    if isinstance(address, IPv6Address) and address.ipv4_mapped:
        raise ValueError(f"{text} is an IPv4 address")
    return canonical_address(text)


def _prefix(text: str) -> str:
    length = text.partition("/")[2]
    if not length or "." in length:  # a dotted one may be a netmask or a wildcard: two prefixes
        raise ValueError(f"{text[:60]} has no length")
    return canonical_prefix(text)


def _day(text: str) -> str:
    """Raises ValueError for ISO 8601's other ways to write a date too: a week and its day, or no hyphens."""
    if date.fromisoformat(text).isoformat() != text:
        raise ValueError(f"{text[:60]} is no date as in 2027-06-30")
    return text


_SPELLINGS: dict[str, Callable[[str], str]] = {
    "ipv4": lambda text: str(IPv4Address(text)),
    "address": _address,
    "prefix": _prefix,
    "date": _day,
}
"""The one spelling of what has a format in the schema. Each raises ValueError for what has not."""


@cache
def topology_schema() -> dict[str, Any]:
    """Returns the published JSON Schema of a topology document."""
    loaded: dict[str, Any] = json.loads(
        files("tandem").joinpath("schemas/topology.schema.json").read_text("utf-8")
    )
    return loaded


def validate(document: object) -> list[Problem]:
    """Returns every problem of the shape and within the document; an empty list means that `parse` takes it.

    The third pass (`tandem.topology.worldchecks`) needs AWS and the stored topologies.
    """
    excessive = excess(document)
    if excessive is not None:
        return [excessive]
    normal = normalise(document)
    return with_causes([*shape_problems(normal), *crosscheck(normal)])


def shape_problems(normal: object) -> list[Problem]:
    """Returns what the schema says of a normalised document, with our codes; one problem a name and one a
    value.
    """
    first: dict[tuple[str, bool], Problem] = {}
    for error in _validator().iter_errors(normal):
        for problem in _problems_of(error):
            first.setdefault((problem.path, _is_of_name(error)), problem)
    return list(first.values())


def normalise(document: object) -> Any:  # noqa: ANN401 - a JSON value
    """Returns the document with numbers and booleans for CloudFormation's strings, canonical prefixes and
    addresses.

    The schema says what should be a number. Whatever cannot be read stays as it is, for `validate` to name.
    """
    return _normal(document, topology_schema())


def _normal(value: object, node: dict[str, Any]) -> object:
    node = _resolved(node)
    match value:
        case dict():
            properties, other = node.get("properties", {}), node.get("additionalProperties")
            fallback = other if isinstance(other, dict) else {}
            return {str(key): _normal(item, properties.get(key, fallback)) for key, item in value.items()}
        case list():
            return [_normal(item, node.get("items", {})) for item in value]
        case str():
            return _scalar(value, node)
        case float() if value.is_integer():
            return int(value)
    return value


def _scalar(text: str, node: dict[str, Any]) -> object:
    types = _types(node)
    if "integer" in types and _INTEGER.fullmatch(text.strip()):
        return int(text)
    if "boolean" in types and text.strip().lower() in {"true", "false"}:
        return text.strip().lower() == "true"
    try:
        return _SPELLINGS[node["format"]](text) if node.get("format") in _SPELLINGS else text
    except ValueError:
        return text


def _resolved(node: dict[str, Any]) -> dict[str, Any]:
    reference = node.get("$ref")
    if reference is None:
        return node
    target: dict[str, Any] = topology_schema()["$defs"][reference.removeprefix("#/$defs/")]
    return target


@cache
def _validator() -> Draft202012Validator:
    formats = FormatChecker(formats=())
    for name, spelled in _SPELLINGS.items():
        formats.checks(name, raises=ValueError)(partial(_readable, spelled))
    own = {"pattern": _whole_pattern, "uniqueItems": _unique_items, "items": _items}
    whole = extend(Draft202012Validator, own)  # type: ignore[no-untyped-call]
    validator: Draft202012Validator = whole(topology_schema(), format_checker=formats)
    return validator


def _readable(read: Callable[[str], object], value: object) -> bool:
    """Returns True if `read` takes the text; what is no text is for `type` to judge. Raises ValueError."""
    if isinstance(value, str):
        read(value)
    return True


def _whole_pattern(_: object, pattern: str, value: object, __: object) -> Iterator[ValidationError]:
    """Matches as ECMA 262 does, where `$` is the end; Python's also matches before a last line feed."""
    if isinstance(value, str) and not re.fullmatch(pattern, value):
        yield ValidationError(f"{value!r} does not match {pattern!r}")


def _unique_items(_: object, wanted: bool, value: object, node: dict[str, Any]) -> Iterator[ValidationError]:
    """Finds equal items as jsonschema does, but not in quadratic time for a list of mappings."""
    is_judged = wanted and isinstance(value, list) and not _is_too_long(value, node)
    if is_judged and isinstance(value, list) and len({_spelling(item) for item in value}) < len(value):
        yield ValidationError("items are there twice")


def _items(validator: Any, items: Any, value: object, node: dict[str, Any]) -> Iterator[ValidationError]:  # noqa: ANN401 - jsonschema's
    """Judges the items of a list, unless it is too long: then nothing else is said of it."""
    if isinstance(value, list) and not _is_too_long(value, node):
        yield from Draft202012Validator.VALIDATORS["items"](validator, items, value, node)


def _is_too_long(value: list[Any], node: dict[str, Any]) -> bool:
    most: int = node.get("maxItems", MOST_VALUES)
    return len(value) > most


def _problems_of(error: ValidationError) -> Iterator[Problem]:
    value: Any = error.instance
    node: Any = error.schema
    keys = list(error.absolute_path)
    if _is_of_name(error):
        yield problem_at(
            path_of([*keys, value]), ProblemCode.WRONG_NAME, wanted=node["title"], strange=strange(value)
        )
        return
    match error.validator:
        case "required":
            missing = (name for name in node["required"] if name not in value)
            yield from (
                problem_at(
                    path_of([*keys, name]), ProblemCode.MISSING, wanted=_right(node["properties"][name])
                )
                for name in missing
            )
        case "additionalProperties":
            unknown = (name for name in value if name not in node["properties"])
            yield from (_unknown([*keys, name], name, node) for name in unknown)
        case "uniqueItems":
            spelled = [_spelling(item) for item in value]
            twice = (index for index, item in enumerate(spelled) if item in spelled[:index])
            yield from (
                problem_at(path_of([*keys, i]), ProblemCode.REPEATED_ITEM, value=cut_value(value[i]))
                for i in twice
            )
        case "maxItems" | "maxProperties":
            count, most = len(value), error.validator_value
            yield problem_at(path_of(keys), ProblemCode.TOO_MANY_ITEMS, count=count, most=most)
        case _:
            wanted = _right(node)
            meant = suggestion(value, node, wanted, partial(_takes, node))
            facts = {"value": cut_value(value), "strange": strange(value), "meant": meant, "wanted": wanted}
            yield problem_at(path_of(keys), ProblemCode.WRONG_VALUE, **facts)


def _spelling(value: object) -> str:
    """Returns one text for what JSON Schema calls equal, since 1 and true are not."""
    return json.dumps(value, sort_keys=True)


def _is_of_name(error: ValidationError) -> bool:
    return "propertyNames" in error.absolute_schema_path


def _unknown(keys: list[str | int], name: str, node: dict[str, Any]) -> Problem:
    facts = nearest(name, node["properties"])
    top = topology_schema()["properties"]
    place = next((where for where, known in (("the top", top), *_inner(top)) if name in known), None)
    if place is not None and facts["close"] is None:
        return problem_at(
            path_of(keys), ProblemCode.MISPLACED_PROPERTY, place=place, known=tuple(node["properties"])
        )
    return problem_at(path_of(keys), ProblemCode.UNKNOWN_PROPERTY, **facts)


def _inner(top: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yields where else a property may belong: the name of each part of a topology and its properties."""
    yield "route_server", top["route_server"]["properties"]
    yield "an appliance", top["appliances"]["additionalProperties"]["properties"]
    yield "a group", top["groups"]["items"]["properties"]
    yield "a waiver", top["waivers"]["items"]["properties"]


def _right(node: dict[str, Any]) -> str:
    return str(_resolved(node)["title"])


def _takes(node: dict[str, Any], value: object) -> bool:
    is_valid: bool = _validator().evolve(schema=node).is_valid(value)
    return is_valid


def _types(node: dict[str, Any]) -> set[object]:
    return {node.get("type"), *(branch.get("type") for branch in node.get("anyOf", ()))}
