"""Holds the words of each problem: of a document, of what AWS shows of it, of storing it."""

from __future__ import annotations

from tandem.reasons.documents import ProblemCode as Code
from tandem.tags import OWNER_TAG
from tandem.words.render import Entries, Entry

_VPC_GUIDE = "https://docs.aws.amazon.com/vpc/latest/userguide"
_QUOTAS = f"{_VPC_GUIDE}/amazon-vpc-limits.html"
_GATEWAY_ROUTING = f"{_VPC_GUIDE}/igw-ingress-routing.html"
_PRIORITY = f"{_VPC_GUIDE}/route-tables-priority.html"
_ASSOCIATE = "https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_AssociateAddress.html"
_HOW_IT_WORKS = f"{_VPC_GUIDE}/route-server-how-it-works.html"
_EBGP = f"{_VPC_GUIDE}/route-server-tutorial-initiate-bgp.html"

_NEAREST = "[{close}? ][known here: {known}|nothing: none is declared]"
_OWN = "[{own}|it has none]"
_QUOTA = "at most {most}: a quota of Amazon VPC Route Server"
_ALLOWED = "and {most} are allowed unless AWS has raised the quota for this account"
_BY_DEFAULT = "[{by_default:?} by default (manage: true)]"
_TO_MANAGE = f"is missing, and Tandem manages the route server{_BY_DEFAULT}"
_OWN_ASN = "the appliance's own ASN, different from the route server's"
_OF_INTERFACE = "the address of a network interface in the VPC"
_WITHOUT_PUBLIC_IP = "a private IP without a public one, such as a further secondary address of the interface"
_LOOK_AGAIN = "a new look at what is stored: run the command again"

SHAPE: Entries = {
    Code.TOO_MANY_VALUES: Entry(
        "has more than {most:,} values",
        "The document is too large to be checked.",
        right="{most:,} at most",
    ),
    Code.TOO_MANY_CHARACTERS: Entry(
        "has more than {most:,} characters",
        "The document is too large to be stored.",
        right="{most:,} at most: it is stored as one item of a DynamoDB table",
    ),
    Code.TOO_DEEP: Entry(
        "is nested more than {most} deep",
        "The document has mappings and lists inside each other that no topology has.",
        right="the properties of a topology",
    ),
    Code.WRONG_NAME: Entry(
        "is not a valid name[: it has {strange}]",
        "The name has characters or a length that are not allowed there.",
        right="{wanted}",
    ),
    Code.MISSING: Entry("is missing", "A required property is not there.", right="{wanted}"),
    Code.UNKNOWN_PROPERTY: Entry(
        "is not a known property",
        "The schema has no such property in that place; often the name is misspelled.",
        right=_NEAREST,
    ),
    Code.MISPLACED_PROPERTY: Entry(
        "is not a known property",
        "The schema has such a property in another place.",
        right="at {place}; known here: {known}",
    ),
    Code.REPEATED_ITEM: Entry(
        "repeats {value}", "The same item is in the list twice.", right="each of them once"
    ),
    Code.TOO_MANY_ITEMS: Entry(
        "has {count} entries",
        "The list or mapping has more members than the schema allows.",
        right="{most} at most",
    ),
    Code.WRONG_VALUE: Entry(
        "is {value}[, which has {strange}]",
        "The schema does not allow this value there.",
        right="[{meant}; ]{wanted}",
    ),
    Code.REPEATED_NAME: Entry(
        "occurs twice, in line {first}[, column {first_column},] "
        "and in line {second}[, column {second_column}]",
        "The file has the same name twice in one mapping, and YAML would keep only one of them.",
        right="each name once",
    ),
}

