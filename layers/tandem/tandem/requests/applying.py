"""Topologies are stored and checked here: every problem at once, stored whole or refused whole."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any, Protocol

from tandem.author import NOBODY, Author
from tandem.errors import TandemError
from tandem.ports import Bus
from tandem.provisioning.managesteps import Step
from tandem.provisioning.telling import look_at_version, topology_change
from tandem.reasons.documents import ProblemCode as Code
from tandem.reasons.reason import Reason, reason
from tandem.requests.differences import differences
from tandem.state.record import TopologyRecord
from tandem.topology.consent import network_problems, was_declared
from tandem.topology.crosschecks import crosscheck
from tandem.topology.document import Mode, Topology, parse_topology, resolved
from tandem.topology.inventory import Inventory, RegionWithoutRouteServerError
from tandem.topology.problems import WHOLE, Problem, path_of, problem_at
from tandem.topology.shape import normalise, shape_problems
from tandem.topology.size import excess
from tandem.topology.worldchecks import warnings, worldcheck
from tandem.words.provisioning import said, sentence_of, warning_of

CLI = "cli"
_ENDS_DELETION = "it is being deleted: storing it ends the deletion, and Tandem creates again what is gone"


class StoredTopologies(Protocol):
    """Holds every stored topology that can be read, and what is wrong with the others."""

    @property
    def records(self) -> tuple[TopologyRecord, ...]: ...

    @property
    def damaged(self) -> dict[str, str]: ...

    @property
    def reported(self) -> dict[str, str]: ...

    def of(self, name: str) -> TopologyRecord | None: ...


class DocumentStore(Protocol):
    """Holds the stored topologies."""

    def list(self) -> StoredTopologies: ...

    def put(
        self,
        topology: Topology,
        door: str,
        seen: TopologyRecord | None,
        *,
        allow_interruption: bool = False,
        stored_at: datetime | None = None,
    ) -> TopologyRecord: ...

    def replace_damaged(self, topology: Topology, door: str) -> TopologyRecord: ...


@dataclass(frozen=True, slots=True)
class DoorPorts:
    """Holds what a door needs: the stored topologies, a reading of AWS, and what a look would do now."""

    store: DocumentStore
    inventory: Callable[[Topology], Inventory]
    preview: Callable[[Topology], list[dict[str, Any]]]
    plan: Callable[[TopologyRecord], tuple[Step, ...]]
    """What a run over what is managed would do."""
    bus: Bus
    now: Callable[[], datetime]
    tag_keys: tuple[str, ...] = ()
    """The keys of tags that IAM lets Tandem write beside its own."""


@dataclass(frozen=True, slots=True)
class Application:
    """Holds a document at a door. `seen` is the stored version that whoever applies has looked at, if they
    say.
    """

    document: object
    door: str = CLI
    take_over: bool = False
    seen: int | None = None
    allow_interruption: bool = False
    """Whether the last session of a route's owner may be taken down, where AWS leaves no other way."""
    by: Author = NOBODY


@dataclass(frozen=True, slots=True)
class Verdict:
    """Holds what became of an application, or would."""

    problems: tuple[Problem, ...] = ()
    warnings: tuple[Reason | Problem, ...] = ()
    changes: tuple[str, ...] = ()
    plan: tuple[Reason, ...] = ()
    """What the provisioner would do, step by step; empty where it only watches."""
    untagged: tuple[str, ...] = ()
    """Networks that lack their owner's tag: problems where something is to be done there, else warnings."""
    preview: tuple[dict[str, Any], ...] = ()
    """One decision a group: what the first look would do. Where the document has problems, what a look at
    the stored version would do.
    """
    topology: Topology | None = None
    version: int = 0
    """The stored one; 0 where nothing is stored."""
    is_stored: bool = False

    def as_dict(self) -> dict[str, Any]:
        """Returns JSON for whoever invoked the function."""
        return {
            "problems": [asdict(said(problem)) for problem in self.problems],
            "warnings": [warning_of(found) for found in self.warnings],
            "changes": list(self.changes),
            "plan": [sentence_of(step) for step in self.plan],
            "untagged": list(self.untagged),
            "preview": list(self.preview),
            "topology": self.topology.name if self.topology else None,
            "mode": self.topology.mode if self.topology else None,
            "version": self.version,
            "stored": self.is_stored,
        }


def check(application: Application, world: DoorPorts) -> Verdict:
    """Runs all three passes: what would change, and which addresses would move now. Stores nothing.

    Raises TemporaryError where AWS or the table cannot be read.
    """
    topology = _parsed(application)
    if isinstance(topology, Verdict):
        return topology
    return _judged(topology, application, world.store.list(), world)


