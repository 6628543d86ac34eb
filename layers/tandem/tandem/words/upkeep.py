"""Writes the messages about everything around failover: drift, route leaks, provisioning, findings,
overrides.
"""

from __future__ import annotations

from tandem.words.parts import Detail, Said, foot, is_command, listed, sentence, when, where
from tandem.words.step_reasons import STEP_ENTRIES


def drift(detail: Detail) -> Said:
    """Writes that AWS differs from the topology."""
    state, advice = _repaired(detail) if detail.get("code") in STEP_ENTRIES else _left_alone(detail)
    lines = [
        f"{detail['resource_id']} of {where(detail)} is not as declared: {sentence(detail['summary'])}",
        "",
        *state,
        f"Changed by: {detail['actor'] or 'not known'}.",
        *(["", "This has the same cause:", *listed(detail["concerns"])] if detail["concerns"] else []),
        "",
        *advice,
        "",
        *foot(detail, "Seen"),
    ]
    return Said(f"drift, {detail['summary']}", lines, detail["severity"], "drift")


def _repaired(detail: Detail) -> tuple[list[str], list[str]]:
    """Returns what is and what should be, and what to do, of a resource that Tandem manages."""
    state = [
        f"It should be: {detail['expected'] or 'absent, the topology does not declare it'}.",
        f"It is: {detail['observed'] or 'absent'}.",
    ]
    return state, [
        "What to do: nothing if Tandem is going to repair it (see the first line). Else correct what it",
        "names. If the change was meant, write it into the topology and run tandem apply.",
    ]


def _left_alone(detail: Detail) -> tuple[list[str], list[str]]:
    """Returns the same of a resource that Tandem does not manage: `expected` is what a document could say."""
    expected = detail["expected"]
    right = [f"In the topology, right would be: {expected}."] if expected else []
    return [], [
        "What to do: undo the change in AWS, with the tool that manages the resource: Tandem does not do it.",
        "If the change was meant, write it into the topology and run tandem apply.",
        *right,
    ]


def leak(detail: Detail) -> Said:
    """Writes that an appliance advertises what it may not."""
    prefixes, count, appliance = detail["prefixes"], detail["count"], detail["appliance"]
    lines = [
        f"Route leak in {where(detail)}: {sentence(detail['reason'])}",
        f"The peer is {detail['peer_id']}.",
        "",
        f"First {len(prefixes)} of {count} prefixes:" if count > len(prefixes) else "Prefixes:",
        *listed(prefixes),
        "",
        f"What to do: stop {appliance} from advertising this, or add it to `allowed_prefixes` of {appliance}",
        "and apply the topology again. Tandem does not filter routes. You get another message only when",
        f"{appliance} advertises or updates such a prefix again.",
        "",
        *foot(detail, "Advertised"),
    ]
    return Said(f"route leak, {detail['reason']}", lines, "warning", "leak")


def provisioned(detail: Detail) -> Said:
    """Writes that all that the topology needs is there. Events of older versions do not say which sessions
    are new.
    """
    dial = detail.get("dial", detail["sessions"])
    lines = [
        f"Tandem watches {where(detail)}, version {detail['version']}.",
        f"Route server {detail['route_server_id']}: {_size(detail)}.",
        *(["", "The appliances must open these BGP sessions:", *listed(dial)] if dial else []),
        "",
        *(["Changed:", *listed(detail["steps"])] if detail["steps"] else ["Nothing had to be changed."]),
        *(f"Note: {sentence(warning)}" for warning in detail["warnings"]),
        "",
        *foot(detail, "Completed"),
    ]
    severity = "warning" if detail["warnings"] else "info"
    return Said(f"version {detail['version']} is provisioned", lines, severity, "provision")


def _size(detail: Detail) -> str:
    topic = "on" if detail["sns_topic_arn"] else "off"
    return f"{len(detail['endpoint_ids'])} endpoints, {len(detail['peers'])} peers, SNS notifications {topic}"


def not_provisioned(detail: Detail) -> Said:
    """Writes that the topology could not be provisioned."""
    error = detail["error"]
    lines = [
        f"Tandem could not provision {where(detail)}, version {detail['version']}.",
        "",
        f"Why: {sentence(detail['reason'])}",
        *([f"AWS said: {error['code']}: {sentence(error['message'])}"] if error else []),
        *(["Done before:", *listed(detail["steps"])] if detail["steps"] else []),
        "",
        "What to do: correct what the reason names and apply the topology again. Until then Tandem may see",
        "a change later, at its next poll. Failover continues.",
        "",
        *foot(detail, "Failed"),
    ]
    return Said(f"provisioning FAILED, {detail['reason']}", lines, "warning", "provision")


def _ended(advice: str) -> str:
    """Returns advice with a full stop, but none after a command."""
    return advice if is_command(advice.rpartition("\n")[2]) else sentence(advice)


def finding(detail: Detail) -> Said:
    """Writes that a compliance rule's result changed."""
    opened = detail["status"] == "opened"
    lines = [
        f"{'New finding' if opened else 'Resolved'} in {where(detail)}: {sentence(detail['summary'])}",
        f"Rule: {detail['rule']}.",
        *([f"Resource: {detail['resource_id']}."] if detail["resource_id"] else []),
        *([f"The same of {detail['unlisted']} more: see the report."] if detail.get("unlisted") else []),
        *_shown(detail),
        "",
        *([f"What to do: {_ended(detail['remediation'])}", ""] if opened else []),
        *foot(detail, "Checked"),
    ]
    word = detail["severity"] if opened else "resolved"
    return Said(
        f"{word}, {detail['summary']}", lines, detail["severity"] if opened else "info", detail["status"]
    )


