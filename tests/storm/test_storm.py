"""Anything that can happen, in any order, to the whole function over emulated AWS; what must still hold."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, nullcontext, suppress
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from lab.ec2.errors import LeverError
from lab.ec2.timings import Behaviour, PersistedMeans
from lab.ec2.world import world
from tandem.adapters import clients, ec2
from tandem.audit import RecordKind
from tandem.errors import TandemError
from tandem.events import iso
from tandem.failover.deciding import decide
from tandem.failover.decision import Action
from tandem.model import Observation
from tandem.state.memory import load
from tandem.topology.document import Mode, Topology
from tests.crashing import Killed, fuse, meanwhile, table_away
from tests.judging import STRANGER
from tests.pure import said
from tests.stack import Stack, edge_document, load_failover, stack
from tests.stories.test_targets import replaced
from tests.storm import trails
from tests.storm.truth import Facts, misplaced, unnamed, untrue
from tests.storm.witness import Witness
from tests.tiers import prove
from tests.worlds import attach, outside_interfaces

STEPS = 100
EXAMPLES = int(os.environ.get("TANDEM_STORM_EXAMPLES", "26"))
"""Times up to STEPS: more than 2,000 steps. `make storm` asks for more."""

SEED = 1
"""Of the examples that are the same in every run: one in which much happens."""

SEEN: Counter[str] = Counter()
"""How often what happened, in all examples."""

FEWEST = {
    "steps": 2000,
    "moves": 200,
    "moved and verified": 200,
    "holds": 100,
    "contended": 15,
    "lost": 10,
    "taken_over": 10,
    "stalled on the wire": 8,
    "had to wait": 60,
    "intents closed by another look": 2,
}
"""How often it must at the least, in the examples of the tests: a storm that meets nothing proves nothing.

