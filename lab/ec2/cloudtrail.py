"""CloudTrail's event history over the emulated EC2: LookupEvents, from the log of requests."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from botocore.exceptions import ReadTimeoutError
from moto.cloudtrail.responses import CloudTrailResponse
from moto.core.exceptions import JsonRESTError
from moto.ec2.exceptions import EC2ClientError

from lab.ec2.authorizer import mutates
from lab.ec2.dispatch import caller
from lab.ec2.errors import UnknownAwsBehaviour
from lab.ec2.faults import Broken
from lab.ec2.lab import ACCOUNT, Lab, current

ACTION = "LookupEvents"
A_SECOND = 2  # requests, of the whole account in a Region (API_LookupEvents)
MOST = 50
ATTRIBUTES = {"EventId": "eventID", "EventName": "eventName", "EventSource": "eventSource"}
_UNRECORDED = {None, "Broken", "LabError", "LabNotImplemented"}


def install() -> None:
    """moto has CloudTrail without its event history."""
    CloudTrailResponse.lookup_events = _answer  # type: ignore[attr-defined]


def uninstall() -> None:
    if hasattr(CloudTrailResponse, "lookup_events"):
        del CloudTrailResponse.lookup_events


def _answer(response: CloudTrailResponse) -> str:
    lab, who = current(), caller(response.headers)
    asked: dict[str, Any] = json.loads(response.body or "{}")
    earlier = [r["start"] for r in lab.requests.since() if r["action"] == ACTION]
    entry = lab.requests.begin(ACTION, who, asked, lab.clock.seconds())
    outcome = "LabError"
    try:
        _check(lab, who, asked, earlier)
        answer = lookup(lab, response.region, asked)
        outcome = "OK"
    except EC2ClientError as error:
        outcome = str(error.code)
        raise JsonRESTError(outcome, error.message) from error
    except Broken as broken:
        outcome = "Broken"
        raise ReadTimeoutError(endpoint_url=response.uri) from broken
    except JsonRESTError as error:
        outcome = error.error_type
        raise
    except NotImplementedError:
        outcome = "LabNotImplemented"
        raise
    finally:
        lab.requests.finish(entry, lab.clock.seconds(), outcome)
    return json.dumps(answer)


def _check(lab: Lab, who: str, asked: Mapping[str, Any], earlier: list[float]) -> None:
    lab.faults.meet(ACTION)
    refusal = lab.authorizer.allow(who, f"cloudtrail:{ACTION}", (("*", {}),), {}, {})
    if refusal is not None:
        raise JsonRESTError("AccessDeniedException", refusal)
    if len([start for start in earlier if start > lab.clock.seconds() - 1]) >= A_SECOND:
        raise JsonRESTError("ThrottlingException", "Rate exceeded")
    if not 1 <= asked.get("MaxResults", MOST) <= MOST:
        raise JsonRESTError("InvalidMaxResultsException", "A maximum of 50 results can be specified.")
    if len(asked.get("LookupAttributes", ())) > 1:
        raise JsonRESTError("InvalidLookupAttributesException", "The list can contain only one attribute.")
    if asked.get("StartTime", 0) > asked.get("EndTime", float("inf")):
        raise JsonRESTError("InvalidTimeRangeException", "The start time is after the end time.")
    if not asked.get("NextToken", "0").isdecimal():
        raise JsonRESTError("InvalidNextTokenException", "The token is not valid.")


def lookup(lab: Lab, region: str, asked: Mapping[str, Any]) -> dict[str, Any]:
    """One page, the newest first. The token is the number of events before the page."""
    first, most = int(asked.get("NextToken", "0")), asked.get("MaxResults", MOST)
    events = _events(lab, region) if asked.get("EventCategory") is None else ()  # no Insights in the lab
    found = [event for event in events if _is_asked_for(event, asked)]
    page = {"Events": [_listed(event) for event in found[first : first + most]]}
    return page | {"NextToken": str(first + most)} if first + most < len(found) else page


def _is_asked_for(event: Mapping[str, Any], asked: Mapping[str, Any]) -> bool:
    return asked.get("StartTime", 0) <= _time(event).timestamp() <= asked.get(
        "EndTime", float("inf")
    ) and all(
        event[_key(attribute["AttributeKey"])] == attribute["AttributeValue"]
        for attribute in asked.get("LookupAttributes", ())
    )


def _key(attribute: str) -> str:
    """Returns its key. Nobody documents which resources EC2's events list
    (docs/aws-facts.md#cloudtrail-resources), so nobody can ask by them.
    """
    if attribute not in ATTRIBUTES:
        raise UnknownAwsBehaviour(f"{ACTION} by {attribute}: the lab knows {', '.join(ATTRIBUTES)}")
    return ATTRIBUTES[attribute]


def _events(lab: Lab, region: str) -> Iterator[dict[str, Any]]:
    """Yields what was recorded and has arrived: the writes, refused ones with their error code."""
    now, seconds = lab.clock.now(), lab.clock.seconds()
    for entry in reversed(lab.requests.since()):
        end, outcome = entry["end"], entry["outcome"]
        if not mutates(entry["action"]) or outcome in _UNRECORDED or entry["action"] == ACTION:
            continue
        if seconds - end < lab.timings.cloudtrail_s:
            continue
        at = now - timedelta(seconds=seconds - end)
        event = {
            "eventVersion": "1.11",
            "userIdentity": dict(lab.authorizer.identity(entry["caller"])),
            "eventTime": at.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "eventSource": "ec2.amazonaws.com",
            "eventName": entry["action"],
            "awsRegion": region,
            "requestParameters": _parameters(entry["action"], entry["params"]),
            "responseElements": None,
            "eventID": str(uuid.uuid5(uuid.NAMESPACE_OID, str(entry["sequence"]))),
            "readOnly": False,
            "eventType": "AwsApiCall",
            "managementEvent": True,
            "recipientAccountId": ACCOUNT,
            "eventCategory": "Management",
        }
        yield event if outcome == "OK" else event | {"errorCode": f"Client.{outcome}"}


def _time(event: Mapping[str, Any]) -> datetime:
    return datetime.fromisoformat(event["eventTime"])


def _listed(event: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "EventId": event["eventID"],
        "EventName": event["eventName"],
        "EventSource": event["eventSource"],
        "EventTime": _time(event).timestamp(),
        "ReadOnly": "false",
        "Resources": [],  # as usual for EC2 (docs/aws-facts.md#cloudtrail-resources)
        "CloudTrailEvent": json.dumps(event),
    }


def _parameters(action: str, params: Mapping[str, Any]) -> Any:
    """As CloudTrail spells older calls of EC2. No record of a Route Server call is published
    (docs/aws-facts.md#cloudtrail-resources)."""
    if action in {"CreateTags", "DeleteTags"}:
        return {
            "resourcesSet": {"items": [{"resourceId": i} for i in params.get("Resources", ())]},
            "tagSet": {"items": [_camel(tag) for tag in params.get("Tags", ())]},
        }
    return _camel(params)


def _camel(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {f"{key[:1].lower()}{key[1:]}": _camel(inner) for key, inner in value.items()}
    return [_camel(inner) for inner in value] if isinstance(value, list) else value
