"""Anything that can happen, in any order, to the whole function over emulated AWS; what must still hold."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import ExitStack, nullcontext, suppress
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from lab.ec2.errors import LeverError
from lab.ec2.timings import Behaviour, PersistedMeans
from lab.ec2.world import world
from tandem.adapters import clients, ec2
from tandem.audit import RecordKind
from tandem.errors import TandemError
from tandem.events import parse_iso
from tandem.failover.decision import Action, decide
from tandem.memory import DAMPING_FIRST_SECONDS, DAMPING_MOST_SECONDS, FLAP_WINDOW, load
from tandem.model import Observation
from tandem.topology import Mode, Topology
from tests.crashing import Killed, fuse, meanwhile, table_away
from tests.judging import STRANGER
from tests.stack import Stack, edge_document, load_failover, stack
from tests.storm.truth import Facts, misplaced, untrue
from tests.worlds import attach, outside_interfaces

STEPS = 100
EXAMPLES = int(os.environ.get("TANDEM_STORM_EXAMPLES", "20"))
"""Times STEPS: 2,000 steps. `make storm` asks for more."""

SECOND_OF_SKEW = timedelta(seconds=1.025)
FOREVER = "2027-01-01T00:00:00+00:00"
READS = [
    "GetRouteServerRoutingDatabase",
    "DescribeRouteServerPeers",
    "DescribeAddresses",
    "DescribeNetworkInterfaces",
    "DescribeInstances",
]

LAGGING = READS[:4]

appliances = st.sampled_from(["fw1", "fw2"])
endpoints = st.sampled_from(["az1-a", "az1-b", "az2-a", "az2-b"])
SECOND = "10.20.0.0/16"
"""A prefix that the document may track as well."""

prefixes = st.sampled_from(["0.0.0.0/0", "0.0.0.0/0", "0.0.0.0/0", "0.0.0.0/1", "128.0.0.0/1", SECOND])
seconds = st.sampled_from([0.1, 0.5, 1.0, 3.0, 10.0, 40.0])


class Storm(RuleBasedStateMachine):
    """Levers of the world, deliveries of signals, and invocations that go wrong."""

    s: Stack

    def __init__(self) -> None:
        super().__init__()
        self.opened = ExitStack()
        self.inbox: list[int] = []
        self.seen = 0
        self.strange: dict[str, str] = {}
        self.meddled: dict[str, int] = {}
        self.ordered: dict[str, Any] | None = None
        self.documents: dict[int, Topology] = {}
        self.attachments: dict[str, str] = {}
        self.process = 0
        self.slack = timedelta(seconds=0.05)
        """How far the clocks of two invocations may have been apart, and a look's own steps."""
        self.noted: dict[str, tuple[int, Mapping[str, Any]]] = {}
        """What was moved without the table: decision to the process whose log said so, and the intent."""

    @initialize(
        meaning=st.sampled_from(PersistedMeans), minutes=st.sampled_from([None, 1]), outside=st.booleans()
    )
    def begin(self, meaning: PersistedMeans, minutes: int | None, *, outside: bool) -> None:
        behaviour = Behaviour(persisted_means=meaning)
        self.s = self.opened.enter_context(stack(behaviour=behaviour, persist_minutes=minutes))
        if outside:
            self.attachments = outside_interfaces(self.s)
            self.s.forget_calls()
        self.documents[self.s.record.version] = self.s.record.topology
        self.listen()
        self.strange_interface = self.s.lab.client().create_network_interface(
            SubnetId=self.s.ids["subnets"]["az1"], PrivateIpAddress="10.0.1.99"
        )["NetworkInterface"]["NetworkInterfaceId"]

    def listen(self) -> None:
        """Takes down what this process moves without the table, as its log line says it."""

        def note(message: str, /, **facts: Any) -> None:
            if message == "moving without the table":
                self.noted[facts["intent"]["decision_id"]] = self.process, facts["intent"]

        vars(self.s.app)["world"] = replace(self.s.app.world, note=note)

    def invoke(self, what: Callable[[], object]) -> None:
        """A failure that Lambda would try again is part of the weather."""
        with suppress(TandemError):
            what()

    # what befalls the world

    @rule(name=appliances, stop=st.booleans())
    def kill(self, name: str, *, stop: bool) -> None:
        self.s.levers.kill(name=name, stop_instance=stop)

    @rule(name=appliances)
    def restore(self, name: str) -> None:
        with suppress(LeverError):
            self.s.levers.restore(name=name)

    @rule(name=appliances)
    def shut_down(self, name: str) -> None:
        self.s.levers.shutdown(name=name)

    @rule(name=appliances, state=st.sampled_from(["running", "stopped"]))
    def instance(self, name: str, state: str) -> None:
        with suppress(LeverError):
            self.s.levers.instance(name=name, state=state)

    @rule(name=appliances, on=st.booleans())
    def public_interface(self, name: str, *, on: bool) -> None:
        """Detached and attached again, where it is not the primary one."""
        client = self.s.lab.client()
        if name not in self.attachments:
            return
        with suppress(client.exceptions.ClientError):
            if on:
                self.attachments[name] = attach(self.s, self.s.ids["interfaces"][name], name)
            else:
                client.detach_network_interface(AttachmentId=self.attachments[name])

    @rule(
        tracked=st.sampled_from([["0.0.0.0/0"], ["0.0.0.0/0", SECOND]]),
        addresses=st.sampled_from([4, 4, 3]),
        mode=st.sampled_from([Mode.ENFORCE, Mode.ENFORCE, Mode.ENFORCE, Mode.DRY_RUN]),
        point=st.sampled_from([None, 3, 9]),
    )
    def document(self, tracked: list[str], addresses: int, mode: Mode, point: int | None) -> None:
        """A changed document is stored, between looks or in the middle of one."""
        group: dict[str, Any] = edge_document(self.s.ids)["groups"][0]
        group |= {"prefixes": tracked, "elastic_ips": group["elastic_ips"][:addresses]}

        def stored() -> None:
            record = self.s.store(groups=[group], mode=mode)
            self.documents[record.version] = record.topology

        if point is None:
            stored()
        else:
            with meanwhile(point, stored):
                self.invoke(self.s.sweep)

    @rule(
        endpoint=endpoints,
        state=st.sampled_from(["up", "down"]),
        protocol=st.sampled_from(["both", "bgp", "bfd"]),
    )
    def session(self, endpoint: str, state: str, protocol: str) -> None:
        name = "fw1" if endpoint.startswith("az1") else "fw2"
        self.s.levers.session(name=name, endpoint=endpoint, state=state, protocol=protocol)

    @rule(
        name=appliances,
        prefix=prefixes,
        prepend=st.integers(0, 3),
        hop=st.sampled_from([None, None, None, "10.0.12.99"]),
    )
    def advertise(self, name: str, prefix: str, prepend: int, hop: str | None) -> None:
        asn = 65000 + int(name[-1])
        path = [asn] * (prepend + 1)
        self.s.levers.advertise(name=name, prefix=prefix, as_path=path, next_hop=hop)

    @rule(name=appliances, turns=st.sampled_from([1, 1, 1, 3]), pause=st.sampled_from([0.5, 1.0]))
    def route_moves(self, name: str, turns: int, pause: float) -> None:
        self.preempt(name, turns, pause)

    def preempt(self, name: str, turns: int, pause: float) -> None:
        """Route Server prefers one appliance, then the other, and each time somebody looks."""
        order = [name, "fw2" if name == "fw1" else "fw1"]
        for _ in range(turns):
            for preferred, prepend in zip(order, (0, 3), strict=True):
                self.advertise(preferred, "0.0.0.0/0", prepend, None)
            self.s.clock.sleep(pause)
            self.invoke(self.s.sweep)
            order.reverse()

    @rule(name=appliances, prefix=prefixes)
    def withdraw(self, name: str, prefix: str) -> None:
        with suppress(LeverError):
            self.s.levers.withdraw(name=name, prefix=prefix)

    @rule(endpoint=endpoints)
    def maintain(self, endpoint: str) -> None:
        with suppress(LeverError):
            self.s.levers.maintenance(endpoint=endpoint, seconds=20)

    @rule(on=st.booleans())
    def static_route(self, *, on: bool) -> None:
        """The same prefix by hand: Route Server's own is rejected (facts §3.6)."""
        client, table = self.s.lab.client(), self.s.ids["route_tables"]["protected"]
        with suppress(client.exceptions.ClientError):
            if on:
                client.create_route(
                    RouteTableId=table,
                    DestinationCidrBlock="0.0.0.0/0",
                    GatewayId=self.s.ids["internet_gateway_id"],
                )
            else:
                client.delete_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0")

    @rule(number=st.integers(0, 3), to=st.sampled_from(["fw1", "fw2", "strange", "nobody"]))
    def stranger_moves(self, number: int, to: str) -> None:
        """By hand, or by the appliance's own script."""
        address = list(self.s.ids["elastic_ips"].values())[number]
        name = address["allocation_id"]
        self.meddled[name] = self.meddled.get(name, 0) + 1
        if to == "nobody":
            self.disassociate(name)
            return
        interface = self.strange_interface if to == "strange" else self.s.ids["interfaces"][to]
        private_ip = "10.0.1.99" if to == "strange" else address["targets"][to]
        if private_ip not in self.strange.values():
            self.s.levers.associate_as_stranger(
                allocation_id=name, network_interface_id=interface, private_ip=private_ip
            )

    def disassociate(self, allocation_id: str) -> None:
        client = self.s.lab.client()
        with suppress(client.exceptions.ClientError):
            found = client.describe_addresses(AllocationIds=[allocation_id])["Addresses"][0]
            if "AssociationId" in found:
                client.disassociate_address(AssociationId=found["AssociationId"])

    @rule(name=appliances, number=st.integers(0, 3))
    def stranger_takes_a_target(self, name: str, number: int) -> None:
        """Somebody else's Elastic IP on a private IP that one of ours wants as soon as the route is there."""
        address = list(self.s.ids["elastic_ips"].values())[number]
        client = self.s.lab.client()
        shown = world(self.s.levers.region)["elastic_ips"]
        taken = {(e["interface"], e["private_ip"]) for e in shown}
        place = (self.s.ids["interfaces"][name], address["targets"][name])
        if place in taken or len(self.strange) >= 2:
            return
        strange = client.allocate_address(Domain="vpc")["AllocationId"]
        self.s.levers.associate_as_stranger(
            allocation_id=strange, network_interface_id=place[0], private_ip=place[1]
        )
        self.strange[strange] = place[1]
        self.preempt(name, 1, 1.0)

    @rule(
        action=st.sampled_from([*READS, "AssociateAddress"]),
        kind=st.sampled_from(["error", "refused", "throttle", "lag"]),
    )
    def trouble(self, action: str, kind: str) -> None:
        if kind == "error":
            self.s.levers.fault(action=action, error="InternalError", rate=0.5)
        elif kind == "refused":
            self.s.levers.fault(action=action, error="UnauthorizedOperation", count=20)
        elif kind == "throttle":
            self.s.levers.fault(action=action, throttle={"capacity": 3, "refill": 1})
        elif action in LAGGING:
            self.s.levers.fault(action=action, lag_s=5)

    @rule()
    def no_trouble(self) -> None:
        self.s.levers.faults_clear()

    @rule(kind=st.sampled_from(["paused", "pinned", "forced", "none"]), name=appliances)
    def override(self, kind: str, name: str) -> None:
        orders: dict[str, dict[str, Any]] = {
            "none": {},
            "paused": {"action": "paused", "until": FOREVER},
            "pinned": {"action": "pinned", "appliance": name, "until": FOREVER},
            "forced": {"action": "pinned", "appliance": name, "until": FOREVER, "forced": True},
        }
        self.ordered = orders[kind] or None
        self.s.override(**orders[kind])

    @rule(skew=st.sampled_from([-2, 0, 2]))
    def clock_is_wrong(self, skew: int) -> None:
        self.s.app.world.clock.skew = timedelta(seconds=skew)
        self.slack = max(self.slack, abs(skew) * 2 * SECOND_OF_SKEW)

    @rule(passing=seconds)
    def time_passes(self, passing: float) -> None:
        self.s.clock.sleep(passing)

    # what Tandem is told, and how its invocations end

    @rule(which=st.integers(0, 99), fate=st.sampled_from(["once", "once", "twice", "never"]))
    def deliver(self, which: int, fate: str) -> None:
        """Any waiting message, in any order."""
        self.inbox += range(self.seen, len(self.s.published))
        self.seen = len(self.s.published)
        if not self.inbox:
            return
        chosen = self.inbox.pop(which % len(self.inbox))
        for _ in range({"once": 1, "twice": 2, "never": 0}[fate]):
            self.invoke(lambda: self.s.deliver_one(chosen))

    @rule()
    def lose_all(self) -> None:
        """SNS messages that never come."""
        self.inbox, self.seen = [], len(self.s.published)

    @rule()
    def sweep(self) -> None:
        self.invoke(self.s.sweep)

    @rule()
    def watch(self) -> None:
        self.invoke(self.s.watch)

    @rule(point=st.integers(1, 30), after=st.booleans())
    def crash(self, point: int, *, after: bool) -> None:
        with fuse(point, after=after), suppress(Killed):
            self.invoke(self.s.sweep)
        self.s.app = load_failover(self.s.lab)
        self.process += 1
        self.listen()

    @rule(point=st.integers(1, 12), stalls=st.sampled_from([0.0, 3.0, 40.0]))
    def concurrent(self, point: int, stalls: float) -> None:
        """Another invocation runs in the middle of this one, which may stall for longer than its lease."""

        def other() -> None:
            self.s.clock.sleep(stalls)
            self.invoke(self.s.sweep)

        with meanwhile(point, other):
            self.invoke(self.s.sweep)

    @rule(operation=st.sampled_from([None, "UpdateItem", "PutItem", "Query"]))
    def table_is_away(self, operation: str | None) -> None:
        with table_away(*([operation] if operation else [])):
            self.invoke(self.s.sweep)

    @rule(name=appliances, then=st.sampled_from([None, "UpdateItem", "PutItem", "Query"]))
    def dies_while_the_table_is_away(self, name: str, then: str | None) -> None:
        """And the table comes back by halves."""
        self.s.levers.kill(name=name)
        self.s.clock.sleep(3)
        with table_away():
            self.invoke(self.s.sweep)
        with table_away(then) if then else nullcontext():
            self.invoke(self.s.sweep)

    # what must hold

    @invariant()
    def nobody_is_displaced(self) -> None:
        if self.strange:
            found = {e["allocation_id"]: e["private_ip"] for e in world(self.s.levers.region)["elastic_ips"]}
            assert {strange: found[strange] for strange in self.strange} == self.strange

    def teardown(self) -> None:
        try:
            if hasattr(self, "s"):
                self.after_the_storm()
        finally:
            self.opened.close()

    def after_the_storm(self) -> None:
        """Two sweeps: the invariant holds, or a hold stands whose reason is true."""
        self.s.levers.faults_clear()
        self.s.app.world.clock.skew = timedelta(0)
        self.s.clock.sleep(120)
        for _ in range(2):
            self.s.sweep()
            self.s.clock.sleep(70)
        self.check_outcome()
        self.check_trail()

    def check_outcome(self) -> None:
        topology = self.s.record.topology
        observed: Observation = ec2.observe(topology, lambda: self.s.app.world.looks.overrides("edge"))
        item = clients.dynamodb().get_item(
            TableName="tandem-state", Key={"kind": {"S": "look"}, "id": {"S": "edge"}}
        )["Item"]
        assert "lease_until" not in item
        memory, damaged = load(item["memory"]["S"])
        assert damaged is None
        (decision,) = decide(topology, observed, memory, self.s.clock.now())
        assert decision.action is not Action.MOVE or topology.mode is Mode.DRY_RUN, decision
        standing = memory.standing.get("internet-edge")
        told = None if standing is None else (standing.action, standing.reason)
        assert told == (None if decision.action is Action.NO_CHANGE else (decision.action, decision.reason))
        facts = Facts(world(self.s.levers.region), topology, self.ordered, self.meddled)
        if decision.action is Action.HOLD:
            assert untrue(decision.reason, facts) == [], decision.reason
        else:
            assert (misplaced(facts) == []) == (decision.action is Action.NO_CHANGE), decision.reason

    def check_trail(self) -> None:
        records = [r.body for r in self.s.audit()]
        intents = [r for r in records if r["kind"] == RecordKind.INTENT]
        outcomes = [r for r in records if r["kind"] == RecordKind.OUTCOME]
        assert len({i["decision_id"] for i in intents}) == len(intents)
        assert sorted(o["decision_id"] for o in outcomes) == sorted(i["decision_id"] for i in intents)
        for intent in intents:
            for group in intent["groups"].values():
                moving = [a for a in group["addresses"] if a["action"] == Action.MOVE]
                for address in moving:
                    self.check_move(intent, group, address)
        self.check_calls(intents)
        self.check_damping(intents, outcomes)

    def check_move(
        self, intent: Mapping[str, Any], group: Mapping[str, Any], address: Mapping[str, Any]
    ) -> None:
        """Declared at the time, of an appliance that has a session unless a forced pin is recorded."""
        to, topology = address["to"], self.documents[intent["topology_version"]]
        assert topology.mode is Mode.ENFORCE
        specs = [spec for g in topology.groups for spec in g.elastic_ips]
        (declared,) = [spec for spec in specs if spec.allocation_id == address["allocation_id"]]
        target = declared.targets[to["appliance"]]
        assert (to["network_interface"], to["private_ip"]) == (
            target.network_interface_id,
            target.private_ip,
        )
        assert address["from"] is None or address["from"]["appliance"] in ("fw1", "fw2")
        sessions = intent["evidence"]["sessions"][to["appliance"]].values()
        assert any(s["bgp"] == "up" for s in sessions) or any("forced" in r for r in group["reports"])

    def check_calls(self, intents: list[Mapping[str, Any]]) -> None:
        """Every call that EC2 carried out was announced: in the trail, or in a log line and a late record.

        Only a process that died keeps its late records to itself.
        """
        written = {intent["decision_id"]: intent for intent in intents}
        for decision_id, (process, _) in self.noted.items():
            assert process < self.process or written[decision_id]["late"] is True
        every = written | {name: intent for name, (_, intent) in self.noted.items()}
        announced = Counter(
            (address["allocation_id"], address["to"]["network_interface"], address["to"]["private_ip"])
            for intent in every.values()
            for group in intent["groups"].values()
            for address in group["addresses"]
            if address["action"] == Action.MOVE
        )
        made = Counter(
            tuple(call["params"][key] for key in ("AllocationId", "NetworkInterfaceId", "PrivateIpAddress"))
            for call in self.s.calls("AssociateAddress")
            if call["outcome"] == "OK" and call["caller"] != STRANGER
        )
        assert {move: n for move, n in made.items() if n > announced[move]} == {}
        assert {call["caller"] for call in self.s.calls("DisassociateAddress")} <= {STRANGER}

    def check_damping(self, intents: list[Mapping[str, Any]], outcomes: list[Mapping[str, Any]]) -> None:
        """Each move away from a live holder waits 5 s after the last one, doubling while the owner flaps.

        What the clocks of two invocations were apart is let pass.
        """
        took = {o["decision_id"] for o in outcomes if _took_any(o)}
        past: list[tuple[str, datetime]] = []
        for intent in intents:
            (group,) = intent["groups"].values()
            moving = [a for a in group["addresses"] if a["action"] == Action.MOVE]
            owner, at = moving[0]["to"]["appliance"], parse_iso(intent["at"])
            if past and past[-1][0] == owner:
                continue
            if past and "late" not in intent and any("is alive" in a["reason"] for a in moving):
                run = 1
                while run < len(past) and past[-run][1] - past[-run - 1][1] < FLAP_WINDOW - self.slack:
                    run += 1
                wait = min(DAMPING_MOST_SECONDS, DAMPING_FIRST_SECONDS * 2 ** (run - 1))
                assert at - past[-1][1] >= timedelta(seconds=wait) - self.slack, (past[-1], intent)
            if "late" not in intent and intent["decision_id"] in took:
                past.append((owner, at))


def _took_any(outcome: Mapping[str, Any]) -> bool:
    """Whether EC2 took a call of the intent that this outcome closes."""
    return any(address["associated_ms"] is not None for address in outcome.get("addresses", ()))


TestStorm = Storm.TestCase
TestStorm.settings = settings(
    max_examples=EXAMPLES,
    stateful_step_count=STEPS,
    phases=[Phase.generate],  # a failure says how to play it again; to shrink it would take an hour
    suppress_health_check=list(HealthCheck),
    print_blob=True,
)
