"""Keeps what a release leaves in an account for the code of later ones: its records, and its calls to AWS.

The file of a release is written once, by its own code: copy this module into `tests` of a worktree of it and
run `python -m tests.release FILE` there. IDs differ in each world; the answers say which is which.
"""

from __future__ import annotations

import importlib
import json
import os
import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from copy import deepcopy
from pathlib import Path
from typing import Any
from unittest import mock

import boto3
from botocore import xform_name
from botocore.exceptions import ConnectTimeoutError

from tandem.adapters import clients
from tandem.audit import canonical, digest
from tandem.errors import TemporaryError
from tests.cloudformation import cloudformation
from tests.managing import Managed, managed
from tests.provisioning import READING
from tests.stack import Context, Stack, load_failover

STATE, AUDIT = "tandem-state", "tandem-audit"
ID = re.compile(r"[a-z]+-[0-9a-f]{17}|arn:aws:.*|[A-Za-z0-9]{16}|[0-9a-f]{64}")
"""EC2's resources, SNS's subscriptions, deliveries of logs, hashes of the audit trail."""


@contextmanager
def both() -> Iterator[tuple[Managed, Stack]]:
    """Yields the provisioner with an empty VPC, and the functions of the failover path in the same world."""
    with mock.patch.dict(os.environ, {"TANDEM_AUDIT_TABLE": AUDIT}), managed() as tandem:
        boto3.client("dynamodb").create_table(
            TableName=AUDIT,
            BillingMode="PAY_PER_REQUEST",
            KeySchema=[
                {"AttributeName": "sequence", "KeyType": "HASH"},
                {"AttributeName": "number", "KeyType": "RANGE"},
            ],
            AttributeDefinitions=[
                {"AttributeName": "sequence", "AttributeType": "S"},
                {"AttributeName": "number", "AttributeType": "N"},
            ],
        )
        yield tandem, Stack(tandem.lab, tandem.ids, load_failover(tandem.lab))


def items(table: str) -> list[dict[str, Any]]:
    return list(boto3.client("dynamodb").scan(TableName=table)["Items"])


def written() -> dict[str, Any]:
    """Returns a topology that Tandem made, at four moments, and what led there.

    A quarter of an hour after a failover and its failback all is quiet. Then Tandem is paused and fw1
    dies. Then the pause is lifted while the bus is away: the addresses move, and nobody is notified.
    At last a stack asks for a second topology, and has no answer yet.
    """
    with both() as (tandem, edge):
        calls: list[dict[str, Any]] = []
        for client in (clients.ec2(), clients.ec2_moves(), clients.sns(), clients.logs()):
            _record(client, calls, tandem)
        tandem.run()
        edge.delivered = len(edge.published)
        tandem.settle(60)
        tandem.refresh()
        edge.live(120)
        _pull(calls, tandem, "kill")
        edge.live(60)
        _pull(calls, tandem, "restore")
        edge.live(900)
        tandem.refresh()
        moments = {"quiet": _moment(calls, edge)}
        _signal(edge)
        events = edge.events()
        edge.override(action="paused", until="2027-01-01T00:00:00Z")
        _pull(calls, tandem, "kill")
        edge.live(120)
        moments["paused"] = _moment(calls, edge)
        edge.override()
        with bus_away(), suppress(TemporaryError):
            edge.sweep()
        assert edge.are_all_with("fw2")
        moments["untold"] = _moment(calls, edge)
        url = _ask(tandem)
        moments["asked"] = _moment(calls, edge)
        return {
            "ids": names(tandem.ids),
            "url": url,
            "calls": calls,
            "moments": moments,
            "audit": sorted(items(AUDIT), key=lambda item: int(item["number"]["N"])),
            "events": list({e["detail-type"]: e for e in events}.values()),
        }


@contextmanager
def bus_away() -> Iterator[None]:
    """EventBridge does not answer."""

    def gone(**_: object) -> None:
        raise ConnectTimeoutError(endpoint_url="events")

    bus = clients.events().meta.events
    bus.register("before-call.events", gone)
    yield
    bus.unregister("before-call.events", gone)


def _signal(edge: Stack) -> None:
    """Lets the signals function put on the bus what a sweep and a session's end lead to."""
    app = importlib.import_module("functions.signals.app")
    app.handler({"tandem": "sweep"}, Context("signals"))
    message = edge.published[-1]
    attributes = {
        name: {"Type": a["DataType"], "Value": a["StringValue"]} for name, a in message.attributes.items()
    }
    sns = {"TopicArn": message.topic_arn, "Message": message.message, "MessageAttributes": attributes}
    app.handler({"Records": [{"EventSource": "aws:sns", "Sns": sns}]}, Context("signals"))


