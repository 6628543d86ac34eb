"""Makes new AWS clients for each test, and keeps the models of the services, which are slow to read."""

from __future__ import annotations

from functools import cache

from botocore.loaders import Loader, create_loader

from tandem.adapters import clients, cloudtrail, ec2

MADE = (
    clients.ec2,
    clients.ec2_moves,
    clients.dynamodb,
    clients.events,
    clients.sns,
    clients.logs,
    clients.awslambda,
    cloudtrail.client,
)


def forget() -> None:
    """Makes the next client a new one, of a new session."""
    for made in (clients.session, *MADE, ec2._pool):
        made.cache_clear()
    clients.session().register_component("data_loader", _models())


@cache
def _models() -> Loader:
    return create_loader()
