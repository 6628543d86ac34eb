"""The `look` and `override` records of the state table: lease, epoch, look-again mark, memory, overrides."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from tandem.adapters import clients, lookrows
from tandem.adapters.overrides import override_of, pause_because
from tandem.adapters.tables import all_of, answered, condition_failed
from tandem.decoding import cut
from tandem.errors import LeaseLostError, StateUnavailableError, TemporaryError
from tandem.lease import LEASE, Lease
from tandem.memory import Memory, dump, load, not_after
from tandem.override import Override

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.type_defs import QueryOutputTypeDef

ATTEMPTS = 5
OVERRIDE_PAGES = 3
"""Of 1 MB each, some 4,000 overrides. Each may take 4 s (`clients.TABLE_SECONDS`) of a reading's 48."""

MARKS = 100
"""Signals added to a look-again mark at once; where so many are in it, the mark itself is enough."""


@dataclass(frozen=True, slots=True)
class LookStore:
    """One record per topology. Every write is conditional, so that one invocation at a time looks at it."""

    table: str
    kind: str = "look"
    """`look` for the looks at a topology, `provision` for the runs of the provisioner."""
    damaged: Callable[[str, str], object] = lambda _name, _why: None
    """Is told which override or look-again mark cannot be read, and why."""

    def acquire(
        self, topology: str, owner: str, now: datetime, signals: Sequence[Mapping[str, Any]] = ()
    ) -> tuple[Lease, Memory] | None:
        """The lease and the memory; None where another has it, which then has been told to look again.

        Raises StateUnavailableError; TemporaryError where others kept coming in between.
        """
        marks = list(signals) or [{}]
        for _ in range(ATTEMPTS):
            held = self._take(topology, owner, now)
            if isinstance(held, dict) and lookrows.may_be_taken(held, owner, now):
                held = self._take(topology, owner, now, held)
            elif isinstance(held, dict) and self._mark(topology, held["lease_until"], marks):
                return None
            if not isinstance(held, dict):
                return held
        raise TemporaryError(
            f"{topology}: others were quicker {ATTEMPTS} times, and the signal was not left with any of them"
        )

    def fence(self, lease: Lease, memory: Memory, now: datetime) -> Lease:
        """Proves the epoch and renews the lease in one write, with the moves that are about to begin.

        Raises LeaseLostError where another took over, StateUnavailableError.
        """
        until = now + LEASE
        self._held(
            lease,
            "SET lease_until = :until, memory = :memory",
            {":until": lookrows.ms(until), ":memory": {"S": dump(memory)}},
        )
        return replace(lease, until=until)

    def release(self, lease: Lease, memory: Memory) -> bool:
        """Lets go. False where somebody asked to look again meanwhile: then the lease is kept.

        Raises LeaseLostError, StateUnavailableError.
        """
        try:
            with suppress(_LetGoError):
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
        """Takes the look-again mark: the renewed lease and the signals in the mark.

        It is read before it is removed, so that no answer that is lost takes signals along. What comes in
        between stays in it, with the others.
        """
        until = now + LEASE
        values = {":until": lookrows.ms(until), ":memory": {"S": dump(memory)}}
        old = self._held(lease, "SET lease_until = :until, memory = :memory", values)
        mark = old.get("look_again")
        if mark is None:
            return replace(lease, until=until), ()
        with suppress(_MarkedError):
            self._held(lease, "REMOVE look_again", {":seen": mark}, "look_again = :seen")
        return replace(lease, until=until), self._marks(lease.topology, mark)

    def let_go(self, lease: Lease, memory: Memory) -> None:
        """Lets go whatever is marked; the caller asks the bus for a look."""
        with suppress(_LetGoError):
            self._held(
                lease,
                "SET memory = :memory REMOVE lease_until, lease_owner, look_again",
                {":memory": {"S": dump(memory)}},
            )

    def overrides(self, topology: str) -> tuple[Override, ...]:
        """What is laid over the topology and its groups. What cannot be read holds: whoever laid it over them
        meant it. Raises StateUnavailableError where not even the first page can be read.
        """
        found: list[Override] = []
        start: dict[str, Any] = {}
        for number in range(OVERRIDE_PAGES):
            try:
                page = answered(partial(self._overrides, topology, start))
            except StateUnavailableError as error:
                if not number:
                    raise
                return (*found, self._unread(topology, str(error)))
            for item in page["Items"]:
                name, _, group = item["id"]["S"].partition("#")
                if name == topology:
                    override, damage = override_of(item, group or None)
                    found.append(override)
                    if damage:
                        self.damaged(f"override {item['id']['S']}", damage)
            if "LastEvaluatedKey" not in page:
                return tuple(found)
            start = {"ExclusiveStartKey": page["LastEvaluatedKey"]}
        return (*found, self._unread(topology, f"there are more than {OVERRIDE_PAGES} pages of them"))

    def _overrides(self, topology: str, start: Mapping[str, Any]) -> QueryOutputTypeDef:
        """A page of exactly its own: no name has a character before the `#`, after which `$` is the next."""
        values = {":k": {"S": "override"}, ":t": {"S": topology}, ":next": {"S": f"{topology}$"}}
        return clients.dynamodb().query(
            TableName=self.table,
            KeyConditionExpression="kind = :k AND id BETWEEN :t AND :next",
            ExpressionAttributeValues=values,
            ConsistentRead=True,
            **start,
        )

    def _unread(self, topology: str, why: str) -> Override:
        words = f"a page of the override records of {topology} could not be read: {cut(why)}"
        self.damaged(f"override {topology}", words)
        return pause_because(words)

    def next_hops(self) -> dict[str, dict[str, tuple[str, ...]]]:
        """What the last look at each topology saw in the FIB: topology to tracked prefix to next hops."""
        items = all_of(clients.dynamodb(), self.table, "look")
        return {item["id"]["S"]: load(item.get("memory", {}).get("S"))[0].next_hops for item in items}

    def _key(self, topology: str) -> dict[str, Any]:
        return {"kind": {"S": self.kind}, "id": {"S": topology}}

    def _take(
        self, topology: str, owner: str, now: datetime, held: Mapping[str, Any] | None = None
    ) -> tuple[Lease, Memory] | dict[str, Any]:
        """The lease and the memory; the record as it is where a lease is on it that is not `held`."""
        until = now + LEASE
        condition, values = lookrows.still(held)
        mine = {":owner": {"S": owner}, ":until": lookrows.ms(until)}
        try:
            item, repaired = self._counted(topology, condition, values, mine, now, is_known=held is not None)
        except ClientError as error:
            if condition_failed(error):
                return lookrows.shown(error)
            raise
        epoch, wrong = int(item["epoch"]["N"]), [lookrows.lease_damage(held, now) if held else None, repaired]
        memory = Memory()
        if "memory" in item:
            memory, damage = load(item["memory"].get("S", ""))
            memory, ahead = not_after(memory, now)
            wrong += [damage, ahead]
        elif held is None and epoch > 1:
            wrong.append("its memory is missing; it starts empty")
        words = "; ".join(why for why in wrong if why)
        repaired = f"the {self.kind} record was damaged: {words}" if words else None
        return Lease(topology, owner, epoch, until, held is not None, repaired), memory

    def _counted(
        self,
        topology: str,
        condition: str,
        values: dict[str, Any],
        mine: dict[str, Any],
        now: datetime,
        *,
        is_known: bool,
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
            epoch = lookrows.epoch(item, now)
            is_new = epoch == 1 and (is_known or "memory" in item)
            if epoch is not None and not is_new:
                return item, None
            condition, values = "lease_owner = :owner AND lease_until = :until", {}
        item = self._update(
            topology, "epoch = :epoch", condition, mine | values | {":epoch": lookrows.ms(now)}
        )
        return item, "its epoch was damaged; it goes on from the time of day"

    def _update(self, topology: str, epoch: str, condition: str, values: dict[str, Any]) -> dict[str, Any]:
        return dict(
            answered(
                lambda: clients.dynamodb().update_item(
                    TableName=self.table,
                    Key=self._key(topology),
                    UpdateExpression=f"SET {epoch}, lease_owner = :owner, lease_until = :until",
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
                self._mark_is_damaged(topology)
        except ClientError as error:
            if not condition_failed(error):
                raise
            return lookrows.shown(error).get("lease_until") == lease_until
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
            shown = lookrows.shown(error)
            is_epoch = shown.get("epoch", {}).get("N") == str(lease.epoch)
            if is_epoch and shown.get("lease_owner") == {"S": lease.owner}:
                raise _MarkedError from error
            if is_epoch and "lease_owner" not in shown:
                raise _LetGoError(f"{lease.topology}: epoch {lease.epoch} was let go") from error
            raise LeaseLostError(
                f"{lease.topology}: epoch {lease.epoch} is over; another look took the lease"
            ) from error

    def _marks(self, topology: str, mark: Mapping[str, Any]) -> tuple[Mapping[str, Any], ...]:
        """The signals in a look-again mark; one that is damaged is empty, and still a reason to look."""
        signals = [lookrows.signal(entry) for entry in mark.get("L", ())]
        if "L" not in mark or None in signals:
            self._mark_is_damaged(topology)
        return tuple(signal or {} for signal in signals)

    def _mark_is_damaged(self, topology: str) -> None:
        words = "the look-again mark was damaged; that it was there is a reason to look"
        self.damaged(f"{self.kind} {topology}", words)


class _MarkedError(Exception):
    """The lease is held; it is the look-again mark that is not as it should be."""


class _LetGoError(LeaseLostError):
    """The lease was let go under this epoch: by a call whose answer was lost."""
