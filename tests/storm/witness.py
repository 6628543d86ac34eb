"""Stands at EC2's door: judges each AssociateAddress when it is made, by the lab's peers and by the trail.

What it finds wrong is kept, since nothing raised in a call of the function's would reach the storm.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from lab.ec2.world import world
from tandem.adapters.audits import record_of
from tandem.audit import RecordKind
from tandem.events import parse_iso
from tandem.failover.decision import Action
from tandem.failover.moves import Accepted, Move, Refusal
from tandem.model import ElasticIp, Observation
from tandem.state.override import Override
from tandem.topology.document import Topology
from tests.judging import STRANGER
from tests.stack import Stack

Body = Mapping[str, Any]
ENDED_MEANWHILE = timedelta(seconds=60)
"""A forced pin may end between the decision and its call."""

TAIL = 60
"""Records of the trail among which an open intent is looked for."""


@dataclass
class Witness:
    """Sees every reading and every move of the function, and every request that EC2 gets."""

    stack: Stack
    seen: Counter[str]
    orders: dict[str | None, Body] = field(default_factory=dict)
    """The override that the storm laid over the topology (None) or a group."""
    wrong: list[str] = field(default_factory=list)
    noted: dict[str, tuple[int, Body]] = field(default_factory=dict)
    """What was moved without the table: decision to the process whose log said so, and the intent."""
    process: int = 0
    stall: Callable[[], object] | None = None
    """What happens next while a batch of calls is on the wire."""
    on_the_wire: set[str] = field(default_factory=set)
    """The decisions whose calls stalled after they had left."""
    used: set[tuple[str, str]] = field(default_factory=set)
    """Decision and Elastic IP of each call that came to EC2."""
    _ended: set[str] = field(default_factory=set)
    _alive: dict[int, frozenset[str]] = field(default_factory=dict)
    _lock: threading.RLock = field(default_factory=threading.RLock)

    def __post_init__(self) -> None:
        self._table = self.stack.lab.client("dynamodb", access_key_id="testing")
        requests = self.stack.lab.lab.requests
        begin = requests.begin

        def begun(action: str, caller: str, params: Mapping[str, Any], start: float) -> dict[str, Any]:
            if action == "AssociateAddress" and caller != STRANGER and not params.get("DryRun"):
                self._arrives(params)
            return begin(action, caller, params, start)

        vars(requests)["begin"] = begun

    def attend(self) -> None:
        """Attends the function as it was loaded last."""
        app = self.stack.app
        seeing = _Seeing(self, app.world.cloud)
        journal = _Reading(self.seen, app.journal)
        vars(app).update(world=replace(app.world, note=self._note, cloud=seeing), journal=journal)

    def _note(self, message: str, /, **facts: Any) -> None:
        if message == "moving without the table":
            self.seen["moves without the table"] += 1
            self.noted[facts["intent"]["decision_id"]] = self.process, facts["intent"]
        elif message == "moved without the table":
            self._ended.add(facts["outcome"]["decision_id"])

    def alive(self) -> frozenset[str]:
        """Returns who has a session with BGP up; everybody may seem to, while reads of the sessions lag."""
        if self.stack.lab.lab.faults.lag_s("DescribeRouteServerPeers"):
            return frozenset({"fw1", "fw2"})
        peers = world(self.stack.levers.region)["route_servers"][0]["peers"]
        return frozenset(p["appliance"] for p in peers if p["bgp"] == "up")

    def orders_now(self) -> dict[str | None, Body]:
        return {scope: order for scope, order in self.orders.items() if order}

    def moves(self, move: Move) -> None:
        """Its appliance had a session when this look read it, or an operator forced it."""
        now = self.stack.clock.now() - ENDED_MEANWHILE
        forced = {
            order["appliance"]
            for order in self.orders_now().values()
            if order.get("forced") and parse_iso(order["until"]) > now
        }
        if move.owner not in self._alive[threading.get_ident()] | forced:
            self.wrong.append(f"{move.subject} goes to {move.owner}, which has no session with BGP up")

    @contextmanager
    def reading(self) -> Iterator[None]:
        before = self.alive()
        yield
        self._alive[threading.get_ident()] = before | self.alive()

    def stalled(self, count: int, may_begin: Callable[[], bool]) -> Callable[[], bool]:
        """All calls of a batch leave, then what `stall` says happens, then they arrive.

        Their intent may have been closed by then, by whoever took over.
        """
        happens, self.stall = self.stall, None
        if happens is None or not count:
            return may_begin
        together, turn = threading.Barrier(count), threading.Lock()
        self.seen["stalled on the wire"] += 1

        def leaves() -> bool:
            nonlocal happens
            may = may_begin()
            together.wait(60)
            with turn:
                if happens is not None:
                    what, happens = happens, None
                    self.on_the_wire |= {body["decision_id"] for body in self._open()}
                    what()
            return may

        return leaves

    def _arrives(self, params: Mapping[str, Any]) -> None:
        """An intent that is open announced it, and nothing else has used that."""
        place = tuple(params[key] for key in ("AllocationId", "NetworkInterfaceId", "PrivateIpAddress"))
        with self._lock:
            for body in self._open():
                use = (body["decision_id"], place[0])
                if place in announced(body) and use not in self.used:
                    self.used.add(use)
                    return
            self.wrong.append(f"no open intent announces {place}")

    def _open(self) -> list[Body]:
        """The intents that have no outcome now, of the trail and of log lines; and what is on the wire."""
        items = self._table.query(
            TableName="tandem-audit",
            KeyConditionExpression="#s = :s",
            ExpressionAttributeNames={"#s": "sequence"},
            ExpressionAttributeValues={":s": {"S": "failover#edge"}},
            ScanIndexForward=False,
            Limit=TAIL,
        )["Items"]
        bodies = [record.body for item in items if (record := record_of(item)[0]) is not None]
        closed = {b["decision_id"] for b in bodies if b["kind"] == RecordKind.OUTCOME} | self._ended
        closed -= self.on_the_wire
        intents = [b for b in bodies if b["kind"] == RecordKind.INTENT]
        intents += [body for _, body in self.noted.values()]
        return [body for body in intents if body["decision_id"] not in closed]


@dataclass(frozen=True)
class _Reading:
    """The function's log, and who counts what its looks say beside it."""

    seen: Counter[str]
    inner: Any

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)

    def info(self, message: str, /, **facts: Any) -> None:
        if message == "looked":
            for name in ("contended", "lost", "taken_over"):
                self.seen[name] += bool(facts[name])
            self.seen["moves"] += len(facts["moved"])
            self.seen["holds"] += sum(d["action"] is Action.HOLD for d in facts["decisions"].values())
        self.inner.info(message, **facts)


