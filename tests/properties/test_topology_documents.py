"""Whatever comes through a door: validation never crashes, and what it accepts can be parsed."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tandem.requests.differences import differences
from tandem.topology.document import parse_topology
from tandem.topology.draft import mapping
from tandem.topology.shape import normalise, shape_problems, topology_schema, validate
from tandem.words.provisioning import said
from tests.topologies import document, set_at

SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12)
TOP = ("tandem", "name", "mode", "manage", "route_server", "appliances", "groups")
BELOW = ("id", "endpoints", "asn", "peers", "fw1", "prefixes", "elastic_ips", "targets", "private_ip", "é")
KEYS = st.sampled_from(TOP + BELOW) | st.text(max_size=6)
ANY_JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=5),
    max_leaves=30,
)


def places(node: Any, path: str = "") -> list[str]:
    """The path of every value in a document, as `set_at` takes it."""
    if isinstance(node, dict):
        inside = [(str(key), value) for key, value in node.items()]
    elif isinstance(node, list):
        inside = [(str(index), value) for index, value in enumerate(node)]
    else:
        return []
    paths = [(f"{path}.{key}" if path else key, value) for key, value in inside]
    return [found for here, value in paths for found in [here, *places(value, here)]]


PLACES = st.sampled_from(places(document()))


def stringified(value: Any) -> Any:
    """As CloudFormation hands a document over: every scalar a text."""
    if isinstance(value, dict):
        return {key: stringified(item) for key, item in value.items()}
    if isinstance(value, list):
        return [stringified(item) for item in value]
    return str(value).lower() if isinstance(value, bool) else str(value)


@given(ANY_JSON)
def test_no_json_value_crashes_validation(value: Any) -> None:
    for problem in validate(value):
        assert problem.path
        assert said(problem).what
        assert said(problem).right


@given(PLACES, ANY_JSON | st.just(...))
def test_any_value_anywhere_is_refused_or_can_be_parsed(where: str, value: Any) -> None:
    changed = set_at(document(), where, value)
    if not shape_problems(normalise(changed)):
        assert parse_topology(normalise(changed)).name == changed["name"]
    validate(changed)


@given(PLACES, ANY_JSON)
def test_normalising_again_changes_nothing(where: str, value: Any) -> None:
    once = normalise(set_at(document(), where, value))
    assert json.dumps(normalise(once), default=str) == json.dumps(once, default=str)


@given(
    st.sampled_from(["disable", 1, 5]),
    st.booleans(),
    st.booleans(),
    st.integers(1, 2**32 - 1),
    st.sampled_from(["0.0.0.0/0", "2001:DB8::/32", "10.20.0.0/16"]),
)
def test_what_cloudformation_makes_of_a_document_means_the_same(persist, sns, logs, asn, prefix) -> None:
    changed = document()
    changed["route_server"] |= {
        "persist_routes": persist,
        "sns_notifications": sns,
        "peer_logs": logs,
        "amazon_side_asn": asn,
    }
    changed["groups"][0]["prefixes"] = [prefix]
    assert normalise(stringified(changed)) == normalise(changed)


@given(PLACES)
def test_every_value_of_the_example_matters_or_has_a_default(where: str) -> None:
    """Leaving a value out is refused, or the schema says that it may be left out."""
    changed = set_at(document(), where, ...)
    if validate(changed):
        return
    assert is_optional(where), where


def is_optional(where: str) -> bool:
    node, steps = topology_schema(), where.split(".")
    for step in steps[:-1]:
        node = node.get("properties", {}).get(step) or node.get("additionalProperties") or node["items"]
    return steps[-1] not in mapping(node).get("required", [])


@given(PLACES, SCALARS)
def test_a_change_is_told_and_no_change_is_not(where: str, value: Any) -> None:
    before, after = document(), set_at(document(), where, value)
    assert differences(before, before) == []
    if json.dumps(before, default=str) != json.dumps(after, default=str):
        assert differences(before, after)