Of the examples that `make storm` finds it is asked less: how much happens in twelve of them differs a lot.
"""

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
GROUPS = ["internet-edge", "second"]
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
        self.documents: dict[int, Topology] = {}
        self.attachments: dict[str, str] = {}
        self.unkept: set[int] = set()
        """Epochs of looks whose memory may not have been kept."""
        self.slack = timedelta(seconds=0.05)
        """How far the clocks of two invocations may have been apart, and a look's own steps."""

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
        self.witness = Witness(self.s, SEEN)
        self.witness.attend()
        self.strange_interface = self.s.lab.client().create_network_interface(
            SubnetId=self.s.ids["subnets"]["az1"], PrivateIpAddress="10.0.1.99"
        )["NetworkInterface"]["NetworkInterfaceId"]

    def invoke(self, what: Callable[[], object]) -> None:
        """A failure that Lambda would try again is part of the weather."""
        with suppress(TandemError):
            what()

    @contextmanager
    def unclean(self) -> Iterator[None]:
        """Looks that may end before they have kept what they remember."""
        before = self.epoch()
        yield
        self.unkept.update(range(before, self.epoch() + 1))

    def epoch(self) -> int:
        return int(self.look_record().get("epoch", {"N": "0"})["N"])

    def look_record(self) -> dict[str, Any]:
        key = {"kind": {"S": "look"}, "id": {"S": "edge"}}
        answer = clients.dynamodb().get_item(TableName="tandem-state", Key=key, ConsistentRead=True)
        return dict(answer.get("Item", {}))

    # what befalls the world

    @rule(name=appliances, stop=st.booleans())
    def kill(self, name: str, *, stop: bool) -> None:
        with suppress(LeverError):
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
        second=st.sampled_from([None, None, "0.0.0.0/0", SECOND]),
        addresses=st.sampled_from([4, 4, 3]),
        mode=st.sampled_from([Mode.ENFORCE, Mode.ENFORCE, Mode.ENFORCE, Mode.DRY_RUN]),
        point=st.sampled_from([None, 3, 9]),
    )
    def document(
        self, tracked: list[str], second: str | None, addresses: int, mode: Mode, point: int | None
    ) -> None:
        """A changed document is stored, with one group or two, between looks or in the middle of one."""
        group: dict[str, Any] = edge_document(self.s.ids)["groups"][0]
        every = group["elastic_ips"][:addresses]
        groups = [group | {"prefixes": tracked, "elastic_ips": every}]
        if second is not None:
            groups = [
                group | {"prefixes": tracked, "elastic_ips": every[:2]},
                group | {"name": GROUPS[1], "prefixes": [second], "elastic_ips": every[2:]},
            ]
        if point is None:
            self.store(groups, mode)
        else:
            with meanwhile(point, lambda: self.store(groups, mode)):
                self.invoke(self.s.sweep)

    def store(self, groups: list[dict[str, Any]], mode: Mode) -> None:
        record = self.s.store(groups=groups, mode=mode)
        self.documents[record.version] = record.topology

    @rule(name=appliances)
    def replaced(self, name: str) -> None:
        """The instance is terminated, and the addresses leave; a new one with a new interface is declared."""
        if self.attachments:
            return
        self.strange = {
            strange: place for strange, place in self.strange.items() if f".{name[-1]}." not in place[3:7]
        }
        replaced(self.s, name)
        self.invoke(self.s.sweep)
        self.s.clock.sleep(10)
        self.store([edge_document(self.s.ids)["groups"][0]], Mode.ENFORCE)

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
        """The same prefix by hand: Route Server's own is rejected (docs/aws-facts.md#static-routes)."""
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
        kind=st.sampled_from(["error", "refused", "throttle", "lag", "lost"]),
    )
    def trouble(self, action: str, kind: str) -> None:
        if kind == "error":
            self.s.levers.fault(action=action, error="InternalError", rate=0.5)
        elif kind == "refused":
            self.s.levers.fault(action=action, error="UnauthorizedOperation", count=20)
        elif kind == "throttle":
            self.s.levers.fault(action=action, throttle={"capacity": 3, "refill": 1})
        elif kind == "lost":
            lost = {"break_s": 5, "lost_answer": True, "count": 2}
            self.s.levers.fault(action="AssociateAddress", **lost)
        elif action in LAGGING:
            self.s.levers.fault(action=action, lag_s=5)

    @rule()
    def no_trouble(self) -> None:
        self.s.levers.faults_clear()

    @rule()
    def calm(self) -> None:
        """Somebody puts everything right, before the next thing goes wrong."""
        self.s.levers.faults_clear()
        self.lift_all()
        for name in ("fw1", "fw2"):
            self.restore(name)
            self.advertise(name, "0.0.0.0/0", 0 if name == "fw1" else 3, None)
        self.static_route(on=False)
        self.s.clock.sleep(70)
        self.invoke(self.s.sweep)

    def lift_all(self) -> None:
        for scope in (None, *GROUPS):
            self.witness.orders[scope] = {}
            self.s.override(group=scope)

    @rule(
        kind=st.sampled_from(["paused", "pinned", "forced", "none", "none", "none"]),
        name=appliances,
        scope=st.sampled_from([None, None, *GROUPS]),
        lasts=st.sampled_from([None, 20, 20, 90]),
    )
    def override(self, kind: str, name: str, scope: str | None, lasts: int | None) -> None:
        """Of the topology or of one group, for some seconds or for good; or all of them are lifted."""
        until = FOREVER if lasts is None else iso(self.s.clock.now() + timedelta(seconds=lasts))
        if kind == "none":
            self.lift_all()
            return
        orders: dict[str, dict[str, Any]] = {
            "paused": {"action": "paused", "until": until},
            "pinned": {"action": "pinned", "appliance": name, "until": until},
            "forced": {"action": "pinned", "appliance": name, "until": until, "forced": True},
        }
        self.witness.orders[scope] = orders[kind]
        self.s.override(group=scope, **orders[kind])

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
        with self.unclean(), fuse(point, after=after), suppress(Killed):
            self.invoke(self.s.sweep)
            SEEN["not killed"] += 1
        self.s.app = load_failover(self.s.lab)
        self.witness.process += 1
        self.witness.attend()

    @rule(point=st.integers(1, 12), stalls=st.sampled_from([0.0, 3.0, 40.0]))
    def concurrent(self, point: int, stalls: float) -> None:
        """Another invocation runs in the middle of this one, which may stall for longer than its lease."""

        def other() -> None:
            self.s.clock.sleep(stalls)
            self.invoke(self.s.sweep)

        with self.unclean(), meanwhile(point, other):
            self.invoke(self.s.sweep)

    @rule(name=appliances, stalls=st.sampled_from([3.0, 40.0]))
    def stalls_on_the_wire(self, name: str, stalls: float) -> None:
        """Every call of a batch leaves under the lease, and arrives when another look has had its turn."""

        def other() -> None:
            self.s.clock.sleep(stalls)
            self.invoke(self.s.sweep)

        with self.unclean():
            self.witness.stall = other
            self.preempt(name, 1, 10.0)
            self.witness.stall = None

    @rule(operation=st.sampled_from([None, "UpdateItem", "PutItem", "Query"]))
    def table_is_away(self, operation: str | None) -> None:
        with self.unclean(), table_away(*([operation] if operation else [])):
            self.invoke(self.s.sweep)

    @rule(name=appliances, then=st.sampled_from([None, "UpdateItem", "PutItem", "Query"]))
    def dies_while_the_table_is_away(self, name: str, then: str | None) -> None:
        """And the table comes back by halves."""
        self.s.levers.kill(name=name)
        self.s.clock.sleep(3)
        with self.unclean():
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

    @invariant()
    def every_move_is_announced_and_goes_to_a_live_one(self) -> None:
        SEEN["steps"] += 1
        if hasattr(self, "witness"):
            assert self.witness.wrong == []

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
        observed: Observation = ec2.observe(topology, lambda: self.s.app.world.overrides.of("edge"))
        item = self.look_record()
        assert "lease_until" not in item
        memory, damaged = load(item["memory"]["S"])
        assert damaged is None
        assert set(memory.standing) <= {group.name for group in topology.groups}
        now = self.s.clock.now()
        shown = world(self.s.levers.region)
        decisions = decide(topology, observed, memory, now)
        for group, decision in zip(topology.groups, decisions, strict=True):
            SEEN[f"ends with {decision.action}"] += 1
            assert decision.action is not Action.MOVE or topology.mode is Mode.DRY_RUN, decision
            standing = memory.standing.get(group.name)
            told = None if standing is None else (standing.action, standing.codes)
            assert told == (
                None if decision.action is Action.NO_CHANGE else (decision.action, decision.identity)
            )
            reason = said(decision)
            database = observed.database
            assert database is not None
            facts = Facts(shown, group, self.witness.orders_now(), self.meddled, database.persisted, now)
            if decision.action is Action.HOLD:
                assert untrue(reason, facts) == [], reason
                assert unnamed(reason, facts) == set(), reason
            else:
                assert (misplaced(facts) == []) == (decision.action is Action.NO_CHANGE), reason

    def check_trail(self) -> None:
        bodies = [r.body for r in self.s.audit()]
        trails.closed(bodies, self.witness.on_the_wire)
        noted = {name: intent for name, (_, intent) in self.witness.noted.items()}
        written = {b["decision_id"]: b for b in trails.of_kind(bodies, RecordKind.INTENT)}
        trails.declared([*(noted | written).values()], self.documents)
        for decision_id, (process, _) in self.witness.noted.items():
            assert process < self.witness.process or written[decision_id]["late"] is True
        unkept = {name for name in written if name.split("-")[1] in map(str, self.unkept)}
        SEEN["had to wait"] += trails.damped(
            bodies, self.documents, slack=self.slack, unkept=unkept, arrived=self.witness.used
        )
        SEEN.update(trails.counted(bodies))
        assert {call["caller"] for call in self.s.calls("DisassociateAddress")} <= {STRANGER}


@prove
class TestStorm(Storm.TestCase):  # type: ignore[valid-type,misc]
    """Plays the storm, and says how much of what matters there was in it."""

    settings = settings(
        max_examples=EXAMPLES,
        stateful_step_count=STEPS,
        phases=[Phase.generate],  # a failure says how to play it again; to shrink it would take an hour
        suppress_health_check=list(HealthCheck),
        print_blob=True,
    )

    @pytest.fixture(autouse=True)
    def record(self, record_property: Callable[[str, object], None]) -> None:
        self.recorded = record_property

    def runTest(self) -> None:  # noqa: N802 - unittest's name
        SEEN.clear()
        is_known = settings.get_current_profile_name() == "repeatable"
        if is_known:
            seed(SEED)(Storm)
        super().runTest()
        self.recorded("met", "storm: " + ", ".join(f"{name}: {SEEN[name]}" for name in sorted(SEEN)))
        fewest = FEWEST if is_known else dict.fromkeys(FEWEST, EXAMPLES // 20) | {"steps": EXAMPLES * 50}
        missing = {name: n for name, n in fewest.items() if SEEN[name] < n}
        assert missing == {}, {name: SEEN[name] for name in missing}

    runTest.is_hypothesis_test = True  # type: ignore[attr-defined]
