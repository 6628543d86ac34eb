"""The `topology` records of the state table. The failover path reads them: nothing heavy is imported here."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar, cast

from botocore.exceptions import ClientError

from tandem.adapters.leaserows import ms
from tandem.adapters.tables import all_of, condition_failed, with_second_try
from tandem.errors import ConfigurationError, TemporaryError
from tandem.state.decoding import (
    Damaged,
    fitted,
    flag,
    json_of,
    ms_time,
    number,
    partly,
    read,
    text,
    written,
)
from tandem.state.record import ANEW, Provisioned, TopologyRecord
from tandem.topology.document import Topology, parse_topology, resolved

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_T = TypeVar("_T")

_KIND = "topology"


class DamagedTopologyError(ConfigurationError):
    """A stored topology cannot be read; the others are not affected."""

    def __init__(self, words: str, sound: TopologyRecord | None = None) -> None:
        super().__init__(words)
        self.sound = sound
        """What failover goes on by, where the document is sound: nobody else may."""


class ChangedMeanwhileError(TemporaryError):
    """Somebody else changed the record since it was read; nothing was written."""


@dataclass(frozen=True, slots=True)
class Stored:
    """Holds every stored topology that can be read, and what is wrong with the others, by name."""

    records: tuple[TopologyRecord, ...]
    damaged: dict[str, str]
    sound: tuple[TopologyRecord, ...] = ()
    """Of the damaged ones those whose document can be read."""

    @property
    def reported(self) -> dict[str, str]:
        """Returns what is wrong with the damaged ones, and with those that a run can go by all the same."""
        return self.damaged | {r.topology.name: r.repaired for r in self.records if r.repaired}

    @property
    def looked_at(self) -> tuple[TopologyRecord, ...]:
        """Returns what failover uses. What changes or deletes anything uses `records` alone."""
        return (*self.records, *self.sound)

    def of(self, name: str) -> TopologyRecord | None:
        return next((record for record in self.records if record.topology.name == name), None)


class TopologyStore:
    """Holds one record per topology. Every write is conditional on what its writer has seen."""

    def __init__(self, client: DynamoDBClient, table: str) -> None:
        self._client = client
        self._table = table

    def list(self) -> Stored:
        """Returns all of them, as they are now. Raises StateUnavailableError."""
        items = all_of(self._client, self._table, _KIND)
        return _sorted({item["id"]["S"]: partial(_record, item) for item in items})

    def some(self, names: Iterable[str]) -> Stored:
        """Returns those of the names that are stored, as they are now. Raises StateUnavailableError."""
        return _sorted({name: partial(self.get, name) for name in names})

    def get(self, name: str) -> TopologyRecord | None:
        """Returns the topology as it is now; None where there is none.

        Raises DamagedTopologyError, StateUnavailableError.
        """
        found = with_second_try(
            lambda: self._client.get_item(TableName=self._table, Key=_key(name), ConsistentRead=True)
        )
        return _record(found["Item"]) if "Item" in found else None

    def sound(self, name: str) -> TopologyRecord | None:
        """The topology as it is now, as failover goes by it: only its document has to be sound.

        Raises DamagedTopologyError, StateUnavailableError.
        """
        try:
            return self.get(name)
        except DamagedTopologyError as error:
            if error.sound is None:
                raise
            return error.sound

    def put(
        self,
        topology: Topology,
        door: str,
        seen: TopologyRecord | None,
        *,
        allow_interruption: bool = False,
        stored_at: datetime | None = None,
    ) -> TopologyRecord:
        """Stores the document as the version after the one that was seen; what was provisioned stays, and
        the time of the mode unless that is another one.

        Raises ChangedMeanwhileError, StateUnavailableError.
        """
        version = 1 if seen is None else seen.version + 1
        values: dict[str, Any] = {
            ":document": _json(topology.document),
            ":door": {"S": door},
            ":version": _number(version),
            ":interruption": {"BOOL": allow_interruption},
        }
        condition = "attribute_not_exists(id)"
        if seen is not None:
            condition, values[":seen"] = "version = :seen", _number(seen.version)
        update = "SET document = :document, door = :door, version = :version, interruption = :interruption"
        mode_since = seen.mode_since if seen else None
        if stored_at is not None and (seen is None or seen.topology.mode is not topology.mode):
            mode_since, values[":since"] = stored_at, ms(stored_at)
            update += ", mode_since = :since"
        self._update(topology.name, update, condition, values)
        stored = parse_topology(topology.document, version=version)
        before = TopologyRecord(stored, version, door) if seen is None else seen
        made = before.provisioned.route_server_id if before.provisioned else None
        return replace(
            before,
            topology=resolved(stored, made),
            version=version,
            door=door,
            allow_interruption=allow_interruption,
            mode_since=mode_since,
        )

    def replace_damaged(self, topology: Topology, door: str) -> TopologyRecord:
        """Puts the topology in the place of a record that cannot be read. Raises StateUnavailableError."""
        item = {"document": _json(topology.document), "door": {"S": door}, "version": _number(1)}
        with_second_try(lambda: self._client.put_item(TableName=self._table, Item=_key(topology.name) | item))
        return TopologyRecord(parse_topology(topology.document, version=1), 1, door)

    def set_provisioned(self, record: TopologyRecord, provisioned: Provisioned) -> TopologyRecord:
        """Replaces what was provisioned, whatever happened to the document meanwhile.

        Raises ChangedMeanwhileError where another run wrote it or it is gone, StateUnavailableError.
        """
        values = {":new": _json(asdict(provisioned)), ":revision": _number(record.revision + 1)}
        condition = "attribute_exists(id) AND attribute_not_exists(revision)"
        if record.revision:
            condition, values[":seen"] = "revision = :seen", _number(record.revision)
        update = "SET provisioned = :new, revision = :revision"
        self._update(record.topology.name, update, condition, values)
        return replace(record, provisioned=provisioned, revision=record.revision + 1, repaired=None)

    def delete(self, record: TopologyRecord) -> None:
        """Forgets the topology. Raises ChangedMeanwhileError, StateUnavailableError."""
        name, values = record.topology.name, {":seen": _number(record.version)}
        condition = "version = :seen AND attribute_not_exists(revision)"
        if record.revision:
            values[":revision"] = _number(record.revision)
            condition = "version = :seen AND revision = :revision"
        try:
            with_second_try(
                lambda: self._client.delete_item(
                    TableName=self._table,
                    Key=_key(name),
                    ConditionExpression=condition,
                    ExpressionAttributeValues=values,
                )
            )
        except ClientError as error:
            _refused(error, name)

    def _update(self, name: str, update: str, condition: str, values: Mapping[str, Any]) -> None:
        try:
            with_second_try(
                lambda: self._client.update_item(
                    TableName=self._table,
                    Key=_key(name),
                    UpdateExpression=update,
                    ConditionExpression=condition,
                    ExpressionAttributeValues=values,
                )
            )
        except ClientError as error:
            _refused(error, name)


def _sorted(reads: Mapping[str, Callable[[], TopologyRecord | None]]) -> Stored:
    """Returns what can be read, and what is wrong with the others, by name."""
    records: list[TopologyRecord] = []
    damaged: dict[str, str] = {}
    sound: list[TopologyRecord] = []
    for name, reading in reads.items():
        try:
            found = reading()
        except DamagedTopologyError as error:
            damaged[name] = str(error)
            sound += [error.sound] if error.sound else []
        else:
            records += [found] if found else []
    return Stored(tuple(records), damaged, tuple(sound))


def _refused(error: ClientError, name: str) -> NoReturn:
    if condition_failed(error):
        raise ChangedMeanwhileError(f"topology {name} was changed by somebody else meanwhile") from error
    raise error


def _key(name: str) -> dict[str, Any]:
    return {"kind": {"S": _KIND}, "id": {"S": name}}


def _number(value: int) -> dict[str, str]:
    return {"N": str(value)}


def _json(value: object) -> dict[str, str]:
    return {"S": written(value)}


def _record(item: Mapping[str, Any]) -> TopologyRecord:
    """Raises DamagedTopologyError."""
    name, wrong = item["id"]["S"], []

    def known(reader: Callable[[], _T], otherwise: _T) -> _T:
        found = read(reader)
        if isinstance(found, Damaged):
            wrong.append(found.why)
            return otherwise
        return found

    topology = read(lambda: _topology(item, name))
    if isinstance(topology, Damaged):
        raise DamagedTopologyError(_damaged(name, topology.why))
    stored = known(lambda: dict(json_of(item, "provisioned")) if "provisioned" in item else None, None)
    found, unread = _provisioned(stored)
    version = known(lambda: number(item, "version"), 1)
    record = TopologyRecord(
        resolved(replace(topology, version=version), found.route_server_id if found else None),
        version,
        door=known(lambda: text(item, "door"), "unknown"),
        provisioned=found,
        allow_interruption=known(lambda: flag(item, "interruption"), False),
        revision=known(lambda: number(item, "revision") if "revision" in item else 0, 0),
        mode_since=_mode_since(item),
    )
    wrong += [why for member, why in unread.items() if member not in ANEW]
    if wrong:
        raise DamagedTopologyError(_damaged(name, "; ".join(wrong)), record)
    words = f"the stored topology {name} was damaged ({'; '.join(unread.values())}); these times start again"
    return replace(record, repaired=words) if unread else record


def _mode_since(item: Mapping[str, Any]) -> datetime | None:
    """One that cannot be read counts as none: nothing but compliance asks for it."""
    found = read(lambda: ms_time(item, "mode_since"))
    return None if isinstance(found, Damaged) else found


def _topology(item: Mapping[str, Any], name: str) -> Topology:
    topology = parse_topology(json_of(item, "document"))
    if topology.name != name:
        raise ValueError(f"its document belongs to the topology {topology.name}")
    return cast(Topology, fitted(Topology, topology, "document"))


def _damaged(name: str, why: str) -> str:
    return f"the stored topology {name} is damaged ({why}); apply it again with --take-over"


def _provisioned(stored: dict[str, Any] | None) -> tuple[Provisioned | None, dict[str, str]]:
    """Returns what can be read of it, if that says which route server it is; and why the rest cannot."""
    values, wrong = ({}, {}) if stored is None else partly(Provisioned, stored, "provisioned")
    return (Provisioned(**values) if "route_server_id" in values else None), wrong
