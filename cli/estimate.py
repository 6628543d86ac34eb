"""Counts what a topology and its stack cost a month, before anything is created: list prices, not a bill."""

from __future__ import annotations

import json
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from tandem.topology.document import Topology

HOURS = 730
"""Hours of an average month, as AWS's own price examples count."""

SECONDS = HOURS * 3600
MINUTES = HOURS * 60

WATCH_GB = Decimal("0.25")
LOOK_GB, SIGNALS_GB, PROVISIONER_GB = Decimal(1), Decimal("0.5"), Decimal("0.5")
COMPLIANCE_GB, COMPLIANCE_SECONDS = Decimal("0.5"), Decimal(3)
LOOK_SECONDS, SIGNALS_SECONDS, PROVISIONER_SECONDS = Decimal("0.6"), Decimal("0.2"), Decimal(2)
IDLE_SECONDS = Decimal("0.2")
"""Of a run of the provisioner that finds nothing to go on with."""

EVERY_MINUTES = {"signals": (1,), "watch": (1,), "provisioner": (5, 1), "compliance": (5, 24 * 60)}
"""The schedules of the template; of the provisioner's two the second only looks what is under way."""

CUSTOM_METRICS = 23
"""Those that are written all the time; CloudWatch bills a metric for the hours in which it is written."""

ALARMS = 31
DASHBOARDS = 1

PEER_RECORDS = 1000
"""Records of one session's log a month, 1 kB each: assumed for a network in which little changes."""

LOOK_LOG_KB, LOOK_WRITES = 4, 3

READ_UNIT_BYTES = 4096
"""Of a consistent read, the items of a Query together (DynamoDB guide, read and write operations)."""

PROVISIONED_BYTES, LOOK_RECORD_BYTES = 1000, 1500
AUDIT_RECORDS, AUDIT_BYTES, AUDIT_BYTES_AN_ADDRESS = 20, 1000, 375
"""What a look reads of the audit trail once there is so much; the sizes are assumed, near what the emulator
shows of a failover."""

WATCH_TURNS_A_MINUTE = 12
KB_A_GB = 1_000_000
MILLION = 1_000_000


class Share(StrEnum):
    """Says whose costs they are: what Route Server costs anyway, this topology's, the stack's once for
    all.
    """

    ROUTE_SERVER = "with or without Tandem"
    TOPOLOGY = "Tandem, for this topology"
    STACK = "Tandem, once for all topologies of the stack"


class Unit(StrEnum):
    """Holds what is billed; the key of `PRICES`."""

    ENDPOINT_HOUR = "endpoint-hour"
    PUBLIC_IPV4_HOUR = "public IPv4 hour"
    LOGS_GB = "GB of logs"
    LAMBDA_GB_SECOND = "GB-second (arm64)"
    LAMBDA_REQUESTS = "million invocations"
    METRIC = "metric"
    ALARM = "alarm"
    DASHBOARD = "dashboard"
    EVENTS = "million events"
    TABLE_WRITES = "million writes"
    TABLE_READS = "million read units"


@dataclass(frozen=True, slots=True)
class Price:
    """Holds a list price of us-east-1 in US dollars, with the month of the page that says it."""

    dollars: Decimal
    as_of: str
    source: str


