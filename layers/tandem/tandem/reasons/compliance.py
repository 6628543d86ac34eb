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
