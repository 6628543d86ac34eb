"""`Custom::TandemTopology`: CloudFormation's requests and what they ask for.

The protocol is of CloudFormation's user guide, "custom resource request and response reference".
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import Any

from tandem.errors import ConfigurationError
from tandem.reasons.documents import ProblemCode as Code
from tandem.topology.problems import Problem, nearest, problem_at

RESOURCE_TYPE = "Custom::TandemTopology"
_LONGEST = timedelta(hours=1)
"""CloudFormation waits that long, or as long as ServiceTimeout says."""

_SHARE = 5 / 6
"""Of CloudFormation's patience that Tandem uses: 50 of 60 minutes (docs/topology.md#from-cloudformation)."""

_SCHEDULE = timedelta(minutes=2)
"""What is kept of it at least, so that the run of the schedule that answers, one a minute, comes in time."""

_KNOWN = ("ServiceToken", "ServiceTimeout", "Topology", "OnDelete", "AllowInterruption", "TakeOver")
NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
"""Of a topology, as its schema has it."""

_KIND = "tandem"
"""How each of Tandem's physical IDs begins, before the first colon."""

_NEEDED = ("RequestType", "RequestId", "ResponseURL", "StackId", "LogicalResourceId")


class RequestType(StrEnum):
    CREATE = "Create"
    UPDATE = "Update"
    DELETE = "Delete"


class OnDelete(StrEnum):
    """Says what happens to a topology whose resource is deleted."""

    RETAIN = "retain"
    """It is forgotten; nothing else is touched."""
    DELETE = "delete"
    """What Tandem created for it goes too."""


@dataclass(frozen=True, slots=True)
class Request:
    """Holds one request. Its URL is a key: whoever has it may answer, so it appears in no text."""

    type: RequestType
    request_id: str = field(repr=False)
    stack_id: str
    logical_id: str
    url: str = field(repr=False)
    properties: dict[str, Any] = field(default_factory=dict, repr=False)
    old_properties: dict[str, Any] = field(default_factory=dict, repr=False)
    physical_id: str | None = None
    """None with Create."""

    @property
    def door(self) -> str:
        """Returns the stack's ARN and the resource in it: a second resource of the stack is another door."""
        return f"{self.stack_id}#{self.logical_id}"

    @property
    def key(self) -> str:
        """Returns the key of its record: CloudFormation's request IDs are unique within a stack."""
        return f"{self.door}#{self.request_id}"

    @property
    def topology(self) -> str | None:
        """Returns the name of the topology that it is about; None where it names none that could be one."""
        if self.type is RequestType.DELETE:
            return topology_of(self.physical_id or "")
        document = self.properties.get("Topology")
        name = document.get("name") if isinstance(document, dict) else None
        return name if isinstance(name, str) and NAME.fullmatch(name) else None

    @property
    def is_of_unknown_id(self) -> bool:
        """Returns True if it deletes what has a physical ID that Tandem never gave."""
        return self.type is RequestType.DELETE and not (self.physical_id or "").startswith(f"{_KIND}:")

    @property
    def is_of_generated_id(self) -> bool:
        """Returns True if CloudFormation made that ID: of the stack, the resource and something random."""
        made = f"{_stack_name(self.stack_id)}-{self.logical_id}-"
        return self.is_of_unknown_id and (self.physical_id or "").startswith(made)

    @property
    def new_physical_id(self) -> str:
        """Returns an ID that is stable for a topology: another name is another ID, which is a replacement."""
        if self.type is RequestType.DELETE and self.physical_id:
            return self.physical_id
        return f"{_KIND}:{_stack_name(self.stack_id)}:{self.topology or '-'}"

    @property
    def failed_physical_id(self) -> str:
        """Returns the ID that a failed update had, so that CloudFormation goes back to what it knows."""
        return self.physical_id or self.new_physical_id

    @property
    def replaces(self) -> bool:
        """Returns True if an update asks for another topology than the one it is about."""
        return self.type is RequestType.UPDATE and topology_of(self.physical_id or "") != self.topology

    @property
    def patience(self) -> timedelta:
        """Returns how long CloudFormation waits for the answer."""
        seconds = str(self.properties.get("ServiceTimeout", "")).strip()
        is_number = seconds.isascii() and seconds.isdecimal() and len(seconds) <= len("3600")
        if is_number and 1 <= int(seconds) <= _LONGEST.total_seconds():
            return timedelta(seconds=int(seconds))
        return _LONGEST

    @property
    def budget(self) -> timedelta:
        """Returns how long Tandem takes at most; of a patience under four minutes half."""
        return min(self.patience * _SHARE, max(self.patience - _SCHEDULE, self.patience / 2))

    @property
    def on_delete(self) -> OnDelete:
        """Returns `retain` unless the properties say `delete` plainly."""
        return OnDelete.DELETE if self.properties.get("OnDelete") == OnDelete.DELETE else OnDelete.RETAIN

    @property
    def takes_over(self) -> bool:
        return _boolean(self.properties.get("TakeOver")) is True

    @property
    def allows_interruption(self) -> bool:
        return _boolean(self.properties.get("AllowInterruption")) is True

    def __str__(self) -> str:
        return f"{self.type} of {self.logical_id} in {self.stack_id}"