PRICES: dict[Unit, Price] = {
    Unit.ENDPOINT_HOUR: Price(Decimal("0.75"), "2026-11", "VPC User Guide, route server endpoints"),
    Unit.PUBLIC_IPV4_HOUR: Price(Decimal("0.005"), "2026-06", "a third party's copy of VPC's prices"),
    Unit.LOGS_GB: Price(Decimal("0.50"), "2026-06", "a third party's copy of CloudWatch's prices"),
    Unit.LAMBDA_GB_SECOND: Price(
        Decimal("0.0000133334"), "2026-05", "a third party's copy of Lambda's prices"
    ),
    Unit.LAMBDA_REQUESTS: Price(Decimal("0.20"), "2026-05", "a third party's copy of Lambda's prices"),
    Unit.METRIC: Price(Decimal("0.30"), "2026-02", "a third party's copy of CloudWatch's prices"),
    Unit.ALARM: Price(Decimal("0.10"), "2026-11", "undated public copies of CloudWatch's prices"),
    Unit.DASHBOARD: Price(Decimal("3.00"), "2026-06", "a third party's copy of CloudWatch's prices"),
    Unit.EVENTS: Price(Decimal("1.00"), "2026-11", "undated public copies of EventBridge's prices"),
    Unit.TABLE_WRITES: Price(Decimal("0.625"), "2025-07", "a third party's copy of DynamoDB's prices"),
    Unit.TABLE_READS: Price(Decimal("0.125"), "2025-07", "a third party's copy of DynamoDB's prices"),
}
"""Every price that an estimate uses. AWS's own price pages were not to hand: compare with them."""

NOT_COUNTED = (
    "traffic: across Availability Zones, to the internet, through NAT gateways",
    "the appliances: instances, disks, licences",
    "the free tier, which takes off some of it, and discounts of any kind",
    "public IPv4 addresses that the topology does not name, such as those for management",
    "what runs only when something happens: the notifier, looks for a signal: cents, unless much happens",
    "storage of logs, tables and reports, queues, SNS messages, a key of your own in KMS: mostly cents",
    "Regions other than us-east-1, where most prices are higher",
)
BRING_YOUR_OWN = "Elastic IPs from a pool of your own (BYOIP) are counted, but AWS does not bill them"
NO_ENDPOINTS = "the endpoints are not declared; each name under peers counts as one"


@dataclass(frozen=True, slots=True)
class Item:
    """Holds one line: how many of what a month, and how that was counted."""

    name: str
    share: Share
    quantity: Decimal
    unit: Unit
    basis: str

    @property
    def dollars(self) -> Decimal:
        return self.quantity * PRICES[self.unit].dollars


@dataclass(frozen=True, slots=True)
class Estimate:
    """Dollars a month, by item, and in words what is not in them."""

    items: tuple[Item, ...]
    not_counted: tuple[str, ...]

    @property
    def total(self) -> Decimal:
        return sum((item.dollars for item in self.items), Decimal(0))

    def of(self, share: Share) -> Decimal:
        return sum((item.dollars for item in self.items if item.share is share), Decimal(0))


def estimate(topology: Topology) -> Estimate:
    """Returns what this topology costs a month, the whole stack with it. Exact arithmetic on assumed
    quantities.
    """
    words = (*NOT_COUNTED, *((BRING_YOUR_OWN,) if topology.allocation_ids else ()))
    declared = bool(topology.route_server.endpoints)
    return Estimate(
        items=(*_route_server(topology), *_topology(topology), *_stack()),
        not_counted=words if declared else (*words, NO_ENDPOINTS),
    )


def _route_server(topology: Topology) -> tuple[Item, ...]:
    sessions = [name for appliance in topology.appliances.values() for name, _ in appliance.peers]
    endpoints = len(topology.route_server.endpoints) or len(set(sessions))
    addresses = len(set(topology.allocation_ids))
    return (
        _hours("Route Server endpoints", Unit.ENDPOINT_HOUR, endpoints),
        _hours("public IPv4 addresses", Unit.PUBLIC_IPV4_HOUR, addresses),
    )


