"""Writes docs/events.md from schemas, samples and the code itself: `python -m tests.events_page`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tandem.events import DetailType, from_envelope, schema
from tandem.signals.intake import forward, parse
from tandem.signals.signal import parse_bus
from tandem.words.notification import TOLD, Notification, notification
from tests.samples import names, ours, record, sample

PAGE = Path(__file__).parents[1] / "docs" / "events.md"
NOW = datetime(2026, 11, 21, 4, tzinfo=UTC)

HEAD = """\
# Events, signals, notifications

<!-- Made by `python -m tests.events_page` from schemas, samples and the code itself; a test compares. -->

Everything that Tandem sees and does is an event on the stack's own EventBridge bus, source `tandem`. The
JSON Schemas are in [`layers/tandem/tandem/schemas`](../layers/tandem/tandem/schemas), the samples in
[`events`](../events): whole envelopes, ready for `sam local invoke`. Events come at least once and in
any order, and none carries an answer: whoever acts on one reads AWS first.

`schema_version` is 2. Version 1 had neither `reasons`, `report_reasons` nor `codes`, and `code` only for what
is held; the rest is the same. Tandem reads both, so events that are under way during an upgrade are not lost.
[Reasons](reasons.md) lists every code.

"""

SIGNALS = """\
## Signals: what wakes Tandem, and what becomes of it

The `signals` function turns raw records into events, for each stored topology that they concern:

- a message of a route server's SNS topic: the topologies whose topic it is. From any other topic:
  refused, logged with topic and length, counted (`RefusedMessage`), nothing on the bus;
