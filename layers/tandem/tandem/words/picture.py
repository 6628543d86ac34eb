"""The words in the picture of a topology."""

from __future__ import annotations

from collections.abc import Sequence

UNKNOWN_SUBNET = "subnet not known"
UNKNOWN_ZONE = "Availability Zone not known"
NOWHERE = "Elastic IPs on no appliance"
ROUTE_TABLES = "Route tables"
NO_TABLES = "No route table gets routes from this route server."
SESSIONS = "BGP sessions"
TO = "to"
NO_ADDRESS = "no Elastic IP here"
UNKNOWN_ADDRESSES = "Elastic IPs not known"

LETTERS = {"critical": "C", "high": "H", "medium": "M", "low": "L"}
INSTALLATIONS = {
    "installed": "installed",
    "rejected": "rejected",
    "missing": "not installed",
    "static": "static route",
    "unknown": "not known",
}


def mark_label(number: int, severity: str, *, is_unknown: bool) -> str:
    """Returns `C1`: the severity's letter (`?` where nobody can say) and the finding's number."""
    return f"{'?' if is_unknown else LETTERS[severity]}{number}"


def mark_title(number: int, severity: str, *, is_unknown: bool) -> str:
    return f"Finding {number}: {'not known' if is_unknown else severity}"


def heading(name: str) -> str:
    return f"Topology {name}"


def vpc_text(vpc_id: str | None) -> str:
    return f"VPC {vpc_id or 'not known'}"


def zone_text(name: str | None) -> str:
    return f"Availability Zone {name}" if name else UNKNOWN_ZONE


def server_text(id_: str | None, asn: int | None, state: str | None) -> str:
    number = f", ASN {asn}" if asn else ""
    return f"Route server {id_ or 'not known'}{number}, {state or 'state not known'}"


def endpoint_text(name: str | None, address: str | None) -> str:
    return ", ".join(part for part in (name, address) if part) or "address not known"


def state_text(text: str | None) -> str:
    return text or "state not known"


def session_text(bgp: str | None, bfd: str | None, *, is_bfd: bool, peer_state: str | None) -> str:
    """Returns `BGP up, BFD down`; without the second part where the peer has no BFD."""
    if peer_state not in (None, "available"):
        return f"peer {peer_state}"
    if bgp is None:
        return "not known"
    return f"BGP {bgp}" + (f", BFD {bfd or '?'}" if is_bfd else "")


def role_text(*, owns: bool, silent: bool, known: bool) -> str:
    """Returns what an appliance is now."""
    if not known:
        return "role not known"
    return "has the route" if owns else "silent standby" if silent else "standby"


def missing_text(count: int) -> str:
    if not count:
        return "no BGP session"
    return f"{count} declared session{'' if count == 1 else 's'} not there"


def routes_text(asn: int, prefixes: Sequence[str]) -> str:
    return f"ASN {asn}" + (f", routes: {', '.join(prefixes)}" if prefixes else "")


def addresses_text(count: int) -> str:
    return f"{count} Elastic IP{'' if count == 1 else 's'}"


def stray_text(interface: str | None, count: int) -> str:
    return (
        f"{addresses_text(count)} on {interface}" if interface else f"{addresses_text(count)}: nobody has it"
    )


def subnets_text(count: int | None, *, is_declared: bool) -> str:
    known = "" if count is None else f"{count} subnet{'' if count == 1 else 's'}"
    return known if is_declared else ", ".join(part for part in (known, "not declared") if part)


def more_text(count: int) -> str:
    return f"and {count} more"


LEGEND_MARKS = "Marks: C critical, H high, M medium, L low, ? not known. The number is the finding's."
LEGEND_LINES = "Lines are BGP sessions: solid is up, dashed is down or not known."


def summary(name: str, appliances: int, endpoints: int, elastic_ips: int, marks: int) -> str:
    """Returns the description for screen readers."""
    wrong = f"{marks} thing{'' if marks == 1 else 's'} marked" if marks else "nothing is marked"
    return (
        f"Topology {name}: {appliances} appliances, {endpoints} route server endpoints,"
        f" {addresses_text(elastic_ips)}; {wrong}."
    )
