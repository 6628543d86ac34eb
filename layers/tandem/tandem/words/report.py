"""The sentences of a compliance report: its verdict, its findings, and what a failure ends in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from tandem.reasons.compliance import CheckCode
from tandem.reasons.documents import ProblemCode
from tandem.reasons.reason import Reason
from tandem.words.catalogue import ENTRIES, what_to_do
from tandem.words.compliance import RULE_ENTRIES
from tandem.words.parts import Detail, is_command, sentence, steps
from tandem.words.render import Entry, render, sentences

MEANINGS = {
    "critical": "The next failover fails, or traffic is lost already.",
    "high": "The next failover may fail.",
    "medium": "Something that protects the next failover is missing.",
    "low": "It does not stop the next failover, but read it.",
}
ONLY_LOW = "The next failover is expected to work. Read the findings of low severity."
RESULTS = {"fail": "Fails", "unknown": "Not known", "pass": "Passes", "notes": "Passes with notes"}
VERDICTS = {
    "pass": "pass",
    "fail": "fail",
    "unknown": "not known",
    "waived": "waived",
    "not-applicable": "not applicable",
}
NOT_OF_THE_RULE = (CheckCode.PART_NOT_READ, CheckCode.ROW_NOT_READ, CheckCode.RULE_FAILED)
"""Codes that say nothing of what the rule is about, so that the rule's commands are no remedy."""

FAILURES = {
    "appliance": "appliance",
    "instance": "instance",
    "session": "BGP session",
    "endpoint": "route server endpoint",
    "zone": "Availability Zone",
}
OUTCOMES = {
    "in-place": "works",
    "moved": "works",
    "assumed": "assumed",
    "undetermined": "not known",
    "held": "held",
    "lost": "lost",
}


def rule(rule_id: str) -> Entry:
    """Returns the words of a rule."""
    entry: Entry = RULE_ENTRIES[rule_id]
    return entry


def finding_sentence(reason: Reason) -> str:
    """Returns the sentence of a finding. It begins with a capital, unless with an ID or a name."""
    text, template = render(reason, ENTRIES), ENTRIES[reason.code].text  # type: ignore[index]
    # the words of a problem go on from its place: `is 65010, but AWS shows 65000`
    begins = template.lstrip("[")[:1].isalpha() and not isinstance(reason.code, ProblemCode)
    return sentence(text[:1].upper() + text[1:] if begins else text)


def reasons_text(reasons: Iterable[Reason]) -> str:
    """Returns several reasons as the end of a sentence."""
    return sentences(reasons, ENTRIES)


def remedy(rule_id: str, reason: Reason) -> list[str]:
    """Returns what to do, a step in each line: the advice of the code with a command, else that of the rule.

    Where the code's advice has no command, the commands of the rule come after it.
    """
    advice = steps(what_to_do(reason))
    of_rule = steps(rule(rule_id).advice)
    if not advice:
        return of_rule
    if reason.code in NOT_OF_THE_RULE or any(is_command(line) for line in advice):
        return advice
    return advice + [line for line in of_rule if is_command(line)]


def aws_page(rule_id: str, reason: Reason) -> str | None:
    """Returns AWS's page on which the rule rests."""
    return ENTRIES[reason.code].page or rule(rule_id).page  # type: ignore[index]


def verdict(failed: Mapping[str, int], unknown: int) -> str:
    """Returns the verdict in one sentence: what the worst finding means, and how many there are."""
    worst = next((severity for severity in MEANINGS if failed.get(severity)), None)
    doubt = f" {_checks(unknown)} could not be judged." if unknown else ""
    if worst == "low":
        return f"{ONLY_LOW}{doubt}"
    if worst is not None:
        return f"{MEANINGS[worst]}{doubt}"
    if unknown:
        return f"It is not known whether the next failover works:{doubt.lower()}"
    return "The next failover is expected to work: everything that was checked passes."


def result(verdict_result: str, failed: Mapping[str, int]) -> str:
    """Returns a key of RESULTS: what the badge beside the verdict says."""
    grave = any(count for severity, count in failed.items() if severity != "low")
    return "notes" if verdict_result == "fail" and not grave else verdict_result


def _checks(count: int) -> str:
    return f"{count} check{'' if count == 1 else 's'}"


def failure_name(kind: str, name: str) -> str:
    return f"{FAILURES.get(kind, kind)} {name}"


def ending_sentence(outcome: str, appliance: str | None, addresses: Sequence[str], why: str | None) -> str:
    """Returns what becomes of several addresses that end in the same way; of the route if there are none."""
    match len(addresses):
        case 0:
            what = "The route"
        case 1:
            what = f"Elastic IP {addresses[0]}"
        case many:
            what = f"{many} Elastic IPs"
    s = "s" if len(addresses) < 2 else ""
    match outcome:
        case "in-place":
            text = f"{what} stay{s} on {appliance}"
        case "moved":
            text = (
                f"{what} move{s} to {appliance}" if appliance else f"{what} leads to an appliance that lives"
            )
        case "assumed":
            text = f"{what} move{s} to {appliance}, if it becomes active as the topology says"
        case "undetermined":
            text = f"Where {what[0].lower() if not addresses else what[0]}{what[1:]} goes is not known"
        case "held":
            text = f"{what} stay{s} on {appliance or 'no declared appliance'}, held"
        case "lost":
            text = f"{what} stay{s} on {appliance or 'no declared appliance'}, which is dead"
        case other:
            text = f"{what}: {other}" + (f", {appliance}" if appliance else "")
    return sentence(f"{text}: {why}" if why and outcome not in ("in-place", "moved") else text)


def failure_notes(row: Detail) -> list[str]:
    """Returns what there is to say of a failure beside where each address ends."""
    said = [sentence(f"Assumed: {text}") for text in row["assumptions"]]
    calls, batches = row["calls"], row["batches"]
    if calls and batches:
        several = f" in {batches} batches, one after another" if batches > 1 else ""
        said.append(f"It takes {calls} call{'' if calls == 1 else 's'} of AssociateAddress{several}.")
    return said


def waiver_end(day: str, *, is_in_force: bool) -> str:
    return day if is_in_force else f"expired on {day}"
