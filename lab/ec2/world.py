"""The emulated world as one JSON object: who has which route, which address, which session."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lab.ec2 import sessions, views
from lab.ec2.clock import RealClock
from lab.ec2.entities import Liveness

if TYPE_CHECKING:
    from lab.ec2.addresses import LabAddress
    from lab.ec2.entities import Appliance, Peer, RouteServer
    from lab.ec2.interfaces import LabInterface
    from lab.ec2.region import Region


def world(region: Region) -> dict[str, Any]:
    clock = region.lab.clock
    with region.lab.lock:
        return {
            "time": clock.now().isoformat(),
            "region": region.name,
            "route_servers": [_route_server(region, server) for server in region.route_servers.values()],
            "appliances": [_appliance(region, appliance) for appliance in region.appliances.values()],
            "elastic_ips": [_elastic_ip(region, address) for address in region.backend.lab_addresses()],
            "faults": region.lab.faults.describe(),
            "failures": [repr(failure) for failure in clock.failures] if isinstance(clock, RealClock) else [],
        }


def _name_at(region: Region, interface: LabInterface | None) -> str | None:
    """The appliance on whose instance this interface is."""
    if interface is None or interface.instance is None:
        return None
    return next(
        (name for name, one in region.appliances.items() if one.instance_id == interface.instance.id), None
    )


def _route_server(region: Region, server: RouteServer) -> dict[str, Any]:
    interfaces = region.interfaces_by_address(server.vpc_id) if server.vpc_id else {}
    return {
        "id": server.id,
        "state": server.state,
        "vpc_id": server.vpc_id,
        "association": server.association,
        "topic_arn": server.topic_arn,
        "persistence": server.persist,
        "routes_held": server.persisting,
        "endpoints": [
            {
                "id": endpoint.id,
                "name": region.endpoint_name(endpoint.id),
                "state": endpoint.state,
                "subnet_id": endpoint.subnet_id,
                "address": endpoint.address,
                "maintenance": endpoint.maintenances > 0,
            }
            for endpoint in region.endpoints_of(server.id)
        ],
        "peers": [_peer(region, peer) for peer in region.peers_of(server.id)],
        "routes": views.route_rows(region, server),
        "propagations": dict(server.propagations),
        "owners": {
            prefix: _name_at(region, interfaces.get(path.next_hop)) for prefix, path in server.fib.items()
        },
    }


def _peer(region: Region, peer: Peer) -> dict[str, Any]:
    appliance = sessions.speaker(region, peer)
    return {
        "id": peer.id,
        "endpoint": peer.endpoint_id,
        "address": peer.address,
        "asn": peer.asn,
        "liveness": peer.liveness,
        "state": peer.state,
        "bgp": "up" if peer.bgp else "down",
        "bfd": ("up" if peer.bfd else "down") if peer.liveness is Liveness.BFD else None,
        "held_down": sorted(peer.held_down),
        "appliance": appliance.name if appliance else None,
    }


def _appliance(region: Region, appliance: Appliance) -> dict[str, Any]:
    instance = region.backend.get_instance_by_id(appliance.instance_id)
    return {
        "name": appliance.name,
        "instance_id": appliance.instance_id,
        "alive": sessions.can_speak(region, appliance),
        "instance_state": instance.state if instance else None,
        "asn": appliance.asn,
        "routes": [
            {
                "prefix": route.prefix,
                "as_path": list(route.as_path),
                "med": route.med,
                "next_hop": route.next_hop,
            }
            for route in appliance.routes.values()
        ],
        "interfaces": [
            {"id": interface.id, "private_ips": interface.private_ips()}
            for interface in region.backend.interfaces()
            if interface.instance is not None and interface.instance.id == appliance.instance_id
        ],
    }


def _elastic_ip(region: Region, address: LabAddress) -> dict[str, Any]:
    return {
        "allocation_id": address.allocation_id,
        "name": region.tags(str(address.allocation_id)).get("Name"),
        "public_ip": address.public_ip,
        "interface": address.eni.id if address.eni else None,
        "private_ip": address.private_ip_address,
        "moved_at": address.moved_at.isoformat() if address.moved_at else None,
        "appliance": _name_at(region, address.eni),
    }
