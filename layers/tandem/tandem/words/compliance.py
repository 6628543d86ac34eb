"""What there is to say of each rule of compliance, and of each code of what it finds."""

from __future__ import annotations

from tandem.reasons.compliance import CheckCode as Code
from tandem.reasons.compliance import RuleId
from tandem.words.render import Entries, Entry

_VPC_GUIDE = "https://docs.aws.amazon.com/vpc/latest/userguide"
_HOW_IT_WORKS = f"{_VPC_GUIDE}/route-server-how-it-works.html"
ASSOCIATE = "https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_AssociateAddress.html"
_PRIORITY = f"{_VPC_GUIDE}/route-tables-priority.html"
ROUTE = "https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_Route.html"
EVS = "https://docs.aws.amazon.com/evs/latest/userguide/setting-up.html#route-server"
_GATEWAY_ROUTING = f"{_VPC_GUIDE}/igw-ingress-routing.html"
_QUOTAS = f"{_VPC_GUIDE}/amazon-vpc-limits.html"
_CLOUDTRAIL = "https://docs.aws.amazon.com/awscloudtrail/latest/userguide/view-cloudtrail-events.html"
_SUPPORTED = f"{_VPC_GUIDE}/dynamic-routing-route-server.html"
_ENDPOINTS_PAGE = f"{_VPC_GUIDE}/route-server-tutorial-create-endpoints.html"
_PEERS_PAGE = f"{_VPC_GUIDE}/route-server-tutorial-create-peer.html"
_PEER_LOGS_PAGE = f"{_VPC_GUIDE}/route-server-peer-logging.html"
_SERVER_PAGE = f"{_VPC_GUIDE}/route-server-tutorial-create.html"
_LIMITS_PAGE = f"{_VPC_GUIDE}/amazon-vpc-limits.html"
_EC2_REFERENCE = "https://docs.aws.amazon.com/AWSEC2/latest/APIReference"


