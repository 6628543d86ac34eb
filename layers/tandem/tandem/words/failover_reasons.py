"""The words of failover's codes: sentence, meaning, what to do, AWS's page."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from tandem.reasons.failover import (
    AwaitedCode,
    FindingCode,
    HoldCode,
    MoveCode,
    NoChangeCode,
    PartCode,
    PinCode,
    ReportCode,
    UnbegunCode,
)
from tandem.reasons.reason import Reason
from tandem.words.render import Entries, Entry, fields, fill

_HOW_IT_WORKS = "https://docs.aws.amazon.com/vpc/latest/userguide/route-server-how-it-works.html"
_ASSOCIATE = "https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_AssociateAddress.html"
_PRIORITY = "https://docs.aws.amazon.com/vpc/latest/userguide/route-tables-priority.html"

_SESSION = "no [unread?readable ]session with BGP up[: {unread}]"
_BY = "by {who} (as the override record says) until {until}: {why}"
_LET_BE = (
    "Tandem does not move it until that ends; find what else moves it, such as the appliance's own HA script"
)

_REMOVE = (
    (
        "To let the Elastic IPs follow the route, remove the override {record} "
        "(TABLE is the stack's output StateTable):"
    ),
    (
        '  aws dynamodb delete-item --table-name "$TABLE" '
        """--key '{{"kind": {{"S": "override"}}, "id": {{"S": "{record}"}}}}'"""
    ),
)
"""How to remove an override: the command of docs/operating.md."""

_SILENCE = (
    "find out why no appliance advertises the prefix. If all sessions below are down, the appliances or",
    "the path to the endpoints failed: log in to an appliance and check BGP, then the security group",
    "(TCP 179; for BFD, UDP 3784). If a session is up, check what the appliance advertises.",
)
_NEXT_HOP = (
    "find out whose address the next hop is. Add that appliance to the topology and apply it, or stop it",
    "from advertising the prefix.",
)
_PAST = (
    "bring up a BGP session of the appliance that owns the route, or wait until Route Server withdraws",
    "the route. Persisted routes stay until the persist-routes duration ends.",
)
_PREFER = (
    "make one appliance the preferred one for all tracked prefixes: for each prefix it needs the shorter",
    "AS path or the lower MED.",
)
_STRANGER = (
    "find out who associated the Elastic IP (CloudTrail, AssociateAddress), and why. To give it back to",
    "Tandem, disassociate it from that interface.",
)
_READ = (
    "check whether the AWS API answers in this Region (AWS Health), and whether the failover role or an",
    "organisation's policy refuses the read that is named.",
)
_READY = (
    "correct what the reason names: the target's appliance needs a BGP session that is up, a running",
    "instance, and the private IP on the attached interface.",
)
_INSTALL = (
    "see the reason that AWS gives for the route table; check `propagate_to` and the table's own routes.",
)
_SECOND_MOVER = (
    "find what else moves the Elastic IP (CloudTrail, AssociateAddress), such as the appliance's own HA",
    "script, and turn it off. Otherwise both keep moving the address.",
)
_WAIT = ("nothing: the route changes often. Tandem moves the Elastic IPs when the time above ends.",)
_BY_HAND = ("correct the EC2 error above. The message of the failed move has the command for a manual move.",)

_HOLDS: dict[StrEnum, Entry] = {
    HoldCode.PAUSED: Entry(
        f"paused {_BY}",
        "An operator paused the topology or the group: nothing moves until the pause ends.",
        (
            "nothing during the maintenance.",
            *_REMOVE,
        ),
    ),
    HoldCode.PINNED_UNDECLARED: Entry(
        f"pinned to {{appliance}}, which the topology does not declare, {_BY}",
        "An operator pinned the Elastic IPs to an appliance that the topology does not declare.",
        (
            "pin to an appliance that the topology declares.",
            *_REMOVE,
        ),
    ),
    HoldCode.PINNED_SILENT: Entry(
        f"{{pin}}; but {{appliance}} has {_SESSION}",
        "An operator pinned the Elastic IPs to an appliance without a BGP session up; the pin is not forced.",
        (
            "bring up a BGP session of the pinned appliance.",
            *_REMOVE,
        ),
    ),
    HoldCode.NO_ROUTE: Entry(
        "{subject} is not in the FIB[; it has only {inside}]",
        "No appliance's route for the tracked prefix is in the route server's FIB, so nobody owns it.",
        _SILENCE,
        _HOW_IT_WORKS,
    ),
    HoldCode.ROUTE_UNREADABLE: Entry(
        "{error}",
        "The row of the routing database that may be in the FIB cannot be read, so the owner is unknown.",
        _READ,
    ),
    HoldCode.UNDECLARED_NEXT_HOP: Entry(
        "{subject} goes to {next_hop}, which no declared appliance has",
        "The next hop of the tracked prefix is an address that no appliance of the topology has.",
        _NEXT_HOP,
        _HOW_IT_WORKS,
    ),
    HoldCode.NEXT_HOP_UNREADABLE: Entry(
        "{subject} goes to {next_hop}, and [none_read?the interfaces could not be read: ]{errors:; }",
        "The interfaces that say whose address the next hop is could not be read.",
        _READ,
    ),
    HoldCode.NOT_INSTALLED: Entry(
        "{subject} is rejected by every route table ({tables})",
        "The route is in the FIB, and every route table rejects it: no traffic follows it.",
        _INSTALL,
        _PRIORITY,
    ),
    HoldCode.NOT_PROPAGATED: Entry(
        "{subject} is in the FIB but in no route table: is propagation enabled?",
        "The route is in the FIB, and the route server propagates it to no route table.",
        _INSTALL,
        _HOW_IT_WORKS,
    ),
    HoldCode.OWNER_SILENT: Entry(
        f"the FIB names {{subject}}, which has {_SESSION}: the route is out of date",
        "The owner of the route has no BGP session up: the route is persisted, or is about to be withdrawn.",
        _PAST,
        _HOW_IT_WORKS,
    ),
    HoldCode.SPLIT: Entry(
        "the tracked prefixes are split: {owners:, }",
        "Different appliances own the tracked prefixes of one group.",
        _PREFER,
        _HOW_IT_WORKS,
    ),
    HoldCode.ADDRESS_UNREADABLE: Entry(
        "{error}, so its holder is unknown",
        "EC2's answer about the Elastic IP cannot be read.",
        _READ,
    ),
    HoldCode.ADDRESS_GONE: Entry(
        "{subject} is not in this account and Region any more: was it released?",
        "EC2 does not know the Elastic IP's allocation.",
        (
            "remove the Elastic IP from the topology and apply the topology, or allocate the address again.",
            "CloudTrail shows who released it (ReleaseAddress).",
        ),
    ),
    HoldCode.UNDECLARED_HOLDER: Entry(
        "{interface}, which no appliance declares, has the Elastic IP: Tandem did not move it there",
        "An interface that belongs to no appliance of the topology has the Elastic IP.",
        _STRANGER,
    ),
    HoldCode.INTERFACES_UNREADABLE: Entry(
        "the interfaces could not be read: {errors:; }",
        "The interfaces could not be read, so nobody knows whether the target is ready.",
        _READY,
    ),
    HoldCode.INSTANCES_UNREADABLE: Entry(
        "the instances could not be read: {errors:; }",
        "The instances could not be read, so nobody knows whether the target is ready.",
        _READY,
    ),
    HoldCode.TARGET_SILENT: Entry(
        f"{{appliance}} has {_SESSION}",
        "The target's appliance has no BGP session up.",
        _READY,
    ),
    HoldCode.TARGET_INTERFACE_UNREADABLE: Entry(
        "{error}",
        "EC2's answer about the target's interface cannot be read.",
        _READY,
    ),
    HoldCode.TARGET_INSTANCE_UNREADABLE: Entry(
        "{error}",
        "EC2's answer about the target's instance cannot be read.",
        _READY,
    ),
    HoldCode.TARGET_MISSING: Entry(
        "{interface} is not attached to an appliance's instance, or does not exist",
        "EC2 shows the target's interface on no appliance.",
        _READY,
    ),
    HoldCode.TARGET_DETACHED: Entry(
        "{interface} is not attached to an instance (it is {attachment})",
        "The target's interface is not attached to an instance.",
        _READY,
    ),
    HoldCode.TARGET_ON_ANOTHER_INSTANCE: Entry(
        "{interface} is attached to {other}, not to {appliance}'s {instance}",
        "The target's interface is attached to another instance than the appliance's.",
        _READY,
    ),
    HoldCode.TARGET_INSTANCE_NOT_RUNNING: Entry(
        "{interface} is on {instance}, which is {state}",
        "The instance of the target's interface does not run.",
        _READY,
    ),
    HoldCode.TARGET_LACKS_PRIVATE_IP: Entry(
        "{interface} does not have the private IP {private_ip}",
        "The target's interface does not have the declared private IP.",
        _READY,
    ),
    HoldCode.TARGET_HAS_AUTO_ASSIGNED_ADDRESS: Entry(
        "{private_ip} on {interface} has the auto-assigned public address {public_ip}, which a move would "
        "release for good",
        "The target's private IP has a public address that AWS assigned. A move would release it for good.",
        _READY,
        _ASSOCIATE,
    ),
    HoldCode.TARGET_OCCUPIED: Entry(
        "{private_ip} on {interface} has another Elastic IP, {occupant}[ ({public_ip})]: "
        "a move would take that one off",
        "The target's private IP has another Elastic IP, which a move would displace.",
        (
            "move the other Elastic IP off that private IP, or give the target another private IP in the",
            "topology. To take it off, use its AssociationId in the output of the command below. It stays in",
            "the account; whoever uses it loses it:",
            "  aws ec2 disassociate-address --association-id eipassoc-...",
        ),
        _ASSOCIATE,
    ),
    HoldCode.CONTESTED: Entry(
        f"something else moved it away from {{owner}} {{times}} times in the last 10 minutes: {_LET_BE}",
        "Something else keeps moving the Elastic IP away from where Tandem puts it.",
        _SECOND_MOVER,
    ),
    HoldCode.CONTESTED_WITHIN: Entry(
        "it is at {private_ip} of {interface} again after {times} moves in the last 10 minutes: " + _LET_BE,
        "Something else keeps moving the Elastic IP to another private IP of the same appliance.",
        _SECOND_MOVER,
    ),
    HoldCode.DAMPED: Entry(
        "{holder} is alive and the Elastic IP moved a short time ago: Tandem waits until {until:%H:%M:%S}",
        "The route changes often and the holder is alive: Tandem waits before it moves the Elastic IP again.",
        _WAIT,
    ),
    HoldCode.DAMPED_WITHIN: Entry(
        "{owner} has it at {private_ip} of {interface} and it moved a short time ago: "
        "Tandem waits until {until:%H:%M:%S}",
        "The Elastic IP is on the right appliance at another private IP, and it has moved a moment ago.",
        _WAIT,
    ),
    HoldCode.MOVE_REFUSED: Entry(
        "EC2 refused the move: {error}: {message}",
        "EC2 refused AssociateAddress.",
        _BY_HAND,
        _ASSOCIATE,
    ),
    HoldCode.MOVE_UNANSWERED: Entry(
        "EC2 may have made the move and does not show it: {error}: {message}",
        "EC2 did not say whether it took AssociateAddress, and does not show the Elastic IP at its target.",
        _BY_HAND,
        _ASSOCIATE,
    ),
    HoldCode.MOVE_UNSHOWN: Entry(
        "EC2 took the move but does not show it yet",
        "EC2 took AssociateAddress, and DescribeAddresses does not show the Elastic IP at its target yet.",
        _BY_HAND,
        _ASSOCIATE,
    ),
    HoldCode.MOVE_NOT_BEGUN: Entry(
        "Tandem did not begin the move: {error}: {cause}",
        "Tandem had decided the move, and did not call EC2 for it.",
        _BY_HAND,
    ),
    HoldCode.UNCLEAR: Entry(
        "not clear after {seconds} s: {awaited}",
        "AWS announced a change and did not show it within the time that a look waits.",
        ("compare the sessions below with those of the appliance: AWS does not yet show what it announced.",),
    ),
}

_DECISIONS: dict[StrEnum, Entry] = {
    MoveCode.OWNER_HAS_ROUTE: Entry(
        "{subject} owns the route",
        "The next hop of the tracked prefixes in the FIB is an address of this appliance.",
        page=_HOW_IT_WORKS,
    ),
    MoveCode.OWNER_PINNED: Entry(
        "{subject} is pinned",
        "An operator pinned the Elastic IPs to this appliance, whatever the route says.",
    ),
    MoveCode.NOBODY_HAS_ADDRESS: Entry("nobody has it", "The Elastic IP is associated with nothing."),
    MoveCode.HOLDER_SILENT: Entry(
        "{subject} has no session with BGP up",
        "The appliance that has the Elastic IP counts as dead: none of its BGP sessions is up.",
    ),
    MoveCode.HOLDER_INSTANCE_NOT_RUNNING: Entry(
        "{subject}'s instance {instance} is {state}",
        "The appliance that has the Elastic IP counts as dead: its instance does not run.",
    ),
    MoveCode.HOLDER_ALIVE: Entry(
        "{subject} is alive: the route left it on purpose, or somebody moved the address",
        "The appliance that has the Elastic IP is alive, and another one owns the route.",
    ),
    MoveCode.MOVED_AWAY: Entry(
        "something else moved it to {appliance} after Tandem had moved it",
        "Tandem had put the Elastic IP where it belongs, and something else moved it to another appliance.",
    ),
    MoveCode.MOVED_WITHIN: Entry(
        "something else moved it to {private_ip} of {interface} after Tandem had moved it",
        "Tandem had put the Elastic IP where it belongs, and something else moved it within the appliance.",
    ),
    MoveCode.WRONG_PRIVATE_IP: Entry(
        "{owner} has it at {private_ip} of {interface}, not at {wanted_private_ip} of {wanted_interface}",
        "The right appliance has the Elastic IP at another private IP than the topology declares.",
    ),
    NoChangeCode.IN_PLACE: Entry(
        "it is at the target declared for {owner}", "The Elastic IP is where it belongs."
    ),
    NoChangeCode.ALL_IN_PLACE: Entry(
        "{subject} has every address of the group", "Every Elastic IP of the group is where it belongs."
    ),
    NoChangeCode.MOVED: Entry("moved and verified", "Tandem moved the Elastic IP, and EC2 shows it there."),
    NoChangeCode.ALL_MOVED: Entry(
        "every address was moved to {owner} and verified",
        "Tandem moved the group's Elastic IPs, and EC2 shows each at its target.",
    ),
}

_BESIDE: dict[StrEnum, Entry] = {
    ReportCode.PINNED: Entry(
        f"pinned to {{appliance}} {_BY}[forced?; forced: no session is asked for]",
        "An operator pinned the Elastic IPs to an appliance; a forced pin asks for no BGP session.",
        _REMOVE,
    ),
    ReportCode.BFD_DOWN: Entry(
        "BFD is down beside BGP up on {peers}",
        "BGP works and BFD does not: reported, and no reason to move or to hold.",
        page=_HOW_IT_WORKS,
    ),
    ReportCode.ROUTES_PERSISTED: Entry(
        "(AWS reports persisted routes)",
        "The routing database says that routes are persisted. AWS does not document when it says so.",
    ),
    ReportCode.STRANDED: Entry(
        "{count} Elastic {count:IP is|IPs are} on {subject}, which is dead: {dead}",
        "Elastic IPs stay on an appliance that counts as dead: no traffic reaches what is behind them.",
        (
            "ask {who} (as the override record says) at once whether the outage is part of the work.",
            (
                "If not, or if nobody answers, remove the override {record} now "
                "(TABLE is the stack's output StateTable):"
            ),
            _REMOVE[1],
        ),
    ),
    ReportCode.WOULD_MOVE: Entry(
        "{count} Elastic {count:IP|IPs} would move to {subject} now: {dead}",
        "An override keeps Elastic IPs on an appliance that is dead; without it, they would move.",
    ),
    ReportCode.WOULD_STAY: Entry(
        "[{address}][address!every Elastic IP] would be held without the override too: {why}",
        "An override holds the group, and without it the Elastic IPs would be held for another reason.",
    ),
    ReportCode.EC2_WOULD_REFUSE: Entry(
        "EC2 would refuse {subject}: {error}: {message}",
        "In a dry run, EC2 answered that it would refuse the move.",
        page=_ASSOCIATE,
    ),
    PartCode.TABLE_REJECTS: Entry(
        "{subject}: [{cause}][cause!AWS gives no reason]", "A route table rejects a route of the FIB."
    ),
    PartCode.PREFIX_OWNER: Entry(
        "[{appliance}][appliance!nobody] owns {subject}",
        "The appliance that owns one of the tracked prefixes.",
    ),
    AwaitedCode.SIGNAL_NOT_SHOWN: Entry(
        "AWS does not show yet that {cause}",
        "AWS announced the change of a session, and shows the old status.",
    ),
    AwaitedCode.SECOND_READ: Entry(
        "two reads in a row did not show the same",
        "After a change, one read is not enough to believe that nothing moves.",
    ),
    UnbegunCode.NOT_BEGUN: Entry(
        "the lease or the invocation had too little time left, so Tandem did not begin it",
        "There was not enough time left for the call to end before another look may begin.",
    ),
    UnbegunCode.SUPERSEDED: Entry(
        "AWS showed something else before Tandem began it", "A new reading did not ask for the move any more."
    ),
    UnbegunCode.NOT_READ: Entry(
        "AWS could not be read again before it: {error}",
        "AWS could not be read between two batches of moves.",
    ),
    UnbegunCode.OVERRIDE_CHANGED: Entry(
        "an operator changed the override meanwhile",
        "A pause or a pin changed between the decision and the move.",
    ),
    UnbegunCode.TOPOLOGY_CHANGED: Entry(
        "another version of the topology was stored meanwhile",
        "The topology changed between the decision and the move.",
    ),
    PinCode.PIN_EXPIRED: Entry("the pin expired ({why})", "The time of a pin is over."),
    PinCode.PIN_REMOVED: Entry(
        "somebody deleted or replaced the pin of {who} ({why})", "A pin ended before its time."
    ),
}

_NOTHING = ("Nothing has to be done",)
_DIAL = (
    "runs and connects to every endpoint. Check the source address, the ASN and TCP 179; with "
    "liveness: bfd also UDP 3784 (docs/appliances.md)"
)
_STATE = "{subject} [was_up?is dead][was_up!has not come up yet]"
_LEFT = "[; until then nobody can take over from {only}]"
_PEERS = (
    f"Find out who deleted its peers. With manage: true, run tandem plan to see what Tandem will do{_LEFT}"
)
_BFD = f"See on {{subject}} why BFD is down: UDP 3784, timers, and single-hop BFD (docs/appliances.md){_LEFT}"
_SILENT = (
    f"Check whether BGP on {{subject}} {_DIAL}. If it does not speak BGP while it is passive, declare "
    f"standby: silent{_LEFT}"
)
_PARTLY = (
    f"Check whether BGP on {{subject}} {_DIAL}. When AWS takes an endpoint down for maintenance, only the "
    "remaining sessions carry routes"
)

_FINDINGS: dict[StrEnum, Entry] = {
    FindingCode.STANDBY_INSTANCE_NOT_RUNNING: Entry(
        "{subject} is dead: its instance {instance} is {state}",
        "The standby could not take over: its instance does not run.",
        (
            (
                f"Start {{instance}}, or replace it and apply the topology with the new instance{_LEFT}. If "
                "{subject} has the better route when it is back, the Elastic IPs follow it at once"
            ),
        ),
    ),
    FindingCode.STANDBY_WITHOUT_PEER: Entry(
        f"{_STATE}: the route server has no peer for it",
        "The standby could not take over: the route server has no peer at its addresses.",
        (_PEERS,),
    ),
    FindingCode.STANDBY_BFD_DOWN: Entry(
        f"{_STATE}: BGP is up, but BFD is down and the route server has no routes from it",
        "The standby could not take over: BFD is down, and the route server withdrew its routes.",
        (_BFD,),
        _HOW_IT_WORKS,
    ),
    FindingCode.STANDBY_SESSIONS_DOWN: Entry(
        f"{_STATE}: none of its {{total}} sessions is up",
        "The standby could not take over: none of its sessions is up.",
        (_SILENT,),
    ),
    FindingCode.STANDBY_BACK: Entry(
        "{subject} is back: {up} of its {total} sessions are up",
        "The standby could take over again.",
        _NOTHING,
    ),
    FindingCode.SESSIONS_DOWN: Entry(
        "{down} of {total} sessions of {subject} {down:is|are} down",
        "The appliance is alive, and some of its sessions carry no routes.",
        (_PARTLY,),
    ),
    FindingCode.SESSIONS_BACK: Entry(
        "all {total} sessions of {subject} are up", "Every session of the appliance is up again.", _NOTHING
    ),
    FindingCode.APPLIANCE_UNDECLARED: Entry(
        "Tandem no longer checks {subject}: the topology does not declare it",
        "The appliance left the topology while a finding about it was open.",
        _NOTHING,
    ),
    FindingCode.APPLIANCE_SILENT: Entry(
        "Tandem no longer checks {subject}: the topology declares standby: silent",
        "The topology says now that the appliance speaks no BGP while it is passive.",
        _NOTHING,
    ),
}

ENTRIES: Entries = _HOLDS | _DECISIONS | _BESIDE | _FINDINGS
"""The words of every code of failover."""

OTHERWISE = ("correct the problem that the reason names.",)
"""What to do about a hold whose code this version does not know."""

_FORMER = {
    "unreadable": HoldCode.ROUTE_UNREADABLE,
    "target-not-ready": HoldCode.TARGET_DETACHED,
    "not-moved": HoldCode.MOVE_REFUSED,
}
"""Codes of events of schema version 1 that are several today, each with one that has its advice."""


def advice_on(code: str, facts: Mapping[str, Any]) -> tuple[str, ...]:
    """Returns what to do about a hold or a report with this code; without the lines whose facts are missing
    or null, as in events of older versions.
    """
    known = next((one for one in ENTRIES if one == _FORMER.get(code, code)), None)
    if known is None:
        return OTHERWISE
    why = Reason(known, "", tuple(facts.items()))
    lines = ENTRIES[known].advice
    return tuple(
        fill(line, why, ENTRIES)
        for line in lines
        if all(facts.get(name) is not None for name in fields(line))
    )
