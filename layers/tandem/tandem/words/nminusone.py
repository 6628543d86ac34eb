"""The words of what-if: why it is not known how a failure would end, and what a prediction assumes."""

from __future__ import annotations

from tandem.reasons.nminusone import AssumptionCode, UndeterminedCode
from tandem.words.render import Entries, Entry

_GUIDE = "https://docs.aws.amazon.com/vpc/latest/userguide"
_HOW_IT_WORKS = f"{_GUIDE}/route-server-how-it-works.html"
_READ_AGAIN = (
    "Run it again in a minute. If it stays so, open an issue in the project's repository with this sentence.",
)

ENTRIES: Entries = {
    UndeterminedCode.BEST_PATH_UNDOCUMENTED: Entry(
        "AWS does not document which route to {subject} wins: those by {next_hops:and} have AS paths of the "
        "same length, and equal MEDs or MEDs of different neighbour ASNs",
        "The best path would be chosen by a rule that AWS does not document.",
        ("Give each appliance an AS path of another length for the prefix.",),
        _HOW_IT_WORKS,
    ),
    UndeterminedCode.ROUTE_UNRANKED: Entry(
        "the routes to {subject} by {next_hops:and} cannot be compared: a part of one cannot be read, or AWS "
        "does not choose it although it should win",
        "A route may be better or worse than the others, or may never be chosen.",
        _READ_AGAIN,
    ),
    UndeterminedCode.ROUTES_INCOMPLETE: Entry(
        "there may be other routes to {subject}: {errors:; }",
        "A row of the routing database cannot be read, and it may be the one that takes over.",
        _READ_AGAIN,
    ),
    UndeterminedCode.PERSISTED_FIB_UNDOCUMENTED: Entry(
        "AWS does not document which route to {subject} stays when the last sessions end one after another",
        "With persistence on, routes outlive the last session, but AWS does not say which.",
        page=f"{_GUIDE}/route-server-tutorial-create.html",
    ),
    UndeterminedCode.SEVERAL_STANDBYS: Entry(
        "several silent standbys may become active for {subject}",
        "The document calls more than one appliance silent until it is active.",
    ),
    UndeterminedCode.INSTALLATION_UNKNOWN: Entry(
        "it is unknown if a route table would take another route to {subject}",
        "No table has the prefix now, or no interface with the next hop is known.",
    ),
    UndeterminedCode.ZONE_UNKNOWN: Entry(
        "the Availability Zone of {subject} is unknown",
        "It may be in the zone that fails, since its subnet cannot be read.",
        _READ_AGAIN,
    ),
    UndeterminedCode.BORDER_GROUP_UNKNOWN: Entry(
        "it is unknown if {subject} and {interface} are of the same network border group",
        "EC2 refuses to associate the two if they are not.",
        _READ_AGAIN,
        "https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_AssociateAddress.html",
    ),
    UndeterminedCode.HOLDER_UNREADABLE: Entry(
        "it is unknown if {subject} is alive: {why}",
        "The address stays on an appliance whose session or instance cannot be read.",
        _READ_AGAIN,
    ),
    UndeterminedCode.OVERRIDES_UNREADABLE: Entry(
        "{subject} may be paused or pinned: {why}",
        "A page of the override records cannot be read.",
        _READ_AGAIN,
    ),
    UndeterminedCode.TOO_MANY_POSSIBILITIES: Entry(
        "too many things may happen at once, {subject} among them",
        "So many prefixes have several possible routes that the combinations are not gone through.",
        ("Give each appliance an AS path of another length for each prefix.",),
    ),
    AssumptionCode.AS_IF_ENFORCED: Entry(
        "{subject} is in dry-run; this is what would happen in enforce",
        "The topology is in dry-run, so nothing moves until its mode is changed.",
    ),
    AssumptionCode.AS_IF_NOT_PAUSED: Entry(
        "{subject} is paused until {until}; this is what would happen without the pause",
        "An override pauses the topology or the group, so nothing moves until it is over.",
    ),
    AssumptionCode.STANDBY_BECOMES_ACTIVE: Entry(
        "{subject} becomes active and advertises the prefix, as the topology says of a silent standby",
        "It cannot be seen from outside if a silent standby would take over.",
    ),
    AssumptionCode.ROUTES_OUTLIVE_SESSIONS: Entry(
        "the routes of {subject} stay after its last session has ended",
        "Persistence is on, or it is not known that it is off.",
        page=f"{_GUIDE}/route-server-tutorial-create.html",
    ),
}
"""Why a prediction is undetermined, and what it assumes."""
