"""The `look` and `override` records of the state table: lease, epoch, look-again mark, memory, overrides."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, cast

from botocore.exceptions import ClientError

from tandem.adapters import clients
from tandem.adapters.overrides import override_of
from tandem.adapters.tables import answered, condition_failed
from tandem.errors import LeaseLostError
from tandem.lease import LEASE, Lease, is_over
from tandem.memory import Memory, dump, load
from tandem.override import Override

ATTEMPTS = 5
MARKS = 100
"""Signals added to a look-again mark at once; where so many are in it, the mark itself is enough."""


@dataclass(frozen=True, slots=True)
class LookStore:
    """One record per topology. Every write is conditional, so that one invocation at a time looks at it."""

    table: str
    kind: str = "look"
    """`look` for the looks at a topology, `provision` for the runs of the provisioner."""
    damaged: Callable[[str, str], object] = lambda _name, _why: None
    """Is told which override cannot be read, and why."""

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
        """What is laid over the topology and its groups. A damaged pin is none; a damaged pause still holds:
        whoever pulled the brake meant it."""
        page = answered(
            lambda: clients.dynamodb().query(
                TableName=self.table,
                KeyConditionExpression="kind = :k AND begins_with(id, :t)",
                ExpressionAttributeValues={":k": {"S": "override"}, ":t": {"S": topology}},
                ConsistentRead=True,
            )
        )
        found: list[Override] = []
        for item in page["Items"]:
            name, _, group = item["id"]["S"].partition("#")
            if name == topology:
                override, damage = override_of(item, group or None)
                found += [override] if override else []
                if damage:
                    self.damaged(item["id"]["S"], damage)
        return tuple(found)

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
        mine = {":owner": {"S": owner}, ":until": _ms(until)}
        try:
            item, repaired = self._counted(topology, condition, values, mine, now)
        except ClientError as error:
            if condition_failed(error):
                return _shown(error)
            raise
        memory, damage = load(item.get("memory", {}).get("S") if "memory" in item else None)
        epoch = int(item["epoch"]["N"])
        return Lease(topology, owner, epoch, until, repaired=repaired or damage), memory

    def _counted(
        self, topology: str, condition: str, values: dict[str, Any], mine: dict[str, Any], now: datetime
    ) -> tuple[dict[str, Any], str | None]:
        """The record with its lease taken and its epoch counted, and what was repaired for that.

        Raises ClientError where the condition does not hold.
        """
        counted = "epoch = if_not_exists(epoch, :zero) + :one"
        one = {":zero": {"N": "0"}, ":one": {"N": "1"}}
        try:
            item = self._update(topology, counted, condition, mine | values | one)
        except ClientError as error:
            if condition_failed(error):
                raise
        else:
            if item["epoch"]["N"].lstrip("-").isdecimal():
                return item, None
            condition, values = "lease_owner = :owner AND lease_until = :until", {}
        item = self._update(topology, "epoch = :epoch", condition, mine | values | {":epoch": _ms(now)})
        return item, "the epoch was damaged; it goes on from the time of day"

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
        """Adds to the look-again mark while the lease that was seen is still held. A full one says enough."""
        values = {":added": {"L": [{"S": json.dumps(mark)} for mark in marks[:MARKS]]}, ":seen": lease_until}
        append = "list_append(if_not_exists(look_again, :none), :added)"
        has_room = " AND (attribute_not_exists(look_again) OR size(look_again) < :most)"
        more = {":none": {"L": []}, ":most": {"N": str(MARKS)}}
        try:
            try:
                self._set_mark(topology, append, has_room, values | more)
            except ClientError as error:
                if condition_failed(error):
                    raise
                self._set_mark(topology, ":added", "", values)  # what was there is no list
        except ClientError as error:
            if not condition_failed(error):
                raise
            return _shown(error).get("lease_until") == lease_until
        return True

    def _set_mark(self, topology: str, mark: str, condition: str, values: dict[str, Any]) -> None:
        answered(
            lambda: clients.dynamodb().update_item(
                TableName=self.table,
                Key=self._key(topology),
                UpdateExpression=f"SET look_again = {mark}",
                ConditionExpression=f"lease_until = :seen{condition}",
                ExpressionAttributeValues=values,
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            )
        )

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
    """The signals in a look-again mark; one that is damaged is empty, and still a reason to look."""
    return tuple(_signal(entry.get("S", "")) for entry in record.get("look_again", {}).get("L", ()))


def _signal(text: str) -> Mapping[str, Any]:
    try:
        signal = json.loads(text)
    except ValueError:
        return {}
    return signal if isinstance(signal, dict) else {}