def is_request(raw: Mapping[str, Any]) -> bool:
    return "RequestType" in raw and "ResponseURL" in raw


def parse_request(raw: Mapping[str, Any]) -> Request:
    """Parses CloudFormation's event. Raises ConfigurationError for what CloudFormation never sends."""
    absent = [name for name in _NEEDED if not isinstance(raw.get(name), str) or not raw[name]]
    if absent or raw["RequestType"] not in tuple(RequestType):
        raise ConfigurationError(
            f"not a request of CloudFormation: {', '.join(absent) or 'RequestType'} is missing or wrong"
        )
    physical_id = raw.get("PhysicalResourceId")
    return Request(
        type=RequestType(raw["RequestType"]),
        request_id=raw["RequestId"],
        stack_id=raw["StackId"],
        logical_id=raw["LogicalResourceId"],
        url=raw["ResponseURL"],
        properties=_mapping(raw.get("ResourceProperties")),
        old_properties=_mapping(raw.get("OldResourceProperties")),
        physical_id=physical_id if isinstance(physical_id, str) and physical_id else None,
    )


def property_problems(properties: Mapping[str, Any]) -> Iterator[Problem]:
    """Yields what is wrong beside the topology, which is a document like any other."""
    for name in properties:
        if name not in _KNOWN:
            facts = nearest(name, _KNOWN)
            yield problem_at(name, Code.UNKNOWN_RESOURCE_PROPERTY, resource_type=RESOURCE_TYPE, **facts)
    if not isinstance(properties.get("Topology"), dict):
        is_there = "Topology" in properties
        yield problem_at("Topology", Code.TOPOLOGY_NO_MAPPING if is_there else Code.TOPOLOGY_MISSING)
    if properties.get("OnDelete", OnDelete.RETAIN) not in tuple(OnDelete):
        yield problem_at("OnDelete", Code.WRONG_ON_DELETE, value=properties["OnDelete"])
    if properties.get("OnDelete") == OnDelete.DELETE and _boolean(properties.get("TakeOver")):
        yield problem_at("OnDelete", Code.DELETES_WHAT_IT_TAKES_OVER)
    for name in ("AllowInterruption", "TakeOver"):
        if name in properties and _boolean(properties[name]) is None:
            yield problem_at(name, Code.NO_BOOLEAN, value=properties[name])


def topology_of(physical_id: str) -> str | None:
    """Returns the topology's name in one of Tandem's physical IDs."""
    kind, _, rest = physical_id.partition(":")
    name = rest.rpartition(":")[2]
    return name if kind == _KIND and NAME.fullmatch(name) else None


def _stack_name(stack_id: str) -> str:
    """Returns the name in `arn:aws:cloudformation:us-east-1:123456789012:stack/network/1c2b…`."""
    parts = stack_id.split("/")
    return parts[1] if len(parts) > 1 else stack_id


def _boolean(value: object) -> bool | None:
    """Reads a boolean: CloudFormation passes every scalar as a text."""
    return {"true": True, "false": False}.get(str(value).strip().lower())


def _mapping(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
