"""examples/edge.yaml with the IDs of the edge that the lab has built."""

from typing import Any

import yaml

from lab.deploy import ROOT

EXAMPLE = ROOT / "examples" / "edge.yaml"


def topology(scenario: dict[str, Any]) -> dict[str, Any]:
    """The example's document with the IDs of the edge that was built; it manages what is not there yet."""
    document: dict[str, Any] = yaml.safe_load(EXAMPLE.read_text(encoding="utf-8"))
    document["mode"] = "enforce"
    spec = document["route_server"]
    spec["vpc_id"] = scenario["vpc_id"]
    spec["endpoints"] = {name: scenario["subnets"][name.partition("-")[0]] for name in spec["endpoints"]}
    spec["propagate_to"] = [scenario["route_tables"]["protected"]]
    document["manage"] = "route_server_id" not in scenario
    if document["manage"]:
        del spec["id"]
    else:
        spec["id"] = scenario["route_server_id"]
    for name, appliance in document["appliances"].items():
        appliance["instance_id"] = scenario["instances"][name]
    (group,) = document["groups"]
    for elastic_ip, address in zip(group["elastic_ips"], scenario["elastic_ips"].values(), strict=True):
        elastic_ip["allocation_id"] = address["allocation_id"]
        for name, target in elastic_ip["targets"].items():
            target["network_interface"] = scenario["interfaces"][name]
    return document
