"""What is said of a failover: the decision, and what became of it."""

from __future__ import annotations

from tandem.events import parse_iso
from tandem.words.failover_reasons import advice_on
from tandem.words.parts import (
    LISTED,
    Detail,
    Said,
    address,
    counted,
    foot,
    listed,
    place,
    seconds,
    sentence,
    times,
    when,
    where,
)

AGAIN = "Tandem checks again at every signal and every minute. When the hold ends, it acts automatically."


def decision(detail: Detail) -> Said:
    """A move or a hold began."""
    addresses = detail["addresses"]
    subject, opening, advice = _decision(detail)
    lines = [
        opening,
        "",
        f"Why: {sentence(detail['reason'])}",
        _woken(detail["signal"]),
        *(f"Note: {sentence(report)}" for report in detail["reports"]),
        "",
        *(listed(_decided(a) for a in addresses) or ["  the group has no Elastic IP"]),
        *_lasting(detail),
        *_shown(detail),
        "",
        *advice,
        "",
        *foot(detail, "Decided"),
    ]
    return Said(subject, lines, detail["severity"], detail["action"])


def completed(detail: Detail) -> Said:
    """Every address is where it belongs."""
    addresses, stages, owner = detail["addresses"], detail["stages"], detail["owner"]
    took = seconds(_asked_at(stages), stages["verified_at"])
    lines = [
        f"Tandem moved {counted(addresses)} of {where(detail)} to {owner}: EC2 reports each there.",
        "",
        *listed(_moved(a) for a in addresses),
        "",
        *times(stages),
        "",
        *foot(detail, "Completed"),
    ]
    subject = f"moved {counted(addresses)} to {owner}" + (f" in {took:.1f} s" if took is not None else "")
    return Said(subject, lines, "info", "move")


_ENDED_BY = {
    "move": "Tandem moved the Elastic IPs. A separate message reports the result.",
    "in-place": "The reason is gone: every Elastic IP of the group is where it belongs.",
    "undeclared": "The topology does not declare this group any more, so nothing is held for it.",
    "look": "The reason is gone: a look found nothing to hold any more.",  # of an older version
}


def hold_ended(detail: Detail) -> Said:
    """What was held is held no more; it has the severity of the hold, so that it closes the same alerts."""
    lasted = f"{detail['seconds']:.0f} s"
    is_dry_run = detail["action"] == "move"
    what = "A dry-run move is no longer due for" if is_dry_run else "The hold ended for"
    lines = [
        f"{what} {where(detail)}. Duration: {lasted}.",
        "",
        f"The reason was: {sentence(detail['reason'])}",
        f"It began at {when(detail['began_at'])}.",
        _ENDED_BY[detail["ended_by"]],
        "",
        "What to do: nothing.",
        "",
        *foot(detail, "Ended"),
    ]
    subject = f"{'dry-run move no longer due' if is_dry_run else 'hold ended'} after {lasted}"
    return Said(subject, lines, detail["severity"], detail["action"])


def _asked_at(stages: Detail) -> str:
    """The signal that first asked; a clock that is ahead of ours makes no time negative."""
    asked, received = stages["signal_at"], str(stages["received_at"])
    return min(str(asked), received, key=parse_iso) if asked else received


def failed(detail: Detail) -> Said:
    """At least one address is not where it belongs."""
    addresses, owner = detail["addresses"], detail["owner"]
    left = [a for a in addresses if a["outcome"] != "verified"]
    rest = [a for a in addresses if a["outcome"] == "verified"]
    what = f"{len(left)} of {counted(addresses)}"
    if all(a["outcome"] == "unverified" and a["error"] is None for a in left):
        subject = f"NOT SHOWN YET, {what} at {owner}"
        opening = f"EC2 took the move of {what} of {where(detail)} to {owner}, and does not show it yet."
        advice = [
            "What to do: nothing yet. Tandem checks again within a minute. If EC2 does not show the new",
            "place then, Tandem retries and notifies you. If it does, you get only the Hold Ended message.",
        ]
    else:
        subject = f"FAILED, {what} not moved to {owner}"
        opening = f"Tandem could not move {what} of {where(detail)} to {owner}."
        again = "Tandem tries again at its next look, in a minute at the latest."
        advice = [f"What to do: see to what EC2 says. {again}"]
    lines = [
        opening,
        "",
        *listed(_moved(a) for a in [*left, *rest]),
        "",
        *times(detail["stages"]),
        "",
        *advice,
        "By hand, as soon as EC2 lets you:",
        *listed(_command(a) for a in left if a["to"]),
        "",
        *foot(detail, "Failed"),
    ]
    return Said(subject, lines, "critical", "move")


