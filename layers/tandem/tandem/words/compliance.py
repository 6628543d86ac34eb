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
_INTERNET_GATEWAY = f"{_VPC_GUIDE}/VPC_Internet_Gateway.html"
_QUOTAS = f"{_VPC_GUIDE}/amazon-vpc-limits.html"
_CLOUDTRAIL = "https://docs.aws.amazon.com/awscloudtrail/latest/userguide/view-cloudtrail-events.html"
_SUPPORTED = f"{_VPC_GUIDE}/dynamic-routing-route-server.html"
_ENDPOINTS_PAGE = f"{_VPC_GUIDE}/route-server-tutorial-create-endpoints.html"
_PEERS_PAGE = f"{_VPC_GUIDE}/route-server-tutorial-create-peer.html"
_PEER_LOGS_PAGE = f"{_VPC_GUIDE}/route-server-peer-logging.html"
_SERVER_PAGE = f"{_VPC_GUIDE}/route-server-tutorial-create.html"
_LIMITS_PAGE = f"{_VPC_GUIDE}/amazon-vpc-limits.html"
_EC2_REFERENCE = "https://docs.aws.amazon.com/AWSEC2/latest/APIReference"
_REPOSITORY = "in the project's repository"
_CONFIGURATION = f"docs/appliances.md {_REPOSITORY} has the configuration."
_APPLY = "then run `tandem apply`"
_TAG = "the tag `tandem:stack` of this stack"
_FAILBACK = (
    "This is normal for a pair with fixed priorities: accept it with a waiver. Or let each appliance",
    "lower its own priority after a restart (a longer AS path or a higher MED), until a person",
    "raises it again. Tandem cannot see that configuration, so the finding stays then too: waive it.",
)
_SINGLE_FAILURE = (
    "Repair the other critical findings first: most of them cause this one.",
    "Then run `tandem compliance` again.",
)
_ONE_PREFERENCE = (
    "On one appliance all prefixes must have the same AS path length and MED; the standby's must be",
    "worse than the active appliance's, for all prefixes.",
)
_NEW_PEER = (
    "A peer cannot be changed. Delete it and create it again, one peer at a time, the standby's first,",
    "and wait until its session is up:",
    "aws ec2 delete-route-server-peer --route-server-peer-id rsp-...",
    (
        "aws ec2 create-route-server-peer --route-server-endpoint-id rse-... --peer-address 10.0.1.10"
        " --bgp-options PeerAsn=65001,PeerLivenessDetection=bfd"
    ),
)
_SAME_RELEASE = (
    "Bring both to the newer release: get the project's repository at that release. There, `sam build` and",
    "`sam deploy` update the stack; `pip install '.[cli]'` installs the command line.",
)


_DEAD_LETTERS = (
    "`tandem` is the stack's name, URL the queue's URL:",
    "aws sqs list-queues --queue-name-prefix tandem",
    "aws sqs receive-message --queue-url URL --max-number-of-messages 10",
    "For a move, a later sweep has already tried again. When you need no message of the queue any more,",
    "delete all of them:",
    "aws sqs purge-queue --queue-url URL",
)


def _log_of(function: str) -> str:
    """Returns the command that shows a function's log."""
    return (
        'aws logs tail "$(aws cloudformation describe-stack-resource --stack-name tandem'
        f" --logical-resource-id {function}Logs --query StackResourceDetail.PhysicalResourceId"
        ' --output text)" --since 1h'
    )


