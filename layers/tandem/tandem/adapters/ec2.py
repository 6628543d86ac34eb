"""EC2 as the failover path uses it: one observation, the calls that move, and reading back what they did."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache
from typing import TypeVar, assert_never

from botocore.exceptions import BotoCoreError, ClientError

from tandem.adapters import clients, ec2reads
from tandem.adapters.calls import failure, may_be_done
from tandem.adapters.ec2rows import Instance
from tandem.adapters.rows import Rows
from tandem.errors import ConfigurationError, TemporaryError
from tandem.failover.moves import NOT_BEGUN, Accepted, Move, MoveKind, Outcome, Refusal
from tandem.model import ElasticIp, NetworkInterface, Observation, Peer, Unknown
from tandem.state.override import Override
from tandem.topology.document import Topology

_T = TypeVar("_T")


@cache
def _pool() -> ThreadPoolExecutor:
    """Returns threads for as many calls at once as the clients' connection pools hold."""
    return ThreadPoolExecutor(max_workers=_WORKERS, thread_name_prefix="ec2")


_WORKERS = 50

_GOING = frozenset({"deleted", "deleting"})
"""States of a peer that is no peer any more."""


def observe(topology: Topology, overrides: Callable[[], tuple[Override, ...]] = tuple) -> Observation:
    """Returns one reading of everything that `decide` asks for, all reads side by side, `overrides` among
    them.

    What cannot be read of an answer is left out and in `unread`; where it is about a tracked prefix or what
    the topology declares also in `unknown` or the database's `doubts`, and in `failed`.

    Raises TemporaryError where the routing database, the peers or the addresses cannot be read. Where the
    interfaces or the instances cannot, they are None, with the reason in `failed`; where only the interfaces
    cannot, they are what the instances show of theirs. The addresses on the interfaces that cannot be read
    are asked for then, since a move would displace them. Every read has ended when it returns or
    raises: the invocation bounds their time (`clients.within`).
    """
    route_server_id = topology.route_server.route_server_id
    if route_server_id is None:
        raise ConfigurationError(
            f"topology {topology.name} has no route server yet: provisioning has not ended"
        )
    submit = _pool().submit
    readings = (
        reading_database := submit(ec2reads.routing_database, route_server_id),
        reading_peers := submit(ec2reads.peers, route_server_id),
        reading_addresses := submit(ec2reads.elastic_ips, "allocation-id", topology.allocation_ids),
        reading_interfaces := submit(appliance_interfaces, topology),
        reading_instances := submit(ec2reads.instances, topology.instance_ids),
        reading_overrides := submit(overrides),
    )
    failed: list[str] = []
    try:
        shown = _or_none(reading_interfaces, failed)
        at_targets: Rows[ElasticIp] = Rows()
        # a target that cannot be read may have another Elastic IP, which a move would displace
        # (docs/aws-facts.md#displaced-addresses)
        if unshown := _unshown(topology, shown):
            at_targets = ec2reads.elastic_ips("network-interface-id", unshown)
        instances = _or_none(reading_instances, failed)
        addresses, peers = reading_addresses.result(), reading_peers.result()
        database = reading_database.result()
        # the reading by allocation wins: it is the one that `decide` relies on
        elastic_ips = {a.allocation_id: a for a in (*at_targets.found, *addresses.found)}
        states = None if instances is None else {i.instance_id: i.state for i in instances.found}
        known, unknown_interfaces = _interfaces(topology, shown, instances, elastic_ips)
        unknown = Unknown(
            elastic_ips=addresses.unknown(topology.allocation_ids, elastic_ips),
            interfaces=unknown_interfaces,
            instances=(instances or Rows()).unknown(topology.instance_ids, states or ()),
            peers=_unknown_peers(topology, peers),
        )
        tracked = ["", *(p for g in topology.groups for p in g.prefixes)]
        failed += [database.doubts[p] for p in tracked if p in database.doubts]
        read = (addresses, at_targets, shown or Rows(), instances or Rows(), peers)
        return Observation(
            database=database,
            # deleted peers stay listed for a while (docs/aws-facts.md#tombstones)
            peers=tuple(peer for peer in peers.found if peer.state not in _GOING),
            elastic_ips=elastic_ips,
            interfaces=known,
            instance_states=states,
            overrides=reading_overrides.result(),
            failed=(*failed, *unknown.words),
            unread=(*database.unread, *database.odd, *(words for rows in read for words in rows.words)),
            unknown=unknown,
        )
    finally:
        # waits for each and drops its error: no read may go on after the look
        for reading in readings:
            reading.exception()


