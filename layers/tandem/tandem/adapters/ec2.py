"""EC2 as the failover path uses it: one observation, AssociateAddress, and reading the addresses back."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING, TypeVar

from botocore.exceptions import BotoCoreError, ClientError

from tandem.adapters import clients, ec2rows
from tandem.errors import TRANSIENT_CODES, ConfigurationError, TemporaryError
from tandem.failover.moves import NOT_BEGUN, Associated, Move, Outcome, Refusal
from tandem.model import (
    ElasticIp,
    NetworkInterface,
    Observation,
    Peer,
    RoutingDatabase,
)
from tandem.override import Override
from tandem.topology import Topology

if TYPE_CHECKING:
    from mypy_boto3_ec2.type_defs import (
        FilterTypeDef,
        InstanceTypeDef,
        NetworkInterfaceTypeDef,
        RouteServerRouteTypeDef,
    )

R = TypeVar("R")
T = TypeVar("T")


@cache
def _pool() -> ThreadPoolExecutor:
    """Threads for as many calls at once as the clients' connection pools hold (style §5)."""
    return ThreadPoolExecutor(max_workers=WORKERS, thread_name_prefix="ec2")


WORKERS = 50

FILTER_VALUES = 200
"""More than this in one filter EC2 is reported to refuse; no page of its reference gives the number."""

PAGE = 1000

GOING = frozenset({"deleted", "deleting"})
"""States of a peer that is no peer any more."""

WORDS = 300
"""Characters of a refusal that are told."""

ENCODED = "Encoded authorization failure message"
"""What follows in a refusal is for DecodeAuthorizationMessage of STS, and differs from call to call."""

THROTTLED = frozenset({"RequestLimitExceeded", "RequestThrottled", "Throttling", "ThrottlingException"})

REFUSED_FOR_NOW = TRANSIENT_CODES | {"IncorrectInstanceState"}
"""Of a move."""


def observe(topology: Topology, overrides: Callable[[], tuple[Override, ...]] = tuple) -> Observation:
    """One reading of everything that `decide` asks for, all reads side by side, `overrides` among them.

    A route or a peer that cannot be read is left out, and in `unread`; where it is of a tracked prefix or a
    declared address also in `failed`.

    Raises TemporaryError where the routing database, the peers or the addresses cannot be read. Where the
    interfaces or the instances cannot, they are None, with the reason in `failed`; where only the interfaces
    cannot, they are what the instances show of theirs. The addresses on the interfaces are read then as well,
    since a move would throw them off (facts §8.1). Every read
    has ended when it returns or raises: the invocation bounds their time (`clients.within`).
    """
    route_server_id = topology.route_server.route_server_id
    if route_server_id is None:
        raise ConfigurationError(
            f"topology {topology.name} has no route server yet: provisioning has not ended"
        )
    submit = _pool().submit
    readings = (
        reading_database := submit(routing_database, route_server_id, whole=False),
        reading_peers := submit(_readable_peers, route_server_id),
        reading_addresses := submit(addresses, topology.allocation_ids),
        reading_interfaces := submit(interfaces, topology),
        reading_instances := submit(_instances, topology.instance_ids),
        reading_overrides := submit(overrides),
    )
    failed: list[str] = []
    try:
        shown = _or_none(reading_interfaces, failed)
        at_targets = {} if shown is not None else addresses_on(topology.target_interface_ids)
        instances = _or_none(reading_instances, failed)
        elastic_ips = at_targets | reading_addresses.result()
        if shown is None and instances is not None and None not in _instance_ids(topology):
            allocations = {address.public_ip: id_ for id_, address in elastic_ips.items()}
            shown = {i.network_interface_id: i for i in ec2rows.attached(instances, allocations)}
        database, (found, unread) = reading_database.result(), reading_peers.result()
        declared = {a for appliance in topology.appliances.values() for a in appliance.peer_addresses}
        failed += [database.doubts[p] for g in topology.groups for p in g.prefixes if p in database.doubts]
        failed += [words for address, words in unread if address in declared]
        return Observation(
            database=database,
            peers=tuple(peer for peer in found if peer.state not in GOING),
            elastic_ips=elastic_ips,
            interfaces=shown,
            instance_states=None if instances is None else _states(instances),
            overrides=reading_overrides.result(),
            failed=tuple(failed),
            unread=(*database.unread, *(words for _, words in unread)),
        )
    finally:
        for reading in readings:
            reading.exception()


