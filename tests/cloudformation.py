"""CloudFormation's part of a custom resource: it asks the function, and is answered at a URL of its own."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from typing import Any

import boto3

from tests.provisioning import Provisioner, provisioner

STACK = "arn:aws:cloudformation:us-east-1:123456789012:stack/network/1c2b3a40"
SECRET = "X-Amz-Signature=0badc0de"
PHYSICAL = "tandem:network:edge"
GENERATED = "network-Edge-1V5BBXN2GLJ0E"
"""A physical ID of CloudFormation's own making (seen by others)."""

DOOR = f"{STACK}#Edge"


@dataclass
class CloudFormation:
    """`answers` has every body that came, by request ID; `statuses` is what the next ones get back."""

    port: int
    answers: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    headers: list[dict[str, str]] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)
    location: str = ""
    """Where an answer that is redirected should go."""
    _numbers: Iterator[int] = field(default_factory=count)

    def request(
        self, kind: str, properties: dict[str, Any], *, logical_id: str = "Edge", **members: Any
    ) -> dict[str, Any]:
        """Returns an event as CloudFormation sends it: every scalar of the properties is a text."""
        request_id = f"request-{next(self._numbers)}"
        old = members.pop("old", None)
        event = {
            "RequestType": kind,
            "RequestId": request_id,
            "ResponseURL": f"http://127.0.0.1:{self.port}/{request_id}?{SECRET}",
            "StackId": STACK,
            "ResourceType": "Custom::TandemTopology",
            "LogicalResourceId": logical_id,
            "ResourceProperties": texts({"ServiceToken": "arn", **properties}),
        }
        if old is not None:
            event["OldResourceProperties"] = texts({"ServiceToken": "arn", **old})
        return event | members

    def answer(self, event: dict[str, Any]) -> dict[str, Any] | None:
        """Returns what the stack was told; every answer to a request says the same."""
        said = self.answers.get(event["RequestId"], [])
        for one in said:
            assert one == said[0]
            for name in ("RequestId", "StackId", "LogicalResourceId"):
                assert one[name] == event[name]
            assert one["PhysicalResourceId"]
            assert one["Status"] in {"SUCCESS", "FAILED"}
            assert (one["Status"] == "FAILED") is ("Reason" in one)
        return said[0] if said else None


def resolved(value: Any, values: Mapping[str, str]) -> Any:
    """Returns what CloudFormation makes of a template's references, given the values behind them."""
    match value:
        case {"Ref": str(name)}:
            return values[name]
        case {"Fn::GetAtt": list(path)}:
            return values[".".join(path)]
        case {"Fn::ImportValue": _}:
            return "arn:aws:lambda:us-east-1:123456789012:function:provisioner"
        case dict():
            return {name: resolved(item, values) for name, item in value.items()}
        case list():
            return [resolved(item, values) for item in value]
    return value


def texts(value: Any) -> Any:
    match value:
        case dict():
            return {name: texts(item) for name, item in value.items()}
        case list():
            return [texts(item) for item in value]
        case bool():
            return "true" if value else "false"
    return str(value)


@contextmanager
def cloudformation() -> Iterator[CloudFormation]:
    """Listens on this machine."""

    class Handler(BaseHTTPRequestHandler):
        def do_PUT(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            status = made.statuses.pop(0) if made.statuses else 200
            if status == 200:
                assert len(body) <= 4096
                made.headers.append(dict(self.headers))
                made.answers.setdefault(self.path[1:].partition("?")[0], []).append(json.loads(body))
            self.send_response(status)
            self.send_header("Content-Length", "0")
            if 300 <= status < 400:
                self.send_header("Location", made.location)
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        made = CloudFormation(server.server_address[1])
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        yield made
        server.shutdown()
        thread.join()


class Story:
    """One stack with one resource, beside the deployed function."""

    def __init__(self, tandem: Provisioner, stacks: CloudFormation) -> None:
        self.tandem = tandem
        self.stacks = stacks
        self.invoke = tandem.invoke

    def properties(self, _more: dict[str, Any] | None = None, **changes: Any) -> dict[str, Any]:
        return {"Topology": self.tandem.document(**{"mode": "enforce"} | changes), **(_more or {})}

    def renamed(self, _more: dict[str, Any] | None = None) -> dict[str, Any]:
        """Returns the topology as `transit`, without the addresses, which the old one still claims."""
        group = {"name": "transit", "prefixes": ["10.20.0.0/16"]}
        return self.properties(_more, name="transit", groups=[group])

    def create(self, properties: dict[str, Any] | None = None, **members: Any) -> dict[str, Any]:
        return self.stacks.request("Create", properties or self.properties(), **members)

    def update(self, properties: dict[str, Any], old: dict[str, Any], **members: Any) -> dict[str, Any]:
        members = {"PhysicalResourceId": PHYSICAL} | members
        return self.stacks.request("Update", properties, old=old, **members)

    def delete(self, properties: dict[str, Any] | None = None, **members: Any) -> dict[str, Any]:
        members = {"PhysicalResourceId": PHYSICAL} | members
        return self.stacks.request("Delete", properties or self.properties(), **members)

    def ask(self, event: dict[str, Any]) -> dict[str, Any]:
        """Returns the request and what it sets off; the answer, of which nothing is left then."""
        self.tandem.settle(1)
        self.invoke(event)
        self.tandem.deliver()
        answer = self.stacks.answer(event)
        assert answer is not None
        assert len(self.stacks.answers[event["RequestId"]]) == 1
        assert SECRET not in self.table()
        return answer

    def succeed(self, event: dict[str, Any]) -> dict[str, Any]:
        answer = self.ask(event)
        assert answer["Status"] == "SUCCESS", answer
        return answer

    def fail(self, event: dict[str, Any]) -> str:
        answer = self.ask(event)
        assert answer["Status"] == "FAILED"
        return str(answer["Reason"])

    def schedule(self, minutes: float = 5) -> None:
        self.tandem.settle(minutes * 60)
        self.tandem.refresh()
        self.tandem.deliver()

    def table(self) -> str:
        return json.dumps(boto3.client("dynamodb").scan(TableName="tandem-state")["Items"])

    @property
    def stored(self):
        return self.tandem.record()


@contextmanager
def custom_resource() -> Iterator[Story]:
    """Yields the edge scenario, an empty state table, and a stack that has asked for nothing yet."""
    with provisioner() as tandem, cloudformation() as stacks:
        yield Story(tandem, stacks)
