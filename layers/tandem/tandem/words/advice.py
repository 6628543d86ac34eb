"""What to do about a hold, by its code."""

from __future__ import annotations

from tandem.words.parts import Detail

AGAIN = "Tandem checks again at every signal and every minute. When the hold ends, it acts automatically."

ADVICE = {
    "paused": (
        "nothing during the maintenance. To let the Elastic IPs follow the route before the pause ends,",
        "delete the override record from the state table.",
    ),
    "pinned-undeclared": (
        "delete the override record of the state table, or pin to an appliance of the topology.",
    ),
    "pinned-silent": ("bring up a BGP session of the pinned appliance, or delete the override record.",),
    "no-route": (
        "find out why no appliance advertises the prefix. If all sessions below are down, the appliances or",
        "the path to the endpoints failed: log in to an appliance and check BGP, then the security group",
        "(TCP 179; for BFD, UDP 3784). If a session is up, check what the appliance advertises.",
    ),
    "undeclared-next-hop": (
        "find out whose address the next hop is. Add that appliance to the topology and apply it, or stop it",
        "from advertising the prefix.",
    ),
    "not-installed": (
        "see the reason that AWS gives for the route table; check `propagate_to` and the table's own routes.",
    ),
    "unreadable": (
        "check whether the AWS API answers in this Region (AWS Health), and whether the failover role or an",
        "organisation's policy refuses the read that is named.",
    ),
    "owner-silent": (
        "bring up a BGP session of the appliance that owns the route, or wait until Route Server withdraws",
        "the route. Persisted routes stay until the persist-routes duration ends.",
    ),
    "split": (
        "make one appliance the preferred one for all tracked prefixes: for each prefix it needs the shorter",
        "AS path or the lower MED.",
    ),
    "address-gone": (
        "remove the Elastic IP from the topology and apply the topology, or allocate the address again.",
        "CloudTrail shows who released it (ReleaseAddress).",
    ),
    "undeclared-holder": (
        "find out who associated the Elastic IP (CloudTrail, AssociateAddress), and why. To give it back to",
        "Tandem, disassociate it from that interface.",
    ),
    "target-not-ready": (
        "correct what the reason names: the target's appliance needs a BGP session that is up, a running",
        "instance, and the private IP on the attached interface.",
    ),
    "target-occupied": (
        "move the other Elastic IP off that private IP, or give the target another private IP in the",
        "topology.",
    ),
    "contested": (
        "find what else moves the Elastic IP (CloudTrail, AssociateAddress), such as the appliance's own HA",
        "script, and turn it off. Otherwise both keep moving the address.",
    ),
    "damped": ("nothing: the route changes often. Tandem moves the Elastic IPs when the time above ends.",),
    "not-moved": (
        "correct the EC2 error above. The message of the failed move has the command for a manual move.",
    ),
    "unclear": (
        "compare the sessions below with those of the appliance: AWS does not yet show what it announced.",
    ),
}
OTHERWISE = ("correct the problem that the reason names.",)


def advice(detail: Detail) -> list[str]:
    """What to do about each reason for which the group, or an address of it, is held."""
    held = [a.get("code") for a in detail["addresses"] if a["action"] == "hold"]
    codes = [code for code in dict.fromkeys([detail.get("code"), *held]) if code] or [""]
    every = [ADVICE.get(code, OTHERWISE) for code in codes]
    lines = [f"{'What to do' if not i else 'And'}: {first}" for i, (first, *_) in enumerate(every)]
    return [line for head, (_, *rest) in zip(lines, every, strict=True) for line in (head, *rest)] + [AGAIN]
