"""Models what the state table keeps of a topology: the document, whose it is, and what watches it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from tandem.reasons.reason import Identity, Reason
from tandem.topology.document import Topology


@dataclass(frozen=True, slots=True)
class Codes:
    """Holds what the sentences of a record are about, so that no later run goes by their words."""

    drift: tuple[Identity, ...] = ()
    pending: tuple[Identity, ...] = ()
    failure: tuple[Identity, ...] = ()
    warnings: tuple[Identity, ...] = ()
    failed: tuple[Reason, ...] = ()
    """Why AWS failed what was deleted for that, towards `version`."""
    sessions: tuple[str, ...] = ()
    """Appliance, addresses, ASNs and liveness mode of each session."""
    notified: tuple[str, ...] = ()
    """Those of which people were notified."""


@dataclass(frozen=True, slots=True)
class Provisioned:
    """Holds what the provisioner found or created. None of it is needed to know where an Elastic IP is."""

    route_server_id: str
    sns_topic_arn: str | None = None
    endpoint_ids: tuple[str, ...] = ()
    peers: dict[str, str] | None = None
    """Peer ID to appliance name."""
    sessions: tuple[str, ...] = ()
    """What each appliance has to be configured with, in words: it is the one that dials
    (docs/aws-facts.md#who-dials)."""
    notified_sessions: tuple[str, ...] = ()
    """Those of which people were notified: only others are to be dialled anew."""
    log_deliveries: dict[str, str] | None = None
    """Peer ID to the ID of its log delivery."""
    left_topic_arns: tuple[str, ...] = ()
    """Topics that were subscribed before and may still have a subscription of ours."""
    endpoints: dict[str, str] | None = None
    """Endpoint name to endpoint ID, where Tandem manages them."""
    endpoint_addresses: dict[str, str] | None = None
    """Endpoint name to the address that appliances dial, of those that have one."""
    server_begun_at: datetime | None = None
    """When a route server was about to be created that AWS has not shown yet."""
    done: tuple[str, ...] = ()
    """The steps that were carried out towards `version` so far, the last hundred."""
    propagated_to: tuple[str, ...] = ()
    """Route tables to which Tandem has enabled propagation, or is about to."""
    gone: tuple[str, ...] = ()
    """Route tables and VPCs that EC2 does not know any more, though it still lists what leads there."""
    converged_version: int = 0
    """The version that was reached; what differs from it later is drift."""
    reached_version: int = 0
    """The newest version that was reached at least once, whatever differs from it by now."""
    leaving: int = 0
    """The version whose resources are being deleted: a run goes on with that instead of making them anew."""
    as_declared_at: datetime | None = None
    """When AWS last matched the topology, ignoring drift already reported: what differs besides was done
    later."""
    drift: tuple[str, ...] = ()
    """Differences that were told and that Tandem does not repair."""
    version: int = 0
    """The version of the topology that this was made for."""
    failure: str | None = None
    """Why the last run could not end; told when it changes."""
    warnings: tuple[str, ...] = ()
    pending: tuple[str, ...] = ()
    """What a later run has to bring to its end, in words; empty once everything is as it should be."""
    waits_since: datetime | None = None
    """Since when nothing more could be done, while it is pending."""
    codes: Codes | None = None
    """None in what release 0.1.0 wrote."""
    told_version: int = 0
    """The version of which people were told that it waits for long; 0 again once it is reached."""


ANEW = ("as_declared_at", "waits_since", "codes")
"""Members that a run can do without: it counts anew, or goes by the sentences. Without any other one it could
make things twice, or leave what it made behind."""


@dataclass(frozen=True, slots=True)
class TopologyRecord:
    """Holds a stored topology. `door` is `cli`, or the ARN of the CloudFormation stack that created it, `#`
    and the logical ID of the resource there.
    """

    topology: Topology
    version: int
    door: str
    provisioned: Provisioned | None = None
    allow_interruption: bool = False
    """Whether whoever stored this version accepted that an owner's last session is taken down for it."""
    revision: int = 0
    """Counts the writes of `provisioned`."""
    mode_since: datetime | None = None
    """When its mode was first stored; None where that was not written down."""
    repaired: str | None = field(default=None, compare=False)
    """What of `provisioned` could not be read and counts anew; the next write of it ends that."""

    @property
    def may_interrupt(self) -> bool:
        """Returns True if that leave is still in force: it ends once the version was reached."""
        reached = self.provisioned.reached_version if self.provisioned is not None else 0
        return self.allow_interruption and reached != self.version

    @property
    def is_leaving(self) -> bool:
        """Returns True if what Tandem created for the stored version is being deleted, to be forgotten
        then.
        """
        return self.provisioned is not None and self.provisioned.leaving == self.version
