"""The `override` records of the state table, as operators write them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from tandem.adapters import clients
from tandem.adapters.tables import with_second_try
from tandem.errors import StateUnavailableError
from tandem.state.decoding import Damaged, cut, flag, read, text, utc
from tandem.state.override import FOREVER, Override, OverrideKind

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.type_defs import QueryOutputTypeDef

_T = TypeVar("_T")

_OVERRIDE_PAGES = 3
"""Of 1 MB each, some 4,000 overrides. Each may take 4 s (`clients.TABLE_SECONDS`) of a reading's 48."""

_LONGEST = 500
"""Characters of `who` and `why` that a decision's reason repeats."""


@dataclass(frozen=True, slots=True)
class OverrideStore:
    """Holds the overrides of each topology and of its groups, one record each."""

    table: str
    damaged: Callable[[str, str], object] = lambda _name, _why: None
    """Is called with the override that cannot be read, and why."""

    def of(self, topology: str) -> tuple[Override, ...]:
        """Returns what is laid over the topology and its groups. What cannot be read holds: whoever laid it
        over them meant it. Raises StateUnavailableError where not even the first page can be read.
        """
        found: list[Override] = []
        start: dict[str, Any] = {}
        for number in range(_OVERRIDE_PAGES):
            try:
                page = with_second_try(partial(self._page, topology, start))
            except StateUnavailableError as error:
                if not number:
                    raise
                return (*found, self._unread(topology, str(error)))
            for item in page["Items"]:
                name, _, group = item["id"]["S"].partition("#")
                if name == topology:
                    override, damage = _override_of(item, group or None)
                    found.append(override)
                    if damage:
                        self.damaged(f"override {item['id']['S']}", damage)
            if "LastEvaluatedKey" not in page:
                return tuple(found)
            start = {"ExclusiveStartKey": page["LastEvaluatedKey"]}
        return (*found, self._unread(topology, f"there are more than {_OVERRIDE_PAGES} pages of them"))

    def _page(self, topology: str, start: Mapping[str, Any]) -> QueryOutputTypeDef:
        """Reads a page of exactly its own: no name has a character before the `#`, after which `$` is the
        next.
        """
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
        return replace(_pause_because(words), is_record=False)


def _override_of(item: Mapping[str, Any], group: str | None) -> tuple[Override, str | None]:
    """Returns the override and, where its record is damaged, what is wrong. A damaged one holds, whatever its
    action said, until it is mended or over: nobody knows what the person meant.
    """
    wrong: list[str] = []

    def known(reader: Callable[[], _T], otherwise: _T, words: str | None = None) -> _T:
        found = read(reader)
        if isinstance(found, Damaged):
            wrong.append(words or found.why)
            return otherwise
        return found

    kinds = f"`action` is neither {' nor '.join(OverrideKind)}"
    kind = known(lambda: OverrideKind(text(item, "action")), OverrideKind.PAUSED, kinds)
    who, why = known(lambda: text(item, "who"), "unknown"), known(lambda: text(item, "why"), "unknown")
    no_time = "`until` is not a valid time; an example is 2026-01-31T18:00:00Z"
    until = known(lambda: utc(text(item, "until")), FOREVER, no_time)
    appliance = known(lambda: text(item, "appliance"), "") if kind is OverrideKind.PINNED else None
    is_forced = known(lambda: flag(item, "forced"), False)
    override = Override(kind, cut(who, _LONGEST), cut(why, _LONGEST), until, group, appliance, is_forced)
    if not wrong:
        return override, None
    damage = f"the override record {item['id']['S']} is damaged, so Tandem holds: {'; '.join(wrong)}"
    return _pause_because(f"{override.why} ({damage}; fix or delete it)", override.who, until, group), damage


def _pause_because(
    why: str, who: str = "unknown", until: datetime = FOREVER, group: str | None = None
) -> Override:
    """Returns a pause for a record that nobody can read."""
    return Override(OverrideKind.PAUSED, who, why, until, group)
