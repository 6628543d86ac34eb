"""The sessions that a topology declares, each beside the peers that AWS shows for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tandem.model import Peer
from tandem.provisioning.endpointplan import Matched
from tandem.provisioning.managed import (
    ALIVE,
    AVAILABLE,
    DELETED,
    DELETING,
    FAILED,
    FAILING,
    Desired,
    Observed,
)
from tandem.reasons.provisioning import ProvisioningCode as Code
from tandem.reasons.reason import Reason, reason
from tandem.tags import APPLIANCE_TAG, ENDPOINT_TAG
from tandem.topology.document import Appliance
from tandem.topology.problems import path_of


@dataclass(frozen=True, slots=True)
class Session:
    """Holds one declared session, the peer that serves it, and the peers that stand in its way."""

    appliance: Appliance
    endpoint: str
    address: str
    endpoint_id: str | None
    is_open: bool
    """Whether its endpoint takes peers."""
    peer: Peer | None = None
    others: tuple[Peer, ...] = ()

    @property
    def name(self) -> str:
        return f"{self.appliance.name} at {self.endpoint}"

    def reason(self, code: Code, **facts: Any) -> Reason:  # noqa: ANN401 - see `Reason.facts`
        """Returns a reason about the session."""
        return reason(code, self.name, appliance=self.appliance.name, endpoint=self.endpoint, **facts)

    @property
    def path(self) -> str:
        return path_of(["appliances", self.appliance.name, "peers", self.endpoint])

    def difference(self, peer: Peer) -> Reason:
        """Returns why the peer is not the declared session's."""
        if peer.state == FAILED:
            return self.reason(Code.SESSION_FAILED, because=peer.failure_reason)
        if peer.state == FAILING:
            return self.reason(Code.SESSION_STATE, state=peer.state, because=peer.failure_reason)
        if peer.state == DELETING:
            return self.reason(Code.PEER_BEING_DELETED, peer_id=peer.peer_id)
        return reason(
            Code.PEER_DIFFERS,
            peer.peer_id,
            asn=peer.asn,
            liveness=str(peer.liveness),
            wanted_asn=self.appliance.asn,
            wanted_liveness=str(self.appliance.liveness),
        )

    def tags(self, desired: Desired) -> tuple[tuple[str, str], ...]:
        """Returns the tags of its peer."""
        named = (ENDPOINT_TAG, self.endpoint), (APPLIANCE_TAG, self.appliance.name)
        return (*desired.labels, *named)


def declared_sessions(desired: Desired, observed: Observed, matched: Matched) -> list[Session]:
    """Returns every declared session, in the order of the document."""
    found = []
    for appliance in desired.topology.appliances.values():
        for name, address in appliance.peers:
            endpoint = matched.by_name.get(name)
            at = [
                p
                for p in observed.peers
                if endpoint and (p.endpoint_id, p.peer_address) == (endpoint.endpoint_id, address)
            ]
            # a deleted peer stays listed (docs/aws-facts.md#tombstones)
            at = [p for p in at if p.state != DELETED]
            fits = [
                p
                for p in at
                if p.state in ALIVE and (p.asn, p.liveness) == (appliance.asn, appliance.liveness)
            ]
            # one that is available serves now; the ID makes the choice the same in every run
            fits.sort(key=lambda p: (p.state != AVAILABLE, p.peer_id))
            peer = fits[0] if fits else None
            found.append(
                Session(
                    appliance,
                    name,
                    address,
                    endpoint.endpoint_id if endpoint else None,
                    bool(endpoint and endpoint.state == AVAILABLE),
                    peer,
                    tuple(p for p in at if p is not peer),
                )
            )
    return found