RULE_ENTRIES: Entries = {
    RuleId.STANDBY_ADVERTISES: Entry(
        "A standby advertises every tracked prefix",
        "When the active appliance dies, Route Server can only choose a path that it already has.",
        (
            "Advertise the prefix from the standby too, with a longer AS path or a higher MED.",
            "docs/appliances.md has the configuration.",
        ),
        _HOW_IT_WORKS,
    ),
    RuleId.PATHS_RANKED: Entry(
        "The standby's path to a tracked prefix is worse than the active appliance's",
        "AWS does not document which of two equal paths wins, so nobody could say where the Elastic IPs go.",
        (
            "Give the standby's route a longer AS path or a higher MED.",
            "docs/appliances.md has the configuration.",
        ),
        _HOW_IT_WORKS,
    ),
    RuleId.SINGLE_FAILURE: Entry(
        "Every single failure has a survivor",
        "If one appliance, session, endpoint, Availability Zone or instance fails, somebody must take over.",
        (
            "Repair what the finding names as the reason. The report's table of single failures says what",
            "would happen to each Elastic IP.",
        ),
        _HOW_IT_WORKS,
    ),
    RuleId.STANDBY_ALIVE: Entry(
        "Every appliance runs, and at least one of its sessions carries routes",
        "An appliance that is dead cannot take over, and nobody notices until the active one dies too.",
        (
            "The finding says what is wrong: the instance, the peers, BGP or BFD. With `standby: silent` the",
            "rule does not apply to an appliance that speaks no BGP until it is active.",
        ),
        _HOW_IT_WORKS,
    ),
    RuleId.SESSIONS_UP: Entry(
        "Every session of an appliance is up: BGP, and BFD where the peer uses BFD",
        "With one session less, the loss of one more endpoint is the loss of the appliance.",
        (
            "Look at the appliance's side of the session: the endpoint's address, the ASN, TCP port 179, and",
            "UDP port 3784 for BFD.",
        ),
        _HOW_IT_WORKS,
    ),
    RuleId.INSTANCE_EXISTS: Entry(
        "The declared instance of each appliance exists",
        "Without its instance an appliance cannot take over.",
        ("Declare the instance that took its place, and apply the topology.",),
    ),
    RuleId.APPLIANCE_HAS_ADDRESSES: Entry(
        "The instance of each appliance has the declared addresses of its sessions and next hops",
        "A session needs the peer's address, and a route needs an interface that has its next hop.",
        ("Assign the address to an interface of the instance again, or declare the new one.",),
        _HOW_IT_WORKS,
    ),
    RuleId.TARGET_ATTACHED: Entry(
        "Each target interface is in the route server's VPC, of this account, and attached to the running"
        " instance of its appliance",
        "An Elastic IP on an interface that reaches no running appliance is an outage, so Tandem holds.",
        (
            "Attach the interface to the appliance, or declare the one that took its place:",
            (
                "aws ec2 attach-network-interface --network-interface-id eni-... --instance-id i-..."
                " --device-index 1"
            ),
        ),
        ASSOCIATE,
    ),
    RuleId.TARGET_HAS_PRIVATE_IP: Entry(
        "Each target interface has the declared private IP",
        "EC2 refuses to associate an Elastic IP with a private IP that the interface does not have.",
        (
            "Assign it again. Without --allow-reassignment this takes it from no other interface:",
            (
                "aws ec2 assign-private-ip-addresses --network-interface-id eni-..."
                " --private-ip-addresses 10.0.2.20"
            ),
        ),
        ASSOCIATE,
    ),
    RuleId.TARGET_FREE: Entry(
        "The private IP of each target has no Elastic IP of somebody else and no auto-assigned address",
        "A move would displace the other address, so Tandem holds.",
        (
            "Take the other address off, if whoever uses it agrees, or declare another private IP:",
            "aws ec2 disassociate-address --association-id eipassoc-...",
        ),
        ASSOCIATE,
    ),
    RuleId.TARGET_IN_BORDER_GROUP: Entry(
        "Each Elastic IP and its targets are in one network border group",
        "EC2 refuses to associate an Elastic IP with an interface in another network border group.",
        ("Declare an interface and an Elastic IP of the same network border group.",),
        ASSOCIATE,
    ),
    RuleId.ELASTIC_IP_EXISTS: Entry(
        "Each declared Elastic IP is in the account and Region",
        "An Elastic IP that was released cannot move.",
        ("Declare the Elastic IP that took its place, and apply the topology.",),
    ),
    RuleId.OWNER_TAG: Entry(
        "Each Elastic IP and each target interface has its owner's tag",
        "Tandem's role may only move what is tagged, so IAM refuses the move without the tag.",
        (
            "Write the tag with the stack's name as value:",
            "aws ec2 create-tags --resources eipalloc-... --tags Key=tandem:stack,Value=...",
        ),
        "https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonec2.html",
    ),
    RuleId.ROUTE_INSTALLED: Entry(
        "The route of each tracked prefix is installed in every declared route table",
        "A subnet whose route table lacks the route never sends its traffic to the owner.",
        (
            "Read the reason that AWS gives for the route table. Turn propagation on if it is off:",
            "aws ec2 enable-route-server-propagation --route-server-id rs-... --route-table-id rtb-...",
        ),
        _HOW_IT_WORKS,
    ),
    RuleId.ROUTE_NOT_SHADOWED: Entry(
        "No static route in a declared route table has the destination of a tracked prefix",
        "AWS prefers a static route to a propagated one, so the table does not follow the failover.",
        (
            "Remove the static route, or do not propagate to that table:",
            "aws ec2 delete-route --route-table-id rtb-... --destination-cidr-block 0.0.0.0/0",
        ),
        _PRIORITY,
    ),
    RuleId.ROUTE_NOT_BYPASSED: Entry(
        "No static route in a declared route table takes a part of a tracked prefix elsewhere",
        "The longest prefix wins, so traffic for that part passes no appliance, before and after a failover.",
        (
            "Remove the static route, or waive the finding where it is meant, as to a transit gateway. A",
            "route to a prefix list is not judged: its prefixes are not read.",
        ),
        _PRIORITY,
    ),
    RuleId.NO_BLACKHOLE_ROUTE: Entry(
        "No route in a declared route table is a blackhole",
        "Traffic for the route is dropped: what it led to is gone, or does not run.",
        (
            "Remove the route, or bring back what it led to. Look at it:",
            "aws ec2 describe-route-tables --route-table-ids rtb-...",
        ),
        ROUTE,
    ),
    RuleId.ROUTE_LEADS_TO_APPLIANCE: Entry(
        "The propagated route of each tracked prefix leads to an interface of a declared appliance",
        "A device that the topology does not know carries the traffic, and Tandem holds every move.",
        ("Withdraw the route there, delete its peer, or declare the device as an appliance.",),
        _HOW_IT_WORKS,
    ),
    RuleId.PROPAGATION_DECLARED: Entry(
        "The route server propagates to declared route tables only",
        "Subnets get routes that nobody declared, and nothing else watches that table.",
        (
            "Declare the table in route_server.propagate_to, or turn propagation off:",
            "aws ec2 disable-route-server-propagation --route-server-id rs-... --route-table-id rtb-...",
        ),
        _HOW_IT_WORKS,
    ),
    RuleId.ROUTE_TABLE_SUPPORTED: Entry(
        "Each declared route table is of subnets or of an internet gateway",
        "AWS does not support Route Server with the tables of virtual private and transit gateways.",
        ("Do not propagate to that table.",),
        _SUPPORTED,
    ),
    RuleId.ROUTE_TABLE_HAS_SUBNET: Entry(
        "Each declared route table is associated with a subnet explicitly",
        "Amazon EVS's guide says that advertisement fails without one; Route Server's guide supports it.",
        (
            "Associate a subnet with the table, or waive the finding:",
            "aws ec2 associate-route-table --route-table-id rtb-... --subnet-id subnet-...",
        ),
        EVS,
    ),
    RuleId.NO_GATEWAY_FIREWALL: Entry(
        "No route in a declared route table carries an internet gateway firewall",
        "The firewall acts on traffic beside the appliances. Nothing here was tested with one.",
        (
            "Judge whether the firewall and the appliances may both be in the way, and waive the finding.",
            "The rule does not apply where the SDK does not know firewalls of routes (`IgwFirewall`).",
        ),
    ),
    RuleId.SAME_APPLIANCE_BOTH_WAYS: Entry(
        "Gateway tables and subnet tables lead to the same appliance",
        "A stateful firewall drops the answers of connections whose beginning it did not see.",
        (
            "Advertise the prefixes of both directions from each appliance with the same preference: the",
            "same AS path length and MED for all of them.",
        ),
        _GATEWAY_ROUTING,
    ),
    RuleId.GATEWAY_TARGET_HAS_PUBLIC_IP: Entry(
        "Each interface to which a gateway route table may lead has a public IP of its own",
        "AWS sends internet traffic of a gateway table only to an interface with a public IP address.",
        ("Associate an Elastic IP that stays there with the interface that the appliance peers from.",),
        _GATEWAY_ROUTING,
    ),
    RuleId.GATEWAY_TABLE_TAKES_PREFIXES: Entry(
        "A gateway route table can take every tracked prefix",
        "AWS rejects a prefix outside the VPC in a gateway table, unless it is of that table's BYOIP pool.",
        (
            "Nothing, where the prefix is for the other tables, as the way back of ingress inspection. Waive",
            "the finding then.",
        ),
        _GATEWAY_ROUTING,
    ),
    RuleId.APPLIANCE_HAS_WAY_OUT: Entry(
        "The route table of a target's own subnet does not get the default route from the route server",
        "The appliance's own way out would lead to the appliance, so nothing leaves it.",
        ("Give that subnet a table of its own, without propagation and with a static default route.",),
        _HOW_IT_WORKS,
    ),
    RuleId.NETWORK_OWNER_TAG: Entry(
        "The VPC, subnets and route tables of a managed route server have their owner's tag",
        "Without the tag Tandem cannot restore there what somebody deletes.",
        (
            "Write the tag with the stack's name as value:",
            "aws ec2 create-tags --resources subnet-... --tags Key=tandem:stack,Value=...",
        ),
        "https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonec2.html",
    ),
    RuleId.NO_SERVICE_MANAGES: Entry(
        "No service manages an Elastic IP or a target interface of a group",
        "Only the service can move what it manages, so EC2 refuses the move.",
        ("Declare an Elastic IP and an interface of your own.",),
        "https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_Address.html",
    ),
    RuleId.SOURCE_DEST_CHECK_OFF: Entry(
        "Each interface through which an appliance forwards has SourceDestCheck off",
        "EC2 drops what the appliance forwards there, although the route and the addresses are right.",
        (
            (
                "aws ec2 modify-network-interface-attribute --network-interface-id eni-..."
                " --no-source-dest-check"
            ),
        ),
        _GATEWAY_ROUTING,
    ),
    RuleId.ALLOWED_PREFIXES_ONLY: Entry(
        "An appliance advertises nothing outside its allowed_prefixes",
        "A route that nobody meant takes traffic away, in every table that gets propagated routes.",
        ("Filter the prefix on the appliance, or allow it in the topology.",),
        _HOW_IT_WORKS,
    ),
    RuleId.ONE_MOVER: Entry(
        "Nobody but this stack moved a declared Elastic IP within the last two days",
        "EC2 keeps the last association, so two movers undo each other's failover.",
        (
            "Turn off the other mover: the appliance's own failover script and its role's permission for",
            "ec2:AssociateAddress, or whoever the finding names. CloudTrail's event history has the call;",
            "the newest 250 of each name are read. A role counts as the stack's if its name begins with the",
            "stack's name and a hyphen.",
        ),
        ASSOCIATE,
    ),
    RuleId.NO_PIPELINE: Entry(
        "No tool that applies a template changed addresses, routes or peers within the last two days",
        "The next run of the tool takes an Elastic IP or a route back to where its template has it.",
        (
            "Take the association, the route or the peer out of the template, or let the tool ignore it.",
            "CloudFormation is known by `invokedBy` in CloudTrail's record, other tools by their user agent.",
        ),
        _CLOUDTRAIL,
    ),
    RuleId.NO_FOREIGN_CHANGE: Entry(
        "Nobody else changed the route server, a declared table or target, or a managed peer, in two days",
        "A change by hand is how most failovers are broken, so somebody should know of it.",
        ("Ask whoever the finding names. The other rules say if the change breaks anything.",),
        _CLOUDTRAIL,
    ),
    RuleId.ROUTE_SERVER_EXISTS: Entry(
        "The route server exists and is associated with a VPC",
        "Without the route server no route follows an appliance.",
        ("Declare the route server that took its place, or let Tandem create one (manage: true).",),
        _HOW_IT_WORKS,
    ),
    RuleId.ROUTE_SERVER_AS_DECLARED: Entry(
        "The route server has the declared VPC and ASN",
        "The document describes another route server than the one that carries the traffic.",
        ("Correct the document, or declare the right route server.",),
        _HOW_IT_WORKS,
    ),
    RuleId.PERSISTENCE_AS_DECLARED: Entry(
        "The route server keeps routes as declared",
        "Persistence decides what becomes of the routes when all sessions end.",
        (
            "Correct route_server.persist_routes in the document, or the route server:",
            "aws ec2 modify-route-server --route-server-id rs-... --persist-routes disable",
        ),
        _HOW_IT_WORKS,
    ),
    RuleId.NOTIFICATIONS_ON: Entry(
        "The route server sends SNS notifications, where they are declared",
        "Without them Tandem learns of the end of a session with its next look only.",
        ("aws ec2 modify-route-server --route-server-id rs-... --sns-notifications-enabled",),
        f"{_VPC_GUIDE}/route-server-tutorial-create.html",
    ),
    RuleId.PEER_AS_DECLARED: Entry(
        "Each peer has the declared ASN and liveness mode",
        "With another ASN the session does not come up; with another mode a failure is seen later.",
        ("AWS changes no peer: delete it and create it anew, or correct the document.",),
        "https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_RouteServerBgpOptions.html",
    ),
    RuleId.PEER_DECLARED: Entry(
        "Each peer of the route server is of a declared appliance",
        "While an undeclared device owns a tracked prefix, Tandem holds.",
        ("Declare the appliance, or delete the peer.",),
    ),
    RuleId.LEAKS_SEEN: Entry(
        "Where prefixes are limited, peer logs show what an appliance advertises",
        "Without peer logs a route leak is seen by this rule's neighbours only, when compliance runs.",
        ("Set route_server.peer_logs: true, or leave allowed_prefixes out.",),
        f"{_VPC_GUIDE}/route-server-peer-logging.html",
    ),
    RuleId.ONE_TOPOLOGY_ONLY: Entry(
        "No other stored topology declares the same Elastic IP or target",
        "Two topologies would move one address to two places.",
        ("Take the address out of one of the topologies.",),
    ),
    RuleId.ROUTE_TABLE_HAS_ROOM: Entry(
        "The topologies that share a route table do not track more prefixes than it takes",
        "AWS does not say what becomes of one route too many.",
        ("Track fewer prefixes, or use another table.",),
        _QUOTAS,
    ),
    RuleId.FAILBACK_WANTED: Entry(
        "No appliance takes the route back by itself when it returns",
        "A failback is a second interruption, at a time that nobody chose.",
        (
            "Let an appliance that returns advertise with a longer AS path or a higher MED than the active",
            "one, until a person lowers it. Waive the finding if failing back at once is what you want.",
        ),
        _HOW_IT_WORKS,
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
        _ENDPOINTS_PAGE,
    ),
    RuleId.ENDPOINTS_REDUNDANT: Entry(
        "Each subnet with an endpoint has two of them, and the endpoints are in two Availability Zones",
        "The loss of an endpoint, or of a zone, must leave others to which the appliances are connected.",
        (
            "Create the missing endpoint, and a peer at it for each appliance:",
            "aws ec2 create-route-server-endpoint --route-server-id rs-... --subnet-id subnet-...",
        ),
        _ENDPOINTS_PAGE,
    ),
    RuleId.ENDPOINT_EXISTS: Entry(
        "Each declared endpoint is there, in its subnet and in the route server's VPC",
        "A session needs its endpoint.",
        (
            "Create it again, or correct the document:",
            "aws ec2 create-route-server-endpoint --route-server-id rs-... --subnet-id subnet-...",
        ),
        _HOW_IT_WORKS,
    ),
    RuleId.PEER_EXISTS: Entry(
        "Each declared session has a peer",
        "Without a peer the appliance has no session with that endpoint.",
        ("Create the peer again (aws ec2 create-route-server-peer), or correct the document.",),
        _HOW_IT_WORKS,
    ),
    RuleId.ENDPOINTS_AND_PEERS_AVAILABLE: Entry(
        "The endpoints and the peers of the appliances are available",
        "No session can be up at an endpoint or a peer that has failed.",
        (
            "Read the reason that AWS gives. Delete what has failed, and create it again:",
            "aws ec2 describe-route-server-peers; aws ec2 describe-route-server-endpoints",
        ),
        _PEERS_PAGE,
    ),
    RuleId.LIVENESS_WITHIN_RTO: Entry(
        "The liveness mode of the sessions notices a failure within the declared `rto`",
        "Until Route Server notices that an appliance is gone, the traffic still goes there.",
        (
            "Use BFD. AWS changes no peer: delete each and create it with PeerLivenessDetection=bfd.",
            "docs/appliances.md has the appliances' side.",
        ),
        f"{_EC2_REFERENCE}/API_RouteServerBgpOptions.html",
    ),
    RuleId.SESSIONS_STEADY: Entry(
        "No session changes more than 4 times in an hour",
        "Where the active appliance's sessions come and go, traffic and Elastic IPs move each time.",
        (
            "Read the peer's log and the appliance's own log of the same time.",
            "Typical causes are BFD intervals that the appliance cannot keep, and packet loss.",
        ),
        _PEER_LOGS_PAGE,
    ),
    RuleId.PEER_ASN_OF_ITS_OWN: Entry(
        "No appliance and no peer has the route server's ASN",
        "The sessions are eBGP. Nobody has seen a session in which both sides have one ASN.",
        (
            "Give the appliance an ASN of its own, in the document too. AWS changes no peer: delete it and",
            "create it with that ASN.",
        ),
        _SERVER_PAGE,
    ),
    RuleId.NO_PERSISTED_ROUTE: Entry(
        "No tracked prefix is in the FIB only because it is persisted",
        "A persisted route leads to an appliance whose sessions have ended. Nothing takes its place until a"
        " session is up again.",
        (
            "Bring up the appliances' sessions. To withdraw what is persisted:",
            "aws ec2 modify-route-server --route-server-id rs-... --persist-routes reset",
        ),
        f"{_EC2_REFERENCE}/API_ModifyRouteServer.html",
    ),
    # packet filters
    RuleId.SECURITY_GROUPS_PASS: Entry(
        "Security groups let BGP and BFD pass between endpoints and appliances",
        "A session may outlive a change of its groups for a while, and then it cannot come back.",
        (
            "Allow TCP 179 from the appliance to the endpoint and, with BFD, UDP 3784 both ways.",
            "AWS manages the endpoint's own group: if it was changed, create the peer again.",
        ),
        f"{_VPC_GUIDE}/security-group-rules.html",
    ),
    RuleId.NETWORK_ACLS_PASS: Entry(
        "Network ACLs let BGP and BFD pass between endpoints and appliances, and the answers too",
        "Network ACLs are asked about each packet that enters or leaves a subnet, in both directions.",
        (
            "Allow in the network ACLs of both subnets: TCP 179 to the endpoint,",
            "TCP 1024-65535 to the appliance (the answers: from which of these ports it dials depends on",
            "its system) and, with BFD, UDP 3784 both ways.",
        ),
        f"{_VPC_GUIDE}/custom-network-acl.html",
    ),
    # limits and cost
    RuleId.ROUTES_WITHIN_LIMITS: Entry(
        "Peers, FIB and route tables have less than 80 % of the 100 routes that AWS allows",
        "Nobody can raise these limits, and nobody knows what becomes of the 101st route.",
        ("Summarise routes on the appliances, or filter what they advertise.",),
        _LIMITS_PAGE,
    ),
    RuleId.PEERS_OF_PREFIX_WITHIN_LIMIT: Entry(
        "Fewer than 26 peers advertise one prefix, of the 32 that AWS allows for a route table",
        "The peers after the 32nd may be those that should take over.",
        ("Advertise the prefix from fewer peers: two endpoints for each appliance are enough.",),
        f"{_VPC_GUIDE}/igw-ingress-routing.html",
    ),
    RuleId.WITHIN_QUOTAS: Entry(
        "The topology needs no more than AWS's default quotas; the route server has fewer than 8 endpoints,"
        " and an endpoint fewer than 16 peers",
        "What exceeds a quota cannot be created, perhaps during a repair, or is not propagated. By default"
        " AWS allows 10 endpoints of a route server and 20 peers of an endpoint.",
        (
            "Delete what is not used, declare less, or ask AWS Support for more.",
            "If yours are raised already, waive the finding: no API shows these quotas.",
        ),
        _LIMITS_PAGE,
    ),
    RuleId.ENDPOINT_IN_USE: Entry(
        "Each endpoint has a peer",
        "An endpoint costs $0.75 an hour, some $550 a month, whether it is used or not.",
        (
            "Create a peer at it, or delete it:",
            "aws ec2 delete-route-server-endpoint --route-server-endpoint-id rse-...",
        ),
        _ENDPOINTS_PAGE,
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
        _HOW_IT_WORKS,
    ),
    Code.STANDBY_PATH_TIES: Entry(
        "{appliance} advertises {prefix} with the same AS path length and MED as {owner}: AWS does not"
        " document which of them Route Server then chooses",
        "Two appliances have equal paths, so nobody can say which one is active after the next change.",
        ("Prepend the ASN of {appliance}, or give its route a higher MED.",),
        _HOW_IT_WORKS,
    ),
    Code.NOTHING_FOLLOWS: Entry(
        "no Elastic IP follows {prefix}",
        "It does not matter which appliance has this route.",
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
    Code.APPLIANCE_IS_DEAD: Entry(
        "{appliance} is dead, which another rule says",
        "Single sessions say nothing of an appliance that has none.",
    ),
    Code.ROUTE_REJECTED: Entry(
        "{table} rejects the route of {prefix}[: {why}]",
        "Route Server chose a path, and the route table does not take it.",
        ("Repair what AWS names as the reason.",),
        _HOW_IT_WORKS,
    ),
    Code.ROUTE_NOT_INSTALLED: Entry(
        "{table} does not have the route of {prefix}[nobody?, and no path to it is chosen now]",
        "A declared route table does not get the route of a tracked prefix.",
        ("Enable propagation from the route server to {table}.",),
        _HOW_IT_WORKS,
    ),
    # sessions
    Code.SESSIONS_WITH_ONE_ENDPOINT: Entry(
        "{appliance} has sessions with {endpoints:endpoint} only: without that one it loses its routes",
        "An appliance needs sessions with two endpoints, since AWS works on them one at a time.",
        ("Create a peer for {appliance} at a second endpoint.",),
        _ENDPOINTS_PAGE,
    ),
    Code.SESSIONS_UP_AT_ONE_ENDPOINT: Entry(
        "{appliance} has sessions with {endpoints:endpoint}, and [up?only those with {up} are up|none is up]"
        "[bfd?; BFD is down beside BGP at {bfd:and}]",
        "What is down now is missing when the next endpoint or session fails.",
        ("Find out on {appliance} why the sessions with {down:and} are down.",),
        _ENDPOINTS_PAGE,
    ),
    Code.ENDPOINT_ALONE_IN_SUBNET: Entry(
        "{subnet} has one endpoint only, {endpoint}",
        "AWS recommends two endpoints in each subnet.",
        ("aws ec2 create-route-server-endpoint --route-server-id {server} --subnet-id {subnet}",),
        _ENDPOINTS_PAGE,
    ),
    Code.ENDPOINTS_IN_ONE_ZONE: Entry(
        "{subject} has all of its {endpoints:endpoint} in {zone}",
        "Without that Availability Zone the route server has no endpoint.",
        ("Create two endpoints in a subnet of another Availability Zone, and peers for the appliances.",),
        _ENDPOINTS_PAGE,
    ),
    Code.NOT_AVAILABLE: Entry(
        "AWS shows {subject} as {state}[: {why}]",
        "An endpoint or a peer can be used only while it is available.",
        ("Delete it and create it again if it has failed; wait if it is pending.",),
        _PEERS_PAGE,
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
        f"{_EC2_REFERENCE}/API_RouteServerBgpOptions.html",
    ),
    Code.BFD_TOO_SLOW: Entry(
        "{group} may be away for {rto} s, and {appliance} is watched by BFD, of which a failure was noticed"
        " after {least} to {most} s (observed; AWS gives no figure)",
        "No liveness mode of Route Server was seen to keep the declared `rto`.",
        ("Declare an `rto` that a failover can keep, or measure your own with a drill.",),
        f"{_EC2_REFERENCE}/API_RouteServerBgpOptions.html",
    ),
    Code.SESSION_FLAPS: Entry(
        "the {protocol} session of {subject} ({appliance}) changed {times} times within an hour, the last"
        " time at {last:%H:%M:%S}",
        "The session does not stay up.",
        ("Read the log of {appliance} of that hour.",),
        _PEER_LOGS_PAGE,
    ),
    Code.PEER_HAS_ASN_OF_ROUTE_SERVER: Entry(
        "{subject} ({appliance}) has the ASN {asn}, which is the route server's",
        "In every setup that is known to work the two differ.",
        ("Delete the peer and create it with an ASN of its own.",),
        _SERVER_PAGE,
    ),
    Code.ROUTE_IS_PERSISTED: Entry(
        "{prefix} still leads to {next_hop}, though the session that advertised it ({peer}) is down",
        "The route is kept after its session ended, so traffic goes to an appliance that may be dead.",
        ("Bring up a session that advertises {prefix}, or reset the persisted routes.",),
        f"{_EC2_REFERENCE}/API_ModifyRouteServer.html",
    ),
    # packet filters
    Code.GROUPS_STOP_SESSION: Entry(
        "no permission of {groups:and} lets {flow} from {source} to {destination} [outbound?out|in], and the"
        " session of {appliance} needs it",
        "The security groups of an interface have no permission for this.",
        ("Add the permission to {groups:and}.",),
        f"{_VPC_GUIDE}/security-group-rules.html",
    ),
    Code.ACL_STOPS_SESSION: Entry(
        "rule {rule} of {acl}, the network ACL of {subnet}, denies {flow} from {source} to {destination} on"
        " its way [outbound?out|in], or a part of it, and the session of {appliance} needs it",
        "A network ACL denies this, at least in a part of the ports.",
        ("Allow it in {acl} with a lower number than {rule}.",),
        f"{_VPC_GUIDE}/custom-network-acl.html",
    ),
    # limits and cost
    Code.PEER_NEAR_ROUTE_LIMIT: Entry(
        "{subject} advertises {used:route} of the {most} that AWS allows",
        "A peer is near its limit of routes.",
        ("Summarise or filter what the appliance advertises.",),
        _LIMITS_PAGE,
    ),
    Code.FIB_NEAR_ROUTE_LIMIT: Entry(
        "the FIB of {subject} has {used:route} of the {most} that AWS allows",
        "A route server is near its limit of routes.",
        ("Summarise or filter what the appliances advertise.",),
        _LIMITS_PAGE,
    ),
    Code.TABLE_NEAR_ROUTE_LIMIT: Entry(
        "{subject} has {used} propagated {used:route|routes} of the {most} that AWS allows",
        "A route table is near its limit of propagated routes.",
        ("Summarise or filter what the appliances advertise, or disable propagation to {subject}.",),
        _LIMITS_PAGE,
    ),
    Code.PREFIX_NEAR_PEER_LIMIT: Entry(
        "{used:peer} of the {most} that AWS allows for a route table advertise {subject}",
        "A prefix is near its limit of peers.",
        ("Advertise {subject} from fewer peers.",),
        f"{_VPC_GUIDE}/igw-ingress-routing.html",
    ),
    Code.ENDPOINTS_NEAR_QUOTA: Entry(
        "{subject} has {used:endpoint} of the {most} that AWS allows by default",
        "A route server is near its quota of endpoints.",
        ("Delete what is not used, or ask AWS Support for more.",),
        _LIMITS_PAGE,
    ),
    Code.PEERS_NEAR_QUOTA: Entry(
        "{subject} has {used:peer} of the {most} that AWS allows by default",
        "An endpoint is near its quota of peers.",
        ("Use another endpoint, or ask AWS Support for more.",),
        _LIMITS_PAGE,
    ),
    Code.ENDPOINT_WITHOUT_PEER: Entry(
        "{subject} in {subnet} has no peer, and costs $0.75 an hour all the same",
        "Nobody can use an endpoint without a peer.",
        ("aws ec2 delete-route-server-endpoint --route-server-endpoint-id {subject}",),
        _ENDPOINTS_PAGE,
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
    Code.STORED_JUST_NOW: Entry(
        "{subject} was stored less than five minutes ago",
        "Nobody can have looked at the topology or watched it yet.",
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
    Code.ROUTE_BYPASSED: Entry(
        "{subject} has a static route for {destination} to {target}, inside {prefix}[more?, and {more} more"
        " like it]: traffic for it passes no appliance",
        "A static route takes a part of a tracked prefix elsewhere, since the longest prefix wins.",
        ("Remove the route, or waive the finding where it is meant.",),
        _PRIORITY,
    ),
    Code.ROUTE_IS_BLACKHOLE: Entry(
        "{subject} drops what is for {destination}: the route[ to {target}] is a blackhole[more?, and so are"
        " {more} more]",
        "The target of a route is gone or not available.",
        ("Remove the route, or bring back what it led to.",),
        ROUTE,
    ),
    Code.ROUTE_TO_STRANGER: Entry(
        "the propagated route of {prefix} leads to {target}[, next hop {next_hop}], which is of no declared"
        " appliance",
        "A device that the topology does not know owns a tracked prefix.",
        ("Withdraw the route there, delete its peer, or declare the device as an appliance.",),
        _HOW_IT_WORKS,
    ),
    Code.TABLE_UNDECLARED: Entry(
        "the route server propagates to {subject}, which the topology does not declare",
        "A route table gets routes that the document does not speak of.",
        ("Declare the table in route_server.propagate_to, or turn propagation off.",),
        _HOW_IT_WORKS,
    ),
    Code.TABLE_OF_OTHER_GATEWAY: Entry(
        "{subject} is associated with {gateways}: AWS supports Route Server for tables of subnets and of"
        " internet gateways",
        "A declared route table is of a kind that AWS does not support.",
        ("Do not propagate to that table.",),
        _SUPPORTED,
    ),
    Code.TABLE_OF_GATEWAY: Entry(
        "{subject} is the table of {gateways}, which needs no subnet", "The rule is about subnet tables."
    ),
    Code.TABLE_WITHOUT_SUBNET: Entry(
        "no subnet is associated with {subject} explicitly[main?, which is the VPC's main table]: of AWS's"
        " guides one supports this, another says that advertisement fails",
        "Whether a table without an explicit subnet association gets the routes is not clear.",
        ("Associate a subnet with the table, or waive the finding.",),
        EVS,
    ),
    Code.ROUTE_HAS_FIREWALL: Entry(
        "the route of {subject} to {destination} carries the internet gateway firewall {firewall}",
        "An internet gateway firewall acts on traffic of a declared route table.",
        ("Judge whether the firewall and the appliances may both be in the way, and waive the finding.",),
    ),
    Code.DIRECTIONS_DIFFER: Entry(
        "gateway route tables lead to {to}, subnet route tables to {back}",
        "The two directions of the traffic pass different appliances.",
        ("Advertise the prefixes of both directions from each appliance with the same preference.",),
        _GATEWAY_ROUTING,
    ),
    Code.INTERFACE_OF_SERVICE: Entry(
        "{subject} is managed by {service}",
        "A service manages the interface, and nobody else can move an address to it.",
        ("Declare an interface of your own.",),
    ),
    Code.ADVERTISES_MORE: Entry(
        "{appliance} advertises {prefixes}, which its allowed_prefixes leave out",
        "The routing database has a prefix that the topology does not allow.",
        ("Filter the prefix on the appliance, or allow it in the topology.",),
        _HOW_IT_WORKS,
    ),
    Code.CHANGED_BY_TOOL: Entry(
        "{tool} changed {subject} ({call} by {actor}, {at})",
        "A tool that applies a template changed what Tandem or Route Server moves.",
        ("Take it out of the template, or let the tool ignore it.",),
        _CLOUDTRAIL,
    ),
    Code.CHANGED_BY_APPLIANCE: Entry(
        "{appliance} itself changed {subject} by its role {role} ({call}, {at})",
        "The appliance's own failover moves what Tandem moves.",
        ("Turn the appliance's own failover off, and take the permission from {role}.",),
        _CLOUDTRAIL,
    ),
    Code.CHANGED_BY_OTHER: Entry(
        "{actor} changed {subject} ({call}, {at})",
        "Somebody changed what Tandem or Route Server moves.",
        ("Ask {actor}.",),
        _CLOUDTRAIL,
    ),
    Code.NO_OTHER_PATH: Entry(
        "only one appliance has a path to {prefix}", "Nobody else could take the route back."
    ),
    Code.PATH_COMES_BACK: Entry(
        "{appliance} has the better path to {prefix}: when it returns after a failover, it takes the route"
        " back at once",
        "Route Server chooses the better path as soon as it is there.",
        (
            "Let {appliance} return with a longer AS path or a higher MED, or waive the finding where this",
            "is what you want.",
        ),
        _HOW_IT_WORKS,
    ),
}
