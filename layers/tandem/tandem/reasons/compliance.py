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