PARTS: Entries = {
    Code.WATCHED_WITHOUT_ID: Entry(
        "is missing; with manage: false it names the route server to watch",
        "A topology that Tandem does not manage has to name its route server.",
        right="the route server's ID, rs-…",
    ),
    Code.MANAGED_WITHOUT_VPC: Entry(
        _TO_MANAGE,
        "Tandem creates the route server and has to know in which VPC.",
        right="the route server's VPC, vpc-…; or manage: false, to watch what something else manages",
    ),
    Code.MANAGED_WITHOUT_ASN: Entry(
        _TO_MANAGE,
        "Tandem creates the route server and has to know its ASN.",
        right="the route server's own ASN, or the id of one that is there",
    ),
    Code.MANAGED_WITHOUT_ENDPOINTS: Entry(
        _TO_MANAGE,
        "Tandem creates the endpoints and has to know their subnets.",
        right="the endpoints: a name of your choice to the ID of its subnet",
    ),
    Code.UNDECLARED_ENDPOINT: Entry(
        "is not an endpoint in route_server.endpoints",
        "A session names an endpoint that the document does not declare.",
        right=_NEAREST,
    ),
    Code.UNDECLARED_APPLIANCE: Entry(
        "is the target for an appliance that is not declared",
        "An Elastic IP has a target for an appliance that the document does not declare.",
        right=_NEAREST,
    ),
    Code.TARGETS_MISSING: Entry(
        "is missing: the Elastic IP could not follow the route to {appliance}",
        "An Elastic IP that has targets needs one on every appliance.",
        right="a target on an interface of {appliance}",
    ),
    Code.ASN_OF_DECLARED_ROUTE_SERVER: Entry(
        "is {asn}, which is route_server.amazon_side_asn too, but the sessions are eBGP",
        "An appliance and the route server are declared with the same ASN.",
        page=_EBGP,
        right=_OWN_ASN,
    ),
    Code.GROUP_NAME_TWICE: Entry(
        "{subject} is another group's name too, at {first}",
        "Two groups have one name.",
        right="a name of its own",
    ),
    Code.PREFIX_TWICE: Entry(
        "{subject} is tracked by another group too, at {first}",
        "Two groups would follow the same route.",
        right="each prefix in one group only",
    ),
    Code.ELASTIC_IP_TWICE: Entry(
        "{subject} is declared twice, the first time at {first}",
        "An Elastic IP can follow one group only.",
        right="each Elastic IP once",
    ),
    Code.TARGET_TWICE: Entry(
        "{subject} is a target twice, the first time at {first}",
        "Two Elastic IPs have the same target, and a private IP has one Elastic IP only.",
        page=_ASSOCIATE,
        right="a private IP of its own for each Elastic IP",
    ),
    Code.INSTANCE_TWICE: Entry(
        "{subject} is another appliance's instance too, at {first}",
        "Two appliances are declared with the same instance.",
        right="the appliance's own instance",
    ),
    Code.PREFIX_NOT_ROUTED: Entry(
        "{subject} is a {kind} prefix, to which nothing is routed",
        "A tracked prefix holds multicast, loopback or link-local addresses only.",
        right="a prefix of unicast addresses that routers forward, such as 0.0.0.0/0",
    ),
    Code.TRACKED_PREFIX_NOT_ALLOWED: Entry(
        "leaves out {prefix}, which a group tracks: {appliance} would be reported for a route leak",
        "The prefixes that an appliance may advertise lack one that it has to advertise.",
        right="{prefix} among them",
    ),
    Code.TOO_MANY_ENDPOINTS: Entry(
        "has {count} endpoints in {subject}",
        "A subnet takes fewer endpoints of a route server.",
        page=_QUOTAS,
        right=_QUOTA,
    ),
    Code.TOO_MANY_PREFIXES: Entry(
        "has {count} tracked prefixes", "A route server takes fewer routes.", page=_QUOTAS, right=_QUOTA
    ),
    Code.TOO_MANY_PEERS: Entry(
        "has {count} peers that may advertise one prefix",
        "Fewer peers may advertise one prefix to a route server.",
        page=_GATEWAY_ROUTING,
        right=_QUOTA,
    ),
    Code.CLAIMED_BY_TWO_APPLIANCES: Entry(
        "{subject} belongs to {owner} already, at {first}",
        "An address or an interface is declared for two appliances.",
        right="one of {appliance}'s own",
    ),
    Code.UNKNOWN_RULE: Entry(
        "{subject:json} is no rule of compliance",
        "A waiver names a rule that there is not, so it would have no effect.",
        right="[{close}|the name of a rule, as the finding has it]",
    ),
    Code.ADDRESS_ON_TWO_INTERFACES: Entry(
        "{subject} is on {first_id} already, at {first}, and a private IP is on one interface only",
        "A private IP is declared on two interfaces.",
        right="an address of {second_id}, or the interface {first_id}",
    ),
    Code.UNSPECIFIED_ADDRESS: Entry(
        "{subject} is the unspecified address, which no network interface has",
        "The unspecified address stands where the address of an interface is needed.",
        right=_OF_INTERFACE,
    ),
    Code.MULTICAST_ADDRESS: Entry(
        "{subject} is a multicast address, which no network interface has",
        "A multicast address stands where the address of an interface is needed.",
        right=_OF_INTERFACE,
    ),
    Code.LOOPBACK_ADDRESS: Entry(
        "{subject} is a loopback address, which no network interface has",
        "A loopback address stands where the address of an interface is needed.",
        right=_OF_INTERFACE,
    ),
    Code.LINK_LOCAL_ADDRESS: Entry(
        "{subject} is a link-local address, which no network interface has",
        "A link-local address stands where the address of an interface is needed.",
        right=_OF_INTERFACE,
    ),
}

