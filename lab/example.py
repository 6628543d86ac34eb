"""examples/edge.yaml with the IDs of the edge that the lab has built."""

from typing import Any

import yaml

from lab.deploy import ROOT

EXAMPLE = ROOT / "examples" / "edge.yaml"


def topology(scenario: dict[str, Any]) -> dict[str, Any]:
    """The example's document with the IDs of the edge that was built."""
    document: dict[str, Any] = yaml.safe_load(EXAMPLE.read_text(encoding="utf-8"))
    document["mode"] = "enforce"
    document["route_server"] |= {
        "id": scenario["route_server_id"],
        "vpc_id": scenario["vpc_id"],
        "endpoints": {name: endpoint["subnet_id"] for name, endpoint in scenario["endpoints"].items()},
        "propagate_to": [scenario["route_tables"]["protected"]],
    }
    for name, appliance in document["appliances"].items():
        appliance["instance_id"] = scenario["instances"][name]
    (group,) = document["groups"]
    for spec, address in zip(group["elastic_ips"], scenario["elastic_ips"].values(), strict=True):
        spec["allocation_id"] = address["allocation_id"]
        for name, target in spec["targets"].items():
            target["network_interface"] = scenario["interfaces"][name]
    return document
