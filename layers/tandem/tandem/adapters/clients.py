"""AWS clients, made once per process with time-outs that fit the failover path."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import boto3
from botocore.config import Config

from tandem.errors import ConfigurationError

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_ec2 import EC2Client
    from mypy_boto3_events import EventBridgeClient
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_logs import CloudWatchLogsClient
    from mypy_boto3_sns import SNSClient

READS = Config(
    connect_timeout=2,
    read_timeout=5,
    retries={"mode": "standard", "total_max_attempts": 3},
    max_pool_connections=50,
)
"""Worst case of one read: 3 attempts of 2 + 5 s and back-off of at most 1 + 2 s: 24 s."""

MOVES = Config(
    connect_timeout=2,
    read_timeout=5,
    retries={"mode": "standard", "total_max_attempts": 1},
    max_pool_connections=50,
)
"""One attempt a call (design §5): 7 s at the worst, so one begun with 10 s of lease left ends under it."""

TABLES = Config(
    connect_timeout=1,
    read_timeout=1,
    retries={"mode": "standard", "total_max_attempts": 1},
    max_pool_connections=10,
)
"""2 s at the worst: then the table counts as away, and failover goes on without it (design §5)."""


@cache
def ec2() -> EC2Client:
    """EC2 for reads. Raises ConfigurationError where the SDK is older than Route Server (April 2025)."""
    client = boto3.client("ec2", config=READS)
    if not hasattr(client, "get_route_server_routing_database"):
        raise ConfigurationError(
            f"boto3 {boto3.__version__} knows no Route Server, which came in April 2025 (facts §3.3): take "
            "a newer Lambda runtime version, or add boto3 to layers/tandem/requirements.txt"
        )
    return client


@cache
def ec2_moves() -> EC2Client:
    """EC2 for AssociateAddress: one attempt a call."""
    return boto3.client("ec2", config=MOVES)


@cache
def dynamodb() -> DynamoDBClient:
    return boto3.client("dynamodb", config=TABLES)


@cache
def events() -> EventBridgeClient:
    return boto3.client("events", config=READS)


@cache
def sns() -> SNSClient:
    return boto3.client("sns", config=READS)


@cache
def logs() -> CloudWatchLogsClient:
    return boto3.client("logs", config=READS)


@cache
def awslambda() -> LambdaClient:
    return boto3.client("lambda", config=READS)