ROUTE_SERVERS: Entries = {
    Code.UNREADABLE: Entry(
        "{why}",
        "AWS answered, and Tandem cannot read the answer: the resource is unknown, not absent.",
        right="an answer of AWS that Tandem can read: please report it",
    ),
    Code.ROUTE_SERVER_UNKNOWN: Entry(
        "{subject} is not known in {place}",
        "The account has no such route server in the Region.",
        right="a route server of that account and Region; there is: [{others}|none at all]",
    ),
    Code.ROUTE_SERVER_WITHOUT_VPC: Entry(
        "{subject} is associated with no VPC, so it has neither endpoints nor routes",
        "The route server does not work before it is associated with a VPC.",
        page=_HOW_IT_WORKS,
        right="a route server that is associated with a VPC",
    ),
    Code.VPC_UNKNOWN: Entry(
        "{subject} is not known in {place}",
        "The account has no such VPC in the Region.",
        right="a VPC of that account and Region",
    ),
    Code.VPC_DIFFERS: Entry(
        "is {vpc_id}, but the route server is in {actual}",
        "The route server is associated with another VPC than the document says.",
        right="{actual}",
    ),
    Code.ASN_DIFFERS: Entry(
        "is {declared}, but AWS shows {actual}",
        "The route server has another ASN than the document says.",
        right="{actual}",
    ),
    Code.ASN_OF_ROUTE_SERVER: Entry(
        "is {asn}, which is the route server's too, but the sessions are eBGP",
        "An appliance is declared with the ASN that the route server has.",
        page=_EBGP,
        right=_OWN_ASN,
    ),
    Code.SUBNET_UNKNOWN: Entry(
        "{subject} is not known in {place}",
        "The account has no such subnet in the Region.",
        right="a subnet of the route server's VPC",
    ),
    Code.SUBNET_OUTSIDE_VPC: Entry(
        "{subject} is in {vpc_id}",
        "The subnet of an endpoint is not in the route server's VPC.",
        right="a subnet of {wanted}, where the route server is",
    ),
    Code.ENDPOINT_NOT_SHOWN: Entry(
        "is more than the {shown:endpoint} that AWS shows in {subnet_id}",
        "The document declares more endpoints in a subnet than the route server has there.",
        right="as many endpoints as AWS shows in each subnet; there are: [{actual}|none]",
    ),
    Code.PEER_NOT_SHOWN: Entry(
        "is more than the {shown:peer} that AWS shows for {address}[ at an endpoint in {subnet_id}]",
        "The route server has no peer for a declared session.",
        right="a session that the route server has; for this appliance it has: [{actual}|none]",
    ),
    Code.PEER_ASN_DIFFERS: Entry(
        "is {declared}, but {subject} has {actual}",
        "A peer has another ASN than the document says.",
        right="{actual}",
    ),
    Code.PEER_LIVENESS_DIFFERS: Entry(
        "is {declared}, but {subject} has {actual}",
        "A peer has another liveness mode than the document says.",
        right="{actual}",
    ),
    Code.PEER_UNDECLARED: Entry(
        "{subject} ({address}) is a peer of no declared appliance: "
        "while it owns a tracked prefix, Tandem holds",
        "The route server has a peer whose address no appliance declares.",
        advice=("Declare the appliance, or delete the peer.",),
    ),
    Code.NOTIFICATIONS_OFF: Entry(
        "is true, but {subject} has SNS notifications off",
        "The document wants SNS notifications, and the route server sends none.",
        right="SNS notifications on; or false, if they are to stay off",
    ),
    Code.TOPIC_MISSING: Entry(
        "{subject} has SNS notifications off: AWS does not notify Tandem of a session change, and Tandem "
        "sees it only at its next poll, some seconds later (to turn them on: aws ec2 modify-route-server "
        "--route-server-id {subject} --sns-notifications-enabled)",
        "Without SNS notifications Tandem learns of the end of a session with its next look.",
        advice=("Turn SNS notifications on with the command in the sentence.",),
    ),
    Code.PERSISTENCE_DIFFERS: Entry(
        "is {declared}, but {subject} has {actual}",
        "The route server keeps routes for another time than the document says.",
        right="{actual}",
    ),
    Code.LEAKS_UNSEEN: Entry(
        "with route_server.peer_logs: false, Tandem does not see what {appliance} advertises",
        "Only peer logs say what a peer advertises, so without them no route leak is found.",
        advice=("Set route_server.peer_logs: true, or leave allowed_prefixes out.",),
    ),
    Code.INSTANCE_UNKNOWN: Entry(
        "{subject} is not known in {place}",
        "The account has no such instance in the Region.",
        right="the appliance's instance",
    ),
    Code.INSTANCE_TERMINATED: Entry(
        "{subject} is terminated",
        "The instance of an appliance does not exist any more.",
        right="the instance that took its place",
    ),
    Code.PEER_ADDRESS_ELSEWHERE: Entry(
        "{address} is on no interface of {instance_id}",
        "A session has an address that the instance of its appliance does not have.",
        right=f"one of its addresses: {_OWN}",
    ),
    Code.NEXT_HOP_ELSEWHERE: Entry(
        "{address} is on no interface of {instance_id}",
        "A next hop is an address that the instance of its appliance does not have.",
        right=f"one of its addresses: {_OWN}",
    ),
}

