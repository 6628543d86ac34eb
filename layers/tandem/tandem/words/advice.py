"""What to do about a hold, by its code."""

from __future__ import annotations

from tandem.words.parts import Detail

AGAIN = "Tandem looks again at every signal and every minute, and moves by itself as soon as it can."

ADVICE = {
    "paused": (
        "nothing while the work goes on. To let the Elastic IPs follow the route before the pause ends,",
        "delete the override record of the state table.",
    ),
    "pinned-undeclared": (
        "delete the override record of the state table, or pin to an appliance of the topology.",
    ),
    "pinned-silent": ("bring up a BGP session of the pinned appliance, or delete the override record.",),
    "no-route": (
        "see why no appliance advertises the prefix. Where all sessions below are down, the appliances or",
        "the way to the endpoints are the cause: log in to an appliance, check BGP there, then the security",
        "group (TCP 179; for BFD UDP 3784). Where a session is up, check what the appliance advertises.",
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
        "bring up a BGP session of the appliance that the FIB names, or wait until Route Server takes its",
        "route away. Persisted routes stay until their time is over.",
    ),
    "split": (
        "advertise all tracked prefixes from one appliance: its AS path or MED must be the better one",
        "for each.",
    ),
    "address-gone": (
        "take the Elastic IP out of the topology and apply it, or allocate it again: see CloudTrail for",
        "ReleaseAddress.",
    ),
    "undeclared-holder": (
        "find out who associated the Elastic IP (CloudTrail, AssociateAddress), and why. To let Tandem have",
        "it again, disassociate it there.",
    ),
    "target-not-ready": (
        "put right what the reason names: the target's appliance needs a BGP session that is up, a running",
        "instance, and the private IP on the attached interface.",
    ),
    "target-occupied": (
        "move the other Elastic IP off that private IP, or give the target another private IP in the",
        "topology.",
    ),
    "contested": (
        "find the second mover (CloudTrail, AssociateAddress), such as the appliance's own HA script, and",
        "turn it off: two of them never come to rest.",
    ),
    "damped": ("nothing: the route changes often, and Tandem moves as soon as the time above is over.",),
    "not-moved": (
        "see to what EC2 says above. The message of the failed move has the command to do it by hand.",
    ),
    "unclear": (
        "compare the sessions below with the appliances' own view. AWS has not shown yet what it announced.",
    ),
}
OTHERWISE = ("put right what the reason names.",)


def advice(detail: Detail) -> list[str]:
    """What to do about each reason for which the group, or an address of it, is held."""
    held = [a.get("code") for a in detail["addresses"] if a["action"] == "hold"]
    codes = [code for code in dict.fromkeys([detail.get("code"), *held]) if code] or [""]
    every = [ADVICE.get(code, OTHERWISE) for code in codes]
    lines = [f"{'What to do' if not i else 'And'}: {first}" for i, (first, *_) in enumerate(every)]
    return [line for head, (_, *rest) in zip(lines, every, strict=True) for line in (head, *rest)] + [AGAIN]