def _interfaces(
    topology: Topology,
    shown: Rows[NetworkInterface] | None,
    instances: Rows[Instance] | None,
    elastic_ips: dict[str, ElasticIp],
) -> tuple[dict[str, NetworkInterface] | None, dict[str, str]]:
    """Returns the interfaces by ID, and why others are unknown. What cannot be read of an interface by itself
    is what its instance shows of it.
    """
    allocations = {address.public_ip: id_ for id_, address in elastic_ips.items()}
    behind = () if instances is None else instances.found
    attached: Rows[NetworkInterface] = Rows()
    for instance in behind:
        attached += instance.interfaces
    by_id = {i.network_interface_id: _with_allocations(i, allocations) for i in attached.found}
    if shown is None:
        is_whole = instances is not None and None not in {a.instance_id for a in topology.appliances.values()}
        return (by_id, attached.unknown(topology.target_interface_ids, by_id)) if is_whole else (None, {})
    known = {i.network_interface_id: i for i in shown.found}
    unread = shown.unknown(topology.target_interface_ids, known)
    known |= {id_: by_id[id_] for id_ in unread if id_ in by_id}
    return known, {id_: why for id_, why in unread.items() if id_ not in by_id}


def _unshown(topology: Topology, shown: Rows[NetworkInterface] | None) -> Sequence[str]:
    """Returns the targets' interfaces that cannot be read: which addresses they have is asked for then."""
    targets = topology.target_interface_ids
    if shown is None:
        return tuple(targets)
    return tuple(shown.unknown(targets, {i.network_interface_id for i in shown.found}))


def _with_allocations(interface: NetworkInterface, allocations: dict[str, str]) -> NetworkInterface:
    """Returns the interface as its instance shows it, without allocations, with those of the known
    addresses.
    """
    addresses = (replace(a, allocation_id=allocations.get(a.public_ip or "")) for a in interface.addresses)
    return replace(interface, addresses=tuple(addresses))


def _unknown_peers(topology: Topology, peers: Rows[Peer]) -> dict[str, str]:
    """Returns the unread peers at declared addresses, and those that do not show theirs."""
    declared = {"", *(a for appliance in topology.appliances.values() for a in appliance.peer_addresses)}
    there = [row for row in peers.unread if str(row.row.get("State")) not in _GOING]
    return {row.about: row.words for row in reversed(there) if row.about in declared}


def appliance_interfaces(topology: Topology) -> Rows[NetworkInterface]:
    """Returns the interfaces of the appliances' instances, and the targets of appliances that have no
    instance.
    """
    loose = {name for name, appliance in topology.appliances.items() if appliance.instance_id is None}
    targets = [
        target.network_interface_id
        for group in topology.groups
        for address in group.elastic_ips
        for name, target in address.targets.items()
        if name in loose
    ]
    of_instances = ec2reads.interfaces("attachment.instance-id", topology.instance_ids)
    return of_instances + ec2reads.interfaces("network-interface-id", targets)


def read_back(moves: Sequence[Move]) -> dict[str, ElasticIp]:
    """Returns what EC2 shows now of what these moves are about, by subject, as far as it can be read.

    Raises TemporaryError, ConfigurationError.
    """
    allocations = [move.subject for move in moves]  # so far, every kind of move is of an Elastic IP
    found = ec2reads.elastic_ips("allocation-id", allocations).found
    return {address.allocation_id: address for address in found}


def begin(
    moves: Sequence[Move], may_begin: Callable[[], bool], now: Callable[[], datetime]
) -> list[Future[Accepted | Refusal]]:
    """Begins every move at once, in the given order. `may_begin` is asked immediately before each call."""
    return [_pool().submit(_call, move, may_begin, now) for move in moves]


def _call(move: Move, may_begin: Callable[[], bool], now: Callable[[], datetime]) -> Accepted | Refusal:
    """Makes one attempt. EC2 has no compare-and-swap: `AllowReassociation=false` only guards a free address
    (docs/aws-facts.md#reassociation).
    """
    if not may_begin():
        return NOT_BEGUN
    try:
        match move.kind:
            case MoveKind.ADDRESS:
                clients.ec2_moves().associate_address(
                    AllocationId=move.subject,
                    NetworkInterfaceId=move.target.network_interface_id,
                    PrivateIpAddress=move.target.private_ip,
                    AllowReassociation=move.allow_reassociation,
                    DryRun=move.dry_run,
                )
            case _:
                assert_never(move.kind)
    except ClientError as error:
        refused = failure(move.subject, error)
        outcome = Outcome.UNVERIFIED if may_be_done(error) else Outcome.FAILED
        return Refusal(refused.code, refused.message, isinstance(refused, TemporaryError), outcome)
    except BotoCoreError as error:
        return Refusal("NoAnswer", str(error), transient=True, outcome=Outcome.UNVERIFIED)
    return Accepted(now())


@dataclass(frozen=True, slots=True)
class Ec2:
    """EC2; the rows that it shows and nobody can read are noted."""

    unread: dict[str, None]

    def observe(self, topology: Topology, overrides: Callable[[], tuple[Override, ...]]) -> Observation:
        observation = observe(topology, overrides)
        self.unread.update(dict.fromkeys(observation.unread))
        return observation

    begin = staticmethod(begin)
    read_back = staticmethod(read_back)


def _or_none(read: Future[Rows[_T]], failed: list[str]) -> Rows[_T] | None:
    try:
        return read.result()
    except (TemporaryError, ConfigurationError) as error:
        failed.append(str(error))
        return None