def _ask(tandem: Managed) -> str:
    """Lets a stack ask for a second topology on the same route server; returns where it takes the answer."""
    group = {"name": "transit", "prefixes": ["10.20.0.0/16"]}
    wanted = tandem.document(name="transit", groups=[group], manage=False)
    wanted["route_server"]["id"] = tandem.servers()[0]["RouteServerId"]
    with cloudformation() as stacks:
        event = stacks.request("Create", {"Topology": wanted}, logical_id="Transit")
        tandem.invoke(event)
        assert stacks.answer(event) is None
        return str(event["ResponseURL"]).partition("?")[0]


def _moment(calls: list[dict[str, Any]], edge: Stack) -> dict[str, Any]:
    """Returns the state table now, and how much of the calls and of the audit trail there is by now."""
    found = {"calls": len(calls), "records": len(items(AUDIT)), "state": items(STATE)}
    return {"at": edge.clock.seconds(), **found}


def _pull(calls: list[dict[str, Any]], tandem: Managed, lever: str) -> None:
    """Pulls a lever of fw1, and keeps that as a call."""
    asked = {"name": "fw1"}
    getattr(tandem.lab.levers, lever)(**asked)
    at = tandem.lab.clock.seconds()
    calls.append({"at": at, "service": "levers", "operation": lever, "asked": asked, "answer": {}})


def _record(client: Any, calls: list[dict[str, Any]], tandem: Managed) -> None:
    """Keeps each call of the client that changes something, with the IDs in its answer."""

    def asked(params: Any, context: dict[str, Any], **_: Any) -> None:
        context["asked"] = deepcopy(params)

    def answered(model: Any, parsed: Any, context: dict[str, Any], **_: Any) -> None:
        if not model.name.startswith(READING) and "Error" not in parsed:
            calls.append(
                {
                    "at": tandem.lab.clock.seconds(),
                    "service": model.service_model.service_name,
                    "operation": xform_name(model.name),
                    "asked": context["asked"],
                    "answer": names(parsed),
                }
            )

    client.meta.events.register("before-parameter-build", asked)
    client.meta.events.register("after-call", answered)


def names(value: Any, path: str = "") -> dict[str, str]:
    """Returns the IDs in an answer, by where they stand in it."""
    match value:
        case str() if ID.fullmatch(value):
            return {path: value}
        case Mapping():
            return {k: v for key in value for k, v in names(value[key], f"{path}.{key}").items()}
        case list():
            return {k: v for n, each in enumerate(value) for k, v in names(each, f"{path}.{n}").items()}
        case _:
            return {}


class World:
    """The world of a release, built in another one: every ID of the file has its like there."""

    def __init__(self, file: Path) -> None:
        self._file = json.loads(file.read_text(encoding="utf-8"))
        self._like: dict[str, str] = {}

    def there(self, part: Any) -> Any:
        """Returns a part of the file with the IDs of this world."""
        text = json.dumps(part)
        for old in sorted(self._like, key=len, reverse=True):
            text = text.replace(old, self._like[old])
        return json.loads(text)

    @property
    def events(self) -> list[dict[str, Any]]:
        """Returns the last event of each type that the release put on the bus."""
        return list(self.there(self._file["events"]))

    @property
    def audit(self) -> list[dict[str, Any]]:
        """Returns the audit trail as the release wrote it, with its own IDs and hashes."""
        return list(self._file["audit"])

    def build(self, tandem: Managed, edge: Stack, moment: str, url: str = "") -> None:
        """Asks AWS for what the release asked for, each call at its time, and stores what it stored.

        At `url` a stack waits for the answer to its request.
        """
        reached = self._file["moments"][moment]
        self._like[self._file["url"]] = url
        self._learn(self._file["ids"], names(tandem.ids))
        for call in self._file["calls"][: reached["calls"]]:
            tandem.settle(max(0.0, call["at"] - tandem.lab.clock.seconds()))
            of: Any = tandem.lab.levers if call["service"] == "levers" else boto3.client(call["service"])
            answer = getattr(of, call["operation"])(**self.there(call["asked"]))
            self._learn(call["answer"], names(answer))
        tandem.settle(reached["at"] - tandem.lab.clock.seconds())
        table = boto3.client("dynamodb")
        for item in self.audit[: reached["records"]]:
            table.put_item(TableName=AUDIT, Item=self._hashed(self.there(item), item["hash"]["S"]))
        for item in reached["state"]:
            table.put_item(TableName=STATE, Item=self.there(item))
        edge.delivered = len(edge.published)
        edge.forget_calls()

    def _learn(self, old: Mapping[str, str], new: Mapping[str, str]) -> None:
        assert old.keys() <= new.keys()
        self._like |= {old[path]: new[path] for path in old}

    def _hashed(self, item: dict[str, Any], before: str) -> dict[str, Any]:
        """Returns the record with the hash that the other IDs in it lead to."""
        body = canonical(json.loads(item["body"]["S"]))
        number = int(item["number"]["N"])
        now = digest(item["sequence"]["S"], number, item["previous"]["S"], body)
        self._like[before] = now
        return {**item, "body": {"S": body}, "hash": {"S": now}}


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(json.dumps(written(), indent=1, sort_keys=True) + "\n", encoding="utf-8")
