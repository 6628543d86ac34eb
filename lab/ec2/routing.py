"""RIB and FIB of a route server: learning, losing, persisting and choosing routes
(docs/aws-facts.md#rib-and-fib, docs/aws-facts.md#persistence)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lab.ec2 import outbox
from lab.ec2.best_path import Path, choose, is_usable
from lab.ec2.entities import Liveness, Peer, PersistState, Route, RouteServer
from lab.ec2.errors import UnknownAwsBehaviour
from lab.ec2.installation import install
from lab.ec2.timings import BfdDown, Unpersisting

if TYPE_CHECKING:
    from lab.ec2.region import Region


def learn(region: Region, peer: Peer, route: Route) -> None:
    """The peer advertised a route: ADVERTISED when new in this session, UPDATED when its attributes
    changed."""
    server = region.route_servers[peer.route_server_id]
    path = Path(
        prefix=route.prefix,
        as_path=dict(route.toward).get(server.id, route.as_path),
        med=route.med,
        next_hop=route.next_hop or peer.address,
        peer_id=peer.id,
        endpoint_id=peer.endpoint_id,
        peer_address=peer.address,
        endpoint_address=peer.endpoint_address,
        learned=region.next_learned(),
    )
    before = peer.rib.get(route.prefix)
    held = (peer.id, route.prefix) in server.stale
    if before is not None and not held and _attributes(before) == _attributes(path):
        return
    server.stale.discard((peer.id, route.prefix))
    peer.rib[route.prefix] = path
    outbox.route_changed(region, peer, path, "UPDATED" if before is not None and not held else "ADVERTISED")
    recompute(region, server)


def withdraw(region: Region, peer: Peer, prefix: str) -> None:
    """The peer took a route back."""
    path = peer.rib.pop(prefix, None)
    if path is None:
        return
    server = region.route_servers[peer.route_server_id]
    server.stale.discard((peer.id, prefix))
    outbox.route_changed(region, peer, path, "WITHDRAWN")
    recompute(region, server)


def session_up(region: Region, peer: Peer) -> None:
    """The first session that comes back starts the wait after which held routes go
    (docs/aws-facts.md#persistence-duration)."""
    server = region.route_servers[peer.route_server_id]
    if server.persisting and server.unpersist is None:
        wait_s = (server.persist_minutes or 1) * region.lab.timings.persist_minute_s
        server.unpersist = region.after(wait_s, lambda: drop_held(region, server))


def session_lost(region: Region, peer: Peer) -> None:
    """Routes leave with their session, unless it was the last one and persistence is enabled: then all that
    is there stays (docs/aws-facts.md#persistence). No WITHDRAWN is logged: logs report what the peer
    advertised (docs/aws-facts.md#peer-log-content)."""
    server = region.route_servers[peer.route_server_id]
    peers = region.peers_of(server.id)
    if peer.withheld:
        drop_peer(region, peer)
    if server.persist is PersistState.ENABLED and not any(other.bgp for other in peers):
        held = {(other.id, prefix) for other in peers for prefix in other.rib}
        if held:
            server.stale = held
            server.persisting = True
            _stop_waiting(server)
        return
    drop_peer(region, peer)


def bfd_lost(region: Region, peer: Peer) -> None:
    """BFD reports the device gone while BGP is up: its routes leave the RIB (see `Behaviour.bfd_down`).
    Persistence does not hold them: AWS documents it for BGP sessions that end. No WITHDRAWN is logged, as
    with a session that ends."""
    if region.lab.behaviour.bfd_down is BfdDown.WITHDRAWS and peer.liveness is Liveness.BFD:
        peer.withheld = True
        recompute(region, region.route_servers[peer.route_server_id])


def bfd_up(region: Region, peer: Peer) -> None:
    """The routes are in the RIB again; the device has nothing to repeat, since BGP never ended."""
    if peer.withheld:
        peer.withheld = False
        recompute(region, region.route_servers[peer.route_server_id])


def drop_peer(region: Region, peer: Peer) -> None:
    """All routes of a peer leave the RIB, and a new session begins without regard to the old one's BFD."""
    peer.withheld = False
    server = region.route_servers[peer.route_server_id]
    server.stale = {(peer_id, prefix) for peer_id, prefix in server.stale if peer_id != peer.id}
    if peer.rib:
        peer.rib.clear()
        recompute(region, server)


def drop_held(region: Region, server: RouteServer) -> None:
    """End of persistence: what was not relearned goes."""
    for peer_id, prefix in server.stale:
        if peer_id in region.peers:
            region.peers[peer_id].rib.pop(prefix, None)
    server.stale.clear()
    server.persisting = False
    _stop_waiting(server)
    recompute(region, server)


def reset(region: Region, server: RouteServer) -> None:
    """PersistRoutes=reset: with all sessions ended, an empty RIB and FIB
    (docs/aws-facts.md#persistence-reset); without held routes, nothing."""
    if server.persisting:
        drop_held(region, server)


def check_reset(region: Region, server: RouteServer) -> None:
    """AWS documents reset only for the time when all BGP sessions have ended
    (docs/aws-facts.md#persistence-reset)."""
    if server.persisting and any(peer.bgp for peer in region.peers_of(server.id)):
        raise UnknownAwsBehaviour(f"{server.id}: reset while routes are held although BGP is back")


def may_win(region: Region, server: RouteServer, path: Path) -> bool:
    """The endpoints of a route server are one speaker."""
    own = {endpoint.address for endpoint in region.endpoints_of(server.id)}
    return is_usable(path, server.asn, own)


def recompute(region: Region, server: RouteServer) -> None:
    """The FIB follows the RIB after ``convergence_s``; changes meanwhile ride along."""
    if server.convergence is None:
        server.convergence = region.after(region.lab.timings.convergence_s, lambda: _converge(region, server))


def _converge(region: Region, server: RouteServer) -> None:
    server.convergence = None
    if not (server.persisting and region.lab.behaviour.unpersisting is Unpersisting.FROZEN):
        paths = [path for peer in region.peers_of(server.id) for path in peer.paths.values()]
        usable = [path for path in paths if may_win(region, server, path)]
        server.fib = choose(usable, region.lab.behaviour.tie_break)
    install(region, server)


def _stop_waiting(server: RouteServer) -> None:
    if server.unpersist is not None:
        server.unpersist.cancel()
        server.unpersist = None


def _attributes(path: Path) -> tuple[tuple[str, ...], int, str]:
    return path.as_path, path.med, path.next_hop