- a peer log record: the topologies that have the peer. A route counts only where a group tracks the prefix:
  of one delivery the newest record for each topology and prefix. Records of other routes are counted
  (`UntrackedRoutes`) and dropped. Before that, what a peer advertised or updated is compared with
  `allowed_prefixes` of its appliance: [`Route Leak`](#route-leak);
- an event of AWS itself: the topologies that name one of the resources that it names. An association ID
  alone (`DisassociateAddress`) is named by no topology, since it changes with each move: all that have
  addresses look. AWS Health's copies for its backup Region (`backupEvent`) are skipped;
- the sweep, every minute: all that have a route server.

Logs come at least once and Tandem keeps no list of leaks, so the same `Route Leak` may come twice. Logs hold
changes only: what an appliance advertised before Tandem had its log, or before the document had
`allowed_prefixes`, is not reported until it is advertised again.

A record of an unknown shape is logged with its topic and length, never whole, counted (`UnknownSignal`) and
still causes a `Look`. A log delivery that unpacks to more than 16 MB counts as one such record. Route
Server's SNS messages carry their data in message attributes; where one lacks them, its text is read. The
list of affected peers is read whether it comes as `String.Array` or as `String`.

| sample | what it says | becomes |
|---|---|---|
"""

NOTIFICATIONS = """\
## Notifications

The `notifier` function tells people through the stack's SNS topic. The message is the text, for every
protocol alike. Beside it are message attributes, for filter policies:

| attribute | values |
|---|---|
| `detail_type` | the event's detail-type |
| `topology`, `group` | their names; `group` only where there is one |
| `severity` | `info`, `warning`, `critical` |
| `action` | `move`, `hold`, `drift`, `leak`, `provision`, `topology`; `status` or `change` of others |
| `thread` | the decision with which it began: the same in all messages about one event; of failover only |
| `detail` | the event's detail as JSON, for machines; absent where it is too large for SNS |

What belongs together has one `thread`: a hold, its changes of reason, the moves that end it, and its end.
Use it as the key by which your pager joins alerts. `Hold Ended` closes what a hold opened: its `topology`,
`group`, `severity`, `action` and `thread` are those of the hold (the gravest severity, where it changed),
so every filter that let the hold through lets its end through. A hold ends when its reason is gone, or with
the move that ended it.

If a look retries moves, you get one message when the moves begin, and one with the result after the last
try, half a minute later at most. The audit trail has every try. The times in a message
count from the signal that first asked, as AWS dates it.

The outcome of a move has the severity of the decision, or of the hold that it ends if that is graver.

Tandem notifies you of a pin, and of its end, at the next look, a minute later at most. It notifies you of a
pause as a hold. If somebody removes a pause early, you get the end of the hold, or the moves that follow.

If Elastic IPs stay on a dead appliance, the message of the hold is `critical`, and its subject begins with
`OUTAGE`. If a pause, a pin or a dry run is the cause, Tandem repeats the message every 15 minutes. A hold
that was already critical before the appliance died is not notified again.

A subscription that pages somebody only when it must: `{"severity": ["critical"]}`. The JSON is an
attribute and not a `MessageStructure` of its own because SNS sends attributes only with a plain message,
and filters need them. For machines the bus is the better place anyway.

A hold, as it arrives:

"""

METRICS = """\
## Metrics

In namespace `Tandem`, dimension `service` (`<stack>-<function>`):

| function | metrics |
|---|---|
| `signals` | `SignalsForwarded`, `UntrackedRoutes` (log records), `RouteLeaks` (events) |
| `signals` | `UnknownSignal`, `RefusedMessage`, `DamagedTopology` |
| `watch` | `Watched` (topologies), `RouteChanges`, `WatchReadFailed` |
| `notifier` | `NotificationsSent`, `EventsIgnored` |
| `compliance` | `ComplianceFail`, `ComplianceUnknown` (results), `ComplianceRunsFailed` (topologies) |
"""


def page() -> str:
    """Returns the whole page."""
    return "".join([HEAD, _events(), *map(_event, DetailType), SIGNALS, *_signals(), "\n", _told(), METRICS])


def _events() -> str:
    head = "| detail-type | when | makes failover look | people are told |\n|---|---|---|---|\n"
    return "".join([head, *(_row(detail_type) for detail_type in DetailType), "\n"])


def _row(detail_type: DetailType) -> str:
    cells = [
        f"[`{detail_type}`](#{detail_type.lower().replace(' ', '-')})",
        schema(detail_type)["description"],
        _yes(_wakes(detail_type)),
        _yes(detail_type in TOLD),
    ]
    return f"| {' | '.join(cells)} |\n"


def _event(detail_type: DetailType) -> str:
    files = [name for name in ours() if sample(name)["detail-type"] == detail_type]
    first = detail_type.file_name.removesuffix(".json")
    others = ", ".join(f"[`{name}`](../events/{name}.json)" for name in files if name != first)
    fields = "".join(
        f"| `{path}` | {kind} | {words} |\n" for path, kind, words in _fields(schema(detail_type))
    )
    return (
        f"## {detail_type}\n\n{schema(detail_type)['description']}\n\n"
        f"| field | type | meaning |\n|---|---|---|\n{fields}\n"
        f"[`events/{first}.json`](../events/{first}.json)" + (f"; also {others}" if others else "") + ":\n\n"
        f"```json\n{json.dumps(sample(first), indent=2, ensure_ascii=False)}\n```\n\n"
    )


def _fields(
    node: dict[str, Any], path: str = "", root: dict[str, Any] | None = None
) -> Iterator[tuple[str, str, str]]:
    """Yields every field, those of objects and of lists' objects below them."""
    root = root or node
    for name, raw in node["properties"].items():
        field, null = _resolved(raw, root)
        here = f"{path}{name}"
        words = raw["description"] + ("" if name in node["required"] else " (optional)")
        yield here, _type(field, null), words
        inner, _ = _resolved(field.get("items", {}), root)
        if "properties" in field:
            yield from _fields(field, f"{here}.", root)
        elif "properties" in inner:
            yield from _fields(inner, f"{here}[].", root)


def _resolved(field: dict[str, Any], root: dict[str, Any]) -> tuple[dict[str, Any], bool]:
    """Returns the field with its reference followed, and whether null stands beside it."""
    if "anyOf" in field:
        return _resolved(field["anyOf"][0], root)[0], True
    if "$ref" in field:
        return root["$defs"][field["$ref"].rsplit("/", 1)[-1]], False
    return field, False


def _type(field: dict[str, Any], null: bool) -> str:
    if "const" in field:
        return f"`{field['const']}`"
    if "enum" in field:
        return ", ".join(f"`{value}`" for value in field["enum"])
    kinds = field["type"] if isinstance(field["type"], list) else [field["type"]]
    if kinds[0] == "array":
        kinds = [f"array of {field['items'].get('type', 'object')}"]
    return " or ".join([*kinds, *(["null"] if null else [])])


def _signals() -> Iterator[str]:
    for name in (n for n in names() if n not in ours()):
        signals = parse(sample(name))
        events = forward(signals, [record()], NOW).events
        says = "<br>".join(signal.cause for signal in signals) or "nothing"
        becomes = "<br>".join(f"`{event.detail_type}`" for event in events) or "nothing"
        yield f"| [`{name}`](../events/{name}.json) | {says} | {becomes} |\n"


def _told() -> str:
    event = from_envelope(sample("failover-decision-hold"))
    message = notification(event) if event else None
    assert isinstance(message, Notification)
    return f"{NOTIFICATIONS}```text\nSubject: {message.subject}\n\n{message.text}```\n\n"


def _wakes(detail_type: DetailType) -> bool:
    return parse_bus(sample(detail_type.file_name.removesuffix(".json"))) is not None


def _yes(true: bool) -> str:
    return "yes" if true else ""


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