def _topology(topology: Topology) -> tuple[Item, ...]:
    sessions = sum(len(appliance.peers) for appliance in topology.appliances.values())
    logged = sessions if topology.route_server.peer_logs else 0
    records = Decimal(logged * PEER_RECORDS) / KB_A_GB
    runs = sum(MINUTES // every for every in EVERY_MINUTES["compliance"])
    judging = COMPLIANCE_GB * COMPLIANCE_SECONDS * runs
    look, written = LOOK_GB * LOOK_SECONDS * MINUTES, Decimal(LOOK_LOG_KB * MINUTES) / KB_A_GB
    units = look_read_units(topology) + read_units_beside_looks(topology)
    mine = Share.TOPOLOGY
    return (
        Item("peer logs", mine, records, Unit.LOGS_GB, f"assumed: {PEER_RECORDS} records of 1 kB a session"),
        Item("sweeps: looks", mine, look, Unit.LAMBDA_GB_SECOND, f"one a minute, {LOOK_SECONDS} s each"),
        _million("sweeps: invocations", mine, Unit.LAMBDA_REQUESTS, MINUTES),
        _million("sweeps: events on the bus", mine, Unit.EVENTS, MINUTES),
        _million("state table: writes", mine, Unit.TABLE_WRITES, LOOK_WRITES * MINUTES),
        _million("tables: read units", mine, Unit.TABLE_READS, units * MINUTES),
        Item("sweeps: logs", mine, written, Unit.LOGS_GB, f"{LOOK_LOG_KB} kB a look"),
        Item(
            "compliance", mine, judging, Unit.LAMBDA_GB_SECOND, f"by schedule, {COMPLIANCE_SECONDS} s a run"
        ),
    )


def look_read_units(topology: Topology) -> int:
    """Returns the units of one look: its own stored topology, the override, the end of the audit trail."""
    audited = AUDIT_RECORDS * (AUDIT_BYTES + AUDIT_BYTES_AN_ADDRESS * len(topology.allocation_ids))
    return _read_units(_stored_bytes(topology)) + _read_units(0) + _read_units(audited)


def read_units_beside_looks(topology: Topology) -> int:
    """Returns the units of a minute, as if it were the only topology: the lists of the sweep and of the
    watch, and what the last look saw at each turn of the watch.
    """
    return 2 * _read_units(_stored_bytes(topology)) + WATCH_TURNS_A_MINUTE * _read_units(LOOK_RECORD_BYTES)


def _stored_bytes(topology: Topology) -> int:
    return len(json.dumps(topology.document, separators=(",", ":")).encode()) + PROVISIONED_BYTES


def _read_units(size: int) -> int:
    """Returns at least one: a read of what does not exist counts too."""
    return max(1, -(-size // READ_UNIT_BYTES))


def _stack() -> tuple[Item, ...]:
    stack = Share.STACK
    whole, idle = (MINUTES // every for every in EVERY_MINUTES["provisioner"])
    provisioning = PROVISIONER_GB * (PROVISIONER_SECONDS * whole + IDLE_SECONDS * idle)
    sweeping = SIGNALS_GB * SIGNALS_SECONDS * MINUTES + provisioning
    invocations = sum(MINUTES // every for schedules in EVERY_MINUTES.values() for every in schedules)
    return (
        Item(
            "the watch function",
            stack,
            WATCH_GB * SECONDS,
            Unit.LAMBDA_GB_SECOND,
            "256 MB, running all the time",
        ),
        Item(
            "custom metrics",
            stack,
            Decimal(CUSTOM_METRICS),
            Unit.METRIC,
            f"about {CUSTOM_METRICS}, written all the time",
        ),
        Item("alarms", stack, Decimal(ALARMS), Unit.ALARM, f"{ALARMS} in the template"),
        Item(
            "dashboard",
            stack,
            Decimal(DASHBOARDS),
            Unit.DASHBOARD,
            f"{DASHBOARDS} in the template; three are free",
        ),
        Item("signals and provisioner", stack, sweeping, Unit.LAMBDA_GB_SECOND, "runs by schedule"),
        _million("invocations", stack, Unit.LAMBDA_REQUESTS, invocations),
    )


def _hours(name: str, unit: Unit, number: int) -> Item:
    return Item(
        name, Share.ROUTE_SERVER, Decimal(number * HOURS), unit, f"{number}, each {HOURS} hours a month"
    )


def _million(name: str, share: Share, unit: Unit, number: int) -> Item:
    return Item(name, share, Decimal(number) / MILLION, unit, f"{number:,} a month")
