"""What there is to say of each rule of compliance, and of each code of what it finds."""

from __future__ import annotations

from tandem.reasons.compliance import CheckCode as Code
from tandem.reasons.compliance import RuleId
from tandem.words.render import Entries, Entry

VPC_GUIDE = "https://docs.aws.amazon.com/vpc/latest/userguide"
HOW_IT_WORKS = f"{VPC_GUIDE}/route-server-how-it-works.html"
SUPPORTED = f"{VPC_GUIDE}/dynamic-routing-route-server.html"
ENDPOINTS_PAGE = f"{VPC_GUIDE}/route-server-tutorial-create-endpoints.html"
PEERS_PAGE = f"{VPC_GUIDE}/route-server-tutorial-create-peer.html"
PEER_LOGS_PAGE = f"{VPC_GUIDE}/route-server-peer-logging.html"
SERVER_PAGE = f"{VPC_GUIDE}/route-server-tutorial-create.html"
LIMITS_PAGE = f"{VPC_GUIDE}/amazon-vpc-limits.html"
EC2_REFERENCE = "https://docs.aws.amazon.com/AWSEC2/latest/APIReference"


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
    # sessions
    RuleId.ENDPOINT_LOSS_SURVIVED: Entry(
        "Each appliance survives the loss of any one endpoint",
        "AWS works on endpoints one at a time. An appliance that is up at one endpoint only loses its routes"
        " with it.",
        (
            "Bring up the appliance's sessions with a second endpoint:",
            "aws ec2 create-route-server-peer --route-server-endpoint-id rse-... --peer-address ... \\",
            "  --bgp-options PeerAsn=...,PeerLivenessDetection=bfd",
        ),
        ENDPOINTS_PAGE,
    ),
    RuleId.ENDPOINTS_REDUNDANT: Entry(
        "Each subnet with an endpoint has two of them, and the endpoints are in two Availability Zones",
        "The loss of an endpoint, or of a zone, must leave others to which the appliances are connected.",
        (
            "Create the missing endpoint, and a peer at it for each appliance:",
            "aws ec2 create-route-server-endpoint --route-server-id rs-... --subnet-id subnet-...",
        ),
        ENDPOINTS_PAGE,
    ),
    RuleId.ENDPOINTS_AND_PEERS_AVAILABLE: Entry(
        "The endpoints and the declared peers exist and are available",
        "No session can be up at an endpoint or a peer that is missing or failed.",
        (
            "Read the reason that AWS gives. Delete what has failed, and create it again:",
            "aws ec2 describe-route-server-peers; aws ec2 describe-route-server-endpoints",
        ),
        PEERS_PAGE,
    ),
    RuleId.LIVENESS_WITHIN_RTO: Entry(
        "The liveness mode of the sessions notices a failure within the declared `rto`",
        "Until Route Server notices that an appliance is gone, the traffic still goes there.",
        (
            "Use BFD. AWS changes no peer: delete each and create it with PeerLivenessDetection=bfd.",
            "docs/appliances.md has the appliances' side.",
        ),
        f"{EC2_REFERENCE}/API_RouteServerBgpOptions.html",
    ),
    RuleId.SESSIONS_STEADY: Entry(
        "No session changes more than 4 times in an hour",
        "Where the active appliance's sessions come and go, traffic and Elastic IPs move each time.",
        (
            "Read the peer's log and the appliance's own log of the same time.",
            "Typical causes are BFD intervals that the appliance cannot keep, and packet loss.",
        ),
        PEER_LOGS_PAGE,
    ),
    RuleId.PEER_ASN_OF_ITS_OWN: Entry(
        "A peer's ASN is not the route server's",
        "The sessions are eBGP. Nobody has seen a session in which both sides have one ASN.",
        ("Give the appliance an ASN of its own: delete the peer and create it with that ASN.",),
        SERVER_PAGE,
    ),
    RuleId.PERSISTENCE_AS_DECLARED: Entry(
        "Persistence of routes is as the topology declares it",
        "Persistence decides what becomes of the traffic when all sessions end. Both choices are right"
        " somewhere, so only the declaration counts.",
        (
            "Correct `route_server.persist_routes`, or change the route server:",
            "aws ec2 modify-route-server --route-server-id rs-... --persist-routes disable",
        ),
        f"{EC2_REFERENCE}/API_ModifyRouteServer.html",
    ),
    RuleId.NO_PERSISTED_ROUTE: Entry(
        "No tracked prefix is in the FIB only because it is persisted",
        "A persisted route leads to an appliance whose sessions have ended. Nothing takes its place until a"
        " session is up again.",
        (
            "Bring up the appliances' sessions. To withdraw what is persisted:",
            "aws ec2 modify-route-server --route-server-id rs-... --persist-routes reset",
        ),
        f"{EC2_REFERENCE}/API_ModifyRouteServer.html",
    ),
    # packet filters
    RuleId.SECURITY_GROUPS_PASS: Entry(
        "Security groups let BGP and BFD pass between endpoints and appliances",
        "A session may outlive a change of its groups for a while, and then it cannot come back.",
        (
            "Allow TCP 179 from the appliance to the endpoint and, with BFD, UDP 3784 both ways.",
            "AWS manages the endpoint's own group: if it was changed, create the peer again.",
        ),
        f"{VPC_GUIDE}/security-group-rules.html",
    ),
    RuleId.NETWORK_ACLS_PASS: Entry(
        "Network ACLs let BGP and BFD pass between endpoints and appliances, and the answers too",
        "Network ACLs are asked about each packet that enters or leaves a subnet, in both directions.",
        (
            "Allow in the network ACLs of both subnets: TCP 179 to the endpoint,",
            "TCP 32768-61000 to the appliance (the answers) and, with BFD, UDP 3784 both ways.",
        ),
        f"{VPC_GUIDE}/custom-network-acl.html",
    ),
    # limits and cost
    RuleId.ROUTES_WITHIN_LIMITS: Entry(
        "Peers, FIB and route tables have less than 80 % of the 100 routes that AWS allows",
        "Nobody can raise these limits, and nobody knows what becomes of the 101st route.",
        ("Summarise routes on the appliances, or filter what they advertise.",),
        LIMITS_PAGE,
    ),
    RuleId.PEERS_OF_PREFIX_WITHIN_LIMIT: Entry(
        "Fewer than 26 peers advertise one prefix, of the 32 that AWS allows for a route table",
        "The peers after the 32nd may be those that should take over.",
        ("Advertise the prefix from fewer peers: two endpoints for each appliance are enough.",),
        f"{VPC_GUIDE}/igw-ingress-routing.html",
    ),
    RuleId.WITHIN_QUOTAS: Entry(
        "The route server has fewer than 8 endpoints, and an endpoint fewer than 16 peers",
        "At 10 endpoints and 20 peers AWS refuses further ones by default, perhaps during a repair.",
        (
            "Delete what is not used, or ask AWS Support for more.",
            "If yours are raised already, waive the finding: no API shows these quotas.",
        ),
        LIMITS_PAGE,
    ),
    RuleId.ENDPOINT_IN_USE: Entry(
        "Each endpoint has a peer",
        "An endpoint costs $0.75 an hour, some $550 a month, whether it is used or not.",
        (
            "Create a peer at it, or delete it:",
            "aws ec2 delete-route-server-endpoint --route-server-endpoint-id rse-...",
        ),
        ENDPOINTS_PAGE,
    ),
    # Tandem itself
    RuleId.LOOKED_AT_RECENTLY: Entry(
        "Tandem has looked at the topology within the last five minutes",
        "The sweep looks at each topology every minute. Without looks no Elastic IP moves.",
        (
            "Read the failover function's log, and see that the parameter `Schedules` is ENABLED.",
            "The time is from the topology's `look` record in the state table.",
        ),
    ),
    RuleId.WATCHED_RECENTLY: Entry(
        "The watch has run within the last five minutes",
        "Without the watch, a change of routes that no SNS message is about waits for the sweep.",
        (
            "Read the watch function's log, and see that the parameter `Schedules` is ENABLED.",
            "The time is from the `heartbeat` record in the state table.",
        ),
    ),
    RuleId.NO_DEAD_LETTERS: Entry(
        "No message waits in a dead-letter queue of the stack",
        "An event that a function could not handle waits there: a move or a notification may be missing.",
        ("docs/operating.md says what to do with the messages of each queue.",),
    ),
    RuleId.NOT_PAUSED_FOR_LONG: Entry(
        "No pause has held for more than a day",
        "A pause that was forgotten keeps Elastic IPs with a dead appliance.",
        (
            "Delete the override, or waive the finding until the work ends.",
            "The override records have no time: the age is that of the hold in the `look` record.",
        ),
    ),
    RuleId.NOT_DRY_RUN_FOR_LONG: Entry(
        "The topology has not been in dry-run for more than a week",
        "In dry-run Tandem decides and notifies, and moves nothing.",
        (
            "Set `mode: enforce` when you have seen enough, or waive the finding.",
            "The time is from the topology's record in the state table.",
        ),
    ),
    RuleId.RELEASES_MATCH: Entry(
        "The stack and what runs these rules are of one release",
        "Another release may know other rules, properties and codes.",
        ("Deploy the stack, or install the command line, of the other's release.",),
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
    # sessions
    Code.SESSIONS_WITH_ONE_ENDPOINT: Entry(
        "{appliance} has sessions with {endpoints:endpoint} only: without that one it loses its routes",
        "An appliance needs sessions with two endpoints, since AWS works on them one at a time.",
        ("Create a peer for {appliance} at a second endpoint.",),
        ENDPOINTS_PAGE,
    ),
    Code.SESSIONS_UP_AT_ONE_ENDPOINT: Entry(
        "{appliance} has sessions with {endpoints:endpoint}, and [up?only those with {up} are up|none is up]"
        "[bfd?; BFD is down beside BGP at {bfd:and}]",
        "What is down now is missing when the next endpoint or session fails.",
        ("Find out on {appliance} why the sessions with {down:and} are down.",),
        ENDPOINTS_PAGE,
    ),
    Code.ENDPOINT_ALONE_IN_SUBNET: Entry(
        "{subnet} has one endpoint only, {endpoint}",
        "AWS recommends two endpoints in each subnet.",
        ("aws ec2 create-route-server-endpoint --route-server-id {server} --subnet-id {subnet}",),
        ENDPOINTS_PAGE,
    ),
    Code.ENDPOINTS_IN_ONE_ZONE: Entry(
        "{subject} has all of its {endpoints:endpoint} in {zone}",
        "Without that Availability Zone the route server has no endpoint.",
        ("Create two endpoints in a subnet of another Availability Zone, and peers for the appliances.",),
        ENDPOINTS_PAGE,
    ),
    Code.NOT_AVAILABLE: Entry(
        "AWS shows {subject} as {state}[: {why}]",
        "An endpoint or a peer can be used only while it is available.",
        ("Delete it and create it again if it has failed; wait if it is pending.",),
        PEERS_PAGE,
    ),
    Code.SESSIONS_MISSING: Entry(
        "{appliance} has {found:peer}, and the topology declares {declared}",
        "A declared session has no peer on the route server.",
        ("Create the missing peers, or take them out of the topology.",),
        PEERS_PAGE,
    ),
    Code.RTO_NOT_DECLARED: Entry(
        "{subject} declares no `rto`",
        "How soon a failure must be noticed is judged only where the topology says it.",
        ("Add `rto`, in seconds, to the group.",),
    ),
    Code.KEEPALIVE_TOO_SLOW: Entry(
        "{group} may be away for {rto} s, and {appliance} is watched by BGP keepalive, which notices a"
        " failure after {least} to {most} s (observed; AWS gives no figure)",
        "Keepalive notices a dead appliance too late for the declared `rto`.",
        ("Create the peers of {appliance} anew with PeerLivenessDetection=bfd: {peers:and}.",),
        f"{EC2_REFERENCE}/API_RouteServerBgpOptions.html",
    ),
    Code.SESSION_FLAPS: Entry(
        "the {protocol} session of {subject} ({appliance}) changed {times} times within an hour, the last"
        " time at {last:%H:%M:%S}",
        "The session does not stay up.",
        ("Read the log of {appliance} of that hour.",),
        PEER_LOGS_PAGE,
    ),
    Code.PEER_HAS_ASN_OF_ROUTE_SERVER: Entry(
        "{subject} ({appliance}) has the ASN {asn}, which is the route server's",
        "In every setup that is known to work the two differ.",
        ("Delete the peer and create it with an ASN of its own.",),
        SERVER_PAGE,
    ),
    Code.PERSISTENCE_NOT_DECLARED: Entry(
        "the topology does not declare `route_server.persist_routes`",
        "Persistence is judged only where the topology declares it.",
        ("Declare `disable`, or the number of minutes.",),
    ),
    Code.PERSISTENCE_IS_OTHERWISE: Entry(
        "persistence of {subject} is [actual?enabled ({actual} min)|disabled], and the topology declares it"
        " [declared?enabled ({declared} min)|disabled]",
        "After the loss of all sessions the routes stay or go otherwise than declared.",
        ("Correct the topology or the route server.",),
        f"{EC2_REFERENCE}/API_ModifyRouteServer.html",
    ),
    Code.ROUTE_IS_PERSISTED: Entry(
        "{prefix} still leads to {next_hop}, though the session that advertised it ({peer}) is down",
        "The route is kept after its session ended, so traffic goes to an appliance that may be dead.",
        ("Bring up a session that advertises {prefix}, or reset the persisted routes.",),
        f"{EC2_REFERENCE}/API_ModifyRouteServer.html",
    ),
    # packet filters
    Code.GROUPS_STOP_SESSION: Entry(
        "no permission of {groups:and} lets {flow} from {source} to {destination} [outbound?out|in], and the"
        " session of {appliance} needs it",
        "The security groups of an interface have no permission for this.",
        ("Add the permission to {groups:and}.",),
        f"{VPC_GUIDE}/security-group-rules.html",
    ),
    Code.ACL_STOPS_SESSION: Entry(
        "rule {rule} of {acl}, the network ACL of {subnet}, denies {flow} from {source} to {destination} on"
        " its way [outbound?out|in], or a part of it, and the session of {appliance} needs it",
        "A network ACL denies this, at least in a part of the ports.",
        ("Allow it in {acl} with a lower number than {rule}.",),
        f"{VPC_GUIDE}/custom-network-acl.html",
    ),
    # limits and cost
    Code.PEER_NEAR_ROUTE_LIMIT: Entry(
        "{subject} advertises {used:route} of the {most} that AWS allows",
        "A peer is near its limit of routes.",
        ("Summarise or filter what the appliance advertises.",),
        LIMITS_PAGE,
    ),
    Code.FIB_NEAR_ROUTE_LIMIT: Entry(
        "the FIB of {subject} has {used:route} of the {most} that AWS allows",
        "A route server is near its limit of routes.",
        ("Summarise or filter what the appliances advertise.",),
        LIMITS_PAGE,
    ),
    Code.TABLE_NEAR_ROUTE_LIMIT: Entry(
        "{subject} has {used} propagated {used:route|routes} of the {most} that AWS allows",
        "A route table is near its limit of propagated routes.",
        ("Summarise or filter what the appliances advertise, or disable propagation to {subject}.",),
        LIMITS_PAGE,
    ),
    Code.PREFIX_NEAR_PEER_LIMIT: Entry(
        "{used:peer} of the {most} that AWS allows for a route table advertise {subject}",
        "A prefix is near its limit of peers.",
        ("Advertise {subject} from fewer peers.",),
        f"{VPC_GUIDE}/igw-ingress-routing.html",
    ),
    Code.ENDPOINTS_NEAR_QUOTA: Entry(
        "{subject} has {used:endpoint} of the {most} that AWS allows by default",
        "A route server is near its quota of endpoints.",
        ("Delete what is not used, or ask AWS Support for more.",),
        LIMITS_PAGE,
    ),
    Code.PEERS_NEAR_QUOTA: Entry(
        "{subject} has {used:peer} of the {most} that AWS allows by default",
        "An endpoint is near its quota of peers.",
        ("Use another endpoint, or ask AWS Support for more.",),
        LIMITS_PAGE,
    ),
    Code.ENDPOINT_WITHOUT_PEER: Entry(
        "{subject} in {subnet} has no peer, and costs $0.75 an hour all the same",
        "Nobody can use an endpoint without a peer.",
        ("aws ec2 delete-route-server-endpoint --route-server-endpoint-id {subject}",),
        ENDPOINTS_PAGE,
    ),
    # Tandem itself
    Code.NOT_LOOKED_AT: Entry(
        "the last look at {subject} [was at {at}|is not recorded]",
        "Tandem has not looked at the topology for more than five minutes.",
        ("Read the failover function's log.",),
    ),
    Code.NOT_WATCHED: Entry(
        "the watch last [ran at {at}|ran nobody knows when]",
        "The watch has not run for more than five minutes.",
        ("Read the watch function's log.",),
    ),
    Code.DEAD_LETTERS_WAIT: Entry(
        "{messages:message} {messages:waits|wait} in {subject}",
        "A function could not handle an event, or it was never delivered.",
        ("Read the messages in {subject}, and the log of the function that it belongs to.",),
    ),
    Code.PAUSED_FOR_LONG: Entry(
        "{subject} has been held since {since}, as {who} paused it until {until} ({why})",
        "A pause has lasted for more than a day.",
        ("Delete the override of {subject}, or waive the finding.",),
    ),
    Code.DRY_RUN_FOR_LONG: Entry(
        "{subject} has been in dry-run since {since}",
        "Nothing of this topology is moved.",
        ("Set `mode: enforce`, or waive the finding.",),
    ),
    Code.MODE_TIME_NOT_RECORDED: Entry(
        "nobody wrote down when the mode of {subject} was stored",
        "Release 0.1.0 stored no time.",
        ("The time is stored when the mode changes next.",),
    ),
    Code.RELEASES_DIFFER: Entry(
        "the stack is of release {stack}, and these rules are of release {tool}",
        "The stack and what runs the rules are of different releases.",
        ("Deploy the stack, or install the command line, of the other's release.",),
    ),
}