ELASTIC_IPS: Entries = {
    Code.ELASTIC_IP_UNKNOWN: Entry(
        "{subject} is not known in {place}",
        "The account has no such Elastic IP in the Region.",
        right="an Elastic IP of that account and Region",
    ),
    Code.ELASTIC_IP_OF_SERVICE: Entry(
        "{subject} is managed by {service}",
        "An AWS service manages the Elastic IP, and nobody else can move it.",
        right="an Elastic IP that no AWS service manages",
    ),
    Code.INTERFACE_UNKNOWN: Entry(
        "{subject} is not known in {place}",
        "The account has no such network interface in the Region.",
        right="a network interface of {appliance}",
    ),
    Code.INTERFACE_GONE_WITH_INSTANCE: Entry(
        "{interface_id} is not known in {place}",
        "The interface is gone, and so is the instance of its appliance.",
        right="a network interface of {appliance}",
    ),
    Code.INTERFACE_DETACHED: Entry(
        "{subject} is attached to no instance",
        "No appliance gets what is sent to the interface.",
        right="one of {appliance}'s interfaces",
    ),
    Code.INTERFACE_DETACHED_FROM_LOST: Entry(
        "{interface_id} is attached to no instance",
        "The interface outlived the instance of its appliance.",
        right="one of {appliance}'s interfaces",
    ),
    Code.INTERFACE_OF_OTHER_INSTANCE: Entry(
        "{subject} is attached to {other_id}, not to {appliance}'s {instance_id}",
        "The interface belongs to another instance than its appliance.",
        right=f"an interface of {{instance_id}}: {_OWN}",
    ),
    Code.INTERFACE_OF_OTHER_ACCOUNT: Entry(
        "{subject} belongs to account {owner}, and Tandem moves addresses of "
        "account {account} to interfaces of the same account only",
        "In a shared VPC an account may see interfaces of another one; nobody can consent to their use here.",
        page=f"{_VPC_GUIDE}/vpc-sharing.html",
        right="an interface of account {account}",
    ),
    Code.INTERFACE_OUTSIDE_VPC: Entry(
        "{subject} is in {vpc_id}",
        "The interface is not in the route server's VPC.",
        right="an interface in {wanted}, where the route server is",
    ),
    Code.BORDER_GROUPS_DIFFER: Entry(
        "{subject} is in the network border group {border_group}, but "
        "{allocation_id} is of {other_group}, and EC2 never associates the two",
        "EC2 associates an Elastic IP only with an interface of the same network border group.",
        page=_ASSOCIATE,
        right="an interface and an Elastic IP of the same network border group",
    ),
    Code.PRIVATE_IP_OUTSIDE_SUBNET: Entry(
        "{address} is outside {subnet_id} ({prefix}), the subnet of {interface_id}",
        "The private IP of a target cannot be on its interface.",
        right=f"one of the interface's addresses: {_OWN}",
    ),
    Code.PRIVATE_IP_ELSEWHERE: Entry(
        "{address} is on {holder_id}[, of {instance_id}], and not on {interface_id}",
        "The private IP of a target is on another interface.",
        right=f"one of: {_OWN}; assigning {{address}} to another interface would take it from there",
    ),
    Code.PRIVATE_IP_MISSING: Entry(
        "{interface_id} does not have {address}",
        "The private IP of a target is not assigned to its interface.",
        right=f"assign it there first (without --allow-reassignment), or one of: {_OWN}",
    ),
    Code.PRIVATE_IP_HAS_ELASTIC_IP: Entry(
        "{address} has another Elastic IP, {allocation_id} ({public_ip})",
        "A move would take another Elastic IP off the private IP.",
        page=_ASSOCIATE,
        right=_WITHOUT_PUBLIC_IP,
    ),
    Code.PRIVATE_IP_HAS_PUBLIC_IP: Entry(
        "{address} has the auto-assigned public IP {public_ip}, which a move would release for good",
        "A move would release an auto-assigned public IP, and nobody gets it back.",
        page=_ASSOCIATE,
        right=_WITHOUT_PUBLIC_IP,
    ),
    Code.CLAIMED_BY_TOPOLOGY: Entry(
        "{subject} is claimed by the stored topology {other}",
        "An Elastic IP and a target belong to one topology.",
        right="in one topology only",
    ),
    Code.SOURCE_DEST_CHECK_ON: Entry(
        "{subject} of {appliance} has SourceDestCheck on: EC2 drops what {appliance} "
        "forwards there; turn SourceDestCheck off (aws ec2 modify-network-interface-attribute "
        "--network-interface-id {subject} --no-source-dest-check)"
        f"[, or tag it {OWNER_TAG}={{stack}} and Tandem does]",
        "An interface through which an appliance forwards has its source/destination check on.",
        page=_GATEWAY_ROUTING,
        advice=("Turn the check off with the command in the sentence.",),
    ),
}

