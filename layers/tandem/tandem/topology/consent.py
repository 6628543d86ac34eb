"""The owner's tag: on Elastic IPs and interfaces, and on the networks that a managed route server enters."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from tandem.reasons.documents import ProblemCode
from tandem.topology.document import Topology
from tandem.topology.inventory import Inventory
from tandem.topology.problems import CONSENT, Problem, path_of, problem_at


def consent_problem(where: str, resource_id: str, found: str | None, stack: str) -> Problem | None:
    """Returns what keeps Tandem from touching a resource; `found` is the owner's tag on it, or None."""
    if found is None:
        return problem_at(where, ProblemCode.OWNER_TAG_MISSING, resource_id, stack=stack)
    if found == stack:
        return None
    is_meant = found.strip().lower() == stack.lower()
    code = ProblemCode.OWNER_TAG_MISSPELLED if is_meant else ProblemCode.OWNER_TAG_OF_OTHER_STACK
    return problem_at(where, code, resource_id, found=found, stack=stack)


def network_consent(
    where: str, resource_id: str, consents: Mapping[str, str | None], stack: str
) -> Problem | None:
    """Returns the same for a VPC, subnet or route table. One whose tags cannot be read is left to IAM."""
    if resource_id not in consents:
        return None
    return consent_problem(where, resource_id, consents[resource_id], stack)


def networks(topology: Topology) -> Iterator[tuple[str, str]]:
    """Yields where the document names what a managed route server enters, each with its ID.

    AssociateRouteServer, CreateRouteServerEndpoint and EnableRouteServerPropagation name VPC, subnet and
    route table as resources that IAM judges by their tags:
    https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonec2.html
    """
    if not topology.manage:
        return
    server = topology.route_server
    if server.vpc_id is not None:
        yield "route_server.vpc_id", server.vpc_id
    for name, subnet_id in server.endpoints:
        yield path_of(["route_server", "endpoints", name]), subnet_id
    for index, table_id in enumerate(server.propagate_to):
        yield path_of(["route_server", "propagate_to", index]), table_id


def network_problems(topology: Topology, inventory: Inventory) -> tuple[Problem, ...]:
    """Returns what Tandem cannot set up again, each resource once. It refuses nothing that is there already.

    What does not exist has no tags either; that it does not is said elsewhere.
    """
    found: dict[str, Problem] = {}
    there = {
        *inventory.subnets,
        *inventory.route_tables,
        *(inventory.vpc_ids if inventory.vpc_prefixes else ()),
    }
    for where, resource_id in networks(topology):
        if resource_id not in there:
            continue
        problem = network_consent(where, resource_id, inventory.consents, inventory.stack)
        if problem is not None:
            found.setdefault(resource_id, problem)
    return tuple(found.values())


def network_warnings(topology: Topology, inventory: Inventory) -> Iterator[Problem]:
    for problem in network_problems(topology, inventory):
        code = ProblemCode.NETWORK_WITHOUT_CONSENT
        yield problem_at(problem.path, code, problem.subject, why=problem.reason)


def was_declared(problem: Problem, topology: Topology, before: Topology) -> bool:
    """Returns True if it is the consent of a network that a stored version of the topology uses for the same
    purpose.

    A tag that has gone since then is no reason to refuse another version.
    """
    resource_id = dict(networks(topology)).get(problem.path)
    if resource_id is None or problem.code not in CONSENT or problem.subject != resource_id:
        return False
    declared = set(networks(before))
    return (problem.path, resource_id) in declared or (
        before.manage and resource_id in before.route_server.propagate_to
    )
