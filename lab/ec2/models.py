"""moto's EC2 with what the lab adds. moto finds ``urls.py`` by this module's name."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from moto.ec2.models import EC2Backend
from moto.ec2.utils import EC2_PREFIX_TO_RESOURCE, EC2_RESOURCE_TO_PREFIX

from lab.ec2.addresses import LabAddresses
from lab.ec2.instances import LabInstances
from lab.ec2.interfaces import LabInterfaces
from lab.ec2.lab import current
from lab.ec2.region import Region
from lab.ec2.route_tables import LabRouteTables

PREFIXES: Mapping[str, str] = {
    "route-server": "rs",
    "route-server-endpoint": "rse",
    "route-server-peer": "rsp",
}


def register_prefixes() -> None:
    """Without them moto refuses to tag Route Server resources."""
    for resource, prefix in PREFIXES.items():
        EC2_RESOURCE_TO_PREFIX[resource] = prefix
        EC2_PREFIX_TO_RESOURCE[prefix] = resource


class LabEC2Backend(LabAddresses, LabInterfaces, LabInstances, LabRouteTables, EC2Backend):
    """One Region. moto makes it on first use and makes it anew at each reset."""

    def __init__(self, region_name: str, account_id: str) -> None:
        self.lab_region = Region(current(), self, region_name, account_id)
        EC2Backend.__init__(self, region_name, account_id)

    def _load_amis(self) -> None:
        """None: loading moto's 1,300 takes longer than most tests. RunInstances accepts any ImageId."""

    def do_resources_exist(self, resource_ids: list[str]) -> bool:
        lookups: Mapping[str, Callable[[str], object]] = {
            "rs": self.lab_region.route_server,
            "rse": self.lab_region.endpoint,
            "rsp": self.lab_region.peer,
            "eipalloc": lambda resource_id: self.address_by_allocation([resource_id]),
            "eni": self.get_network_interface,
        }
        others = []
        for resource_id in resource_ids:
            lookup = lookups.get(resource_id.partition("-")[0])
            if lookup is not None:
                lookup(resource_id)
            else:
                others.append(resource_id)
        return super().do_resources_exist(others)

    def describe_tags(self, filters: dict[str, list[str]] | None = None) -> list[dict[str, str]]:
        """moto compiles a pattern per resource and looks at all tags; nearly every caller wants one
        resource."""
        if filters is not None and list(filters) == ["resource-id"]:
            wanted = filters["resource-id"]
            if not any(set(resource_id) & set("*?[\\") for resource_id in wanted):
                return [
                    {
                        "resource_id": resource_id,
                        "key": key,
                        "value": value,
                        "resource_type": EC2_PREFIX_TO_RESOURCE.get(resource_id.partition("-")[0], ""),
                    }
                    for resource_id in wanted
                    if resource_id in self.tags
                    for key, value in self.tags[resource_id].items()
                ]
        return super().describe_tags(filters)
