"""Puts a mark at what each finding is about."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tandem.compliance.picture.scene import Mark, PictureScene
from tandem.compliance.rule import Finding, RuleVerdict, numbered_findings
from tandem.topology import document


def with_marks(whole: PictureScene, topology: document.Topology, findings: Sequence[Finding]) -> PictureScene:
    """Puts a mark at what each finding is about; at the whole where nothing that is drawn has its name."""
    drawn = dict(_drawn(whole, topology))
    marks: dict[str, tuple[Mark, ...]] = {}
    for number, finding in numbered_findings(findings):
        mark = Mark(number, finding.rule.severity, finding.result.verdict is RuleVerdict.UNKNOWN)
        place = next((drawn[name] for name in _names(finding) if name in drawn), "")
        marks[place] = (*marks.get(place, ()), mark)
    whole.marks.update(marks)
    return whole


def _names(finding: Finding) -> Iterator[str]:
    """Yields what a finding is about, the most exact name first."""
    resource = finding.result.resource
    if (finding.result.place or "").startswith("waivers"):
        return  # it is about the document
    yield resource
    yield from resource.split()
    yield from (value for _, value in finding.result.reason.facts if isinstance(value, str))


def _drawn(whole: PictureScene, topology: document.Topology) -> Iterator[tuple[str, str]]:
    """Yields every name of what is drawn, with the one by which its marks are found."""
    for appliance, declared in (
        (a, topology.appliances[a.name]) for s in whole.subnets for a in s.appliances
    ):
        targets = (
            spec.targets[appliance.name].network_interface_id
            for group in topology.groups
            for spec in group.elastic_ips
            if appliance.name in spec.targets
        )
        names = (appliance.instance_id, *declared.peer_addresses, *declared.next_hops, *targets)
        yield from ((name, appliance.name) for name in names if name)
    yield from ((subnet.zone, subnet.zone) for subnet in whole.subnets if subnet.zone)
    yield from _themselves(whole)


def _themselves(whole: PictureScene) -> Iterator[tuple[str, str]]:
    names: list[str | None] = [whole.vpc_id, whole.route_server_id]
    addresses = [address for _, found in whole.stray for address in found]
    for subnet in whole.subnets:
        names += [subnet.subnet_id, *(endpoint.endpoint_id for endpoint in subnet.endpoints)]
        for appliance in subnet.appliances:
            names += [appliance.name, *(session.peer_id for session in appliance.sessions)]
            addresses += appliance.elastic_ips
    for table in whole.tables:
        names += [table.table_id, *(f"{table.table_id} {row.prefix}" for row in table.rows)]
    names += [address.allocation_id for address in addresses]
    yield from ((name, name) for name in names if name)
    yield from ((a.public_ip, a.allocation_id) for a in addresses if a.public_ip)
