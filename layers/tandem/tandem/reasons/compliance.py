"""The rules of compliance, and the codes of what they find."""

from __future__ import annotations

from enum import StrEnum


class RuleId(StrEnum):
    """A rule says what should be so. Findings, waivers and pages in docs/rules name it."""

    # a standby that can take over
    STANDBY_ADVERTISES = "standby-advertises"

    # a survivor for each single failure
    SINGLE_FAILURE = "single-failure"

    # routes that are where they should be
    ROUTE_INSTALLED = "route-installed"

    # the rules themselves
    WAIVER_CURRENT = "waiver-current"

    # sessions
    ENDPOINT_LOSS_SURVIVED = "endpoint-loss-survived"
    ENDPOINTS_REDUNDANT = "endpoints-redundant"
    ENDPOINTS_AND_PEERS_AVAILABLE = "endpoints-and-peers-available"
    LIVENESS_WITHIN_RTO = "liveness-within-rto"
    SESSIONS_STEADY = "sessions-steady"
    PEER_ASN_OF_ITS_OWN = "peer-asn-of-its-own"
    PERSISTENCE_AS_DECLARED = "persistence-as-declared"
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
    STANDBY_IS_SILENT = "standby-is-silent"

    # a survivor for each single failure
    FAILURE_NOT_SURVIVED = "failure-not-survived"
    SURVIVAL_ASSUMED = "survival-assumed"
    SURVIVAL_UNKNOWN = "survival-unknown"

    # routes that are where they should be
    ROUTE_REJECTED = "route-rejected"
    ROUTE_NOT_INSTALLED = "route-not-installed"

    # sessions
    SESSIONS_WITH_ONE_ENDPOINT = "sessions-with-one-endpoint"
    SESSIONS_UP_AT_ONE_ENDPOINT = "sessions-up-at-one-endpoint"
    ENDPOINT_ALONE_IN_SUBNET = "endpoint-alone-in-subnet"
    ENDPOINTS_IN_ONE_ZONE = "endpoints-in-one-zone"
    NOT_AVAILABLE = "not-available"
    SESSIONS_MISSING = "sessions-missing"
    RTO_NOT_DECLARED = "rto-not-declared"
    KEEPALIVE_TOO_SLOW = "keepalive-too-slow"
    SESSION_FLAPS = "session-flaps"
    PEER_HAS_ASN_OF_ROUTE_SERVER = "peer-has-asn-of-route-server"
    PERSISTENCE_NOT_DECLARED = "persistence-not-declared"
    PERSISTENCE_IS_OTHERWISE = "persistence-is-otherwise"
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
    DEAD_LETTERS_WAIT = "dead-letters-wait"
    PAUSED_FOR_LONG = "paused-for-long"
    DRY_RUN_FOR_LONG = "dry-run-for-long"
    MODE_TIME_NOT_RECORDED = "mode-time-not-recorded"
    RELEASES_DIFFER = "releases-differ"
