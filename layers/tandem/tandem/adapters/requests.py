"""The `request` records of the state table: what CloudFormation asked, until and shortly after its answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any, cast

from botocore.exceptions import ClientError

from tandem.adapters.tables import all_of, condition_failed, with_second_try
from tandem.errors import ConfigurationError, TemporaryError
from tandem.requests.answers import Answer, Noted, Previous
from tandem.requests.customresource import Request
from tandem.state.decoding import Damaged, cut, json_of, ms_time, number, read, shaped, text, written

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_KIND = "request"
_MEMBERS = ("asked", "url", "received_at", "version", "prepared", "answer", "answered_at")
_ATTEMPTS = 5
_LEFT_OUT = "Tandem ignores the request until CloudFormation sends it again; else delete the record"


@dataclass(frozen=True, slots=True)
class _Plan:
    """Holds what is written down before anything is done."""

    meant: str | None = None
    is_maker: bool = False
    previous: Previous | None = None


class RequestStore:
    """Holds one record a request. What is decided about it is decided once."""

    def __init__(
        self,
        client: DynamoDBClient,
        table: str,
        damaged: Callable[[str, str], object] = lambda _name, _why: None,
    ) -> None:
        self._client = client
        self._table = table
        self._damaged = damaged
        """Is told which record cannot be read, and why."""

    def note(self, request: Request, now: datetime) -> Noted:
        """Writes the request down, or finds it as it is there. A damaged record of it is replaced: the
        request itself says what it asks, and what can be read of the rest stays.

        Raises StateUnavailableError; TemporaryError where the record changes all the time, ConfigurationError
        for what could not be read again.
        """
        asked = {f.name: getattr(request, f.name) for f in fields(Request) if f.name != "url"}
        new = {
            **_key(request),
            "asked": {"S": written(asked)},
            "url": {"S": request.url},
            "received_at": _ms(now),
        }
        unread = read(partial(_noted, new))
        if isinstance(unread, Damaged):
            raise ConfigurationError(f"the request cannot be written down: {unread.why}")
        old: dict[str, Any] = {}
        for _ in range(_ATTEMPTS):
            item = _mended(new, old) if old else new
            try:
                self._put(item, old)
            except ClientError as error:
                old = _shown(error)
                item = old
            found = read(partial(_noted, item))
            if not isinstance(found, Damaged):
                return found
        raise TemporaryError(f"the record of {request} is damaged again and again")

    def _put(self, item: dict[str, Any], seen: Mapping[str, Any]) -> None:
        """Writes the record in the place of the damaged one that was seen, or of none."""
        names = {f"#{n}": name for n, name in enumerate(_MEMBERS)}
        values = {f":{n}": seen[name] for n, name in enumerate(_MEMBERS) if name in seen}
        same = [
            f"#{n} = :{n}" if f":{n}" in values else f"attribute_not_exists(#{n})"
            for n in range(len(_MEMBERS))
        ]
        replacing: dict[str, Any] = {
            "ConditionExpression": " AND ".join(same),
            "ExpressionAttributeNames": names,
            "ExpressionAttributeValues": values,
        }
        with_second_try(
            lambda: self._client.put_item(
                TableName=self._table,
                Item=item,
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
                **replacing if seen else {"ConditionExpression": "attribute_not_exists(id)"},
            )
        )

    def list(self) -> tuple[Noted, ...]:
        """Returns all that can be read, the oldest first. Raises StateUnavailableError."""
        found: list[Noted] = []
        for item in all_of(self._client, self._table, _KIND):
            noted = read(partial(_noted, item))
            if isinstance(noted, Damaged):
                self._damaged(item["id"]["S"], f"{noted.why}; {_LEFT_OUT}")
            else:
                found.append(noted)
        return tuple(sorted(found, key=lambda noted: noted.received_at))

    def prepare(self, noted: Noted) -> Noted:
        """Records what is about to be done, or finds it decided. Raises StateUnavailableError."""
        plan = _Plan(noted.meant, noted.is_maker, noted.previous)
        return self._set(noted, "prepared", {"S": written(asdict(plan))})

    def accept(self, noted: Noted, version: int) -> Noted:
        """Records the version that it has stored, or finds it decided. Raises StateUnavailableError."""
        return self._set(noted, "version", {"N": str(version)})

    def decide(self, noted: Noted, answer: Answer) -> Noted:
        """Decides the answer, or finds the one that was decided before. Raises StateUnavailableError."""
        return self._set(noted, "answer", {"S": written(asdict(answer))})

    def close(self, noted: Noted, now: datetime) -> None:
        """Forgets the URL: it was answered. Raises StateUnavailableError."""
        self._update(noted, "SET answered_at = :now REMOVE #url", "attribute_exists(id)", {":now": _ms(now)})

    def drop(self, noted: Noted) -> None:
        """Raises StateUnavailableError."""
        with_second_try(lambda: self._client.delete_item(TableName=self._table, Key=_key(noted.request)))

    def _set(self, noted: Noted, name: str, value: dict[str, Any]) -> Noted:
        """Changes the record while it has no answer."""
        return self._update(noted, f"SET {name} = :new", "attribute_not_exists(answer)", {":new": value})

    def _update(self, noted: Noted, update: str, condition: str, values: Mapping[str, Any]) -> Noted:
        names = {"ExpressionAttributeNames": {"#url": "url"}} if "#url" in update else {}
        try:
            done: Mapping[str, Any] = with_second_try(
                lambda: self._client.update_item(
                    TableName=self._table,
                    Key=_key(noted.request),
                    UpdateExpression=update,
                    ConditionExpression=f"attribute_exists(id) AND {condition}",
                    ExpressionAttributeValues=values,
                    ReturnValues="ALL_NEW",
                    ReturnValuesOnConditionCheckFailure="ALL_OLD",
                    **names,  # type: ignore[arg-type]
                )
            )
        except ClientError as error:
            done = {"Attributes": _shown(error)}
        found = read(lambda: _noted(done["Attributes"]))
        if isinstance(found, Damaged):
            raise TemporaryError(f"the record of {noted.request} was damaged meanwhile: {found.why}")
        return found


def _key(request: Request) -> dict[str, Any]:
    return {"kind": {"S": _KIND}, "id": {"S": request.key}}


def _ms(at: datetime) -> dict[str, str]:
    return {"N": str(round(at.timestamp() * 1000))}


def _shown(error: ClientError) -> dict[str, Any]:
    """Returns the record as it was where the condition did not hold. Raises TemporaryError where it is
    gone.
    """
    if not condition_failed(error):
        raise error
    shown = cast(Mapping[str, Any], error.response).get("Item")
    if not shown:
        raise TemporaryError("a request of CloudFormation was forgotten meanwhile") from error
    return dict(shown)


def _noted(item: Mapping[str, Any]) -> Noted:
    """Raises one of DAMAGE."""
    is_open = "answered_at" not in item
    request = shaped(Request, json_of(item, "asked") | {"url": text(item, "url") if is_open else ""})
    if request.key != item["id"]["S"]:
        raise ValueError(f"`asked` is of {cut(request.key)}")
    plan = shaped(_Plan, json_of(item, "prepared")) if "prepared" in item else _Plan()
    return Noted(
        request=request,
        received_at=ms_time(item, "received_at"),
        version=number(item, "version") if "version" in item else 0,
        meant=plan.meant,
        is_maker=plan.is_maker,
        previous=plan.previous,
        answer=shaped(Answer, json_of(item, "answer")) if "answer" in item else None,
        answered_at=None if is_open else ms_time(item, "answered_at"),
    )


def _mended(new: Mapping[str, Any], old: Mapping[str, Any]) -> dict[str, Any]:
    """Returns a new record with what can be read of a damaged one. An answer that was decided or sent stays
    so.
    """
    readers: dict[str, Callable[[], object]] = {
        "received_at": lambda: ms_time(old, "received_at"),
        "version": lambda: number(old, "version"),
        "prepared": lambda: shaped(_Plan, json_of(old, "prepared")),
        "answer": lambda: shaped(Answer, json_of(old, "answer")),
        "answered_at": lambda: ms_time(old, "answered_at"),
    }
    kept = {name: old[name] for name, reader in readers.items() if not isinstance(read(reader), Damaged)}
    item = {**new, **kept}
    return {name: value for name, value in item.items() if name != "url"} if "answered_at" in kept else item