def compliance_digest(detail: Detail) -> Said:
    """Writes the digest of a day: how many checks pass, and what does not."""
    counts, found = detail["counts"], detail["findings"]
    bad, unknown = counts["fail"], counts["unknown"]
    applicable = sum(counts[verdict] for verdict in ("pass", "fail", "unknown", "waived"))
    state = f"{bad} of {applicable} checks fail" if bad else f"all {counts['pass']} judged checks pass"
    state += f", {unknown} cannot be judged" if unknown else ""
    rows = [f"{one['rule_severity']}: {sentence(one['summary'])} ({one['rule']})" for one in found]
    lines = [
        f"Compliance of {where(detail)}: {state}.",
        *(["", "What is not as it should be, the gravest first:", *listed(rows)] if rows else []),
        *([f"The report has {detail['unlisted']} more."] if detail["unlisted"] else []),
        "",
        "What to do: the report says for each finding what repairs it. docs/rules has a page for each rule."
        if rows
        else "What to do: nothing.",
        "",
        *foot(detail, "Checked"),
    ]
    return Said(f"compliance, {state}", lines, "warning" if bad or unknown else "info", "digest")


def _shown(detail: Detail) -> list[str]:
    """Says since when, and what AWS shows of an appliance's sessions and instance."""
    sessions, instance = detail.get("sessions"), detail.get("instance")
    lines = [f"Since: {when(detail['since'])}, when Tandem first saw it."] if "since" in detail else []
    if sessions is not None:
        known = listed(_session(s) for s in sessions) or ["  the route server has no peer for it"]
        lines += ["", f"Sessions of {detail['appliance']}:", *known]
    if instance:
        state = instance["state"]
        lines.append(
            f"Instance: {instance['instance_id']} is {state or 'in a state that could not be read'}."
        )
    return lines


def _session(detail: Detail) -> str:
    bfd = f", BFD {detail['bfd']}" if detail["bfd"] else ""
    at = f"{detail['peer_id']} ({detail['peer_address']} at {detail['endpoint_id']})"
    return f"{at}: BGP {detail['bgp']}{bfd}, the peer is {detail['state']}"


def topology(detail: Detail) -> Said:
    """Writes that a version was stored, or that the topology is deleted. Events of older versions say neither
    the mode nor who.
    """
    mode, before = detail.get("mode"), detail.get("previous_mode")
    is_braked = (before, mode) == ("enforce", "dry-run")
    version = f"version {detail['version']}"
    match detail["change"]:
        case "stored" if before and mode != before:
            subject, opening = (
                f"mode {before} -> {mode}",
                f"The mode of {where(detail)} changed from {before} to {mode}, with {version}.",
            )
        case "stored":
            in_mode = f" in mode {mode}" if mode else ""
            subject = f"{version} was stored"
            opening = f"{version.capitalize()} of {where(detail)} was stored{in_mode}."
        case change:
            subject = "is being deleted" if change == "deleting" else "was deleted"
            opening = f"{where(detail).capitalize()} {subject}. The last version was {detail['version']}."
    goes = detail["change"] != "stored"
    lines = [
        opening,
        "",
        f"Changed by: {detail.get('stated_by') or 'not known'} (stated by the caller, not verified).",
        f"Request ID: {detail.get('request_id') or 'not known'}, through {detail['door']}.",
        "To verify the caller in CloudTrail, see docs/security.md (Who did it).",
        "",
        *(_unmoved(goes) if goes or is_braked else []),
        *foot(detail, "Changed"),
    ]
    return Said(subject, lines, "warning" if goes or is_braked else "info", "topology")


def _unmoved(goes: bool) -> list[str]:
    back = "apply its document again" if goes else "set `mode: enforce` and apply it again"
    return [
        "From now on Tandem does not move its Elastic IPs: they stay even on a dead appliance.",
        f"What to do: if you do not want this, {back}.",
        "",
    ]


def override(detail: Detail) -> Said:
    """Writes that an operator paused, resumed, pinned or unpinned; while one is in force, addresses do not
    follow.
    """
    laid = detail["change"] in ("paused", "pinned")
    to = f" to {detail['appliance']}" if detail["appliance"] else ""
    forced = ", even without a BGP session" if detail["forced"] else ""
    lines = [
        f"Override: {where(detail)} was {detail['change']}{to}{forced}.",
        "",
        f"The override record states that it was set by {detail['who']} (not verified).",
        f"Why, as the record states: {sentence(detail['why'])}",
        *(_until(detail["until"]) if laid else ["The Elastic IPs follow the route again."]),
        "",
        *foot(detail, "Changed"),
    ]
    return Said(
        f"{detail['change']}{to}, {detail['why']}", lines, "warning" if laid else "info", detail["change"]
    )


def _until(until: str | None) -> list[str]:
    end = f"It ends by itself at {when(until)}." if until else "It stays until somebody ends it."
    return [end, "Until then the Elastic IPs do not follow the route."]
