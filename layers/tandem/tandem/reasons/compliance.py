"""The rules of compliance, and the codes of what they find."""

from __future__ import annotations

from enum import StrEnum


class RuleId(StrEnum):
    """A rule says what should be so. Findings, waivers and pages in docs/rules name it."""

    # a standby that can take over
    STANDBY_ADVERTISES = "standby-advertises"
    PATHS_RANKED = "paths-ranked"
    STANDBY_ALIVE = "standby-alive"
    SESSIONS_UP = "sessions-up"
    INSTANCE_EXISTS = "instance-exists"
    APPLIANCE_HAS_ADDRESSES = "appliance-has-addresses"
    TARGET_ATTACHED = "target-attached"
    TARGET_HAS_PRIVATE_IP = "target-has-private-ip"
    TARGET_FREE = "target-free"
    TARGET_IN_BORDER_GROUP = "target-in-border-group"
    TARGET_HAS_INTERNET_ROUTE = "target-has-internet-route"
    ELASTIC_IP_EXISTS = "elastic-ip-exists"
    OWNER_TAG = "owner-tag"

    # a survivor for each single failure
    SINGLE_FAILURE = "single-failure"

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
    PEER_AS_DECLARED = "peer-as-declared"
    PEER_DECLARED = "peer-declared"
    LEAKS_SEEN = "leaks-seen"
    ONE_TOPOLOGY_ONLY = "one-topology-only"
    ROUTE_TABLE_HAS_ROOM = "route-table-has-room"

    # after a failover
    FAILBACK_WANTED = "failback-wanted"

    # the rules themselves
    WAIVER_CURRENT = "waiver-current"

    # sessions
    ENDPOINT_LOSS_SURVIVED = "endpoint-loss-survived"
    ENDPOINTS_REDUNDANT = "endpoints-redundant"
    ENDPOINT_EXISTS = "endpoint-exists"
    PEER_EXISTS = "peer-exists"
    ENDPOINTS_AND_PEERS_AVAILABLE = "endpoints-and-peers-available"
    LIVENESS_WITHIN_RTO = "liveness-within-rto"
    SESSIONS_STEADY = "sessions-steady"
    PEER_ASN_OF_ITS_OWN = "peer-asn-of-its-own"
    NO_PERSISTED_ROUTE = "no-persisted-route"

    # packet filters
    SECURITY_GROUPS_PASS = "security-groups-pass"  # noqa: S105 - no password
    NETWORK_ACLS_PASS = "network-acls-pass"  # noqa: S105 - no password

    # limits and cost
    ROUTES_WITHIN_LIMITS = "routes-within-limits"
    PEERS_OF_PREFIX_WITHIN_LIMIT = "peers-of-prefix-within-limit"
    WITHIN_QUOTAS = "within-quotas"
    ENDPOINT_IN_USE = "endpoint-in-use"

    # Tandem itself
    LOOKED_AT_RECENTLY = "looked-at-recently"
    WATCHED_RECENTLY = "watched-recently"
    NO_DEAD_LETTERS = "no-dead-letters"
    NOT_PAUSED_FOR_LONG = "not-paused-for-long"
    NOT_DRY_RUN_FOR_LONG = "not-dry-run-for-long"
    RELEASES_MATCH = "releases-match"


class CheckCode(StrEnum):
    """A rule passes, fails or cannot be judged for a resource."""

    # any rule
    AS_IT_SHOULD_BE = "as-it-should-be"
    NOTHING_TO_JUDGE = "nothing-to-judge"
    ROW_NOT_READ = "row-not-read"
    PART_NOT_READ = "part-not-read"
    PART_ABSENT = "part-absent"
    WITHOUT_NEED = "without-need"
    RULE_FAILED = "rule-failed"
    WAIVER_EXPIRED = "waiver-expired"
    WAIVER_OF_UNKNOWN_RULE = "waiver-of-unknown-rule"

    # a standby that can take over
    STANDBY_LACKS_PREFIX = "standby-lacks-prefix"
    STANDBY_PATH_TIES = "standby-path-ties"
    NOTHING_FOLLOWS = "nothing-follows"
    STANDBY_IS_SILENT = "standby-is-silent"
    APPLIANCE_IS_DEAD = "appliance-is-dead"

    # targets
    NO_INTERNET_ROUTE = "no-internet-route"

    # a survivor for each single failure
    FAILURE_NOT_SURVIVED = "failure-not-survived"
    SURVIVAL_ASSUMED = "survival-assumed"
    SURVIVAL_UNKNOWN = "survival-unknown"

    # routes that are where they should be
    ROUTE_REJECTED = "route-rejected"
    ROUTE_NOT_INSTALLED = "route-not-installed"
    ROUTE_NOT_SHOWN = "route-not-shown"
    LIST_SHADOWS_ROUTE = "list-shadows-route"
    ROUTE_BYPASSED = "route-bypassed"
    ROUTE_IS_BLACKHOLE = "route-is-blackhole"
    ROUTE_TO_STRANGER = "route-to-stranger"
    ROUTE_LEADS_ELSEWHERE = "route-leads-elsewhere"
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

    # sessions
    SESSIONS_WITH_ONE_ENDPOINT = "sessions-with-one-endpoint"
    SESSIONS_UP_AT_ONE_ENDPOINT = "sessions-up-at-one-endpoint"
    ENDPOINT_ALONE_IN_SUBNET = "endpoint-alone-in-subnet"
    ENDPOINTS_IN_ONE_ZONE = "endpoints-in-one-zone"
    NOT_AVAILABLE = "not-available"
    RTO_NOT_DECLARED = "rto-not-declared"
    KEEPALIVE_TOO_SLOW = "keepalive-too-slow"
    BFD_TOO_SLOW = "bfd-too-slow"
    SESSION_FLAPS = "session-flaps"
    PEER_HAS_ASN_OF_ROUTE_SERVER = "peer-has-asn-of-route-server"
    ROUTE_IS_PERSISTED = "route-is-persisted"

    # packet filters
    GROUPS_STOP_SESSION = "groups-stop-session"
    ACL_STOPS_SESSION = "acl-stops-session"

    # limits and cost
    PEER_NEAR_ROUTE_LIMIT = "peer-near-route-limit"
    FIB_NEAR_ROUTE_LIMIT = "fib-near-route-limit"
    TABLE_NEAR_ROUTE_LIMIT = "table-near-route-limit"
    PREFIX_NEAR_PEER_LIMIT = "prefix-near-peer-limit"
    ENDPOINTS_NEAR_QUOTA = "endpoints-near-quota"
    PEERS_NEAR_QUOTA = "peers-near-quota"
    ENDPOINT_WITHOUT_PEER = "endpoint-without-peer"

    # Tandem itself
    NOT_LOOKED_AT = "not-looked-at"
    NOT_WATCHED = "not-watched"
    STORED_JUST_NOW = "stored-just-now"
    DEAD_LETTERS_WAIT = "dead-letters-wait"
    PAUSED_FOR_LONG = "paused-for-long"
    DRY_RUN_FOR_LONG = "dry-run-for-long"
    MODE_TIME_NOT_RECORDED = "mode-time-not-recorded"
    RELEASES_DIFFER = "releases-differ"
