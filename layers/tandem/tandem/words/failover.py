"""What is said of a failover: the decision, and what became of it."""

from __future__ import annotations

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
        "",
        *advice,
        "",
        *foot(detail, "Decided"),
    ]
    return Said(subject, lines, detail["severity"], detail["action"])


def completed(detail: Detail) -> Said:
    """Every address is where it belongs."""
    addresses, stages, owner = detail["addresses"], detail["stages"], detail["owner"]
    took = seconds(stages["received_at"], stages["verified_at"])
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
            "What to do: nothing yet. Tandem looks again, in a minute at the latest. It moves again what EC2",
            "does not show there by then, and says so; of what it shows you hear nothing more.",
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
    whole = f"{len(concerned)} of {counted(addresses)} of {where(detail)}"
    if detail["action"] == "hold":
        return f"HOLD, {detail['reason']}", f"Tandem holds: it does not move {whole}.", _after_hold(addresses)
    if detail["mode"] == "dry-run":
        return (
            f"would move {counted(concerned)} to {owner} (dry-run)",
            f"Tandem would move {whole} to {owner}. The topology is in dry-run: nothing is moved.",
            ["What to do: if Tandem is to move them, set `mode: enforce` and apply the topology again."],
        )
    return (
        f"moving {counted(concerned)} to {owner}",
        f"Tandem is moving {whole} to {owner}.",
        ["What to do: nothing yet. The outcome follows in a message of its own."],
    )


def _woken(signal: Detail) -> str:
    at = f", {when(signal['occurred_at'])}" if signal["occurred_at"] else ""
    return f"Woken by: {signal['cause']}{at}."


def _after_hold(addresses: list[Detail]) -> list[str]:
    ids = " ".join(a["allocation_id"] for a in addresses[:LISTED])
    see = (
        ["Who has the addresses now:", f"  aws ec2 describe-addresses --allocation-ids {ids}"] if ids else []
    )
    return [
        "What to do: put right what the reason names. Tandem looks again at every signal and every minute,",
        "and moves by itself as soon as it can.",
        *see,
    ]


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
