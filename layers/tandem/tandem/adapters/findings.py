"""The `finding` records of the state table: what compliance runs remember of each topology."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from botocore.exceptions import ClientError

from tandem.adapters import clients
from tandem.adapters.tables import condition_failed, with_second_try
from tandem.compliance.tracking import Kept, Tracked, dump_tracked, load_tracked
from tandem.state.decoding import Damaged, number, read, text

_KIND = "finding"


@dataclass(frozen=True, slots=True)
class FindingStore:
    """One record a topology. Two runs may meet: the one that writes second changes nothing."""

    table: str

    def get(self, topology: str, now: datetime) -> Kept:
        """Raises StateUnavailableError. A damaged record starts empty, and says so."""
        kept = self._read(topology)
        return replace(kept, tracked=kept.tracked.not_after(now))

    def _read(self, topology: str) -> Kept:
        key = {"kind": {"S": _KIND}, "id": {"S": topology}}
        item = with_second_try(
            lambda: clients.dynamodb().get_item(TableName=self.table, Key=key, ConsistentRead=True)
        ).get("Item")
        if item is None:
            return Kept(Tracked())
        revision = read(lambda: number(item, "revision"))
        source = read(lambda: text(item, "tracked"))
        if isinstance(revision, Damaged):
            return Kept(Tracked(), 0, revision.why)
        if isinstance(source, Damaged):
            return Kept(Tracked(), revision, source.why)
        tracked, damage = load_tracked(source)
        return Kept(tracked, revision, damage)

    def put(self, topology: str, kept: Kept, tracked: Tracked) -> Kept | None:
        """Returns the record as it is now; None where another run wrote meanwhile.

        Raises StateUnavailableError.
        """
        written = Kept(tracked, kept.revision + 1)
        values = {
            ":t": {"S": dump_tracked(tracked)},
            ":new": {"N": str(kept.revision + 1)},
            ":old": {"N": str(kept.revision)},
        }
        # a record whose revision cannot be read is replaced: nobody can have written it meanwhile
        condition = "attribute_not_exists(revision) OR NOT attribute_type(revision, :n) OR revision = :old"
        try:
            with_second_try(
                lambda: clients.dynamodb().update_item(
                    TableName=self.table,
                    Key={"kind": {"S": _KIND}, "id": {"S": topology}},
                    UpdateExpression="SET tracked = :t, revision = :new",
                    ConditionExpression=condition,
                    ExpressionAttributeValues={**values, ":n": {"S": "N"}},
                )
            )
        except ClientError as error:
            if not condition_failed(error):
                raise
            # a write that was with_second_try too late is tried a second time, and then meets itself
            now = self._read(topology)
            return written if now == written else None
        return written