def _decision(detail: Detail) -> tuple[str, str, list[str]]:
    """Subject, first sentence and what to do."""
    addresses, owner = detail["addresses"], detail["owner"]
    concerned = [a for a in addresses if a["action"] == detail["action"]]
    dead = detail["severity"] == "critical"
    whole = f"{len(concerned)} of {counted(addresses)} of {where(detail)}"
    if detail["action"] == "hold":
        subject = f"HOLD, {_with_public_ips(detail['reason'], addresses)}"
        return subject, f"Tandem holds: it does not move {whole}.", [*_advice(detail), *_see(addresses)]
    if detail["mode"] == "dry-run":
        return (
            f"would move {counted(concerned)} to {owner} (dry-run)"
            + (", their holder is dead" if dead else ""),
            f"Tandem would move {whole} to {owner}. The topology is in dry-run: nothing is moved.",
            ["What to do: if Tandem is to move them, set `mode: enforce` and apply the topology again."],
        )
    return (
        f"moving {counted(concerned)} to {owner}",
        f"Tandem is moving {whole} to {owner}.",
        ["What to do: nothing yet. The outcome follows in a message of its own."],
    )


def _advice(detail: Detail) -> list[str]:
    """Returns what to do about each reason for which the group, or an address of it, is held."""
    held = [a.get("code") for a in detail["addresses"] if a["action"] == "hold"]
    codes = [code for code in dict.fromkeys([detail.get("code"), *held]) if code] or [""]
    every = dict.fromkeys(map(advice_on, codes))
    lines = [f"{'What to do' if not i else 'And'}: {first}" for i, (first, *_) in enumerate(every)]
    return [line for head, (_, *rest) in zip(lines, every, strict=True) for line in (head, *rest)] + [AGAIN]


def _woken(signal: Detail) -> str:
    at = f", {when(signal['occurred_at'])}" if signal["occurred_at"] else ""
    return f"Woken by: {signal['cause']}{at}."


def _with_public_ips(reason: str, addresses: list[Detail]) -> str:
    """The reason with the addresses that people know in the place of allocation IDs."""
    for a in addresses:
        reason = reason.replace(a["allocation_id"], a["public_ip"] or a["allocation_id"])
    return reason


def _see(addresses: list[Detail]) -> list[str]:
    ids = " ".join(a["allocation_id"] for a in addresses[:LISTED])
    command = f"  aws ec2 describe-addresses --allocation-ids {ids}"
    return ["Who has the addresses now:", command] if ids else []


def _lasting(detail: Detail) -> list[str]:
    """Since when, of a hold that is told again."""
    since = detail.get("since")
    return ["", f"The hold began at {when(since)}."] if since not in (None, detail["occurred_at"]) else []


def _shown(detail: Detail) -> list[str]:
    """What AWS shows of each appliance, of a hold."""
    lines: list[str] = []
    for name in detail.get("appliances", ()):
        own = [s for s in detail["sessions"] if s["appliance"] == name]
        lines += ["", f"Sessions of {name}:", *(listed(map(_session, own)) or ["  AWS shows none"])]
    instances = detail.get("instances", ())
    if instances is None:
        lines += ["", "Instances: they could not be read."]
    elif instances:
        states = (
            f"{i['instance_id']} is {i['state'] or 'in a state that could not be read'}" for i in instances
        )
        lines += ["", "Instances:", *listed(states)]
    return lines


def _session(session: Detail) -> str:
    bfd = f", BFD {session['bfd']}" if session["bfd"] else ""
    since = f", first seen in this state at {when(session['since'])}" if session["since"] else ""
    return f"{session['peer_id']}: BGP {session['bgp']}{bfd}{since}"


def _decided(detail: Detail) -> str:
    if detail["action"] == "move":
        return f"{address(detail)}: {place(detail['from'])} -> {place(detail['to'])}"
    return f"{address(detail)}: stays with {place(detail['from'])}: {sentence(detail['reason'])}"


def _moved(detail: Detail) -> str:
    error = detail["error"]
    why = f" ({error['code']}: {error['message']})" if error else ""
    way = f"{place(detail['from'])} -> {place(detail['to'])}"
    return f"{address(detail)}: {detail['outcome']}{why}: {way}"


def _command(detail: Detail) -> str:
    to = detail["to"]
    return (
        f"aws ec2 associate-address --allocation-id {detail['allocation_id']} "
        f"--network-interface-id {to['network_interface']} --private-ip-address {to['private_ip']}"
    )
