"""Judges if EC2 lets the appliances' interfaces forward: with SourceDestCheck on it does not
(docs/aws-facts.md#source-dest-check).
"""

from __future__ import annotations

from collections.abc import Iterator

from tandem.model import NetworkInterface
from tandem.reasons.documents import ProblemCode
from tandem.reasons.reason import Reason, reason
from tandem.tags import OWNER_TAG
from tandem.topology.document import Appliance, Topology
from tandem.topology.inventory import Inventory


def forwards(appliance: Appliance, interface: NetworkInterface, targets: frozenset[str]) -> bool:
    """Returns True if it is one of the appliance's that routes or Elastic IPs lead to."""
    if appliance.instance_id is None or interface.instance_id != appliance.instance_id:
        return False
    own = {*appliance.peer_addresses, *appliance.next_hops}
    return interface.network_interface_id in targets or any(a.private_ip in own for a in interface.addresses)


def forwarding_warnings(topology: Topology, inventory: Inventory) -> Iterator[Reason]:
    """Interfaces whose SourceDestCheck nobody is going to turn off: Tandem does it where it manages, and only
    with the owner's consent."""
    targets = frozenset(topology.target_interface_ids)
    for appliance in topology.appliances.values():
        for interface in inventory.interfaces.values():
            if not interface.source_dest_check or not forwards(appliance, interface, targets):
                continue
            consents = dict(interface.tags).get(OWNER_TAG) == inventory.stack
            if topology.manage and consents:
                continue
            interface_id = interface.network_interface_id
            stack = inventory.stack if topology.manage else None
            code = ProblemCode.SOURCE_DEST_CHECK_ON
            yield reason(code, interface_id, appliance=appliance.name, stack=stack)