def routing_database(route_server_id: str, *, whole: bool = True) -> RoutingDatabase:
    """All pages; botocore has no paginator for it (facts §1.4). Raises TemporaryError.

    A row that cannot be read raises ConfigurationError; where it need not be `whole`, it is left out.
    """
    rows: list[RouteServerRouteTypeDef] = []
    token: str | None = None
    while True:
        more = {"NextToken": token} if token else {}
        page = _read(
            lambda more=more: clients.ec2().get_route_server_routing_database(  # type: ignore[misc]
                RouteServerId=route_server_id, MaxResults=PAGE, **more
            )
        )
        rows.extend(page["Routes"])
        token = page.get("NextToken")
        if not token:
            break
    routes, unread = ec2rows.readable(rows, ec2rows.route)
    words = tuple(
        f"a route to {row.get('Prefix')} in {route_server_id} cannot be read ({why})" for row, why in unread
    )
    if whole and words:
        raise ConfigurationError(words[0])
    persisted = page.get("AreRoutesPersisted", False)
    return RoutingDatabase(routes, persisted, words, dict(ec2rows.doubts(routes, unread)))


def peers(route_server_id: str) -> tuple[Peer, ...]:
    """The route server's peers without tombstones and what is on its way there."""
    return tuple(p for p in every_peer(route_server_id) if p.state not in GOING)


def every_peer(route_server_id: str) -> tuple[Peer, ...]:
    """The route server's peers in any state. Raises TemporaryError, ConfigurationError for what cannot be
    read.
    """
    found, unread = _readable_peers(route_server_id)
    if unread:
        raise ConfigurationError(unread[0][1])
    return found


def _readable_peers(route_server_id: str) -> tuple[tuple[Peer, ...], list[tuple[str, str]]]:
    """What can be read of them; of the others the address and what is wrong.

    AWS refuses filters by route server (facts §0.7, §1.4).
    """
    pages = clients.ec2().get_paginator("describe_route_server_peers")
    shown = _read(lambda: [p for page in pages.paginate() for p in page["RouteServerPeers"]])
    found, unread = ec2rows.readable(
        [p for p in shown if p.get("RouteServerId") == route_server_id], ec2rows.peer
    )
    return found, [
        (p.get("PeerAddress", ""), f"the peer {p.get('RouteServerPeerId')} cannot be read ({why})")
        for p, why in unread
    ]


def addresses(allocation_ids: Sequence[str]) -> dict[str, ElasticIp]:
    """The Elastic IPs by allocation; a released one is absent. Raises TemporaryError."""
    found = _filtered(
        "allocation-id", allocation_ids, lambda f: clients.ec2().describe_addresses(Filters=f)["Addresses"]
    )
    return {address["AllocationId"]: ec2rows.elastic_ip(address) for address in found}


def addresses_on(interface_ids: Iterable[str]) -> dict[str, ElasticIp]:
    """Every Elastic IP on these interfaces, whosever it is. Raises TemporaryError."""
    found = _filtered(
        "network-interface-id",
        tuple(interface_ids),
        lambda f: clients.ec2().describe_addresses(Filters=f)["Addresses"],
    )
    return {address["AllocationId"]: ec2rows.elastic_ip(address) for address in found}


def interfaces(topology: Topology) -> dict[str, NetworkInterface]:
    """The interfaces of the appliances' instances, and the targets of appliances that have no instance."""
    pages = clients.ec2().get_paginator("describe_network_interfaces")

    def read(filters: list[FilterTypeDef]) -> list[NetworkInterfaceTypeDef]:
        return [i for page in pages.paginate(Filters=filters) for i in page["NetworkInterfaces"]]

    loose = {name for name, appliance in topology.appliances.items() if appliance.instance_id is None}
    targets = [
        target.network_interface_id
        for group in topology.groups
        for address in group.elastic_ips
        for name, target in address.targets.items()
        if name in loose
    ]
    found = _filtered("attachment.instance-id", topology.instance_ids, read)
    found += _filtered("network-interface-id", targets, read)
    return {i["NetworkInterfaceId"]: ec2rows.interface(i) for i in found}