ROUTE_TABLES: Entries = {
    Code.TABLE_UNKNOWN: Entry(
        "{subject} is not known in {vpc_ids}, {place}",
        "The VPC has no such route table.",
        right="a route table of that VPC",
    ),
    Code.TABLE_NOT_PROPAGATED: Entry(
        "the route server does not propagate to {subject}",
        "A route table does not get the routes, though the document says so.",
        right="what AWS shows: [{actual}|no table at all]",
    ),
    Code.WAY_OUT_AT_ITSELF: Entry(
        "{subject} is in a subnet whose route table, {table_id}, gets "
        "{prefix} from the route server: what the appliance sends out would come back to it",
        "The appliance's own subnet would get the default route that leads to the appliance.",
        right="a table of its own for that subnet, without propagation and with a static default route",
    ),
    Code.NO_PUBLIC_IP_FOR_GATEWAY_TABLE: Entry(
        "{table_id} is a gateway route table: a route for {prefix} cannot "
        "go to {appliance}'s {subject}, which has no public IP of its own",
        "A route of a gateway route table needs an interface with a public IP that stays there.",
        right="a public IP that stays on that interface, or no propagation to the gateway table",
        page=_GATEWAY_ROUTING,
    ),
    Code.TABLE_FULL: Entry(
        "{subject} would get {count} routes, with those of {others}",
        "A route table takes fewer propagated routes, of all route servers together.",
        page=_QUOTAS,
        right=_QUOTA,
    ),
    Code.GATEWAY_TABLE_REJECTS: Entry(
        "{subject} is a gateway route table: AWS rejects {prefixes} in it, which is outside "
        "the VPC, unless it belongs to a BYOIP pool of that table; other route tables are not affected",
        "AWS does not install a route for a prefix outside the VPC in a gateway route table.",
        page=_GATEWAY_ROUTING,
    ),
    Code.STATIC_ROUTE_BESIDE: Entry(
        "{table_id} has a static route for {prefix} to {target}: AWS prefers a static route to "
        "a propagated one with the same destination, so that table does not follow the route "
        "server; remove the static route, or do not propagate to that table"
        "[{is_alone:?}. No other route table gets {prefix} from the route server: while the appliance "
        "that has an address is alive, Tandem does not move it]",
        "A static route has the destination of a tracked prefix.",
        page=_PRIORITY,
        advice=("Remove the static route, or do not propagate to that table.",),
    ),
}

