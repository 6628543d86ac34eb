"""What there is to say of each rule of compliance, and of each code of what it finds."""

from __future__ import annotations

from tandem.reasons.compliance import CheckCode as Code
from tandem.reasons.compliance import RuleId
from tandem.words.render import Entries, Entry

VPC_GUIDE = "https://docs.aws.amazon.com/vpc/latest/userguide"
HOW_IT_WORKS = f"{VPC_GUIDE}/route-server-how-it-works.html"
SUPPORTED = f"{VPC_GUIDE}/dynamic-routing-route-server.html"


RULE_ENTRIES: Entries = {
    RuleId.STANDBY_ADVERTISES: Entry(
        "A standby advertises every tracked prefix, with a worse path",
        "When the active appliance dies, Route Server can only choose a path that it already has.",
        (
            "Advertise the prefix from the standby too, with a longer AS path or a higher MED.",
            "docs/appliances.md has the configuration.",
        ),
        HOW_IT_WORKS,
    ),
    RuleId.SINGLE_FAILURE: Entry(
        "Every single failure has a survivor",
        "If one appliance, session, endpoint, Availability Zone or instance fails, somebody must take over.",
        (
            "Repair what the finding names as the reason. The report's table of single failures says what",
            "would happen to each Elastic IP.",
        ),
        HOW_IT_WORKS,
    ),
    RuleId.ROUTE_INSTALLED: Entry(
        "The route of each tracked prefix is installed in every declared route table",
        "A subnet whose route table lacks the route never sends its traffic to the owner.",
        (
            "Read the reason that AWS gives for the route table. Turn propagation on if it is off:",
            "aws ec2 enable-route-server-propagation --route-server-id rs-... --route-table-id rtb-...",
        ),
        HOW_IT_WORKS,
    ),
    RuleId.WAIVER_CURRENT: Entry(
        "A waiver has not expired, and names a rule that there is",
        "An expired waiver hides nothing any more, and whoever wrote it meant to look again.",
        ("Repair what it was about and remove the waiver, or give it a new date and a reason.",),
    ),
}

"""What each rule checks (`text`), what it protects (`meaning`), how to repair it, and AWS's page."""

CHECK_ENTRIES: Entries = {
    Code.AS_IT_SHOULD_BE: Entry("{subject} is as it should be", "The rule passes for this resource."),
    Code.NOTHING_TO_JUDGE: Entry(
        "{subject} has nothing that this rule is about", "The rule does not apply to this topology."
    ),
    Code.PART_NOT_READ: Entry(
        "nobody can say: {why}[ (the missing permission is {permission})]",
        "A part that the rule needs could not be read, so the rule is neither passed nor failed.",
        ("Allow the permission that the sentence names, or wait until AWS answers. Then run it again.",),
    ),
    Code.ROW_NOT_READ: Entry(
        "nobody can say: {why}",
        "AWS's answer about this resource cannot be read, so the rule is neither passed nor failed.",
        ("Run it again. If the answer stays unreadable, report what the sentence names.",),
    ),
    Code.PART_ABSENT: Entry(
        "the rule does not apply here: {why}",
        "There is nothing to read, for instance because no stack is deployed.",
    ),
    Code.WITHOUT_NEED: Entry(
        "the rule does not apply here: there is no {need}",
        "This run looks at a VPC or at a file, so there is no stack, or nothing is declared.",
    ),
    Code.RULE_FAILED: Entry(
        "the rule itself failed ({error})",
        "A bug in the rule. The other rules are not affected.",
        ("Report it with the error's name.",),
    ),
    Code.WAIVER_EXPIRED: Entry(
        "the waiver of {rule} for {about} expired on {until}",
        "The finding that the waiver was about counts again.",
        ("Repair what it was about and remove the waiver, or give it a new date and a reason.",),
    ),
    Code.WAIVER_OF_UNKNOWN_RULE: Entry(
        "the waiver names {rule}, and there is no such rule[; {close} may be meant]",
        "The waiver has no effect.",
        ("Correct the rule's name; docs/rules has them all.",),
    ),
    Code.STANDBY_LACKS_PREFIX: Entry(
        "{appliance} does not advertise {prefix}, so it cannot take over",
        "The route server has no path of the standby for a tracked prefix.",
        ("Advertise {prefix} from {appliance} with a worse path than the active appliance.",),
        HOW_IT_WORKS,
    ),
    Code.STANDBY_PATH_TIES: Entry(
        "{appliance} advertises {prefix} with the same AS path length and MED as {owner}: AWS does not"
        " document which of them Route Server then chooses",
        "Two appliances have equal paths, so nobody can say which one is active after the next change.",
        ("Prepend the ASN of {appliance}, or give its route a higher MED.",),
        HOW_IT_WORKS,
    ),
    Code.STANDBY_IS_SILENT: Entry(
        "{appliance} advertises nothing until it is active, as the topology says (`standby: silent`)",
        "Nobody can check from outside whether such a standby would advertise the prefix.",
    ),
    Code.FAILURE_NOT_SURVIVED: Entry(
        "if {subject} fails, an Elastic IP of {group} "
        "[is_lost?stays on a dead appliance][is_lost!is held][: {why}]",
        "Tandem's own decision, made now for this failure, moves the address nowhere.",
        ("Repair what the sentence gives as the reason.",),
    ),
    Code.SURVIVAL_ASSUMED: Entry(
        "if {subject} fails, {group} survives only if the silent standby {appliance} becomes active",
        "The topology says that this standby speaks no BGP until it is active, so nobody can check it now.",
    ),
    Code.SURVIVAL_UNKNOWN: Entry(
        "nobody can say how {group} ends if {subject} fails[: {why}]",
        "AWS does not document what happens then, or something cannot be read now.",
        ("Remove the ambiguity that the sentence names, or run it again.",),
    ),
    Code.ROUTE_REJECTED: Entry(
        "{table} rejects the route of {prefix}[: {why}]",
        "Route Server chose a path, and the route table does not take it.",
        ("Repair what AWS names as the reason.",),
        HOW_IT_WORKS,
    ),
    Code.ROUTE_NOT_INSTALLED: Entry(
        "{table} does not have the route of {prefix}[nobody?, and no path to it is chosen now]",
        "A declared route table does not get the route of a tracked prefix.",
        ("Enable propagation from the route server to {table}.",),
        HOW_IT_WORKS,
    ),
}