def apply(application: Application, world: DoorPorts) -> Verdict:
    """Checks and stores, whole or not at all; what was stored before stays in force where there is a problem.

    Raises TemporaryError, ChangedMeanwhileError among them.
    """
    topology = _parsed(application)
    if isinstance(topology, Verdict):
        return topology
    stored = world.store.list()
    verdict = _judged(topology, application, stored, world)
    before = stored.of(topology.name)
    if verdict.problems:
        return verdict
    allowed = application.allow_interruption
    is_same = before is not None and before.door == application.door and not verdict.changes
    if is_same and before is not None and before.may_interrupt >= allowed:
        return replace(verdict, is_stored=True)
    if topology.name in stored.damaged:
        record = world.store.replace_damaged(topology, application.door)
        _tell(record, None, application.by, world)
    else:
        by = application.by
        record = store(topology, application.door, before, world, by=by, allow_interruption=allowed)
    return replace(verdict, version=record.version, is_stored=True)


def store(
    topology: Topology,
    door: str,
    before: TopologyRecord | None,
    world: DoorPorts,
    *,
    by: Author,
    allow_interruption: bool = False,
) -> TopologyRecord:
    """Stores what was judged already as the next version, tells, and asks for a look at it.

    Raises TemporaryError, ChangedMeanwhileError among them.
    """
    record = world.store.put(
        topology, door, before, allow_interruption=allow_interruption, stored_at=world.now()
    )
    _tell(record, before, by, world)
    return record


def _tell(record: TopologyRecord, before: TopologyRecord | None, by: Author, world: DoorPorts) -> None:
    now = world.now()
    world.bus.put(topology_change(record, "stored", now, by, before), look_at_version(record, now))


def ownership(record: TopologyRecord, door: str, *, take_over: bool) -> Problem | None:
    """A topology belongs to the door that created it (docs/topology.md#storing-it)."""
    if record.door == door or take_over:
        return None
    stack, _, resource = record.door.partition("#")
    facts = {"stack": None if record.door == CLI else stack, "resource": resource or None}
    return problem_at("name", Code.BELONGS_ELSEWHERE, record.topology.name, **facts)


def origin_of(record: TopologyRecord) -> str:
    """Returns whose the topology is, in words. A CloudFormation door is the stack's ARN, `#` and the
    resource.
    """
    stack, _, resource = record.door.partition("#")
    of_stack = f"the CloudFormation stack {stack}"
    return "the command line" if record.door == CLI else f"{resource} of {of_stack}" if resource else of_stack


def _parsed(application: Application) -> Topology | Verdict:
    """Returns the topology, or the verdict on a document that is none."""
    excessive = excess(application.document)
    if excessive is not None:
        return Verdict(problems=(excessive,))
    normal = normalise(application.document)
    malformed = shape_problems(normal)
    return Verdict(problems=(*malformed, *crosscheck(normal))) if malformed else parse_topology(normal)


def _judged(
    topology: Topology, application: Application, stored: StoredTopologies, world: DoorPorts
) -> Verdict:
    """A change of nothing but the mode is not judged by what AWS shows, nor by whether AWS can be read: that
    only warns then. Each look holds what it must.
    """
    before = stored.of(topology.name)
    at_the_door = Verdict(
        problems=(*_at_the_door(topology, application, stored), *_tags_allowed(topology, world.tag_keys)),
        warnings=tuple(
            reason(Code.DAMAGED_TOPOLOGY, name, why=why)
            for name, why in stored.damaged.items()
            if name != topology.name
        ),
        changes=(
            *((_ENDS_DELETION,) if before is not None and before.is_leaving else ()),
            *differences(before.topology.document if before else {}, topology.document),
        ),
        topology=topology,
        version=0 if before is None else before.version,
    )
    if before is None or not only_changes_mode(before.topology.document, topology.document):
        return _against_aws(at_the_door, topology, application, stored, world)
    try:
        found = _against_aws(replace(at_the_door, problems=()), topology, application, stored, world)
    except Exception as error:  # noqa: BLE001 - whatever fails, the mode changes
        why = str(error) if isinstance(error, TandemError) else f"{type(error).__name__}: {error}"
        unread = reason(Code.AWS_UNREAD, topology.name, why=why)
        return replace(at_the_door, warnings=(*at_the_door.warnings, unread))
    return replace(found, problems=at_the_door.problems, warnings=(*found.warnings, *found.problems))