RULE_ENTRIES: Entries = {
    RuleId.STANDBY_ADVERTISES: Entry(
        "A standby advertises every tracked prefix",
        "When the active appliance dies, Route Server can only choose a path that it already has.",
        (
            "Advertise the prefix from the standby too, with a longer AS path or a higher MED.",
            _CONFIGURATION,
        ),
        _HOW_IT_WORKS,
    ),
    RuleId.PATHS_RANKED: Entry(
        "The standby's path to a tracked prefix is worse than the active appliance's",
        "AWS does not document which of two equal paths wins, so it is not known where the Elastic IPs go.",
        (
            "Give the standby's route a longer AS path or a higher MED.",
            _CONFIGURATION,
        ),
        _HOW_IT_WORKS,
    ),
    RuleId.SINGLE_FAILURE: Entry(
        "Traffic survives the failure of any one part",
        "If one appliance, session, endpoint, Availability Zone or instance fails, another must take over.",
        (
            *_SINGLE_FAILURE,
            "The report's table of single failures says what would happen to each Elastic IP.",
        ),
        _HOW_IT_WORKS,
    ),
    RuleId.STANDBY_ALIVE: Entry(
        "Every appliance runs, and at least one of its sessions carries routes",
        "A dead appliance cannot take over. Without this rule it shows only when the active one dies too.",
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
        ("Declare the instance that took its place as `instance_id` of the appliance, " + _APPLY + ".",),
    ),
    RuleId.APPLIANCE_HAS_ADDRESSES: Entry(
        "The instance of each appliance has the declared addresses of its sessions and next hops",
        "A session needs the peer's address, and a route needs an interface that has its next hop.",
        (
            "Assign the address to an interface of the instance again, or declare the new one in `peers` or",
            f"`next_hops` of the appliance, {_APPLY}:",
            (
                "aws ec2 assign-private-ip-addresses --network-interface-id eni-..."
                " --private-ip-addresses 10.0.1.10"
            ),
        ),
        _HOW_IT_WORKS,
    ),
    RuleId.TARGET_ATTACHED: Entry(
        "Each target interface is in the route server's VPC, of this account, and attached to the running"
        " instance of its appliance",
        "An Elastic IP on an interface that reaches no running appliance is an outage, so Tandem holds.",
        (
            "If the instance is stopped, start it:",
            "aws ec2 start-instances --instance-ids i-...",
            "If the interface is detached, attach it:",
            (
                "aws ec2 attach-network-interface --network-interface-id eni-... --instance-id i-..."
                " --device-index 1"
            ),
            "If it is gone, or in another VPC or account, declare an interface of the appliance in the route",
            f"server's VPC as `network_interface` of the target, {_APPLY}.",
        ),
        ASSOCIATE,
    ),
    RuleId.TARGET_HAS_PRIVATE_IP: Entry(
        "Each target interface has the declared private IP",
        "EC2 refuses to associate an Elastic IP with a private IP that the interface does not have.",
        (
            "Assign it again. Without --allow-reassignment the command takes it from no other interface:",
            (
                "aws ec2 assign-private-ip-addresses --network-interface-id eni-..."
                " --private-ip-addresses 10.0.2.20"
            ),
        ),
        ASSOCIATE,
    ),
    RuleId.TARGET_FREE: Entry(
        "The private IP of each target is free: no other Elastic IP, no auto-assigned address",
        "A move would displace the other address, so Tandem holds.",
        (
            "If it has another Elastic IP, take that off, once its users agree:",
            "aws ec2 describe-addresses --filters Name=private-ip-address,Values=10.0.2.20",
            "aws ec2 disassociate-address --association-id eipassoc-...",
            "An auto-assigned address cannot be taken off in this way. Assign a secondary private IP to the",
            f"interface, declare it as `private_ip` of the target, {_APPLY}:",
            (
                "aws ec2 assign-private-ip-addresses --network-interface-id eni-..."
                " --secondary-private-ip-address-count 1"
            ),
        ),
        ASSOCIATE,
    ),
    RuleId.TARGET_IN_BORDER_GROUP: Entry(
        "Each Elastic IP and its targets are in one network border group",
        "EC2 refuses to associate an Elastic IP with an interface in another network border group.",
        (
            "Declare an Elastic IP (`allocation_id`) and an interface (`network_interface`) of the same",
            f"network border group, {_APPLY}.",
        ),
        ASSOCIATE,
    ),
    RuleId.TARGET_HAS_INTERNET_ROUTE: Entry(
        "The route table of each target's subnet leads to an internet gateway",
        "Without that route no Internet traffic reaches the Elastic IP, though the move itself works.",
        (
            "Add the route to the table of the target's subnet:",
            (
                "aws ec2 create-route --route-table-id rtb-... --destination-cidr-block 0.0.0.0/0"
                " --gateway-id igw-..."
            ),
            "The rule says unknown where the default route leads to an endpoint or an interface instead, as",
            "for inspection: it does not follow it.",
        ),
        _INTERNET_GATEWAY,
    ),
    RuleId.ELASTIC_IP_EXISTS: Entry(
        "Each declared Elastic IP is in the account and Region",
        "An Elastic IP that was released cannot move.",
        ("Declare the Elastic IP that took its place as `allocation_id`, " + _APPLY + ".",),
    ),
    RuleId.OWNER_TAG: Entry(
        f"Each Elastic IP and each target interface has {_TAG}",
        "Tandem's role may only move what is tagged, so IAM refuses the move without the tag.",
        (
            "Write the tag with the stack's name as value:",
            "aws ec2 create-tags --resources eipalloc-... --tags Key=tandem:stack,Value=...",
        ),
        "https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonec2.html",
    ),
    RuleId.ROUTE_INSTALLED: Entry(
        "The route of each tracked prefix is installed in every declared route table",
        "A subnet whose route table lacks the route sends no traffic to the active appliance.",
        (
            "Read the reason that AWS gives for the route table. Turn propagation on if it is off:",
            "aws ec2 enable-route-server-propagation --route-server-id rs-... --route-table-id rtb-...",
        ),
        _HOW_IT_WORKS,
    ),
    RuleId.ROUTE_NOT_SHADOWED: Entry(
        "No other route in a declared route table has the destination of a tracked prefix",
        "AWS prefers a static route, and one to a prefix list, to a propagated one, so the table does not"
        " follow the failover.",
        (
            "First see that Route Server has a path for the prefix: the routing database must show it as",
            "in-fib.",
            "aws ec2 get-route-server-routing-database --route-server-id rs-...",
            "Only then delete the other route. Without a path the subnet has no route after this command,",
            "and its traffic is lost:",
            "aws ec2 delete-route --route-table-id rtb-... --destination-cidr-block PREFIX",
            "If the other route is wanted, do not propagate to that table: take it out of",
            f"`route_server.propagate_to`, {_APPLY}.",
            "The rule says unknown where a virtual private gateway propagates the same prefix: AWS's list of",
            "priorities leaves Route Server out.",
        ),
        _PRIORITY,
    ),
    RuleId.ROUTE_NOT_BYPASSED: Entry(
        "No other route in a declared route table takes a part of a tracked prefix elsewhere",
        "The longest prefix wins, whoever wrote the route, so traffic for that part follows no failover.",
        (
            "Remove the route, or waive the finding where it is meant: its resource is the table and the",
            "destination. Beside a tracked default route, routes to private networks (RFC 1918, RFC 4193),",
            "to the VPC's own blocks and to a gateway endpoint's prefix list are no findings.",
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
        (f"Withdraw the route there, delete its peer, or declare the device in `appliances`, {_APPLY}.",),
        _HOW_IT_WORKS,
    ),
    RuleId.PROPAGATION_DECLARED: Entry(
        "The route server propagates to declared route tables only",
        "Subnets get routes that the topology does not declare, and nothing else watches that table.",
        (
            f"Declare the table in `route_server.propagate_to`, {_APPLY}, or turn propagation off:",
            "aws ec2 disable-route-server-propagation --route-server-id rs-... --route-table-id rtb-...",
        ),
        _HOW_IT_WORKS,
    ),
    RuleId.ROUTE_TABLE_SUPPORTED: Entry(
        "Each declared route table is of subnets or of an internet gateway",
        "AWS does not support Route Server with the tables of virtual private and transit gateways.",
        (
            f"Take the table out of `route_server.propagate_to`, {_APPLY}, or turn propagation off:",
            "aws ec2 disable-route-server-propagation --route-server-id rs-... --route-table-id rtb-...",
        ),
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
        _ONE_PREFERENCE,
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
            "Where the prefix is meant for the other tables only, as the way back of ingress inspection,",
            "nothing is wrong: waive the finding. Otherwise take the gateway table out of",
            f"`route_server.propagate_to`, {_APPLY}.",
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
        f"The VPC, subnets and route tables of a managed route server have {_TAG}",
        "Without the tag Tandem cannot restore there what is deleted by hand.",
        (
            "Write the tag with the stack's name as value:",
            "aws ec2 create-tags --resources subnet-... --tags Key=tandem:stack,Value=...",
        ),
        "https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonec2.html",
    ),
    RuleId.NO_SERVICE_MANAGES: Entry(
        "No service manages an Elastic IP or a target interface of a group",
        "Only the service can move what it manages, so EC2 refuses the move.",
        (
            "Declare an Elastic IP (`allocation_id`) and an interface (`network_interface`) of your own,",
            f"{_APPLY}.",
        ),
        "https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_Address.html",
    ),
    RuleId.SOURCE_DEST_CHECK_OFF: Entry(
        "Each interface through which an appliance forwards has SourceDestCheck off",
        "EC2 drops what the appliance forwards there, although the route and the addresses are right.",
        (
            "Turn the check off for the interface that the finding names:",
            (
                "aws ec2 modify-network-interface-attribute --network-interface-id eni-..."
                " --no-source-dest-check"
            ),
        ),
        _GATEWAY_ROUTING,
    ),
    RuleId.ALLOWED_PREFIXES_ONLY: Entry(
        "An appliance advertises only its `allowed_prefixes`",
        "A route that is not meant takes traffic away, in every table that gets propagated routes.",
        (f"Filter the prefix on the appliance, or add it to `allowed_prefixes` of the appliance, {_APPLY}.",),
        _HOW_IT_WORKS,
    ),
    RuleId.ONE_MOVER: Entry(
        "Only this stack moved a declared Elastic IP within the last two days",
        "EC2 keeps the last association, so two movers undo each other's failover.",
        (
            "Turn off the other mover: the appliance's own failover script and its role's permission for",
            "ec2:AssociateAddress, or what the finding names. Tandem looks for it in CloudTrail's event",
            "history, among the newest 250 calls of a name. A role counts as the stack's if its name",
            "begins with the stack's name and a hyphen.",
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
        "Only this stack changed the route server, a declared table or target, or a managed peer lately",
        "A change by hand is how most failovers are broken, so you should know of it.",
        ("Ask the person that the finding names. The other rules say if the change breaks anything.",),
        _CLOUDTRAIL,
    ),
    RuleId.ROUTE_SERVER_EXISTS: Entry(
        "The route server exists and is associated with a VPC",
        "Without the route server no route follows an appliance.",
        (
            "Declare the route server that took its place as `route_server.id`, or let Tandem create one",
            f"(`manage: true`), {_APPLY}.",
        ),
        _HOW_IT_WORKS,
    ),
    RuleId.ROUTE_SERVER_AS_DECLARED: Entry(
        "The route server has the declared VPC and ASN",
        "The document describes another route server than the one that carries the traffic.",
        (
            "Correct `route_server.vpc_id` and `route_server.amazon_side_asn`, or declare the right route",
            f"server as `route_server.id`, {_APPLY}.",
        ),
        _HOW_IT_WORKS,
    ),
    RuleId.PERSISTENCE_AS_DECLARED: Entry(
        "The route server keeps routes as declared",
        "Persistence decides what becomes of the routes when all sessions end.",
        (
            f"Correct `route_server.persist_routes` in the document, {_APPLY}, or correct the route server.",
            "To keep routes when all sessions end (here until 2 minutes after one is up again):",
            (
                "aws ec2 modify-route-server --route-server-id rs-... --persist-routes enable"
                " --persist-routes-duration 2"
            ),
            "To keep none:",
            "aws ec2 modify-route-server --route-server-id rs-... --persist-routes disable",
        ),
        _HOW_IT_WORKS,
    ),
    RuleId.NOTIFICATIONS_ON: Entry(
        "The route server sends SNS notifications, where they are declared",
        "Without them Tandem learns of the end of a session with its next look only.",
        (
            "Turn the notifications on:",
            "aws ec2 modify-route-server --route-server-id rs-... --sns-notifications-enabled",
        ),
        f"{_VPC_GUIDE}/route-server-tutorial-create.html",
    ),
    RuleId.PEER_AS_DECLARED: Entry(
        "Each peer has the declared ASN and liveness mode",
        "With another ASN the session does not come up; with another mode a failure is seen later.",
        (
            f"Correct `asn` or `liveness` of the appliance in the document, {_APPLY}, or correct the peer.",
            *_NEW_PEER,
        ),
        "https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_RouteServerBgpOptions.html",
    ),
    RuleId.PEER_DECLARED: Entry(
        "Each peer of the route server is of a declared appliance",
        "While a device that is not declared has the route of a tracked prefix, Tandem holds.",
        (
            f"Declare the appliance in `appliances`, {_APPLY}, or delete the peer:",
            "aws ec2 delete-route-server-peer --route-server-peer-id rsp-...",
        ),
    ),
    RuleId.LEAKS_SEEN: Entry(
        "Where prefixes are limited, peer logs show what an appliance advertises",
        "Without peer logs a route leak shows only when compliance runs, by the rule allowed-prefixes-only.",
        ("Set `route_server.peer_logs: true`, or leave `allowed_prefixes` out, " + _APPLY + ".",),
        f"{_VPC_GUIDE}/route-server-peer-logging.html",
    ),
    RuleId.ONE_TOPOLOGY_ONLY: Entry(
        "Each Elastic IP and each target is declared by one stored topology only",
        "Two topologies would move one address to two places.",
        ("Take the address out of one of the topologies, " + _APPLY + ".",),
    ),
    RuleId.ROUTE_TABLE_HAS_ROOM: Entry(
        "A route table has room for the tracked prefixes of all topologies that share it",
        "AWS does not say what becomes of one route too many.",
        ("Declare fewer `prefixes` in the groups, or propagate to another table, " + _APPLY + ".",),
        _QUOTAS,
    ),
    RuleId.FAILBACK_WANTED: Entry(
        "No appliance takes the route back by itself when it returns",
        "A failback is a second interruption, at a time that you did not choose.",
        _FAILBACK,
        _HOW_IT_WORKS,
    ),
    RuleId.WAIVER_CURRENT: Entry(
        "A waiver has not expired, and names a rule that there is",
        "After its last day a waiver accepts nothing: the finding counts again.",
        (
            "Repair what it was about and remove the waiver from `waivers` in the document, or give it a new",
            f"`until` and a reason, {_APPLY}.",
        ),
    ),
    # sessions
    RuleId.ENDPOINT_LOSS_SURVIVED: Entry(
        "Each appliance survives the loss of any one endpoint",
        "AWS works on endpoints one at a time. An appliance that is up at one endpoint only loses its routes"
        " with it.",
        (
            "Bring up the appliance's sessions with a second endpoint:",
            (
                "aws ec2 create-route-server-peer --route-server-endpoint-id rse-... --peer-address 10.0.1.10"
                " --bgp-options PeerAsn=65001,PeerLivenessDetection=bfd"
            ),
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
            f"Correct `route_server.endpoints` in the document, {_APPLY}, or create the endpoint again:",
            "aws ec2 create-route-server-endpoint --route-server-id rs-... --subnet-id subnet-...",
        ),
        _HOW_IT_WORKS,
    ),
    RuleId.PEER_EXISTS: Entry(
        "Each declared session has a peer",
        "Without a peer the appliance has no session with that endpoint.",
        (
            f"Correct `peers` of the appliance in the document, {_APPLY}, or create the peer again:",
            (
                "aws ec2 create-route-server-peer --route-server-endpoint-id rse-... --peer-address 10.0.1.10"
                " --bgp-options PeerAsn=65001,PeerLivenessDetection=bfd"
            ),
        ),
        _HOW_IT_WORKS,
    ),
    RuleId.ENDPOINTS_AND_PEERS_AVAILABLE: Entry(
        "The endpoints and the peers of the appliances are available",
        "No session can be up at an endpoint or a peer that has failed.",
        (
            "Read the reason that AWS gives (`FailureReason`). Then delete what has failed and create it",
            "again.",
            "aws ec2 describe-route-server-peers",
            "aws ec2 describe-route-server-endpoints",
        ),
        _PEERS_PAGE,
    ),
    RuleId.LIVENESS_WITHIN_RTO: Entry(
        "The liveness mode of the sessions notices a failure within the declared `rto`",
        "Until Route Server notices that an appliance is gone, the traffic still goes there.",
        (
            "Use BFD. " + _CONFIGURATION,
            *_NEW_PEER,
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
        "The sessions are eBGP. No session is known in which both sides have the same ASN.",
        (
            f"Give the appliance an ASN of its own, also as `asn` in the document, {_APPLY}.",
            *_NEW_PEER,
        ),
        _SERVER_PAGE,
    ),
    RuleId.NO_PERSISTED_ROUTE: Entry(
        "No route of a tracked prefix is left over from a session that has ended",
        "A persisted route leads to an appliance whose sessions have ended. Nothing takes its place until a"
        " session is up again.",
        (
            "Bring up the appliances' sessions. Or withdraw what is persisted. After this command the route",
            "disappears until a session is up again:",
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
        "AWS does not raise these limits, and does not document what becomes of the 101st route.",
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
            "Delete what is not used, declare less, or ask AWS Support for more. If your quotas are raised",
            "already, waive the finding: no API shows these quotas.",
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
            "See that the stack's parameter `Schedules` is ENABLED. The time is from the topology's `look`",
            "record in the state table. Read the failover function's log (`tandem` is the stack's name):",
            _log_of("Failover"),
        ),
    ),
    RuleId.WATCHED_RECENTLY: Entry(
        "The watch has run within the last five minutes",
        "Without the watch, a change of routes that no SNS message is about waits for the sweep.",
        (
            "See that the stack's parameter `Schedules` is ENABLED. The time is from the `heartbeat` record",
            "in the state table. Read the watch function's log (`tandem` is the stack's name):",
            _log_of("Watch"),
        ),
    ),
    RuleId.NO_DEAD_LETTERS: Entry(
        "No message waits in a dead-letter queue of the stack",
        "An event that a function could not handle waits there: a move or a notification may be missing.",
        (
            "Read the messages, and the log of the function that the queue belongs to.",
            *_DEAD_LETTERS,
        ),
    ),
    RuleId.NOT_PAUSED_FOR_LONG: Entry(
        "No pause has held for more than a day",
        "A pause that was forgotten keeps Elastic IPs with a dead appliance.",
        (
            "Delete the override, or waive the finding until the work ends. The override records have no",
            "time: the age is that of the hold in the `look` record.",
            f"docs/operating.md {_REPOSITORY} has the command.",
        ),
    ),
    RuleId.NOT_DRY_RUN_FOR_LONG: Entry(
        "The topology has not been in dry-run for more than a week",
        "In dry-run Tandem decides and notifies, and moves nothing.",
        (
            f"When you have seen enough, set `mode: enforce`, {_APPLY}. Or waive the finding. The time is",
            "from the topology's record in the state table.",
        ),
    ),
    RuleId.RELEASES_MATCH: Entry(
        "The stack and what runs these rules are of one release",
        "Another release may know other rules, properties and codes.",
        _SAME_RELEASE,
    ),
}

"""What each rule checks (`text`), what it protects (`meaning`), how to repair it, and AWS's page."""

CHECK_ENTRIES: Entries = {
    Code.AS_IT_SHOULD_BE: Entry("{subject} is as it should be", "The rule passes for this resource."),
    Code.NOTHING_TO_JUDGE: Entry(
        "{subject} has nothing that this rule is about", "The rule does not apply to this topology."
    ),
    Code.PART_NOT_READ: Entry(
        "this could not be judged: {why}[ (the missing permission is {permission})]",
        "A part that the rule needs could not be read, so the rule has no verdict.",
        ("Allow the permission that the sentence names, or wait until AWS answers. Then run it again.",),
    ),
    Code.ROW_NOT_READ: Entry(
        "this could not be judged: {why}",
        "AWS's answer about this resource cannot be read, so the rule has no verdict.",
        (f"Run it again. If the answer stays unreadable, open an issue {_REPOSITORY} with this sentence.",),
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
        (f"Open an issue {_REPOSITORY} with the error's name.",),
    ),
    Code.WAIVER_EXPIRED: Entry(
        "the waiver of {rule} for {about} expired on {until}",
        "The finding that the waiver was about counts again.",
        (
            "Repair what it was about and remove the waiver from `waivers` in the document, or give it a new",
            f"`until` and a reason, {_APPLY}.",
        ),
    ),
    Code.WAIVER_OF_UNKNOWN_RULE: Entry(
        "the waiver names {rule}, and there is no such rule[; {close} may be meant]",
        "The waiver has no effect.",
        (f"Correct the rule's name in `waivers`, {_APPLY}. docs/rules {_REPOSITORY} has them all.",),
    ),
    Code.STANDBY_LACKS_PREFIX: Entry(
        "{appliance} does not advertise {prefix}, so it cannot take over",
        "Route Server has no path of the standby for a tracked prefix.",
        ("Advertise {prefix} from {appliance} with a worse path than the active appliance.",),
        _HOW_IT_WORKS,
    ),
    Code.STANDBY_PATH_TIES: Entry(
        "{appliance} advertises {prefix} with the same AS path length and MED as {owner}: AWS does not"
        " document which of them Route Server then chooses",
        "Two appliances have equal paths, so it is not known which one is active after the next change.",
        ("Prepend the ASN of {appliance}, or give its route a higher MED.",),
        _HOW_IT_WORKS,
    ),
    Code.NOTHING_FOLLOWS: Entry(
        "no Elastic IP follows {prefix}",
        "It does not matter which appliance has this route.",
    ),
    Code.STANDBY_IS_SILENT: Entry(
        "{appliance} advertises nothing until it is active, as the topology says (`standby: silent`)",
        "It cannot be checked from outside whether such a standby would advertise the prefix.",
    ),
    Code.FAILURE_NOT_SURVIVED: Entry(
        "if {subject} fails, an Elastic IP of {group} "
        "[is_lost?stays on a dead appliance][is_lost!is held][: {why}]",
        "Tandem's own decision, made now for this failure, moves the address nowhere.",
        _SINGLE_FAILURE,
    ),
    Code.SURVIVAL_ASSUMED: Entry(
        "if {subject} fails, {group} survives only if the silent standby {appliance} becomes active",
        "The topology says that this standby speaks no BGP until it is active, so it cannot be checked now.",
    ),
    Code.SURVIVAL_UNKNOWN: Entry(
        "it is not known how {group} ends if {subject} fails[: {why}]",
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
        (
            "Repair what AWS names as the reason. The routing database shows it for each table:",
            "aws ec2 get-route-server-routing-database --route-server-id rs-...",
        ),
        _HOW_IT_WORKS,
    ),
    Code.ROUTE_NOT_INSTALLED: Entry(
        "{table} does not have the route of {prefix}[nobody?, because Route Server has chosen no path to it]",
        "A declared route table does not get the route of a tracked prefix.",
        (
            "[nobody?Bring up an appliance that advertises {prefix}. ]See that propagation to {table} is on:",
            "aws ec2 enable-route-server-propagation --route-server-id rs-... --route-table-id {table}",
        ),
        _HOW_IT_WORKS,
    ),
    Code.ROUTE_NOT_SHOWN: Entry(
        "the routing database says that {prefix} is installed in {table}, and {table} does not have it",
        "A route table lacks a route that AWS calls installed.",
        (
            "Run the check again: the two may differ for seconds. If they still differ, disable propagation",
            "to {table} and enable it again.",
        ),
        _HOW_IT_WORKS,
    ),
    Code.LIST_SHADOWS_ROUTE: Entry(
        "{table} has a route[ to {target}] for the prefix list {prefix_list}, and {prefix} is in it: AWS"
        " prefers it to a propagated route",
        "A route to a prefix list has the destination of a tracked prefix.",
        (
            "Take {prefix} out of {prefix_list}, or remove the route:",
            "aws ec2 delete-route --route-table-id {table} --destination-prefix-list-id {prefix_list}",
        ),
        _PRIORITY,
    ),
    Code.NO_INTERNET_ROUTE: Entry(
        "no route of {table}, the route table of {subnet}, leads to an internet gateway that is there",
        "An Elastic IP on an interface of this subnet gets no traffic.",
        ("Add a route to an internet gateway to {table}.",),
        _INTERNET_GATEWAY,
    ),
    # sessions
    Code.SESSIONS_WITH_ONE_ENDPOINT: Entry(
        "{appliance} has sessions with {endpoints:endpoint} only: without that one it loses its routes",
        "An appliance needs sessions with two endpoints, since AWS works on them one at a time.",
        ("Create a peer for {appliance} at a second endpoint:",),
        _ENDPOINTS_PAGE,
    ),
    Code.SESSIONS_UP_AT_ONE_ENDPOINT: Entry(
        "{appliance} has sessions with {endpoints:endpoint}, and [up?only those with {up} are up|none is up]"
        "[bfd?; BFD is down beside BGP at {bfd:and}]",
        "What is down now is missing when the next endpoint or session fails.",
        (
            "Find out on {appliance} why the sessions with {down:and} are down. AWS's side of them:",
            "aws ec2 describe-route-server-peers",
        ),
        _ENDPOINTS_PAGE,
    ),
    Code.ENDPOINT_ALONE_IN_SUBNET: Entry(
        "{subnet} has one endpoint only, {endpoint}",
        "AWS recommends two endpoints in each subnet.",
        (
            "Create a second endpoint there, and a peer at it for each appliance:",
            "aws ec2 create-route-server-endpoint --route-server-id {server} --subnet-id {subnet}",
        ),
        _ENDPOINTS_PAGE,
    ),
    Code.ENDPOINTS_IN_ONE_ZONE: Entry(
        "{subject} has all of its {endpoints:endpoint} in {zone}",
        "Without that Availability Zone the route server has no endpoint.",
        ("Create two endpoints in a subnet of another Availability Zone, and peers for the appliances:",),
        _ENDPOINTS_PAGE,
    ),
    Code.NOT_AVAILABLE: Entry(
        "AWS shows {subject} as {state}[: {why}]",
        "An endpoint or a peer can be used only while it is available.",
        (
            "If it is pending, wait. If it has failed, read the reason that AWS gives. Then delete it and",
            "create it again.",
        ),
        _PEERS_PAGE,
    ),
    Code.RTO_NOT_DECLARED: Entry(
        "{subject} declares no `rto`",
        "How soon a failure must be noticed is judged only where the topology says it.",
        (f"Add `rto`, in seconds, to the group, {_APPLY}.",),
    ),
    Code.KEEPALIVE_TOO_SLOW: Entry(
        "{group} may be away for {rto} s, and {appliance} is watched by BGP keepalive, which notices a"
        " failure after {least} to {most} s (observed; AWS gives no figure)",
        "Keepalive notices a dead appliance too late for the declared `rto`.",
        ("Use BFD for the peers of {appliance}: {peers:and}.", *_NEW_PEER),
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
        ("Give {appliance} another ASN than the route server's.", *_NEW_PEER),
        _SERVER_PAGE,
    ),
    Code.ROUTE_IS_PERSISTED: Entry(
        "{prefix} still leads to {next_hop}, though the session that advertised it ({peer}) is down",
        "The route is kept after its session ended, so traffic goes to an appliance that may be dead.",
        (
            "Bring up a session that advertises {prefix}. Or reset the persisted routes. After this command",
            "the route disappears until a session is up again:",
        ),
        f"{_EC2_REFERENCE}/API_ModifyRouteServer.html",
    ),
    # packet filters
    Code.GROUPS_STOP_SESSION: Entry(
        "no [outbound?outbound|inbound] rule of security group {groups:and} allows {flow} from {source} to"
        " {destination}, which the session of {appliance} needs",
        "The security groups of an interface have no rule that allows this.",
        ("Add an [outbound?outbound|inbound] rule to {groups:and}.",),
        f"{_VPC_GUIDE}/security-group-rules.html",
    ),
    Code.ACL_STOPS_SESSION: Entry(
        "rule {rule} of {acl} denies {flow} from {source} to {destination}, or a part of it,"
        " [outbound?outbound from|inbound to] {subnet}: the session of {appliance} needs it",
        "A network ACL denies this, at least in a part of the ports.",
        ("Allow it in {acl} with a lower number than {rule}.",),
        f"{_VPC_GUIDE}/custom-network-acl.html",
    ),
    # limits and cost
    Code.PEER_NEAR_ROUTE_LIMIT: Entry(
        "{subject} advertises {used:route}: AWS allows {most}, and this rule fails at 80 % of them",
        "A peer has 80 % or more of the routes that AWS allows.",
        ("Summarise or filter what the appliance advertises.",),
        _LIMITS_PAGE,
    ),
    Code.FIB_NEAR_ROUTE_LIMIT: Entry(
        "the FIB of {subject} has {used:route}: AWS allows {most}, and this rule fails at 80 % of them",
        "A route server has 80 % or more of the routes that AWS allows.",
        ("Summarise or filter what the appliances advertise.",),
        _LIMITS_PAGE,
    ),
    Code.TABLE_NEAR_ROUTE_LIMIT: Entry(
        "{subject} has {used} propagated {used:route|routes}: AWS allows {most}, and this rule fails"
        " at 80 % of them",
        "A route table has 80 % or more of the propagated routes that AWS allows.",
        ("Summarise or filter what the appliances advertise, or disable propagation to {subject}.",),
        _LIMITS_PAGE,
    ),
    Code.PREFIX_NEAR_PEER_LIMIT: Entry(
        "{used:peer} {used:advertises|advertise} {subject}: AWS allows {most} for a route table, and this"
        " rule fails at 80 % of them",
        "A prefix has 80 % or more of the peers that AWS allows.",
        ("Advertise {subject} from fewer peers.",),
        f"{_VPC_GUIDE}/igw-ingress-routing.html",
    ),
    Code.ENDPOINTS_NEAR_QUOTA: Entry(
        "{subject} has {used:endpoint}: AWS allows {most} by default, and this rule fails at 80 % of them",
        "A route server has 80 % or more of the endpoints that AWS allows by default.",
        ("Delete what is not used, or ask AWS Support for more.",),
        _LIMITS_PAGE,
    ),
    Code.PEERS_NEAR_QUOTA: Entry(
        "{subject} has {used:peer}: AWS allows {most} by default, and this rule fails at 80 % of them",
        "An endpoint has 80 % or more of the peers that AWS allows by default.",
        ("Use another endpoint, or ask AWS Support for more.",),
        _LIMITS_PAGE,
    ),
    Code.ENDPOINT_WITHOUT_PEER: Entry(
        "{subject} in {subnet} has no peer, and costs $0.75 an hour all the same",
        "An endpoint without a peer is of no use.",
        (
            "Create a peer at it, or delete it:",
            "aws ec2 delete-route-server-endpoint --route-server-endpoint-id {subject}",
        ),
        _ENDPOINTS_PAGE,
    ),
    # Tandem itself
    Code.NOT_LOOKED_AT: Entry(
        "the last look at {subject} [was at {at}|is not recorded]",
        "Tandem has not looked at the topology for more than five minutes.",
        ("Read the failover function's log (`tandem` is the stack's name):", _log_of("Failover")),
    ),
    Code.NOT_WATCHED: Entry(
        "[the watch last ran at {at}|it is not recorded when the watch last ran]",
        "The watch has not run for more than five minutes.",
        ("Read the watch function's log (`tandem` is the stack's name):", _log_of("Watch")),
    ),
    Code.STORED_JUST_NOW: Entry(
        "{subject} was stored less than five minutes ago",
        "Tandem cannot have looked at the topology or watched it yet.",
    ),
    Code.DEAD_LETTERS_WAIT: Entry(
        "{messages:message} {messages:waits|wait} in the dead-letter queue {subject}",
        "A function could not handle an event, or it was never delivered.",
        (
            "Read the messages, and the log of the function that the queue belongs to.",
            *_DEAD_LETTERS,
        ),
    ),
    Code.PAUSED_FOR_LONG: Entry(
        "{subject} has been held since {since}, as {who} paused it until {until} ({why})",
        "A pause has lasted for more than a day.",
        (
            "Delete the override of {subject}, or waive the finding. The table is the stack's output",
            "`StateTable`; the id is the topology, `#` and the group, or the topology alone:",
            (
                "aws dynamodb delete-item --table-name TABLE --key"
                ' \'{{"kind": {{"S": "override"}}, "id": {{"S": "TOPOLOGY#GROUP"}}}}\''
            ),
        ),
    ),
    Code.DRY_RUN_FOR_LONG: Entry(
        "{subject} has been in dry-run since {since}",
        "Nothing of this topology is moved.",
        (f"When you have seen enough, set `mode: enforce`, {_APPLY}. Or waive the finding.",),
    ),
    Code.MODE_TIME_NOT_RECORDED: Entry(
        "it is not recorded when the mode of {subject} was stored",
        "Release 0.1.0 stored no time.",
        ("The time is stored when the mode changes next.",),
    ),
    Code.RELEASES_DIFFER: Entry(
        "the stack is of release {stack}, and these rules are of release {tool}",
        "The stack and what runs the rules are of different releases.",
        _SAME_RELEASE,
    ),
    Code.ROUTE_BYPASSED: Entry(
        "{table} has a [propagated?propagated|static] route for {destination}[ (in {prefix_list})][ to"
        " {target}], inside {prefix}: traffic for it does not follow the route of {prefix}",
        "Another route takes a part of a tracked prefix elsewhere, since the longest prefix wins.",
        ("Remove the route, or waive the finding where it is meant.",),
        _PRIORITY,
    ),
    Code.ROUTE_IS_BLACKHOLE: Entry(
        "{subject} drops what is for {destination}: the route[ to {target}] is a blackhole[more?, and so are"
        " {more} more]",
        "The target of a route is gone or not available.",
        ("Remove the route, or bring back what it led to. Look at it:",),
        ROUTE,
    ),
    Code.ROUTE_TO_STRANGER: Entry(
        "the propagated route of {prefix} leads to {target}[, next hop {next_hop}], which is of no declared"
        " appliance",
        "A device that the topology does not know has the route of a tracked prefix.",
        (f"Withdraw the route there, delete its peer, or declare the device in `appliances`, {_APPLY}.",),
        _HOW_IT_WORKS,
    ),
    Code.ROUTE_LEADS_ELSEWHERE: Entry(
        "the route of {prefix} in {table} leads to {target}, and the routing database says that it is"
        " installed to {next_hop}, which is on {interface}",
        "A route table leads to another appliance than the one that Route Server chose.",
        (
            "Run the check again: the two may differ for seconds. If they still differ, disable propagation",
            "to {table} and enable it again.",
        ),
        _HOW_IT_WORKS,
    ),
    Code.TABLE_UNDECLARED: Entry(
        "the route server propagates to {subject}, which the topology does not declare",
        "A route table gets routes that the document does not speak of.",
        (f"Declare the table in `route_server.propagate_to`, {_APPLY}, or turn propagation off:",),
        _HOW_IT_WORKS,
    ),
    Code.TABLE_OF_OTHER_GATEWAY: Entry(
        "{subject} is associated with {gateways}: AWS supports Route Server for tables of subnets and of"
        " internet gateways",
        "A declared route table is of a kind that AWS does not support.",
        (f"Take the table out of `route_server.propagate_to`, {_APPLY}, or turn propagation off:",),
        _SUPPORTED,
    ),
    Code.TABLE_OF_GATEWAY: Entry(
        "{subject} is the table of {gateways}, which needs no subnet", "The rule is about subnet tables."
    ),
    Code.TABLE_WITHOUT_SUBNET: Entry(
        "no subnet is associated with {subject} explicitly[main?, which is the VPC's main table]: of AWS's"
        " guides one supports this, another says that advertisement fails",
        "Whether a table without an explicit subnet association gets the routes is not clear.",
        ("Associate a subnet with the table, or waive the finding:",),
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
        _ONE_PREFERENCE,
        _GATEWAY_ROUTING,
    ),
    Code.INTERFACE_OF_SERVICE: Entry(
        "{subject} is managed by {service}",
        "A service manages the interface, and only the service can move an address to it.",
        (f"Declare an interface of your own as `network_interface` of the target, {_APPLY}.",),
    ),
    Code.ADVERTISES_MORE: Entry(
        "{appliance} advertises {prefixes}, which its allowed_prefixes leave out",
        "The routing database has a prefix that the topology does not allow.",
        (f"Filter the prefix on the appliance, or add it to `allowed_prefixes` of the appliance, {_APPLY}.",),
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
        "A person or a tool changed what Tandem or Route Server moves.",
        ("Ask {actor} what the change is for. The other rules say if it breaks anything.",),
        _CLOUDTRAIL,
    ),
    Code.NO_OTHER_PATH: Entry(
        "only one appliance has a path to {prefix}", "No other appliance could take the route back."
    ),
    Code.PATH_COMES_BACK: Entry(
        "{appliance} has the better path to {prefix}: when it returns after a failover, it takes the route"
        " back at once",
        "Route Server chooses the better path as soon as it is there.",
        _FAILBACK,
        _HOW_IT_WORKS,
    ),
}
