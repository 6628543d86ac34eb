"""Creates AWS clients, once per process, with time-outs that fit the failover path.

They are botocore's own, as boto3 hands them out: to import boto3 as well would cost a cold start 20 ms.
The layer brings botocore, with the services of which a client is made here or in `cloudtrail`, and no others.

An invocation can bound them (`within`): then no call begins that could last longer than it does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, TypeVar, cast

import botocore
from botocore.config import Config
from botocore.session import Session

from tandem.errors import ConfigurationError, OutOfTimeError

if TYPE_CHECKING:
    from botocore.client import BaseClient
    from botocore.model import OperationModel
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_ec2 import EC2Client
    from mypy_boto3_events import EventBridgeClient
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_logs import CloudWatchLogsClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sns import SNSClient
    from mypy_boto3_sqs import SQSClient

_C = TypeVar("_C", bound="BaseClient")

READS = Config(
    connect_timeout=2,
    read_timeout=5,
    retries={"mode": "standard", "total_max_attempts": 3},
    max_pool_connections=50,
)
READ_SECONDS = 24.0
"""The worst case of one read, and of each of its pages: 3 attempts of 2 + 5 s, back-off of 1 + 2 s."""

MOVES = Config(
    connect_timeout=2,
    read_timeout=5,
    retries={"mode": "standard", "total_max_attempts": 1},
    max_pool_connections=50,
)
MOVE_SECONDS = 7.0
"""One attempt of 2 + 5 s (docs/performance.md#the-time-that-an-invocation-has): a call begun with 10 s of
lease left ends under it."""

TABLES = Config(
    connect_timeout=1,
    read_timeout=1,
    retries={"mode": "standard", "total_max_attempts": 1},
    max_pool_connections=10,
)
TRY_SECONDS = 2.0
"""One attempt of 1 + 1 s."""

TABLE_SECONDS = 4.0
"""Two tries (`tables.with_second_try`): then the table counts as away, and failover goes on without it."""

BUS = Config(
    connect_timeout=1,
    read_timeout=2,
    retries={"mode": "standard", "total_max_attempts": 2},
    max_pool_connections=10,
)
BUS_SECONDS = 7.0
"""Ten events on the bus: 2 attempts of 1 + 2 s, back-off of 1 s."""


@dataclass(slots=True)
class _Invocation:
    seconds_left: Callable[[], float] | None = None


_invocation = _Invocation()


@contextmanager
def within(seconds_left: Callable[[], float]) -> Iterator[None]:
    """Bounds every call meanwhile by the time of the invocation: one that might not end in it does not begin.

    It is an OutOfTimeError then. A call to EC2 or the bus leaves the time for one to the table: a lease that
    is let go stops nobody.
    """
    before, _invocation.seconds_left = _invocation.seconds_left, seconds_left
    try:
        yield
    finally:
        _invocation.seconds_left = before


def _bounded(client: _C, needed: float) -> _C:
    def check(model: OperationModel, **_: object) -> None:
        left = _invocation.seconds_left
        if left is not None and left() < needed:
            raise OutOfTimeError(
                f"{model.name} was not begun: it may need {needed:g} s, and the invocation has {left():.1f} s"
            )

    client.meta.events.register("before-call", check)
    return client


@cache
def session() -> Session:
    """Returns what all clients share: credentials, Region, and the models of the services, each read once."""
    return Session()


def made(service: str, config: Config) -> BaseClient:
    """Returns a client of the service; whoever calls this knows which type it has."""
    return session().create_client(service, config=config)


@cache
def ec2() -> EC2Client:
    """Returns EC2 for reads. Raises ConfigurationError if the SDK is older than Route Server (April 2025)."""
    client = cast("EC2Client", made("ec2", READS))
    if not hasattr(client, "get_route_server_routing_database"):
        raise ConfigurationError(
            f"botocore {botocore.__version__} knows no Route Server, which came in April 2025: the layer has "
            "a newer one (layers/tandem/requirements.txt), so build it and deploy again"
        )
    return _bounded(client, READ_SECONDS + TABLE_SECONDS)


@cache
def ec2_moves() -> EC2Client:
    """Returns EC2 for AssociateAddress: one attempt a call."""
    return _bounded(cast("EC2Client", made("ec2", MOVES)), MOVE_SECONDS + TABLE_SECONDS)


@cache
def dynamodb() -> DynamoDBClient:
    return _bounded(cast("DynamoDBClient", made("dynamodb", TABLES)), TRY_SECONDS)


@cache
def events() -> EventBridgeClient:
    return _bounded(cast("EventBridgeClient", made("events", BUS)), BUS_SECONDS + TABLE_SECONDS)


@cache
def sns() -> SNSClient:
    return cast("SNSClient", made("sns", READS))


@cache
def logs() -> CloudWatchLogsClient:
    return cast("CloudWatchLogsClient", made("logs", READS))


@cache
def s3() -> S3Client:
    return cast("S3Client", made("s3", READS))


@cache
def sqs() -> SQSClient:
    return cast("SQSClient", made("sqs", READS))


@cache
def awslambda() -> LambdaClient:
    return cast("LambdaClient", made("lambda", READS))
