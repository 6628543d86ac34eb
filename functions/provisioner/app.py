"""provisioner: the door through which topologies come, and what makes each of them watched."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import Logger, Metrics

from tandem.adapters import (
    clients,
    cloudformation,
    cloudtrail,
    delivery,
    ec2,
    inventory,
    managing,
    subscriptions,
)
from tandem.adapters.bus import EventBus
from tandem.adapters.clock import SystemClock
from tandem.adapters.journal import LambdaJournal
from tandem.adapters.leases import LeaseStore
from tandem.adapters.overrides import OverrideStore
from tandem.adapters.requests import RequestStore
from tandem.adapters.topologies import TopologyStore
from tandem.failover.preview import preview
from tandem.place import Place
from tandem.provisioning.listening import Stack
from tandem.provisioning.listensteps import Subscriber
from tandem.provisioning.ports import ProvisionerPorts
from tandem.provisioning.stored import plan_of
from tandem.requests.answerurl import AnswerUrls
from tandem.requests.applying import DoorPorts
from tandem.requests.orders import parse_order
from tandem.requests.serving import Service
from tandem.settings import Settings

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

logger = Logger()
metrics = Metrics()
settings = Settings.from_env(
    "state_table",
    "bus_name",
    "failover_function",
    "signals_function",
    "peer_log_group",
    "provisioner_role",
)
clients.ec2()
store = TopologyStore(clients.dynamodb(), settings.need("state_table"))
damaged: dict[str, str] = {}
requests = RequestStore(clients.dynamodb(), settings.need("state_table"), damaged.__setitem__)
overrides = OverrideStore(settings.need("state_table"), damaged.__setitem__)
bus = EventBus(settings.need("bus_name"))
clock = SystemClock()
leases = LeaseStore(settings.need("state_table"), "provision")
world = ProvisionerPorts(inventory, managing, leases, subscriptions, delivery, store, bus, clock, cloudtrail)

OWNER = uuid.uuid4().hex


@logger.inject_lambda_context
@metrics.log_metrics
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Answers whoever invoked it. Raises TemporaryError, after each topology had its turn."""
    service = _service(Place.of(context.invoked_function_arn))
    return service.carry_out(parse_order(event, context.aws_request_id), event)


def _service(place: Place) -> Service:
    """Connects the provisioner with AWS, where this function runs."""
    return Service(
        world=world,
        stack=Stack(
            name=settings.stack_name,
            place=place,
            subscribers=(
                Subscriber(place.function(settings.need("failover_function")), settings.failover_queue),
                Subscriber(place.function(settings.need("signals_function")), settings.signals_queue),
            ),
            log_group_arn=place.log_group(settings.need("peer_log_group")),
            role=settings.need("provisioner_role"),
        ),
        door=DoorPorts(
            store=store,
            inventory=lambda topology: inventory.read(topology, settings.stack_name, place),
            preview=lambda topology: preview(
                topology, ec2.observe(topology, lambda: overrides.of(topology.name)), clock.now()
            ),
            plan=lambda record: plan_of(record, settings.stack_name, world),
            bus=bus,
            now=clock.now,
            tag_keys=tuple((settings.resource_tag_keys or "").split(",")),
        ),
        requests=requests,
        respond=lambda url, body: cloudformation.respond(url, body, clock),
        urls=AnswerUrls(place, loopback=settings.loopback_answers is not None),
        owner=OWNER,
        damaged=damaged,
        journal=LambdaJournal(logger, metrics),
    )
