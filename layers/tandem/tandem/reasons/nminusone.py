"""The codes of what-if: why nobody can say how a failure would end, and what a prediction assumes."""

from __future__ import annotations

from enum import StrEnum


class UndeterminedCode(StrEnum):
    """Nobody can say how a failure would end."""

    BEST_PATH_UNDOCUMENTED = "best-path-undocumented"
    ROUTE_UNRANKED = "route-unranked"
    ROUTES_INCOMPLETE = "routes-incomplete"
    PERSISTED_FIB_UNDOCUMENTED = "persisted-fib-undocumented"
    SEVERAL_STANDBYS = "several-standbys"
    INSTALLATION_UNKNOWN = "installation-unknown"
    ZONE_UNKNOWN = "zone-unknown"
    BORDER_GROUP_UNKNOWN = "border-group-unknown"
    HOLDER_UNREADABLE = "holder-unreadable"
    OVERRIDES_UNREADABLE = "overrides-unreadable"
    TOO_MANY_POSSIBILITIES = "too-many-possibilities"


class AssumptionCode(StrEnum):
    """A prediction assumes something."""

    AS_IF_ENFORCED = "as-if-enforced"
    AS_IF_NOT_PAUSED = "as-if-not-paused"
    STANDBY_BECOMES_ACTIVE = "standby-becomes-active"
    ROUTES_OUTLIVE_SESSIONS = "routes-outlive-sessions"