@dataclass(frozen=True)
class _Seeing:
    """The function's EC2, and the witness beside it."""

    witness: Witness
    inner: Any

    def read_back(self, moves: Sequence[Move]) -> dict[str, ElasticIp]:
        found: dict[str, ElasticIp] = self.inner.read_back(moves)
        return found

    def observe(self, topology: Topology, overrides: Callable[[], tuple[Override, ...]]) -> Observation:
        with self.witness.reading():
            observation: Observation = self.inner.observe(topology, overrides)
        return observation

    def begin(
        self, moves: Sequence[Move], may_begin: Callable[[], bool], now: Callable[[], datetime]
    ) -> list[Future[Accepted | Refusal]]:
        for move in moves:
            if not move.dry_run:
                self.witness.moves(move)
        leaves = self.witness.stalled(len(moves), may_begin)
        begun: list[Future[Accepted | Refusal]] = self.inner.begin(moves, leaves, now)
        return begun


def moving(group: Body) -> list[Body]:
    """The addresses of a recorded decision that are to move."""
    return [address for address in group["addresses"] if address["action"] == Action.MOVE]


def announced(intent: Body) -> set[tuple[str, str, str]]:
    """Elastic IP, interface and private IP of each move that an intent announces."""
    return {
        (a["allocation_id"], a["to"]["network_interface"], a["to"]["private_ip"])
        for group in intent["groups"].values()
        for a in moving(group)
    }
