"""The lease on a topology: its owner, its end, its epoch, and the mark of those who came meanwhile.

What whoever has the lease remembers for the next one is written with it, in the same call.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from botocore.exceptions import ClientError

from tandem.adapters import clients, leaserows
from tandem.adapters.tables import condition_failed, with_second_try
from tandem.errors import LeaseLostError, TemporaryError
from tandem.state.lease import LEASE, Lease

ATTEMPTS = 5
KEPT = "memory"
"""The attribute of what is kept with the lease."""

MARKS = 100
"""Signals added to a look-again mark at once; where so many are in it, the mark itself is enough."""


@dataclass(frozen=True, slots=True)
class LeaseStore:
    """Holds one record per topology. Every write is conditional, so that one invocation at a time has the
    lease.
    """

    table: str
    kind: str
    """`look` for the looks at a topology, `provision` for the runs of the provisioner."""
    damaged: Callable[[str, str], object] = lambda _name, _why: None
    """Is called with the look-again mark that cannot be read, and why."""

    def acquire(
        self, topology: str, owner: str, now: datetime, signals: Sequence[Mapping[str, Any]] = ()
    ) -> tuple[Lease, str | None] | None:
        """Returns the lease and what was kept with it; None if another has it, which then looks again.

        Raises StateUnavailableError; TemporaryError where others kept coming in between.
        """
        marks = list(signals) or [{}]
        for _ in range(ATTEMPTS):
            held = self._take(topology, owner, now)
            if isinstance(held, dict) and leaserows.may_be_taken(held, owner, now):
                held = self._take(topology, owner, now, held)
            elif isinstance(held, dict) and self._mark(topology, held["lease_until"], marks):
                return None
            if not isinstance(held, dict):
                return held
        raise TemporaryError(
            f"{topology}: others were quicker {ATTEMPTS} times, and the signal was not left with any of them"
        )

    def fence(self, lease: Lease, now: datetime, kept: str | None = None) -> Lease:
        """Proves the epoch, renews the lease and keeps a text with it, in one write.

        Raises LeaseLostError where another took over, StateUnavailableError.
        """
        until = now + LEASE
        self._held(
            lease,
            f"SET lease_until = :until{_also(kept)}",
            {":until": leaserows.ms(until), **_values(kept)},
        )
        return replace(lease, until=until)

    def release(self, lease: Lease, kept: str | None = None) -> bool:
        """Releases the lease. False if somebody asked to look again meanwhile: then the lease is kept.

        Raises LeaseLostError, StateUnavailableError.
        """
        try:
            with suppress(_LetGoError):
                self._held(
                    lease,
                    f"{_set(kept)}REMOVE lease_until, lease_owner",
                    _values(kept),
                    "attribute_not_exists(look_again)",
                )
        except _MarkedError:
            return False
        return True

    def again(
        self, lease: Lease, now: datetime, kept: str | None = None
    ) -> tuple[Lease, tuple[Mapping[str, Any], ...]]:
        """Takes the look-again mark: the renewed lease and the signals in the mark.

        It is read before it is removed, so that no answer that is lost takes signals along. What comes in
        between stays in it, with the others.
        """
        until = now + LEASE
        values = {":until": leaserows.ms(until), **_values(kept)}
        old = self._held(lease, f"SET lease_until = :until{_also(kept)}", values)
        mark = old.get("look_again")
        if mark is None:
            return replace(lease, until=until), ()
        with suppress(_MarkedError):
            self._held(lease, "REMOVE look_again", {":seen": mark}, "look_again = :seen")
        return replace(lease, until=until), self._marks(lease.topology, mark)

    def let_go(self, lease: Lease, kept: str | None = None) -> None:
        """Releases the lease whatever is marked; the caller asks the bus for a look."""
        with suppress(_LetGoError):
            self._held(
                lease,
                f"{_set(kept)}REMOVE lease_until, lease_owner, look_again",
                _values(kept),
            )

    def _key(self, topology: str) -> dict[str, Any]:
        return {"kind": {"S": self.kind}, "id": {"S": topology}}

    def _take(
        self, topology: str, owner: str, now: datetime, held: Mapping[str, Any] | None = None
    ) -> tuple[Lease, str | None] | dict[str, Any]:
        """Returns the lease and what was kept with it; the record if another lease than `held` is on it."""
        until = now + LEASE
        condition, values = leaserows.still(held)
        mine = {":owner": {"S": owner}, ":until": leaserows.ms(until)}
        try:
            item, repaired = self._counted(topology, condition, values, mine, now, is_known=held is not None)
        except ClientError as error:
            if condition_failed(error):
                return leaserows.record_in(error)
            raise
        wrong = (leaserows.lease_damage(held, now) if held else None, repaired)
        damage = tuple(why for why in wrong if why)
        kept = item[KEPT].get("S", "") if KEPT in item else None
        return Lease(topology, owner, int(item["epoch"]["N"]), until, held is not None, damage), kept

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
        """Returns the record with its lease taken and its epoch counted, and what was repaired for that.

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
            epoch = leaserows.epoch(item, now)
            is_new = epoch == 1 and (is_known or KEPT in item)
            if epoch is not None and not is_new:
                return item, None
            condition, values = "lease_owner = :owner AND lease_until = :until", {}
        item = self._update(
            topology, "epoch = :epoch", condition, mine | values | {":epoch": leaserows.ms(now)}
        )
        return item, "its epoch was damaged; it goes on from the time of day"

    def _update(self, topology: str, epoch: str, condition: str, values: dict[str, Any]) -> dict[str, Any]:
        return dict(
            with_second_try(
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
            return leaserows.record_in(error).get("lease_until") == lease_until
        return True

    def _set_mark(self, topology: str, mark: str, condition: str, values: dict[str, Any]) -> None:
        with_second_try(
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
        """Makes one update under the lease. Returns the record as it was before. Raises LeaseLostError,
        _MarkedError.
        """
        condition = "epoch = :epoch AND lease_owner = :owner"
        try:
            return dict(
                with_second_try(
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
            shown = leaserows.record_in(error)
            is_epoch = shown.get("epoch", {}).get("N") == str(lease.epoch)
            if is_epoch and shown.get("lease_owner") == {"S": lease.owner}:
                raise _MarkedError from error
            if is_epoch and "lease_owner" not in shown:
                raise _LetGoError(f"{lease.topology}: epoch {lease.epoch} was let go") from error
            raise LeaseLostError(
                f"{lease.topology}: epoch {lease.epoch} is over; another look took the lease"
            ) from error

    def _marks(self, topology: str, mark: Mapping[str, Any]) -> tuple[Mapping[str, Any], ...]:
        """Returns the signals in a look-again mark; one that is damaged is empty, and still a reason to
        look.
        """
        signals = [leaserows.signal(entry) for entry in mark.get("L", ())]
        if "L" not in mark or None in signals:
            self._mark_is_damaged(topology)
        return tuple(signal or {} for signal in signals)

    def _mark_is_damaged(self, topology: str) -> None:
        words = "the look-again mark was damaged; that it was there is a reason to look"
        self.damaged(f"{self.kind} {topology}", words)


def _also(kept: str | None) -> str:
    return "" if kept is None else f", {KEPT} = :kept"


def _set(kept: str | None) -> str:
    return "" if kept is None else f"SET {KEPT} = :kept "


def _values(kept: str | None) -> dict[str, Any]:
    return {} if kept is None else {":kept": {"S": kept}}


class _MarkedError(Exception):
    """The lease is held; it is the look-again mark that is not as it should be."""


class _LetGoError(LeaseLostError):
    """The lease was let go under this epoch: by a call whose answer was lost."""