_QUOTA_WARNINGS: Entries = {
    Code.MANY_ROUTE_SERVERS: Entry(
        f"{{subject}} would have {{used}} route servers, {_ALLOWED}",
        "A VPC would have more route servers than AWS allows by default.",
        page=_QUOTAS,
    ),
    Code.MANY_ENDPOINTS: Entry(
        f"the route server would have {{used}} endpoints, {_ALLOWED}",
        "A route server would have more endpoints than AWS allows by default.",
        page=_QUOTAS,
    ),
    Code.MANY_PEERS_OF_ENDPOINT: Entry(
        f"endpoint {{subject}} would have {{used}} peers, {_ALLOWED}",
        "An endpoint would have more peers than AWS allows by default.",
        page=_QUOTAS,
    ),
    Code.MANY_ALLOWED_PREFIXES: Entry(
        "{subject} may advertise {used} prefixes, and Route Server takes {most} routes from a peer",
        "An appliance may advertise more prefixes than a route server takes from a peer.",
        page=_QUOTAS,
    ),
    Code.MANY_PEERS_OF_PREFIX: Entry(
        f"{{used}} peers may advertise one prefix ({{undeclared}} undeclared), {_ALLOWED}",
        "More peers may advertise one prefix than AWS allows by default.",
        page=_GATEWAY_ROUTING,
    ),
    Code.MANY_ROUTES_OF_TABLE: Entry(
        f"{{subject}} would have {{used}} {{family}} routes, {_ALLOWED}",
        "A route table would have more routes than AWS allows by default.",
        page=_QUOTAS,
    ),
}

TAGS: Entries = {
    Code.OWNER_TAG_MISSING: Entry(
        "{subject} lacks its owner's tag, without which Tandem may not touch it",
        "Tandem touches only what its owner has tagged with the stack's name.",
        right=f"{OWNER_TAG}={{stack}} on it: tandem apply --tag writes it with your credentials",
    ),
    Code.OWNER_TAG_OF_OTHER_STACK: Entry(
        f"{{subject}} has {OWNER_TAG}={{found:json}}: its owner consents to another stack",
        "The owner of a resource lets another stack use it.",
        right=f"{OWNER_TAG}={{stack:json}}, if its owner agrees",
    ),
    Code.OWNER_TAG_MISSPELLED: Entry(
        f"{{subject}} has {OWNER_TAG}={{found:json}}: "
        "the value must be the stack's name exactly, including case",
        "The owner's tag has blanks or capitals that the stack's name has not.",
        right=f"{OWNER_TAG}={{stack:json}}, if its owner agrees",
    ),
    Code.NETWORK_WITHOUT_CONSENT: Entry(
        "{why}: Tandem cannot restore what is deleted there; right would be: {why:right}",
        "What Tandem created in a network stays, and it could not create it again.",
    ),
}

