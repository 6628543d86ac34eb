"""What DynamoDB bills of a call: request units, from the sizes of the items in its answers.

AWS: "DynamoDB read and write operations", "DynamoDB item sizes and formats" in its developer guide.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from botocore.hooks import BaseEventHooks
    from botocore.model import OperationModel

READ_BYTES = 4096


@dataclass(frozen=True, slots=True)
class TableCall:
    """One call to DynamoDB, and the read request units that it took."""

    operation: str
    read_units: float


def counting(events: BaseEventHooks) -> list[TableCall]:
    """The calls that a client of DynamoDB makes from now on, by its events."""
    calls: list[TableCall] = []

    def asked(params: Mapping[str, Any], context: dict[str, Any], **_: object) -> None:
        context["asked"] = json.loads(params["body"])

    def answered(
        parsed: Mapping[str, Any], model: OperationModel, context: dict[str, Any], **_: object
    ) -> None:
        calls.append(TableCall(model.name, read_units(model.name, context["asked"], parsed)))

    events.register("before-call.dynamodb", asked)
    events.register("after-call.dynamodb", answered)
    return calls


def read_units(operation: str, request: Mapping[str, Any], answer: Mapping[str, Any]) -> float:
    """Of a GetItem or a Query: 1 for each 4 KB of all that was read, half where it need not be consistent."""
    if operation not in ("GetItem", "Query"):
        return 0.0
    items = answer.get("Items", [answer["Item"]] if "Item" in answer else [])
    size = sum(item_bytes(item) for item in items)
    each = 1.0 if request.get("ConsistentRead") else 0.5
    return each * max(1, -(-size // READ_BYTES))


def item_bytes(item: Mapping[str, Mapping[str, Any]]) -> int:
    """Names and values of the attributes."""
    return sum(len(name.encode()) + _bytes(value) for name, value in item.items())


def _bytes(value: Mapping[str, Any]) -> int:
    ((kind, held),) = value.items()
    match kind:
        case "S":
            return len(held.encode())
        case "N":
            return len(held) // 2 + 2
        case "L":
            return 3 + sum(1 + _bytes(element) for element in held)
        case "M":
            return 3 + sum(1 + len(name.encode()) + _bytes(element) for name, element in held.items())
        case _:
            return 1
