"""AWS on this machine: ministack, the emulated Route Server and the deployed template, in one `with`."""

import contextlib
import json
import os
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from lab.deploy import ROOT, build, deploy
from lab.levers import Levers
from lab.patience import announcing
from lab.queues import BusEvents, Notifications
from lab.servers import Servers
from lab.session import Endpoints, Session
from lab.workers import Worker, workers
from tandem.audit import Record, unpacked

Build = Callable[[Any, Levers], dict[str, Any]]
"""Builds a scenario with an EC2 client and the levers; returns its IDs."""

STACK = "tandem"
TEMPLATE = ROOT / "template.yaml"
# as many as the signals of one dead appliance wake
_WARM = {"FailoverFunction": 6, "SignalsFunction": 4, "NotifierFunction": 1}


@dataclass(frozen=True, slots=True)
class LogLine:
    """One line that a function wrote. ministack stores the lines of an invocation when it ends."""

    at: datetime
    message: str


class Cloud:
    """Up inside its `with`, nothing left of it outside, however it is left.

    `template` and `parameters` say what is deployed, `template=None` that nothing is. `build` builds a
    scenario meanwhile (`edge` or `appliances_only` of `lab.ec2.scenario`), and `scenario` has its IDs. `tell`
    hears what is being done. Functions are named by their logical IDs, `FailoverFunction`; without `warm`
    they are cold until somebody calls `warm`.
    """

    def __init__(
        self,
        *,
        template: Path | None = TEMPLATE,
        parameters: Mapping[str, str] | None = None,
        build: Build | None = None,
        warm: bool = True,
        tell: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._template = template
        self._parameters = dict(parameters or {})
        self._build = build
        self._is_warm = warm
        self._tell = tell
        self._servers = Servers()
        self.endpoints = Endpoints(aws="", ec2="")
        self.scenario: dict[str, Any] = {}

    def __enter__(self) -> Self:
        with ThreadPoolExecutor(max_workers=1) as meanwhile, contextlib.ExitStack() as unless_up:
            unless_up.callback(self._servers.stop)  # before waiting for what is built beside it
            with announcing("starting ministack and the emulated Route Server", self._tell):
                self.endpoints = self._servers.start()
            built = meanwhile.submit(self._built)
            if self._template is not None:
                self._deploy(self._template)
            self.scenario = built.result()
            unless_up.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._servers.stop()

    @property
    def is_up(self) -> bool:
        """False once the servers have ended, by themselves too."""
        return self._servers.is_up

    def _built(self) -> dict[str, Any]:
        return self._build(self.session.client("ec2"), self.levers) if self._build else {}

    def _deploy(self, template: Path) -> None:
        with announcing("building the layer", self._tell):
            built = build(template, self.directory)
        with announcing("deploying the template", self._tell):
            deploy(built, self.environment, self._parameters, self.directory)
            if self._is_warm:
                self.warm()

    def warm(self) -> None:
        """Start the environments that a failover needs at once. AWS starts them side by side, each with a CPU
        of its own; here they would share the few of this machine, just when time is measured."""
        client = self.session.client("lambda")
        names = [self.resources[name] for name, count in _WARM.items() for _ in range(count)]
        event = json.dumps({"source": "lab", "detail-type": "Warm", "detail": {}}).encode()
        with ThreadPoolExecutor(max_workers=len(names)) as together:
            list(together.map(lambda name: client.invoke(FunctionName=name, Payload=event), names))

    @property
    def directory(self) -> Path:
        """The lab's own files: logs of both servers, everything temporary. Gone when it ends."""
        return self._servers.directory

    @property
    def environment(self) -> dict[str, str]:
        """For a process that is to work in the lab, `tandem apply` for one."""
        search = {"PATH": os.environ.get("PATH", os.defpath), "HOME": str(self.directory)}
        return search | self.endpoints.environment()

    @property
    def ec2_url(self) -> str:
        return self.endpoints.ec2

    @cached_property
    def session(self) -> Session:
        """Clients with the operator's credentials: `cloud.session.client("sns")`."""
        return Session(self.endpoints)

    @cached_property
    def levers(self) -> Levers:
        return Levers(self.endpoints.ec2)

    @cached_property
    def outputs(self) -> dict[str, str]:
        stack = self.session.client("cloudformation").describe_stacks(StackName=STACK)["Stacks"][0]
        return {output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", [])}

    @cached_property
    def resources(self) -> dict[str, str]:
        """Logical to physical ID of everything in the stack."""
        pages = self.session.client("cloudformation").get_paginator("list_stack_resources")
        return {
            resource["LogicalResourceId"]: resource.get("PhysicalResourceId", "")
            for page in pages.paginate(StackName=STACK)
            for resource in page["StackResourceSummaries"]
        }

    def notifications(self) -> Notifications:
        """A subscription to the stack's notification topic, from now on."""
        return Notifications(self.session, self.outputs["NotificationTopicArn"])

    def events(self) -> BusEvents:
        """Everything that Tandem puts on its bus, from now on."""
        return BusEvents(self.session, self.outputs["BusName"])

    def audit(self, sequence: str) -> list[Record]:
        """A whole audit sequence, oldest first, as it lies in the table."""
        pages = self.session.client("dynamodb").get_paginator("query")
        items = pages.paginate(
            TableName=self.outputs["AuditTable"],
            KeyConditionExpression="#s = :s",
            ExpressionAttributeNames={"#s": "sequence"},
            ExpressionAttributeValues={":s": {"S": sequence}},
            ConsistentRead=True,
        ).search("Items[]")
        return [_record(sequence, item) for item in items]

    def state(self, kind: str, name: str) -> dict[str, Any]:
        """One record of the state table, as DynamoDB spells it; empty where there is none."""
        key: dict[str, Any] = {"kind": {"S": kind}, "id": {"S": name}}
        table = self.session.client("dynamodb").get_item(
            TableName=self.outputs["StateTable"], Key=key, ConsistentRead=True
        )
        return dict(table.get("Item", {}))

    def invoke(self, function: str, event: object) -> Any:  # noqa: ANN401 a function returns what it returns
        """Call and wait. Raises what the function raised, in words."""
        answer = self.session.client("lambda").invoke(
            FunctionName=self.resources[function], Payload=json.dumps(event).encode()
        )
        payload = json.loads(answer["Payload"].read() or b"null")
        if answer.get("FunctionError"):
            raise RuntimeError(f"{function} failed: {payload}")
        return payload

    def function_logs(self, function: str, since: datetime) -> list[LogLine]:
        """Returns what a function has written since then, oldest first."""
        configuration = self.session.client("lambda").get_function_configuration(
            FunctionName=self.resources[function]
        )
        logs = self.session.client("logs")
        pages = logs.get_paginator("filter_log_events").paginate(
            logGroupName=configuration["LoggingConfig"]["LogGroup"], startTime=round(since.timestamp() * 1000)
        )
        with contextlib.suppress(logs.exceptions.ResourceNotFoundException):  # never invoked
            return [
                LogLine(at=datetime.fromtimestamp(event["timestamp"] / 1000, UTC), message=event["message"])
                for page in pages
                for event in page["events"]
            ]
        return []

    def workers(self, function: str) -> list[Worker]:
        """The processes of a function now; `kill` one to lose the invocation that it serves."""
        return workers(self.directory / "tmp", self.resources[function])


def _record(sequence: str, item: dict[str, Any]) -> Record:
    text = unpacked(item["body"].get("S") or item["body"]["B"])
    return Record(
        sequence=sequence,
        number=int(item["number"]["N"]),
        previous=item["previous"]["S"],
        hash=item["hash"]["S"],
        body=json.loads(text),
        text=text,
    )