_STORING: Entries = {
    Code.BELONGS_ELSEWHERE: Entry(
        "{subject} belongs to [{resource} of ][the CloudFormation stack {stack}|the command line]",
        "A topology belongs to the command line, or to the stack that created it.",
        right="a change there, or a takeover: tandem apply --take-over, in CloudFormation TakeOver: true",
    ),
    Code.DAMAGED_TOPOLOGY: Entry(
        "{why}",
        "The stored record of a topology cannot be read.",
        right="a whole document in its place: tandem apply --take-over",
    ),
    Code.CHANGED_MEANWHILE: Entry(
        "{subject} was changed meanwhile: version {stored} is stored now, not version {seen}",
        "Somebody stored another version after you looked at the topology.",
        right=_LOOK_AGAIN,
    ),
    Code.TAG_KEY_NOT_ALLOWED: Entry(
        "this stack may not write the tag key {subject}",
        "The role of the provisioner may write only the tag keys that the stack names.",
        right="one of: [{allowed}|none] (the stack's parameter ResourceTagKeys)",
    ),
    Code.MANAGES_OTHER_ROUTE_SERVER: Entry(
        "is {declared_id}, but Tandem manages {server_id} for {topology}",
        "With another ID nobody would ever take away what Tandem manages now.",
        right="{server_id}, a topology of another name, or tandem delete {topology} first",
    ),
    Code.REGION_WITHOUT_ROUTE_SERVER: Entry(
        "{why}",
        "AWS does not offer Route Server in the Region.",
        right="a Region that has Amazon VPC Route Server",
    ),
    Code.AWS_UNREAD: Entry(
        "Tandem could not read what AWS shows: {why}",
        "Only the mode changed, so the document was stored without a look at AWS.",
        advice=("Check the topology again when AWS can be read.",),
    ),
    Code.NOT_STORED: Entry(
        "[{damage}|no topology {subject} is stored]",
        "There is no such topology to delete, or its record cannot be read.",
        right="a stored topology; there is: [{there}|none at all]",
    ),
    Code.OTHER_VERSION_STORED: Entry(
        "version {stored} of {subject} is stored now, not version {seen}",
        "Somebody stored another version after you looked at the topology.",
        right=_LOOK_AGAIN,
    ),
    Code.DELETION_ENDED: Entry(
        "version {stored} was stored meanwhile, which ended the deletion",
        "Storing a document ends the deletion of its topology.",
        right="another delete, if you still want it",
    ),
    Code.NOT_DELETED: Entry(
        "{why}",
        "The deletion stopped, and a part of what Tandem created is still there.",
        right="another delete, when that is corrected: a part of it is still there",
    ),
    Code.REQUEST_SUPERSEDED: Entry(
        "a later request took its place",
        "CloudFormation asked something else of the same resource before this request had its answer.",
    ),
    Code.UNKNOWN_RESOURCE_PROPERTY: Entry(
        "is not a property of {resource_type}", "The custom resource has no such property.", right=_NEAREST
    ),
    Code.TOPOLOGY_MISSING: Entry(
        "is missing",
        "The custom resource has no topology.",
        right="the properties of a topology, as in its YAML document",
    ),
    Code.TOPOLOGY_NO_MAPPING: Entry(
        "is not a mapping",
        "The topology of the custom resource is a text or a list.",
        right="the properties of a topology, as in its YAML document",
    ),
    Code.WRONG_ON_DELETE: Entry("is {value:json}", "OnDelete has two values.", right="retain or delete"),
    Code.DELETES_WHAT_IT_TAKES_OVER: Entry(
        "is delete together with TakeOver: true: deleting the stack would delete what existed before it",
        "A stack that takes over a topology could delete what was there before the stack.",
        right="retain until the topology is taken over, then delete without TakeOver",
    ),
    Code.NO_BOOLEAN: Entry("is {value:json}", "The property is true or false.", right="true or false"),
}

PROBLEM_ENTRIES = (
    SHAPE | PARTS | ROUTE_SERVERS | ELASTIC_IPS | ROUTE_TABLES | _QUOTA_WARNINGS | TAGS | _STORING
)
