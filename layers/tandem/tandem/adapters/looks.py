"""The `look` and `override` records of the state table: lease, epoch, look-again mark, memory, overrides."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, cast

from botocore.exceptions import ClientError

from tandem.adapters import clients
from tandem.adapters.tables import answered, condition_failed
from tandem.errors import LeaseLostError
from tandem.lease import LEASE, Lease, is_over
from tandem.memory import Memory, dump, load
from tandem.override import Override, OverrideKind

ATTEMPTS = 5
MARKS = 100
"""Signals kept in a look-again mark; past that the mark itself is enough."""


@dataclass(frozen=True, slots=True)
class LookStore:
    """One record per topology. Every write is conditional, so that one invocation at a time looks at it."""

    table: str
    kind: str = "look"
    """`look` for the looks at a topology, `provision` for the runs of the provisioner."""

    def acquire(
        self, topology: str, owner: str, now: datetime, signals: Sequence[Mapping[str, Any]] = ()
    ) -> tuple[Lease, Memory] | None:
        """The lease and the memory; None where another has it, which then has been told to look again.

        Raises StateUnavailableError.
        """
        marks = list(signals) or [{}]
        for _ in range(ATTEMPTS):
            held = self._take(topology, owner, now, "attribute_not_exists(lease_until)", {})
            if not isinstance(held, dict):
                return held
            if held.get("lease_owner", {}).get("S") == owner or _is_free(held, now):
                taken = self._take(
                    topology, owner, now, "lease_until = :seen", {":seen": held["lease_until"]}
                )
                if not isinstance(taken, dict):
                    lease, memory = taken
                    return replace(lease, taken_over=True), memory
            elif self._mark(topology, held["lease_until"], marks):
                return None
        return None

    def fence(self, lease: Lease, memory: Memory, now: datetime) -> Lease:
        """Proves the epoch and renews the lease in one write, with the moves that are about to begin.

        Raises LeaseLostError where another took over, StateUnavailableError.
        """
        until = now + LEASE
        self._held(
            lease,
            "SET lease_until = :until, memory = :memory",
            {":until": _ms(until), ":memory": {"S": dump(memory)}},
        )
        return replace(lease, until=until)

    def release(self, lease: Lease, memory: Memory) -> bool:
        """Lets go. False where somebody asked to look again meanwhile: then the lease is kept.

        Raises LeaseLostError, StateUnavailableError.
        """
        try:
            self._held(
                lease,
                "SET memory = :memory REMOVE lease_until, lease_owner",
                {":memory": {"S": dump(memory)}},
                "attribute_not_exists(look_again)",
            )
        except _MarkedError:
            return False
        return True

    def again(
        self, lease: Lease, memory: Memory, now: datetime
    ) -> tuple[Lease, tuple[Mapping[str, Any], ...]]:
        """Takes the look-again mark: the renewed lease and the signals in the mark."""
        until = now + LEASE
        old = self._held(
            lease,
            "SET lease_until = :until, memory = :memory REMOVE look_again",
            {":until": _ms(until), ":memory": {"S": dump(memory)}},
        )
        return replace(lease, until=until), _marks(old)

    def let_go(self, lease: Lease, memory: Memory) -> None:
        """Lets go whatever is marked; the caller asks the bus for a look."""
        self._held(
            lease,
            "SET memory = :memory REMOVE lease_until, lease_owner, look_again",
            {":memory": {"S": dump(memory)}},
        )

    def overrides(self, topology: str) -> tuple[Override, ...]:
        """What is laid over the topology and its groups. A damaged override is none: failover goes on."""
        page = answered(
            lambda: clients.dynamodb().query(
                TableName=self.table,
                KeyConditionExpression="kind = :k AND begins_with(id, :t)",
                ExpressionAttributeValues={":k": {"S": "override"}, ":t": {"S": topology}},
                ConsistentRead=True,
            )
        )
        found = (_override(item, topology) for item in page["Items"])
        return tuple(override for override in found if override is not None)

    def next_hops(self) -> dict[str, dict[str, tuple[str, ...]]]:
        """What the last look at each topology saw in the FIB: topology to tracked prefix to next hops."""
        pages = (
            clients.dynamodb()
            .get_paginator("query")
            .paginate(
                TableName=self.table,
                KeyConditionExpression="kind = :k",
                ExpressionAttributeValues={":k": {"S": "look"}},
                ConsistentRead=True,
            )
        )
        items = answered(lambda: [item for page in pages for item in page["Items"]])
        return {item["id"]["S"]: load(item.get("memory", {}).get("S"))[0].next_hops for item in items}

    def _key(self, topology: str) -> dict[str, Any]:
        return {"kind": {"S": self.kind}, "id": {"S": topology}}

    def _take(
        self, topology: str, owner: str, now: datetime, condition: str, values: dict[str, Any]
    ) -> tuple[Lease, Memory] | dict[str, Any]:
        """The lease and the memory, or the record as it is where the condition does not hold."""
        until = now + LEASE
        values = {":owner": {"S": owner}, ":until": _ms(until), **values}
        counted = "epoch = if_not_exists(epoch, :zero) + :one"
        try:
            item = self._update(
                topology, counted, condition, values | {":zero": {"N": "0"}, ":one": {"N": "1"}}
            )
            repaired = None
        except ClientError as error:
            if condition_failed(error):
                return _shown(error)
            restarted = values | {":epoch": _ms(now)}
            item = self._update(topology, "epoch = :epoch", condition, restarted)
            repaired = "the epoch was damaged; it goes on from the time of day"
        memory, damage = load(item.get("memory", {}).get("S") if "memory" in item else None)
        epoch = int(item["epoch"]["N"])
        return Lease(topology, owner, epoch, until, repaired=repaired or damage), memory

    def _update(self, topology: str, epoch: str, condition: str, values: dict[str, Any]) -> dict[str, Any]:
        return dict(
            answered(
                lambda: clients.dynamodb().update_item(
                    TableName=self.table,
                    Key=self._key(topology),
                    UpdateExpression=(
                        f"SET {epoch}, lease_owner = :owner, lease_until = :until REMOVE look_again"
                    ),
                    ConditionExpression=condition,
                    ExpressionAttributeValues=values,
                    ReturnValues="ALL_NEW",
                    ReturnValuesOnConditionCheckFailure="ALL_OLD",
                )
            )["Attributes"]
        )

    def _mark(self, topology: str, lease_until: Mapping[str, Any], marks: list[Mapping[str, Any]]) -> bool:
        """Adds to the look-again mark while the lease that was seen is still held."""
        added = {"L": [{"S": json.dumps(mark)} for mark in marks[:MARKS]]}
        try:
            answered(
                lambda: clients.dynamodb().update_item(
                    TableName=self.table,
                    Key=self._key(topology),
                    UpdateExpression="SET look_again = list_append(if_not_exists(look_again, :none), :added)",
                    ConditionExpression="lease_until = :seen",
                    ExpressionAttributeValues={":none": {"L": []}, ":added": added, ":seen": lease_until},
                )
            )
        except ClientError as error:
            if condition_failed(error):
                return False
            raise
        return True

    def _held(
        self, lease: Lease, update: str, values: dict[str, Any], also: str | None = None
    ) -> dict[str, Any]:
        """One update under the lease; the record as it was before. Raises LeaseLostError, _MarkedError."""
        condition = "epoch = :epoch AND lease_owner = :owner"
        try:
            return dict(
                answered(
                    lambda: clients.dynamodb().update_item(
                        TableName=self.table,
                        Key=self._key(lease.topology),
                        UpdateExpression=update,
                        ConditionExpression=f"{condition} AND {also}" if also else condition,
                        ExpressionAttributeValues={
                            ":epoch": {"N": str(lease.epoch)},
                            ":owner": {"S": lease.owner},
                            **values,
                        },
                        ReturnValues="ALL_OLD",
                        ReturnValuesOnConditionCheckFailure="ALL_OLD",
                    )
                ).get("Attributes", {})
            )
        except ClientError as error:
            if not condition_failed(error):
                raise
            shown = _shown(error)
            if shown.get("epoch", {}).get("N") == str(lease.epoch) and "look_again" in shown:
                raise _MarkedError from error
            raise LeaseLostError(
                f"{lease.topology}: epoch {lease.epoch} is over; another look took the lease"
            ) from error


class _MarkedError(Exception):
    """The condition failed because the look-again mark is set."""


def _shown(error: ClientError) -> dict[str, Any]:
    """The record that a failed condition brought along (ReturnValuesOnConditionCheckFailure, facts §9)."""
    return dict(cast(Mapping[str, Any], error.response).get("Item", {}))


def _ms(moment: datetime) -> dict[str, str]:
    return {"N": str(int(moment.timestamp() * 1000))}


def _is_free(record: Mapping[str, Any], now: datetime) -> bool:
    """Whether a lease ended, clocks being up to 5 s apart; a damaged one never began."""
    number = record.get("lease_until", {}).get("N")
    if number is None:
        return "lease_until" in record
    try:
        return is_over(datetime.fromtimestamp(float(number) / 1000, UTC), now)
    except (OverflowError, ValueError, OSError):
        return True


def _marks(record: Mapping[str, Any]) -> tuple[Mapping[str, Any], ...]:
    texts = [entry.get("S", "{}") for entry in record.get("look_again", {}).get("L", ())]
    return tuple(json.loads(text) for text in texts)


def _override(item: Mapping[str, Any], topology: str) -> Override | None:
    name, _, group = item["id"]["S"].partition("#")
    if name != topology:
        return None
    try:
        return Override(
            kind=OverrideKind(item["action"]["S"]),
            who=item["who"]["S"],
            why=item["why"]["S"],
            until=datetime.fromisoformat(item["until"]["S"]),
            group=group or None,
            appliance=item.get("appliance", {}).get("S"),
            forced=item.get("forced", {}).get("BOOL", False),
        )
    except (KeyError, ValueError):
        return None
