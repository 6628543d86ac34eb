"""Describes what the tests of the lab share: short words for long calls."""

from contextlib import contextmanager

import pytest
from botocore.exceptions import ClientError

PATIENCE = 60.0
"""Seconds until a test that waits for real threads or processes gives up. It waits so long only to fail."""


@contextmanager
def refused(code):
    """The EC2 error code that the block must raise."""
    with pytest.raises(ClientError) as caught:
        yield caught
    assert caught.value.response["Error"]["Code"] == code, caught.value


class Edge:
    """The scenario ``edge`` and short reads of it."""

    def __init__(self, lab, world):
        self.lab = lab
        self.world = world
        self.ec2 = lab.client()
        self.levers = lab.levers
        self.clock = lab.clock

    def __getattr__(self, name):
        if name in self.world:
            return self.world[name]
        raise AttributeError(name)

    def database(self):
        return self.ec2.get_route_server_routing_database(RouteServerId=self.route_server_id)

    def rows(self, status=None):
        return [row for row in self.database()["Routes"] if status in (None, row["RouteStatus"])]

    def owner(self, prefix="0.0.0.0/0"):
        """The next hop in the FIB, or None."""
        hops = [row["NextHopIp"] for row in self.rows("in-fib") if row["Prefix"] == prefix]
        assert len(hops) <= 1, f"two winners for {prefix}"
        return hops[0] if hops else None

    def installation(self, prefix="0.0.0.0/0"):
        (row,) = [row for row in self.rows("in-fib") if row["Prefix"] == prefix]
        return {
            item["RouteTableId"]: (
                item["RouteInstallationStatus"],
                item.get("RouteInstallationStatusReason"),
            )
            for item in row["RouteInstallationDetails"]
        }

    def propagated(self, table="protected"):
        """Destination: (next hop, interface, state) of the routes that Route Server wrote."""
        got = self.ec2.describe_route_tables(RouteTableIds=[self.route_tables[table]])
        return {
            route.get("DestinationCidrBlock") or route["DestinationIpv6CidrBlock"]: (
                route["IpAddress"],
                route["NetworkInterfaceId"],
                route["State"],
            )
            for route in got["RouteTables"][0]["Routes"]
            if route["Origin"] == "Advertisement"
        }

    def sessions(self, name):
        """Endpoint name: (BGP, BFD) of an appliance's peers."""
        ids = {peer_id: endpoint for endpoint, peer_id in self.peers[name].items()}
        rows = self.ec2.describe_route_server_peers(RouteServerPeerIds=list(ids))["RouteServerPeers"]
        return {
            ids[row["RouteServerPeerId"]]: (row["BgpStatus"]["Status"], row["BfdStatus"]["Status"])
            for row in rows
        }

    def address(self, name="eip1"):
        wanted = [self.elastic_ips[name]["allocation_id"]]
        return self.ec2.describe_addresses(AllocationIds=wanted)["Addresses"][0]
