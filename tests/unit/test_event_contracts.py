"""Each event has one schema and a sample, and whoever produces it keeps the schema."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from tandem.audit import following
from tandem.author import NOBODY, Author
from tandem.errors import CallFailedError
from tandem.events import SCHEMAS, DetailType, Event, from_envelope, schema
from tandem.failover import news, telling
from tandem.provisioning import telling as provisioning_telling
from tandem.reasons.provisioning import ProvisioningCode
from tandem.reasons.reason import reason
from tandem.signals.intake import SWEEP, forward, parse
from tandem.state.record import Provisioned
from tests.contracts import assert_meets_schema, message_of
from tests.samples import HEAD, ROUTE_SERVER, names, ours, record, sample

NOW = datetime(2026, 11, 21, 3, 58, 32, 500_000, UTC)
ENVELOPE = {"version", "id", "detail-type", "source", "account", "time", "region", "resources", "detail"}
RAW = [name for name in names() if name not in ours()]
PUBLIC_IP = re.compile(r"(?<![\d.])(?:\d{1,3}\.){3}\d{1,3}(?![\d./])")


def objects(node: Any) -> Iterator[dict[str, Any]]:
    """Every object that a schema describes."""
    if isinstance(node, dict):
        if "properties" in node:
            yield node
        for value in node.values():
            yield from objects(value)
    elif isinstance(node, list):
        for value in node:
            yield from objects(value)


def test_each_detail_type_has_one_schema_and_no_schema_is_without():
    stored = {path.name for path in SCHEMAS.iterdir()} - {"topology.schema.json"}
    assert stored == {detail_type.file_name for detail_type in DetailType}


def test_each_detail_type_has_a_sample_of_its_name_and_no_sample_is_of_another():
    assert {detail_type.file_name.removesuffix(".json") for detail_type in DetailType} <= set(ours())
    assert {sample(name)["detail-type"] for name in ours()} == set(DetailType)


@pytest.mark.parametrize("detail_type", DetailType)
def test_a_schema_is_valid_closed_and_explains_every_field(detail_type):
    body = schema(detail_type)
    Draft202012Validator.check_schema(body)
    assert body["title"] == detail_type
    for described in objects(body):
        assert described["additionalProperties"] is False
        assert all(field.get("description") for field in described["properties"].values())


@pytest.mark.parametrize("name", ours())
def test_a_sample_meets_its_schema(name):
    event = from_envelope(sample(name))
    assert event is not None
    assert_meets_schema(event)


@pytest.mark.parametrize("name", ours())
def test_a_schema_refuses_a_field_too_many_and_each_required_field_missing(name):
    envelope = sample(name)
    body = schema(DetailType(envelope["detail-type"]))
    validator = Draft202012Validator(body)
    assert not validator.is_valid({**envelope["detail"], "surplus": 1})
    for required in body["required"]:
        detail = copy.deepcopy(envelope["detail"])
        del detail[required]
        assert not validator.is_valid(detail), required


@pytest.mark.parametrize("name", [n for n in names() if "source" in sample(n)])
def test_a_sample_is_a_whole_envelope_of_the_documentation_account(name):
    envelope = sample(name)
    assert set(envelope) == ENVELOPE
    assert envelope["account"] == "123456789012"


@pytest.mark.parametrize("name", names())
def test_a_sample_names_only_private_and_documentation_addresses(name):
    named = PUBLIC_IP.findall(str(sample(name)))
    assert all(address.startswith(("10.", "192.0.2.")) for address in named)


@pytest.mark.parametrize("name", RAW)
def test_every_raw_record_becomes_events_that_meet_their_schemas(name):
    signals = parse(sample(name))
    events = forward(signals, [record()], NOW).events
    assert bool(events) == (name not in {"health-backup-copy", "peer-log-control-message"})
    for event in events:
        assert_meets_schema(event)


def test_the_sweep_meets_the_schema_of_a_look():
    (event,) = forward(parse(SWEEP), [record()], NOW).events
    assert (event.detail_type, event.detail["requested_by"]) == (DetailType.LOOK, "sweep")
    assert_meets_schema(event)


@pytest.mark.parametrize(
    "envelope",
    [
        {},
        {"source": "tandem", "detail-type": "Look"},
        {"source": "tandem", "detail-type": "Look", "detail": "text"},
        {"source": "tandem", "detail-type": "Coffee Break", "detail": {}},
        {"source": "tandem", "detail-type": ["Look"], "detail": {}},
        {"source": "somebody.else", "detail-type": "Look", "detail": {}},
    ],
)
def test_what_is_not_ours_is_no_event(envelope):
    assert from_envelope(envelope) is None


def test_an_event_survives_the_bus():
    event = from_envelope(sample("look"))
    assert event == Event(DetailType.LOOK, sample("look")["detail"])


@pytest.mark.parametrize(
    "body", [{}, {"tell": 7}, {"tell": ["a"]}, {"kind": "outcome", "tell": ["a"], "addresses": []}]
)
def test_a_record_that_somebody_damaged_tells_nothing(body):
    assert news.damage_of(body, HEAD) is not None
    intent = following(None, "failover#edge", body)
    assert telling.closing(intent, {}, record().topology, NOW)["tell"] == []


@pytest.mark.parametrize("by", [NOBODY, Author("kim", "5d2a8a0e")])
@pytest.mark.parametrize("change", ["stored", "deleting", "deleted"])
def test_a_changed_topology_meets_its_schema(change, by):
    assert_meets_schema(provisioning_telling.topology_change(record(), change, NOW, by, record()))
    assert_meets_schema(provisioning_telling.topology_change(record(), change, NOW, by))


def test_the_look_that_storing_asks_for_meets_its_schema():
    assert_meets_schema(provisioning_telling.look_at_version(record(), NOW))


@pytest.mark.parametrize("failure", [None, CallFailedError("CreateTopic", "AccessDenied", "no")])
def test_a_provisioning_outcome_meets_its_schema(failure):
    found = Provisioned(ROUTE_SERVER, warnings=("a stranger peers with it",))
    why = (reason(ProvisioningCode.ROUTE_SERVER_LOST, ROUTE_SERVER, place="account 123456789012"),)
    assert_meets_schema(provisioning_telling.provisioning_completed(record(), found, ("subscribed",), NOW))
    assert_meets_schema(provisioning_telling.provisioning_failed(record(), found, why, (), failure, NOW))


@pytest.mark.parametrize("name", ["drift-detected", "provisioning-failed"])
def test_an_event_of_the_first_version_still_meets_its_schema_and_is_told(name):
    event = from_envelope(sample(name))
    assert event is not None
    assert event.detail["schema_version"] == 2
    old = {key: value for key, value in event.detail.items() if key not in ("code", "subject", "facts")}
    first = replace(event, detail=old | {"schema_version": 1})
    assert_meets_schema(first)
    assert message_of(first).text == message_of(event).text
