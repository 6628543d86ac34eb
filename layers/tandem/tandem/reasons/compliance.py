"""The rules of compliance, and the codes of what they find."""

from __future__ import annotations

from enum import StrEnum


class RuleId(StrEnum):
    """A rule says what should be so. Findings, waivers and pages in docs/rules name it."""

    # a standby that can take over
    STANDBY_ADVERTISES = "standby-advertises"
    STANDBY_ALIVE = "standby-alive"
    SESSIONS_UP = "sessions-up"
    INSTANCE_EXISTS = "instance-exists"
    APPLIANCE_HAS_ADDRESSES = "appliance-has-addresses"
    TARGET_ATTACHED = "target-attached"
    TARGET_HAS_PRIVATE_IP = "target-has-private-ip"
    TARGET_FREE = "target-free"
    TARGET_IN_BORDER_GROUP = "target-in-border-group"
    ELASTIC_IP_EXISTS = "elastic-ip-exists"
    OWNER_TAG = "owner-tag"

    # routes that are where they should be
    ROUTE_INSTALLED = "route-installed"
    ROUTE_NOT_SHADOWED = "route-not-shadowed"
    ROUTE_NOT_BYPASSED = "route-not-bypassed"
    NO_BLACKHOLE_ROUTE = "no-blackhole-route"
    ROUTE_LEADS_TO_APPLIANCE = "route-leads-to-appliance"
    PROPAGATION_DECLARED = "propagation-declared"
    ROUTE_TABLE_SUPPORTED = "route-table-supported"
    ROUTE_TABLE_HAS_SUBNET = "route-table-has-subnet"
    NO_GATEWAY_FIREWALL = "no-gateway-firewall"

    # both directions through one appliance
    SAME_APPLIANCE_BOTH_WAYS = "same-appliance-both-ways"
    GATEWAY_TARGET_HAS_PUBLIC_IP = "gateway-target-has-public-ip"
    GATEWAY_TABLE_TAKES_PREFIXES = "gateway-table-takes-prefixes"
    APPLIANCE_HAS_WAY_OUT = "appliance-has-way-out"

    # what belongs to whom, and who changes it
    NETWORK_OWNER_TAG = "network-owner-tag"
    NO_SERVICE_MANAGES = "no-service-manages"
    SOURCE_DEST_CHECK_OFF = "source-dest-check-off"
    ALLOWED_PREFIXES_ONLY = "allowed-prefixes-only"
    ONE_MOVER = "one-mover"
    NO_PIPELINE = "no-pipeline"
    NO_FOREIGN_CHANGE = "no-foreign-change"

    # what the document declares
    ROUTE_SERVER_EXISTS = "route-server-exists"
    ROUTE_SERVER_AS_DECLARED = "route-server-as-declared"
    PERSISTENCE_AS_DECLARED = "persistence-as-declared"
    NOTIFICATIONS_ON = "notifications-on"
    ENDPOINT_EXISTS = "endpoint-exists"
    PEER_EXISTS = "peer-exists"
    PEER_AS_DECLARED = "peer-as-declared"
    PEER_DECLARED = "peer-declared"
    LEAKS_SEEN = "leaks-seen"
    ONE_TOPOLOGY_ONLY = "one-topology-only"
    ROUTE_TABLE_HAS_ROOM = "route-table-has-room"
    WITHIN_DEFAULT_QUOTAS = "within-default-quotas"

    # after a failover
    FAILBACK_WANTED = "failback-wanted"

    # the rules themselves
    WAIVER_CURRENT = "waiver-current"


class CheckCode(StrEnum):
    """A rule passes, fails or cannot be judged for a resource."""

    # any rule
    AS_IT_SHOULD_BE = "as-it-should-be"
    NOTHING_TO_JUDGE = "nothing-to-judge"
    ROW_NOT_READ = "row-not-read"
    PART_NOT_READ = "part-not-read"
    PART_ABSENT = "part-absent"
    RULE_FAILED = "rule-failed"
    WAIVER_EXPIRED = "waiver-expired"
    WAIVER_OF_UNKNOWN_RULE = "waiver-of-unknown-rule"

    # a standby that can take over
    STANDBY_LACKS_PREFIX = "standby-lacks-prefix"
    STANDBY_PATH_TIES = "standby-path-ties"
    STANDBY_IS_SILENT = "standby-is-silent"
    APPLIANCE_IS_DEAD = "appliance-is-dead"

    # routes that are where they should be
    ROUTE_REJECTED = "route-rejected"
    ROUTE_NOT_INSTALLED = "route-not-installed"
    ROUTE_BYPASSED = "route-bypassed"
    ROUTE_IS_BLACKHOLE = "route-is-blackhole"
    ROUTE_TO_STRANGER = "route-to-stranger"
    TABLE_UNDECLARED = "table-undeclared"
    TABLE_OF_OTHER_GATEWAY = "table-of-other-gateway"
    TABLE_OF_GATEWAY = "table-of-gateway"
    TABLE_WITHOUT_SUBNET = "table-without-subnet"
    ROUTE_HAS_FIREWALL = "route-has-firewall"

    # both directions through one appliance
    DIRECTIONS_DIFFER = "directions-differ"

    # what belongs to whom, and who changes it
    INTERFACE_OF_SERVICE = "interface-of-service"
    ADVERTISES_MORE = "advertises-more"
    CHANGED_BY_TOOL = "changed-by-tool"
    CHANGED_BY_APPLIANCE = "changed-by-appliance"
    CHANGED_BY_OTHER = "changed-by-other"

    # after a failover
    NO_OTHER_PATH = "no-other-path"
    PATH_COMES_BACK = "path-comes-back"