def _against_aws(
    verdict: Verdict, topology: Topology, application: Application, stored: StoredTopologies, world: DoorPorts
) -> Verdict:
    """Adds what the other passes and the plan find."""
    before = stored.of(topology.name)
    made = _resolved(topology, before)
    problems = [*crosscheck(topology.document), *verdict.problems]
    try:
        inventory = world.inventory(made)
    except RegionWithoutRouteServerError as error:
        code = Code.REGION_WITHOUT_ROUTE_SERVER
        unavailable = problem_at("route_server", code, topology.name, why=str(error))
        return replace(verdict, problems=(*problems, unavailable))
    problems += worldcheck(topology, inventory, (record.topology for record in stored.records))
    steps = _planned(topology, application, before, world)
    known = {problem.path for problem in problems}
    # the checks have said what is wrong there: the plan would say it in other words
    refused = [s.refused for s in steps if s.refused is not None and s.refused.path not in known]
    # a tag that was taken away later must not keep a new version from being stored
    if before is not None and not before.is_leaving:
        refused = [problem for problem in refused if not was_declared(problem, topology, before.topology)]
    problems += refused
    return replace(
        verdict,
        problems=tuple(problems),
        untagged=tuple(p.untagged for p in network_problems(topology, inventory) if p.untagged),
        warnings=(*warnings(topology, inventory), *verdict.warnings),
        plan=tuple(step.planned for step in steps),
        preview=_preview(made if not problems else _stored(before), world),
    )


def _stored(before: TopologyRecord | None) -> Topology | None:
    """Returns what is in force, and stays so if the document has problems."""
    return None if before is None else _resolved(before.topology, before)


def _preview(topology: Topology | None, world: DoorPorts) -> tuple[dict[str, Any], ...]:
    """Returns what the next look at a topology would decide; nothing while there is no route server to
    read.
    """
    if topology is None or not topology.route_server.route_server_id:
        return ()
    return tuple(world.preview(topology))


def only_changes_mode(old: dict[str, Any], new: dict[str, Any]) -> bool:
    """True if the mode is all that differs. The brake has to work in a broken world, and so has its release:
    one address that cannot move must not keep the others on a dead appliance.
    """
    modes = {old.get("mode", Mode.DRY_RUN), new.get("mode", Mode.DRY_RUN)}
    return len(modes) == 2 and {**old, "mode": None} == {**new, "mode": None}


def _resolved(topology: Topology, before: TopologyRecord | None) -> Topology:
    """Returns the topology with the route server that an earlier run has created, if any."""
    found = before.provisioned if before is not None else None
    return resolved(topology, found.route_server_id if found else None)


def _planned(
    topology: Topology, application: Application, before: TopologyRecord | None, world: DoorPorts
) -> tuple[Step, ...]:
    if not topology.manage:
        return ()
    made = before or TopologyRecord(topology, 0, application.door)
    wanted = replace(
        made,
        topology=_resolved(topology, before),
        version=made.version + 1,
        allow_interruption=application.allow_interruption,
    )
    return world.plan(wanted)


def _at_the_door(topology: Topology, application: Application, stored: StoredTopologies) -> Iterator[Problem]:
    before = stored.of(topology.name)
    version = 0 if before is None else before.version
    if before is not None:
        foreign = ownership(before, application.door, take_over=application.take_over)
        yield from () if foreign is None else (foreign,)
        yield from _another_server(topology, before)
    if topology.name in stored.damaged and not application.take_over:
        why = stored.damaged[topology.name]
        yield problem_at("name", Code.DAMAGED_TOPOLOGY, topology.name, why=why)
    if application.seen is not None and application.seen != version:
        versions = {"stored": version, "seen": application.seen}
        yield problem_at(WHOLE, Code.CHANGED_MEANWHILE, topology.name, **versions)


def _tags_allowed(topology: Topology, allowed: tuple[str, ...]) -> Iterator[Problem]:
    """IAM would refuse another key, and with it the creation."""
    for key, _ in topology.tags if topology.manage else ():
        if key not in allowed:
            may = tuple(each for each in allowed if each)
            yield problem_at(path_of(["tags", key]), Code.TAG_KEY_NOT_ALLOWED, key, allowed=may)


def _another_server(topology: Topology, before: TopologyRecord) -> Iterator[Problem]:
    """Refuses another ID for what Tandem manages: with it nobody would ever take it away."""
    found, declared = before.provisioned, topology.document["route_server"].get("id")
    if found is None or not (before.topology.manage or found.endpoints):
        return
    if declared is not None and found.route_server_id not in ("", declared):
        facts = {"declared_id": declared, "server_id": found.route_server_id, "topology": topology.name}
        yield problem_at("route_server.id", Code.MANAGES_OTHER_ROUTE_SERVER, **facts)
