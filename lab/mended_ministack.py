"""Runs ministack 1.5.33 with what the template's roles need of IAM, and its event log, mended.

It knows no resource for the actions on log deliveries, so that it would refuse every policy that names one.
On AWS they have resources, and the template's roles name them. The same goes for SNS's Unsubscribe, whose
resource is the topic. It judges calls to DynamoDB without the partitions that they are about, and writes
without their attributes, and an SNS subscription without its protocol and endpoint, so that conditions on
them pass or fail for every call. It delivers no event of a bus to a log group. And it unpacks the layer for
each worker anew, in its own process: a burst of cold starts would keep it from answering anything else.
Everybody speaks HTTP to it on this machine, where the SDK speaks TLS to AWS: it judges each call as one that
came by TLS, so that a policy that refuses all else lets the stack's own calls through.
"""

import hashlib
import json
import re
import tempfile
import threading
import time
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

from ministack import app
from ministack.core import iam_actions, lambda_runtime
from ministack.services import cloudwatch_logs, eventbridge

_BY_NAME = {
    "PutDeliverySource": "delivery-source",
    "GetDeliverySource": "delivery-source",
    "DeleteDeliverySource": "delivery-source",
    "PutDeliveryDestination": "delivery-destination",
    "GetDeliveryDestination": "delivery-destination",
    "DeleteDeliveryDestination": "delivery-destination",
}
_BY_ID = {"GetDelivery", "DeleteDelivery"}
_UNPACKING = threading.Lock()
PARTITION_KEYS = ("kind", "sequence")
"""Of the template's two tables."""

Extract = Callable[..., str]
Invoke = Callable[..., None]
Context = Callable[[bytes], dict[str, Any]]
Pin = Callable[[str, bool], None]


def with_deliveries(extract: Extract) -> Extract:
    """ministack's `extract_resource_arn`, with the resources of log deliveries."""

    def extract_resource_arn(*request: Any) -> str:  # noqa: ANN401 ministack's eight arguments, passed on
        service, _, _, headers, body, _, region, account_id = request
        action = headers.get("x-amz-target", "").rpartition(".")[2]
        resource = _delivery_resource(action, body) if service == "logs" else None
        return extract(*request) if resource is None else f"arn:aws:logs:{region}:{account_id}:{resource}"

    return extract_resource_arn


def with_subscriptions(extract: Extract) -> Extract:
    """The same, with the topic of a subscription that is ended."""

    def extract_resource_arn(*request: Any) -> str:  # noqa: ANN401 ministack's eight arguments, passed on
        service, parameters = request[0], request[5]
        named = parameters.get("SubscriptionArn", "") if service == "sns" else ""
        subscription = str(named[0] if isinstance(named, list) else named)
        return subscription.rpartition(":")[0] or extract(*request)

    return extract_resource_arn


def _delivery_resource(action: str, body: bytes) -> str | None:
    """The resource part of the ARN, or None for every other action."""
    if action in _BY_NAME:
        return f"{_BY_NAME[action]}:{json.loads(body).get('name')}"
    if action in _BY_ID:
        return f"delivery:{json.loads(body).get('id')}"
    if action == "CreateDelivery":  # on AWS the delivery and its destination too; ministack judges one
        return f"delivery-source:{json.loads(body).get('deliverySourceName')}"
    return None


def with_log_groups(invoke: Invoke, logs: ModuleType) -> Invoke:
    """ministack's `_invoke_target`, which delivers to log groups too: each event is one line."""

    def _invoke_target(target: Mapping[str, Any], event: object, rule: object, view: Any = None) -> None:  # noqa: ANN401
        _, _, resource = target.get("Arn", "").partition(":log-group:")
        if not resource or view is None:
            invoke(target, event, rule, view)
            return
        where = {"logGroupName": resource.removesuffix(":*"), "logStreamName": "lab"}
        logs._create_log_stream(where)  # answers that it is there already from the second time on
        line = {"timestamp": round(time.time() * 1000), "message": json.dumps(view.event_with_detail())}
        logs._put_log_events(where | {"logEvents": [line]})

    return _invoke_target


def with_partitions(context: Context) -> Context:
    """ministack's `dynamodb_service_context`, with dynamodb:LeadingKeys and the attributes of what is put.

    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/specifying-conditions.html
    """

    def dynamodb_service_context(body: bytes) -> dict[str, Any]:
        found, request = context(body), json.loads(body or b"{}")
        partition = _partition(request)
        if partition is not None:
            found["dynamodb:LeadingKeys"] = [partition]
        if "Item" in request:
            found["dynamodb:Attributes"] = list(request["Item"])
        return found

    return dynamodb_service_context


def _partition(request: dict[str, Any]) -> str | None:
    """The value of the partition key; None where the call names none, as a Scan does."""
    names, values = request.get("ExpressionAttributeNames", {}), request.get("ExpressionAttributeValues", {})
    key = request.get("Key") or request.get("Item") or {}
    for name in PARTITION_KEYS:
        if name in key:
            return str(key[name].get("S"))
    for word, placeholder in re.findall(r"([#\w]+) = (:\w+)", request.get("KeyConditionExpression", "")):
        if names.get(word, word) in PARTITION_KEYS:
            return str(values[placeholder].get("S"))
    return None


def with_subscribers(context: Callable[..., dict[str, Any]]) -> Callable[..., dict[str, Any]]:
    """ministack's `request_tag_context`, with who subscribes: it is asked for the keys of every call."""

    def request_tag_context(service: str, action: str, body: bytes, parameters: Any) -> dict[str, Any]:  # noqa: ANN401
        found = context(service, action, body, parameters)
        given = {name: parameters.get(name) for name in ("Protocol", "Endpoint") if action == "sns:Subscribe"}
        return found | {f"sns:{n}": v[0] if isinstance(v, list) else v for n, v in given.items() if v}

    return request_tag_context


def with_tls(pin: Pin) -> Pin:
    """Returns ministack's `pin_request_origin`, by which each request comes by TLS."""

    def pin_request_origin(source_ip: str, _secure_transport: bool) -> None:
        pin(source_ip, True)

    return pin_request_origin


class SharedZip(zipfile.ZipFile):
    """Unpacks an archive once per process; whoever unpacks it again gets a link to that."""

    def extractall(self, path: Any = None, members: Any = None, pwd: Any = None) -> None:  # noqa: ANN401
        digest = hashlib.sha256(Path(str(self.filename)).read_bytes()).hexdigest()
        shared = Path(tempfile.gettempdir()) / "unpacked" / digest
        with _UNPACKING:
            if not shared.exists():
                super().extractall(shared, members, pwd)
        Path(path).rmdir()
        Path(path).symlink_to(shared)


if __name__ == "__main__":
    iam_actions.extract_resource_arn = with_subscriptions(with_deliveries(iam_actions.extract_resource_arn))
    iam_actions.dynamodb_service_context = with_partitions(iam_actions.dynamodb_service_context)
    iam_actions.request_tag_context = with_subscribers(iam_actions.request_tag_context)
    lambda_runtime.zipfile = SimpleNamespace(
        ZipFile=SharedZip, BadZipFile=zipfile.BadZipFile, LargeFileError=zipfile.LargeZipFile
    )
    eventbridge._invoke_target = with_log_groups(eventbridge._invoke_target, cloudwatch_logs)
    app.pin_request_origin = with_tls(app.pin_request_origin)
    app.main()
