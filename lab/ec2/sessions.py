"""BGP and BFD sessions: appliances dial in, fall silent, say goodbye. Level-triggered: ``evaluate`` looks at
what is and starts what is missing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lab.ec2 import outbox, packet_filters, routing
from lab.ec2.entities import Appliance, Liveness, Peer, State

if TYPE_CHECKING:
    from lab.ec2.interfaces import LabInterface
    from lab.ec2.region import Region

BGP, BFD = "bgp", "bfd"


def evaluate(region: Region) -> None:
    """Bring every session on its way to where it belongs: an appliance that can speak dials, one that cannot
    is noticed after the detection time."""
    interfaces: dict[str, dict[str, LabInterface]] = {}
    for peer in region.peers.values():
        if peer.state is State.DELETED:
            continue
        if peer.vpc_id not in interfaces:
            interfaces[peer.vpc_id] = region.interfaces_by_address(peer.vpc_id)
        _evaluate_peer(region, peer, _speaker(region, peer, interfaces[peer.vpc_id]))


def speaker(region: Region, peer: Peer) -> Appliance | None:
    """The appliance that speaks, or would, from the peer's address with the peer's ASN."""
    return _speaker(region, peer, region.interfaces_by_address(peer.vpc_id))


def _speaker(region: Region, peer: Peer, interfaces: dict[str, LabInterface]) -> Appliance | None:
    interface = interfaces.get(peer.address)
    if interface is None or interface.instance is None:
        return None
    for appliance in region.appliances.values():
        if appliance.instance_id == interface.instance.id and appliance.asn == peer.asn:
            return appliance
    return None


def can_speak(region: Region, appliance: Appliance) -> bool:
    instance = region.backend.get_instance_by_id(appliance.instance_id)
    return appliance.alive and instance is not None and instance.is_running()


def _evaluate_peer(region: Region, peer: Peer, appliance: Appliance | None) -> None:
    if peer.state is State.AVAILABLE and appliance is not None and can_speak(region, appliance):
        if peer.silence is not None:
            peer.silence.cancel()
            peer.silence = None
        if peer.dialing is None and _missing(region, peer, appliance):
            peer.dialing = region.after(region.lab.timings.dial_s, lambda: _dial(region, peer))
        if region.lab.behaviour.packet_filters:
            close(region, peer, tuple(p for p in (BFD, BGP) if p in packet_filters.closed(region, peer)))
        return
    if peer.dialing is not None:
        peer.dialing.cancel()
        peer.dialing = None
    if (peer.bgp or peer.bfd) and peer.silence is None and peer.state is State.AVAILABLE:
        timings = region.lab.timings
        wait_s = timings.bfd_detect_s if peer.bfd else timings.hold_s
        peer.silence = region.after(wait_s, lambda: _notice_silence(region, peer))


def _missing(region: Region, peer: Peer, appliance: Appliance) -> list[str]:
    if region.endpoints[peer.endpoint_id].maintenances:
        return []
    missing = [BGP] if not peer.bgp and BGP not in peer.held_down else []
    does_bfd = peer.liveness is Liveness.BFD and appliance.bfd
    if does_bfd and not peer.bfd and BFD not in peer.held_down:
        missing.append(BFD)
    if missing and region.lab.behaviour.packet_filters:
        closed = packet_filters.closed(region, peer)
        missing = [protocol for protocol in missing if protocol not in closed]
    return missing


def _dial(region: Region, peer: Peer) -> None:
    """The appliance opens the TCP session, never the endpoint (docs/aws-facts.md#who-dials); BFD follows
    BGP."""
    peer.dialing = None
    appliance = speaker(region, peer)
    if appliance is None:
        return
    for protocol in _missing(region, peer, appliance):
        set_status(region, peer, protocol, up=True)


def _notice_silence(region: Region, peer: Peer) -> None:
    peer.silence = None
    close(region, peer, (BFD, BGP))


def close(region: Region, peer: Peer, order: tuple[str, ...]) -> None:
    """Sessions go down at once, in this order: BFD first when an appliance dies, BGP first when it says
    goodbye."""
    loses_bfd = peer.bfd and BFD in order
    for protocol in order:
        set_status(region, peer, protocol, up=False)
    if loses_bfd and peer.bgp:
        routing.bfd_lost(region, peer)


def set_status(region: Region, peer: Peer, protocol: str, *, up: bool) -> None:
    """One session changes, once, and is reported; routes come and go with it."""
    if (peer.bgp if protocol == BGP else peer.bfd) == up:
        return
    if protocol == BFD:
        peer.bfd = up
        outbox.session_changed(region, peer, BFD, up)
        if up:
            routing.bfd_up(region, peer)
        return
    peer.bgp = up
    outbox.session_changed(region, peer, BGP, up)
    if up:
        routing.session_up(region, peer)
        region.after(region.lab.timings.advertise_s, lambda: _advertise(region, peer))
    else:
        routing.session_lost(region, peer)


def _advertise(region: Region, peer: Peer) -> None:
    appliance = speaker(region, peer)
    if peer.bgp and appliance is not None:
        for route in appliance.routes.values():
            routing.learn(region, peer, route)


def sessions_of(region: Region, appliance: Appliance) -> list[Peer]:
    """The peers that this appliance speaks from, dead or alive."""
    return [peer for peer in region.peers.values() if speaker(region, peer) is appliance]
