"""Writes the messages of a failover: the decision, and its outcome."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from tandem.events import parse_iso
from tandem.reasons.failover import BY_OVERRIDE, HoldCode, NoChangeCode, ReportCode
from tandem.words.failover_reasons import OTHERWISE, advice_on
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

_AGAIN = (
    "Tandem checks again at every signal and every minute, so it may notice a repair after a minute.",
    "When the hold ends, Tandem acts automatically.",
)


def decision(detail: Detail) -> Said:
    """Writes that a move or a hold began."""
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
    """Writes that every address is where it belongs."""
    addresses, stages, owner = detail["addresses"], detail["stages"], detail["owner"]
    held = detail.get("held", [])
    took = seconds(_asked_at(stages), stages["verified_at"])
    moved = f"{len(addresses)} of {counted([*addresses, *held])}" if held else counted(addresses)
    lines = [
        f"Tandem moved {moved} of {where(detail)} to {owner}: EC2 reports each there.",
        "",
        *listed(_moved(a) for a in addresses),
        *_left(held),
        "",
        *times(stages),
        "",
        *foot(detail, "Completed"),
    ]
    subject = f"moved {moved} to {owner}" + (f" in {took:.1f} s" if took is not None else "")
    if held:
        which = held[0]["public_ip"] or held[0]["allocation_id"]
        more = f" and {len(held) - 1} more are" if len(held) > 1 else " is"
        subject = f"moved {moved} to {owner}; {which}{more} held: {held[0]['reason']}"
    return Said(subject, lines, detail.get("severity", "info"), "move")


def _left(held: list[Detail]) -> list[str]:
    """Returns the addresses that were held beside a move."""
    if not held:
        return []
    return ["", "Held; the message of the hold says what to do:", *listed(map(_held, held))]


def _held(detail: Detail) -> str:
    return f"{address(detail)} is held: it stays with {place(detail['from'])}: {sentence(detail['reason'])}"


_ENDED_BY = {
    "move": "Tandem moved the Elastic IPs. A separate message reports the result.",
    "in-place": "The reason is gone: every Elastic IP of the group is where it belongs.",
    "undeclared": "The topology does not declare this group any more, so nothing is held for it.",
    "look": "The reason is gone: a look found nothing to hold any more.",  # of an older version
}


def hold_ended(detail: Detail) -> Said:
    """Writes that a hold ended; the message has the severity of the hold, so that it closes the same
    alerts.
    """
    lasted = f"{detail['seconds']:.0f} s"
    is_dry_run = detail["action"] == "move"
    what = "A dry-run move is no longer due for" if is_dry_run else "The hold ended for"
    lines = [
        f"{what} {where(detail)}. Duration: {lasted}.",
        "",
        f"The last reason was: {sentence(detail['reason'])}",
        *_changed(detail.get("changes", 0)),
        f"It began at {when(detail['began_at'])}.",
        _ENDED_BY[detail["ended_by"]],
        "",
        "What to do: nothing.",
        "",
        *foot(detail, "Ended"),
    ]
    subject = f"{'dry-run move no longer due' if is_dry_run else 'hold ended'} after {lasted}"
    return Said(subject, lines, detail["severity"], detail["action"])


def _changed(times: int) -> list[str]:
    often = "once" if times == 1 else f"{times} times"
    return [f"The reason changed {often} during the hold; earlier messages have the others."] if times else []


def _asked_at(stages: Detail) -> str:
    """Returns the signal that first asked; a clock that is ahead of ours makes no time negative."""
    asked, received = stages["signal_at"], str(stages["received_at"])
    return min(str(asked), received, key=parse_iso) if asked else received


def failed(detail: Detail) -> Said:
    """Writes that at least one address is not where it belongs."""
    addresses, owner = detail["addresses"], detail["owner"]
    left = [a for a in addresses if a["outcome"] != "verified"]
    rest = [a for a in addresses if a["outcome"] == "verified"]
    held = detail.get("held", [])
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
        advice = [f"What to do: correct the cause that EC2 names above. {again}"]
    lines = [
        opening,
        "",
        *listed(_moved(a) for a in [*left, *rest]),
        *_left(held),
        "",
        *times(detail["stages"]),
        "",
        *advice,
        "To move them by hand, once EC2 allows it:",
        *listed(_command(a) for a in left if a["to"]),
        "",
        *foot(detail, "Failed"),
    ]
    subject += f"; {len(held)} more {'is' if len(held) == 1 else 'are'} held" if held else ""
    return Said(subject, lines, "critical", "move")


def _decision(detail: Detail) -> tuple[str, str, list[str]]:
    """Returns subject, first sentence and what to do."""
    addresses, owner = detail["addresses"], detail["owner"]
    concerned = [a for a in addresses if a["action"] == detail["action"]]
    dead = detail["severity"] == "critical"
    whole = f"{len(concerned)} of {counted(addresses)} of {where(detail)}"
    outage, means = _outage(detail)
    if detail["action"] == "hold":
        subject = outage or f"HOLD, {_with_public_ips(detail['reason'], addresses)}"
        held = "them" if f" {whole}. " in means else whole
        opening = f"{means}Tandem holds: it does not move {held}."
        return subject, opening, [*_advice(detail), *_see(detail)]
    if detail["mode"] == "dry-run":
        by_hand = ["To move them by hand instead:", *listed(_command(a) for a in concerned if a["to"])]
        return (
            outage
            or f"would move {counted(concerned)} to {owner} (dry-run)"
            + (", their holder is dead" if dead else ""),
            f"{means}Tandem would move {whole} to {owner}. The topology is in dry-run: nothing is moved.",
            [
                "What to do: if Tandem is to move them, set `mode: enforce` and apply the topology again.",
                *(by_hand if outage else ()),
            ],
        )
    pinned = [text for code, text in _advised(detail) if code == ReportCode.PINNED]
    return (
        f"moving {counted(concerned)} to {owner}",
        f"Tandem is moving {whole} to {owner}.",
        ["What to do: nothing yet. A separate message reports the result.", *_numbered(pinned, "And")],
    )


def _outage(detail: Detail) -> tuple[str, str]:
    """Returns subject and first sentences of a decision that leaves addresses on a dead appliance; empty ones
    otherwise.
    """
    reports = {r["code"]: r for r in detail.get("report_reasons", ())}
    counts = {
        r["subject"]: r["facts"]["count"]
        for r in detail.get("report_reasons", ())
        if r["code"] == ReportCode.STRANDED
    }
    if not counts:
        return "", ""
    addresses, count = detail["addresses"], sum(counts.values())
    names = f"{', '.join(counts)} {'is' if len(counts) == 1 else 'are'} dead"
    there = "it" if len(counts) == 1 else "them"
    some = f"{count} of {counted(addresses)}"
    keeper = "a pause" if detail.get("code") == HoldCode.PAUSED else "a pin"
    if detail["action"] == "move":
        subject = f"{names}, a dry run keeps {_elastic_ips(count)} on {there}"
    elif ReportCode.WOULD_MOVE in reports:
        subject = f"{names}, {keeper} keeps {_elastic_ips(count)} on {there}"
    else:
        held = [a for a in addresses if a["action"] == "hold" and a["from"]]
        one = next((a for a in held if count == 1 and a["from"]["appliance"] in counts), None)
        which, reason = _elastic_ips(count), _with_public_ips(detail["reason"], addresses)
        if one:
            which, reason = one["public_ip"] or one["allocation_id"], one["reason"]
        subject = f"{names} with {which}: {reason}"
    known = [_down_since(detail, name) for name in counts]
    since = f" since {when(min(filter(None, known)))}" if all(known) else ""
    has = "has" if len(counts) == 1 else "have"
    means = f"OUTAGE{since}: {names} and {has} {some} of {where(detail)}. Connections through them fail. "
    return f"OUTAGE: {subject}", means


def _down_since(detail: Detail, appliance: str) -> str:
    """Returns when a look first saw that no session of the appliance is up; empty if that is not known."""
    own = [s for s in detail.get("sessions", ()) if s["appliance"] == appliance]
    is_known = own and all(s["bgp"] == "down" and s["since"] for s in own)
    return max(s["since"] for s in own) if is_known else ""


def _elastic_ips(count: int) -> str:
    return f"{count} Elastic IP" + ("" if count == 1 else "s")


def _advice(detail: Detail) -> list[str]:
    """Returns what to do about each reason for which the group, or an address of it, is held."""
    texts = [text for _, text in _advised(detail)]
    return [*_numbered(texts or [OTHERWISE], "What to do"), *_AGAIN]


def _advised(detail: Detail) -> list[tuple[str, tuple[str, ...]]]:
    """Returns the codes for which there is something to do, each with what that is, once."""
    reports = detail.get("report_reasons", ())
    is_outage = any(r["code"] == ReportCode.STRANDED and r["facts"].get("who") for r in reports)
    held = [a.get("code") for a in detail["addresses"] if a["action"] == "hold"]
    own = [code for code in dict.fromkeys([detail.get("code"), *held]) if code] or [""]
    if is_outage:  # whoever laid the override did not mean that
        own = [code for code in own if code not in BY_OVERRIDE]
    told = [r["code"] for r in reports]
    later = [r["code"] for report in reports for r in _reasons(list(report["facts"].values()))]
    first = [code for code in told if code == ReportCode.STRANDED]
    facts = {r["code"]: r["facts"] for r in reversed(list(_reasons(detail)))}
    found: dict[tuple[str, ...], str] = {}
    for code in [*first, *own, *later, *told]:
        found.setdefault(advice_on(code, facts.get(code, {})), code)
    return [(code, text) for text, code in found.items() if text]


def _numbered(texts: Iterable[tuple[str, ...]], head: str) -> list[str]:
    """Returns the lines of each text, the first of them under a head."""
    lines = []
    for number, (first, *rest) in enumerate(texts):
        lines += [f"{'And' if number else head}: {first}", *rest]
    return lines


def _reasons(detail: object) -> Iterator[Detail]:
    """Yields every reason of an event, and those inside others."""
    if isinstance(detail, dict):
        if "facts" in detail:
            yield detail
        for member in detail.values():
            yield from _reasons(member)
    elif isinstance(detail, list):
        for member in detail:
            yield from _reasons(member)


def _woken(signal: Detail) -> str:
    at = f", {when(signal['occurred_at'])}" if signal["occurred_at"] else ""
    return f"Woken by: {signal['cause']}{at}."


def _with_public_ips(reason: str, addresses: list[Detail]) -> str:
    """Returns the reason with the addresses that people know in the place of allocation IDs."""
    for a in addresses:
        reason = reason.replace(a["allocation_id"], a["public_ip"] or a["allocation_id"])
    return reason


def _see(detail: Detail) -> list[str]:
    """Returns the command that shows the group's addresses, and those that are in their way."""
    own = [a["allocation_id"] for a in detail["addresses"][:LISTED]]
    others = [r["facts"]["occupant"] for r in _reasons(detail) if "occupant" in r["facts"]]
    ids = " ".join(dict.fromkeys([*own, *others[:LISTED]]))
    command = f"  aws ec2 describe-addresses --allocation-ids {ids}"
    return ["To see who has the addresses now:", command] if ids else []


def _lasting(detail: Detail) -> list[str]:
    """Says since when a hold has lasted, if it is notified again."""
    since = detail.get("since")
    return ["", f"The hold began at {when(since)}."] if since not in (None, detail["occurred_at"]) else []


def _shown(detail: Detail) -> list[str]:
    """Returns what AWS shows of each appliance, of a hold."""
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
    is_moved = detail.get("code") == NoChangeCode.MOVED
    stands = f"is now with {place(detail['to'])}" if is_moved else f"stays with {place(detail['from'])}"
    return f"{address(detail)}: {stands}: {sentence(detail['reason'])}"


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