def instance_states(instance_ids: Sequence[str]) -> dict[str, str]:
    """The state of each instance that AWS still knows."""
    return _states(_instances(instance_ids))


def _instances(instance_ids: Sequence[str]) -> list[InstanceTypeDef]:
    pages = clients.ec2().get_paginator("describe_instances")
    return _filtered(
        "instance-id",
        instance_ids,
        lambda f: [
            i for page in pages.paginate(Filters=f) for r in page["Reservations"] for i in r["Instances"]
        ],
    )


def _states(instances: Iterable[InstanceTypeDef]) -> dict[str, str]:
    return {i["InstanceId"]: i["State"]["Name"] for i in instances}


def _instance_ids(topology: Topology) -> set[str | None]:
    return {appliance.instance_id for appliance in topology.appliances.values()}


def associate(
    moves: Sequence[Move], may_begin: Callable[[], bool], now: Callable[[], datetime]
) -> list[Future[Associated | Refusal]]:
    """Begins every move at once, in the given order. `may_begin` is asked immediately before each call."""
    return [_pool().submit(_associate, move, may_begin, now) for move in moves]


def _associate(
    move: Move, may_begin: Callable[[], bool], now: Callable[[], datetime]
) -> Associated | Refusal:
    """One attempt. EC2 has no compare-and-swap: `AllowReassociation=false` only guards a free address
    (facts §8.1).
    """
    if not may_begin():
        return NOT_BEGUN
    try:
        answer = clients.ec2_moves().associate_address(
            AllocationId=move.allocation_id,
            NetworkInterfaceId=move.target.network_interface_id,
            PrivateIpAddress=move.target.private_ip,
            AllowReassociation=move.allow_reassociation,
            DryRun=move.dry_run,
        )
    except ClientError as error:
        code, transient = error.response["Error"]["Code"], _is_transient(error)
        outcome = Outcome.UNVERIFIED if _may_be_done(error) else Outcome.FAILED
        return Refusal(code, _message(error), transient, outcome)
    except BotoCoreError as error:
        return Refusal("NoAnswer", str(error), transient=True, outcome=Outcome.UNVERIFIED)
    return Associated(answer["AssociationId"], now())


def _filtered(name: str, values: Sequence[str], read: Callable[[list[FilterTypeDef]], list[T]]) -> list[T]:
    """`read` with the filter, as often as its number of values asks for; no values, no call."""
    unique = list(dict.fromkeys(values))
    found: list[T] = []
    for start in range(0, len(unique), FILTER_VALUES):
        chunk = unique[start : start + FILTER_VALUES]
        found += _read(lambda chunk=chunk: read([{"Name": name, "Values": chunk}]))  # type: ignore[misc]
    return found


def _read(call: Callable[[], T]) -> T:
    """Runs one read; botocore has retried it already. Raises TemporaryError or ConfigurationError."""
    try:
        return call()
    except ClientError as error:
        words = f"EC2 {error.operation_name}: {error.response['Error']['Code']}: {_message(error)}"
        if _is_transient(error):
            raise TemporaryError(words) from error
        raise ConfigurationError(words) from error
    except BotoCoreError as error:
        raise TemporaryError(f"EC2 did not answer: {error}") from error


def _message(error: ClientError) -> str:
    """AWS's words, as far as they are for people and the same each time."""
    return error.response["Error"].get("Message", "").partition(ENCODED)[0].strip()[:WORDS]


def _is_transient(error: ClientError) -> bool:
    return error.response["Error"]["Code"] in REFUSED_FOR_NOW or _is_server_error(error)


def _is_server_error(error: ClientError) -> bool:
    return error.response["ResponseMetadata"].get("HTTPStatusCode", 0) >= 500


def _may_be_done(error: ClientError) -> bool:
    """A server error does not say how far EC2 came. A throttled call, a 503 too, was not begun."""
    return _is_server_error(error) and error.response["Error"]["Code"] not in THROTTLED


def _or_none(read: Future[T], failed: list[str]) -> T | None:
    try:
        return read.result()
    except (TemporaryError, ConfigurationError) as error:
        failed.append(str(error))
        return None
