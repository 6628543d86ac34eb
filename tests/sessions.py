"""Changes sessions as a test needs them: which are down, and what is learned through which."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from tandem.model import Route, RouteStatus, Status
from tandem.provisioning.managesteps import DeletePeer
from tandem.topology.inventory import Endpoint
from tests.routing import PREFIX, Run, wanted

OWNER, STANDBY = "10.0.1.10", "10.0.2.10"
"""The addresses of fw1, which has the prefix, and of fw2."""


def single() -> dict[str, Any]:
    """Returns each appliance with one session: AWS leaves no other way than to interrupt."""
    made = wanted()
    made["appliances"]["fw1"]["peers"] = {"az1-a": "10.0.1.10"}
    made["appliances"]["fw2"]["peers"] = {"az2-a": "10.0.2.10"}
    return made


def sessions(run: Run, address: str) -> list[str]:
    return sorted(p.peer_id for p in run.aws.shown.peers if p.peer_address == address)


def ending(run: Run) -> list[str]:
    """Returns the peers whose deletion waits for nothing."""
    return [step.do.about for step in run.plan() if isinstance(step.do, DeletePeer) and step.is_ready]


def down(run: Run, *peer_ids: str) -> None:
    for peer in run.aws.shown.peers:
        if peer.peer_id in peer_ids:
            run.aws.peer(replace(peer, bgp=Status.DOWN))


def learned(run: Run, *rows: tuple[str, str]) -> None:
    """The prefix is learned through these peers alone, each with its next hop; the first is in the FIB."""
    known = tuple(
        Route(PREFIX, next_hop, RouteStatus.IN_RIB if n else RouteStatus.IN_FIB, peer_id)
        for n, (peer_id, next_hop) in enumerate(rows)
    )
    run.aws.shown = replace(run.aws.shown, routes=known)


def fail_endpoint(run: Run, name: str, state: str, peers: str) -> Endpoint:
    """Fails an endpoint as AWS does; its peers are as told, and never come up there again."""
    (endpoint,) = (e for e in run.aws.shown.endpoints if dict(e.tags)["tandem:endpoint"] == name)
    run.aws.endpoint(replace(endpoint, state=state, failure_reason="no capacity"))
    for peer in run.aws.shown.peers:
        if peer.endpoint_id == endpoint.endpoint_id:
            bgp = Status.UP if peers == "up" else Status.DOWN
            run.aws.peer(replace(peer, state="failed" if peers == "failed" else "available", bgp=bgp))
    if peers != "up":
        silence(run, endpoint.endpoint_id)
    run.aws.converge()
    return endpoint


def silence(run: Run, endpoint_id: str) -> None:
    dialled = run.aws._dialled
    vars(run.aws)["_dialled"] = lambda peer: (
        replace(peer, bgp=Status.DOWN, bfd=None) if peer.endpoint_id == endpoint_id else dialled(peer)
    )
