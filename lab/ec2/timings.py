"""Describes how long things take in the lab, and what it does where AWS leaves a choice open."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class Timings:
    """Durations in seconds. AWS publishes none of them (docs/aws-facts.md#lifecycle-durations,
    docs/aws-facts.md#detection-times): these are choices, not claims."""

    route_server_s: float = 0.0  # pending -> available
    modify_s: float = 0.0  # modifying, enabling, disabling, resetting
    association_s: float = 0.0
    endpoint_s: float = 0.0
    peer_s: float = 0.0
    propagation_s: float = 0.0
    delete_s: float = 0.0  # deleting -> deleted, disassociating -> gone
    dependency_lag_s: float = (
        # a deleted child still blocks its parent (docs/aws-facts.md#optimistic-describes: describes are
        # optimistic)
        0.0
    )
    tombstone_s: float = 3600.0  # how long deleted resources stay listed (docs/aws-facts.md#tombstones)
    instance_s: float = 0.0  # stopping -> stopped, pending -> running, shutting-down -> terminated
    dial_s: float = 0.0  # appliance can speak -> BGP up
    advertise_s: float = 0.0  # BGP up -> routes in the RIB
    bfd_detect_s: float = 0.0  # silence -> BFD down
    hold_s: float = 0.0  # silence -> BGP down without BFD
    convergence_s: float = 0.0  # RIB changed -> FIB and route tables changed
    sns_delay_s: float = 0.0
    log_delay_s: float = 0.0
    event_delay_s: float = 0.0  # EC2 instance state events
    # call -> its event can be looked up; some 5 min (docs/aws-facts.md#cloudtrail-delay)
    cloudtrail_s: float = 0.0
    persist_minute_s: float = 60.0  # length of a minute of PersistRoutesDuration

    def __post_init__(self) -> None:
        for item in fields(self):
            if getattr(self, item.name) < 0:
                raise ValueError(
                    f"Timings.{item.name}: {getattr(self, item.name)} is negative; give seconds, 0 or more"
                )

    @classmethod
    def instant(cls) -> Timings:
        """Everything at once; only persistence and tombstones take their time."""
        return cls()

    @classmethod
    def lab(cls) -> Timings:
        """Seconds instead of AWS's minutes for provisioning; sessions and convergence as the field reports
        them."""
        return cls(
            route_server_s=2.0,
            modify_s=1.5,
            association_s=1.5,
            endpoint_s=3.0,
            peer_s=2.5,
            propagation_s=1.0,
            delete_s=2.0,
            dependency_lag_s=1.0,
            instance_s=1.5,
            dial_s=1.0,
            advertise_s=0.2,
            bfd_detect_s=0.9,  # 300 ms x 3 (docs/aws-facts.md#detection-times)
            hold_s=15.0,
            convergence_s=0.3,
            sns_delay_s=0.3,
            log_delay_s=4.0,
            event_delay_s=0.5,
            persist_minute_s=10.0,
        )


class TieBreak(StrEnum):
    """Holds what decides when AS path length and MED are equal. AWS publishes no rule
    (docs/aws-facts.md#best-path).
    """

    LOWEST_PEER_ADDRESS = "lowest-peer-address"
    OLDEST = "oldest"
    NEWEST = "newest"


class PersistedMeans(StrEnum):
    """Holds what ``AreRoutesPersisted`` reports; not documented (docs/aws-facts.md#are-routes-persisted)."""

    ENABLED = "enabled"
    IN_FORCE = "in-force"


class Unpersisting(StrEnum):
    """Holds what the FIB does between BGP coming back and the end of PersistRoutesDuration; not
    documented.
    """

    MERGE = "merge"  # relearned routes take part in the choice at once
    FROZEN = "frozen"  # the FIB stays as it was until the end


class BfdDown(StrEnum):
    """Says what happens to a session's routes when its BFD goes down and its BGP stays up."""

    WITHDRAWS = "withdraws"  # they leave the RIB until BFD is up again
    KEEPS = "keeps"


class DeletedTable(StrEnum):
    """Says what DeleteRouteTable does while a route server propagates to the table."""

    ENDS = "ends"  # the propagation goes with the table
    REFUSED = "refused"  # DependencyViolation until it is disabled
    LEAVES = "leaves"  # it stays listed until it is disabled, which needs no table
    FORGETS = "forgets"  # it stays listed and cannot be disabled, and is in the way of nothing
    HOLDS = "holds"  # the same, and the route server cannot be disassociated: there is no way to the end


class Rejection(StrEnum):
    """Says why a FIB route is not installed in a table. AWS publishes no list
    (docs/aws-facts.md#rejected-routes).
    """

    STATIC_ROUTE = "static-route"
    NEXT_HOP = "next-hop"
    GATEWAY_DESTINATION = "gateway-destination"
    UNSUPPORTED_TABLE = "unsupported-table"
    OTHER_ROUTE_SERVER = "other-route-server"


REASONS: Mapping[Rejection, str] = {
    Rejection.STATIC_ROUTE: "A static route with the same destination exists in the route table.",
    Rejection.NEXT_HOP: "The next hop is not an IP address of a network interface in the VPC.",
    Rejection.GATEWAY_DESTINATION: "The destination is not allowed in a gateway route table.",
    Rejection.UNSUPPORTED_TABLE: "The route table is associated with an unsupported gateway.",
    Rejection.OTHER_ROUTE_SERVER: "Another route server has installed a route with the same destination.",
}


@dataclass(frozen=True, slots=True)
class Behaviour:
    """A switch for each place where AWS's behaviour is not known. What has no switch raises
    UnknownAwsBehaviour."""

    tie_break: TieBreak = TieBreak.LOWEST_PEER_ADDRESS
    persisted_means: PersistedMeans = PersistedMeans.IN_FORCE
    unpersisting: Unpersisting = Unpersisting.MERGE
    # affectedRouteServerPeerIds: String.Array, else String (docs/aws-facts.md#sns-messages)
    sns_list_as_array: bool = True
    duplicate_peers: bool = (
        False  # a second peer of the same endpoint and address is made, else UnknownAwsBehaviour
    )
    # security groups and network ACLs stop sessions, at once; else they are shown only, so that a world needs
    # none. How long AWS goes on with a connection that was there before is not said for every change
    # (https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/security-group-connection-tracking.html).
    packet_filters: bool = False
    # a peer with the route server's own ASN is created, else UnknownAwsBehaviour (docs/aws-facts.md#ebgp)
    peers_with_amazon_asn: bool = False
    keepalive_peers_show_bfd: bool = True  # a peer without BFD shows BfdStatus down, else no BfdStatus
    # "The route server endpoints detect the failure through BFD" and withdraw the routes: steps 3 and 4 of
    # https://docs.aws.amazon.com/vpc/latest/userguide/route-server-how-it-works.html. They do not speak of
    # BGP that stays up beside it; a switch, since Tandem has to be right either way.
    bfd_down: BfdDown = BfdDown.WITHDRAWS
    # DeleteRouteTable names associated subnets and the main table only
    # (https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DeleteRouteTable.html).
    deleted_table: DeletedTable = DeletedTable.ENDS
    # https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/requester-managed-eni.html says that changes are
    # refused, not how. AuthFailure is seen for Elastic IPs at a NAT gateway's interface
    # (https://github.com/hashicorp/terraform-provider-aws/issues/3572), OperationNotPermitted elsewhere.
    managed_interface_code: str = "AuthFailure"
    # AWS refuses AssociateAddress with an interface in another network border group; the code is not
    # documented (docs/aws-facts.md#border-groups). None raises UnknownAwsBehaviour.
    border_group_code: str | None = None
    # A path that no speaker may choose is shown as in-rib, else not at all. RFC 4271 §9.1.2 keeps it from the
    # choice; whether AWS keeps it in what it calls the RIB is not documented.
    shows_unusable_paths: bool = True
    # AssociateAddress needs one: Gateway.NotAttached (docs/aws-facts.md#elastic-ip-errors)
    require_internet_gateway: bool = True
    reasons: Mapping[Rejection, str] = field(default_factory=lambda: dict(REASONS))
