"""CloudWatch Logs' vended deliveries: the peers' logs into the stack's log group
(docs/aws-facts.md#log-delivery).

Everything here raises CallFailedError for what AWS refuses, TemporaryError where it does not answer.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from tandem.adapters import clients
from tandem.adapters.calls import called
from tandem.errors import CallFailedError
from tandem.provisioning.listensteps import (
    LOG_FORMAT,
    Delivery,
    Destination,
    Shown,
    Source,
)

if TYPE_CHECKING:
    from mypy_boto3_logs.type_defs import DeliveryDestinationTypeDef, DeliverySourceTypeDef, DeliveryTypeDef

_LOG_TYPE = "EVENT_LOGS"
_GONE = "ResourceNotFoundException"


def shown() -> Shown:
    """Returns the sources, destinations and deliveries of the whole account and Region."""
    return Shown(
        sources=tuple(Source(s["name"], arn) for s in _sources() for arn in s.get("resourceArns", ())),
        destinations=tuple(_destination(found) for found in _destinations()),
        deliveries=tuple(
            Delivery(
                delivery_id=found["id"],
                source_name=found["deliverySourceName"],
                destination_arn=found["deliveryDestinationArn"],
                destination_type=found.get("deliveryDestinationType", ""),
            )
            for found in _deliveries()
        ),
    )


def put_destination(name: str, resource_arn: str) -> None:
    called(
        name,
        lambda: clients.logs().put_delivery_destination(
            name=name,
            outputFormat=LOG_FORMAT,
            deliveryDestinationConfiguration={"destinationResourceArn": resource_arn},
        ),
    )


def put_source(name: str, resource_arn: str) -> None:
    called(
        resource_arn,
        lambda: clients.logs().put_delivery_source(name=name, resourceArn=resource_arn, logType=_LOG_TYPE),
    )


def create_delivery(source_name: str, destination_name: str) -> None:
    destination = called(
        destination_name, lambda: clients.logs().get_delivery_destination(name=destination_name)
    )
    arn = destination["deliveryDestination"]["arn"]
    called(
        source_name,
        lambda: clients.logs().create_delivery(deliverySourceName=source_name, deliveryDestinationArn=arn),
    )


def delete_delivery(delivery_id: str) -> None:
    """Deletes a delivery. One that is gone already is no error."""
    _unless_gone(lambda: clients.logs().delete_delivery(id=delivery_id), delivery_id)


def delete_source(name: str) -> None:
    """Deletes a source. One that is gone already is no error."""
    _unless_gone(lambda: clients.logs().delete_delivery_source(name=name), name)


def _sources() -> list[DeliverySourceTypeDef]:
    pages = clients.logs().get_paginator("describe_delivery_sources")
    return called("all sources", lambda: [s for page in pages.paginate() for s in page["deliverySources"]])


def _destinations() -> list[DeliveryDestinationTypeDef]:
    pages = clients.logs().get_paginator("describe_delivery_destinations")
    return called(
        "all destinations", lambda: [d for page in pages.paginate() for d in page["deliveryDestinations"]]
    )


def _deliveries() -> list[DeliveryTypeDef]:
    pages = clients.logs().get_paginator("describe_deliveries")
    return called("all deliveries", lambda: [d for page in pages.paginate() for d in page["deliveries"]])


def _destination(found: DeliveryDestinationTypeDef) -> Destination:
    leads_to = found.get("deliveryDestinationConfiguration", {}).get("destinationResourceArn", "")
    return Destination(found["name"], found["arn"], leads_to, found.get("outputFormat", ""))


def _unless_gone(call: Callable[[], object], about: str) -> None:
    try:
        called(about, call)
    except CallFailedError as error:
        if error.code != _GONE:
            raise
