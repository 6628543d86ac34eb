"""Holds the words of the provisioner's steps, of what they wait for, and of how its runs end."""

from __future__ import annotations

from tandem.reasons.provisioning import ProvisioningCode as Code
from tandem.reasons.provisioning import StepCode
from tandem.tags import ENDPOINT_TAG, OWNER_TAG
from tandem.words.render import Entries, Entry

_GUIDE = "https://docs.aws.amazon.com/vpc/latest/userguide/route-server-how-it-works.html"
_SESSION = "{appliance}'s session at {endpoint}"
_BECAUSE = "[ ({because})]"
_UNREADABLE = "the routing database cannot be read"
_FORBIDDEN = (
    "the provisioner's role has no permission for it: deploy the stack again, "
    "or ask whoever restricts the account"
)


def _step(verb: str, past: str, what: str, meaning: str) -> Entry:
    """Returns the step before and after it is done; `right` is what AWS shows then."""
    more = "[: {because}][; refused: {refused}][; takes down {interrupts}][; waits for {waits_for}]"
    return Entry(f"[{{is_done:?}}{past}|{verb}] {what}{more}", meaning, right=what)


STEPS: Entries = {
    StepCode.CREATE_ROUTE_SERVER: _step(
        "create", "created", "the route server (ASN {asn})", "Tandem creates the route server."
    ),
    StepCode.MODIFY_ROUTE_SERVER: _step(
        "modify",
        "modified",
        "{subject} ([persist routes: {persist}][ for {persist_minutes} min][{both:?}, ]"
        "[SNS notifications: {notifies}])",
        "Tandem changes settings of the route server, which stays.",
    ),
    StepCode.DELETE_ROUTE_SERVER: _step(
        "delete", "deleted", "{subject}", "Tandem deletes the route server that it created."
    ),
    StepCode.ASSOCIATE_VPC: _step(
        "associate",
        "associated",
        "the route server with {subject}",
        "Tandem associates the route server with the VPC.",
    ),
    StepCode.DISASSOCIATE_VPC: _step(
        "disassociate",
        "disassociated",
        "{route_server_id} from {subject}",
        "Tandem ends the association, before it deletes the route server.",
    ),
    StepCode.CREATE_ENDPOINT: _step(
        "create", "created", "endpoint {subject} in {subnet_id}", "Tandem creates an endpoint."
    ),
    StepCode.DELETE_ENDPOINT: _step(
        "delete", "deleted", "endpoint {subject}", "Tandem deletes an endpoint that it created."
    ),
    StepCode.ENABLE_PROPAGATION: _step(
        "enable", "enabled", "propagation to {subject}", "Tandem lets a route table get the routes."
    ),
    StepCode.DISABLE_PROPAGATION: _step(
        "disable",
        "disabled",
        "propagation to {subject}",
        "Tandem ends a propagation that it enabled; the routes leave the table.",
    ),
    StepCode.CREATE_PEER: _step(
        "create",
        "created",
        "the peer of {subject} ({address}, ASN {asn}, {liveness})",
        "Tandem creates a peer; the session comes up when the appliance dials.",
    ),
    StepCode.DELETE_PEER: _step(
        "delete", "deleted", "peer {subject} of {appliance}", "Tandem deletes a peer, and its session ends."
    ),
    StepCode.DISABLE_SOURCE_DEST_CHECK: _step(
        "disable",
        "disabled",
        "SourceDestCheck of {appliance}'s {subject}",
        "Tandem lets EC2 forward what is addressed to others.",
    ),
    StepCode.SET_TAGS: _step("tag", "tagged", "{subject} ({tags})", "Tandem writes its tags on a resource."),
    StepCode.AWAIT: _step(
        "wait for", "waited for", "{subject}", "There is nothing to do until AWS has changed a resource."
    ),
    StepCode.KEEP: _step("keep", "kept", "{subject}", "Tandem leaves a resource as it is, and says why."),
    StepCode.SUBSCRIBE: Entry(
        "subscribed {function} to {topic}: {because}", "Tandem subscribed a function to the SNS topic."
    ),
    StepCode.UNSUBSCRIBE: Entry(
        "removed the subscription {subject}: {because}", "Tandem ended a subscription of its own."
    ),
    StepCode.PUT_DELIVERY_DESTINATION: Entry(
        "created the delivery destination {subject}: {because}",
        "Tandem created the destination of peer logs.",
    ),
    StepCode.PUT_DELIVERY_SOURCE: Entry(
        "created the delivery source {subject}: {because}", "Tandem made a peer a source of logs."
    ),
    StepCode.CREATE_DELIVERY: Entry(
        "created the log delivery of {subject} to {destination}: {because}",
        "Tandem has the logs of a peer delivered.",
    ),
    StepCode.DELETE_DELIVERY: Entry(
        "deleted the log delivery {subject}: {because}", "Tandem ended a delivery of its own."
    ),
    StepCode.DELETE_DELIVERY_SOURCE: Entry(
        "deleted the delivery source {subject}: {because}", "Tandem deleted a source of its own."
    ),
}

WHY: Entries = {
    Code.NO_ROUTE_SERVER: Entry(
        "the topology has no route server yet", "The topology declares a route server that is not there."
    ),
    Code.CREATION_BEGUN: Entry(
        "its creation has begun, and AWS may show it late",
        "An earlier run began to create the route server, so a second one is not made.",
    ),
    Code.SETTINGS_DIFFER: Entry(
        "its settings differ from the topology", "The route server has other settings than the document says."
    ),
    Code.TOPIC_PENDING: Entry(
        "its SNS topic is not there yet", "AWS makes the topic of the route server some time later."
    ),
    Code.PERSISTENCE_CHANGES: Entry(
        "persistence is {state}", "AWS is changing the persistence of the routes.", page=_GUIDE
    ),
    Code.RESOURCE_STATE: Entry("it is {state}", "AWS is changing a resource."),
    Code.BEING_DELETED: Entry("it is being deleted", "AWS is deleting a resource."),
    Code.TAGS_DIFFER: Entry(
        "its tags differ from the topology", "The route server lacks tags that the document declares."
    ),
    Code.ADOPTED: Entry(
        "it existed before, and Tandem manages it from now on",
        "Tandem takes over a route server that was there before.",
    ),
    Code.NOT_ASSOCIATED: Entry(
        "the route server is associated with no VPC", "The route server does not serve the declared VPC."
    ),
    Code.ASSOCIATION_STATE: Entry(
        "[{is_own:?}it is|the association is] {state}", "AWS is changing the association."
    ),
    Code.TOPOLOGY_DELETED: Entry(
        "the topology is deleted with what Tandem created for it",
        "Somebody deleted the topology with its resources.",
    ),
    Code.NO_ENDPOINT: Entry(
        "there is no endpoint {subject} in {subnet_id}",
        "The topology declares an endpoint that is not there.",
    ),
    Code.ENDPOINT_STATE: Entry(
        f"endpoint {{subject}} is {{state}}{_BECAUSE}", "AWS is changing an endpoint."
    ),
    Code.ENDPOINT_FAILED: Entry(
        f"endpoint {{subject}} is failed{_BECAUSE}",
        "AWS could not create an endpoint, and says why.",
        advice=(
            "Read the reason that AWS gives. Tandem creates the endpoint again until three have failed.",
        ),
    ),
    Code.ENDPOINT_DELETE_FAILED: Entry(
        f"endpoint {{subject}} is delete-failed{_BECAUSE}", "AWS could not delete an endpoint."
    ),
    Code.ENDPOINT_OF_NO_NAME: Entry(
        "the topology declares no such endpoint", "An endpoint that Tandem created serves no declared name."
    ),
    Code.ENDPOINT_UNDECLARED: Entry(
        "the topology has no endpoint {subject} in {subnet_id} any more",
        "The document does not declare an endpoint any more.",
    ),
    Code.ENDPOINT_TAGS_DIFFER: Entry(
        "it is endpoint {name} of the topology", "An endpoint lacks tags that the document declares."
    ),
    Code.ENDPOINT_ADOPTED: Entry(
        "it existed before, and becomes endpoint {name}",
        "Tandem takes over an endpoint that was there before.",
    ),
    Code.NO_PROPAGATION: Entry(
        "{subject} does not get the routes yet", "A route table is to get the routes and does not."
    ),
    Code.PROPAGATION_STATE: Entry(
        "the propagation is [{is_ending:?}being deleted|{state}]", "AWS is changing a propagation."
    ),
    Code.PROPAGATION_UNDECLARED: Entry(
        "the topology does not propagate there any more",
        "The document does not declare a propagation any more that Tandem enabled.",
    ),
    Code.FORWARDING_BLOCKED: Entry(
        "its source/destination check is on, so EC2 drops what it forwards",
        "The source/destination check of an appliance's interface is on.",
    ),
    Code.SESSION_WITHOUT_PEER: Entry(
        f"{_SESSION} has no peer", "The topology declares a session without a peer."
    ),
    Code.SESSION_STATE: Entry(f"{_SESSION} is {{state}}{_BECAUSE}", "AWS is changing the peer of a session."),
    Code.SESSION_FAILED: Entry(
        f"{_SESSION} is failed{_BECAUSE}",
        "AWS could not create the peer of a session, and says why.",
        advice=("Read the reason that AWS gives. Tandem creates the peer again until three have failed.",),
    ),
    Code.PEER_BEING_DELETED: Entry(
        f"{_SESSION} has no peer but {{peer_id}}, which is being deleted",
        "AWS takes a second peer for an address only when the first one is gone.",
    ),
    Code.PEER_DIFFERS: Entry(
        "{subject} has ASN {asn}, {liveness} instead of ASN {wanted_asn}, {wanted_liveness}, "
        "and AWS cannot change a peer",
        "A peer is not as the document says, and AWS cannot modify one.",
    ),
    Code.SESSION_TAGS_DIFFER: Entry(f"it is {_SESSION}", "A peer lacks tags that the document declares."),
    Code.SESSION_ADOPTED: Entry(
        f"it existed before, and becomes {_SESSION}", "Tandem takes over a peer that was there before."
    ),
    Code.SESSION_UNDECLARED: Entry(
        "the topology has no such session any more", "The document does not declare a session any more."
    ),
    Code.NOT_SUBSCRIBED: Entry(
        "{subject} is not subscribed to the route server's topic yet",
        "A function of Tandem is not subscribed to the topic.",
    ),
    Code.NO_DELIVERY_DESTINATION: Entry(
        "no delivery destination leads to the log group yet", "Peer logs have no way to Tandem's log group."
    ),
    Code.NO_DELIVERY_SOURCE: Entry(
        "{subject} is not a source of logs yet", "A peer's logs are delivered nowhere."
    ),
    Code.LOGS_NOT_DELIVERED: Entry(
        "the logs of {subject} do not reach the log group yet", "A peer's logs are not delivered to Tandem."
    ),
    Code.TOPIC_UNUSED: Entry(
        "no topology uses {topic} any more", "No stored topology uses an SNS topic any more."
    ),
    Code.PEER_UNUSED: Entry("no topology has {subject} any more", "No stored topology has a peer any more."),
}

_WAITS: Entries = {
    Code.UNTIL_AVAILABLE: Entry("{subject} to be available", "AWS is still making a resource."),
    Code.UNTIL_GONE: Entry("{subject} to be gone", "AWS is still deleting a resource."),
    Code.UNTIL_ALL_GONE: Entry("{peers} to be gone", "An endpoint goes after its peers."),
    Code.UNTIL_LEFT_STATE: Entry("{subject} to leave {state}", "A resource cannot be deleted in this state."),
    Code.UNTIL_NO_LONGER: Entry(
        "{subject} to be no longer {state}", "A peer cannot be deleted in this state."
    ),
    Code.UNTIL_TOPIC: Entry("{subject} to have an SNS topic", "AWS is still making the topic."),
    Code.UNTIL_ROUTE_SERVER: Entry(
        "the route server to be available", "A route server takes calls only when it is available."
    ),
    Code.UNTIL_ROUTE_SERVER_SEEN: Entry(
        "AWS to show the route server whose creation has begun",
        "AWS may show a new route server some time later.",
    ),
    Code.UNTIL_SERVER_ASSOCIATED: Entry(
        "the route server to be associated with the VPC", "Endpoints need the association."
    ),
    Code.UNTIL_ASSOCIATED: Entry("{subject} to be associated", "AWS is still making the association."),
    Code.UNTIL_DISASSOCIATED: Entry("{subject} to be disassociated", "AWS is still ending the association."),
    Code.UNTIL_ENDPOINT: Entry("endpoint {subject} to be available", "A peer needs its endpoint."),
    Code.UNTIL_PROPAGATION: Entry(
        "the propagation to {subject} to be available", "What takes its place comes first."
    ),
    Code.UNTIL_PROPAGATION_GONE: Entry("the propagation to {subject} to be gone", "AWS is still ending it."),
    Code.UNTIL_PROPAGATION_LEFT_STATE: Entry(
        "the propagation to {subject} to leave {state}", "A propagation cannot be ended in this state."
    ),
    Code.UNTIL_SESSION: Entry(
        f"{_SESSION} to be available", "The new session comes before the old one goes."
    ),
    Code.UNTIL_STANDBY_SESSION: Entry(
        f"{_SESSION} to be available: the standby comes first",
        "The sessions of the standby are made before one of the owner ends.",
    ),
    Code.UNTIL_SESSION_ADVERTISES: Entry(
        f"{_SESSION} to have BGP up and to advertise {{prefixes}}",
        "The owner keeps its route: another session of its own has to carry it first.",
        ("Let the appliance dial the endpoint, and advertise the prefixes there too.",),
    ),
    Code.UNTIL_STANDBY_UP: Entry(
        "{subject} to have BGP up: it takes over meanwhile",
        "Nobody would take over while the owner's last session is made anew.",
        ("Bring up a session of the standby.",),
    ),
    Code.UNTIL_ROUTES_READABLE: Entry(
        f"readable routes: {_UNREADABLE}",
        "Without the routing database nobody can tell who owns a route, so no session is ended.",
        advice=("Tandem reads it again with every run. If it stays so, the log has the reason.",),
    ),
    Code.PERSISTED_BEFORE_CHANGE: Entry(
        "{subject} to have BGP up: {prefix} is in the FIB though its sessions are down, "
        "and AWS does not say what a change of persistence does to that",
        "A persisted route may not survive the change.",
        page=_GUIDE,
        advice=("Bring up a session of the owner, or apply with --allow-interruption.",),
    ),
    Code.PERSISTED_BEFORE_END: Entry(
        "{subject} to have BGP up: {prefix} is in the FIB though its sessions are down, "
        "and AWS does not say what the end of a peer does to that",
        "A persisted route may not survive the end of a peer.",
        page=_GUIDE,
        advice=("Bring up a session of the owner, or apply with --allow-interruption.",),
    ),
    Code.UNTIL_ACCEPTED: Entry(
        "AWS to accept {call} (AWS returned {aws_code})", "AWS refused a call for now; it is made again."
    ),
    Code.UNTIL_DELETED: Entry("what Tandem created to be deleted", "The deletion of a topology has begun."),
    Code.UNTIL_TURN: Entry("its turn", "The run ended before the topology had its turn."),
    Code.UNTIL_OTHER_RUN: Entry("the run that is under way", "Another run works on the topology."),
}

_INTERRUPTIONS: Entries = {
    Code.ONE_OF_SESSIONS: Entry(
        "one of {subject}'s sessions; another one stays", "An appliance loses one of several sessions."
    ),
    Code.ONLY_LIVE_SESSION: Entry(
        "one of {subject}'s sessions, the only one that is live",
        "An appliance that owns no tracked prefix loses its only live session.",
    ),
    Code.LAST_SESSION: Entry(
        "{subject}, which {carried:and}", "The route of an owner goes with the session."
    ),
    Code.SESSION_OF_DELETED: Entry("{subject}", "The appliance loses its session with the topology."),
    Code.OWNS: Entry("owns {prefixes}", "The appliance owns these prefixes."),
    Code.CARRIES: Entry(
        "carries for {subject} {prefixes}", "The session carries these prefixes for another appliance."
    ),
}

REFUSALS: Entries = {
    Code.ROUTE_SERVER_NOT_THERE: Entry(
        "{subject} is not known", "The declared route server is not there.", right="one that is there"
    ),
    Code.ROUTE_SERVER_TAKEN: Entry(
        "{subject} is managed already ({tags})",
        "Another stack, or another topology, manages the route server.",
        right="a route server that nothing else manages",
    ),
    Code.ASN_CANNOT_CHANGE: Entry(
        "is {declared}, but {subject} has {actual}, and AWS cannot change it",
        "AWS cannot change the ASN of a route server.",
        right="{actual}, or a topology of another name",
    ),
    Code.VPC_CANNOT_CHANGE: Entry(
        "is {declared_id}, but {subject} is associated with {others}",
        "A route server serves one VPC, and Tandem moves none to another.",
        right="{actual_id}, or a topology of another name",
    ),
    Code.ADOPTION_WITHOUT_TAG: Entry(
        "{subject} lacks its owner's tag, without which Tandem may not adopt it",
        "Tandem takes over only what its owner has tagged with the stack's name.",
        right=f"{OWNER_TAG}={{stack}} on it: tandem apply --tag writes it with your credentials",
    ),
    Code.ADOPTION_OF_MANAGED: Entry(
        "{subject} is managed by {tags}",
        "Another stack, or another topology, manages the resource.",
        right="a resource that nobody else manages",
    ),
    Code.ENDPOINT_AMBIGUOUS: Entry(
        "[{by_step:?}endpoint {name} ]could be any of {candidates}",
        "Several endpoints fit the name, and it makes a difference which one is meant.",
        right=f"the tag {ENDPOINT_TAG}={{name}} on the one that is meant",
    ),
    Code.ADOPTED_ENDPOINT_BROKEN: Entry(
        f"{{subject}} ({{name}}) is {{state}}{_BECAUSE}, and Tandem did not create it",
        "Tandem deletes only what it created.",
        right="deleted by its owner",
    ),
    Code.PEERS_OF_OTHERS: Entry(
        "{peers} at {subject} was not created by Tandem, so the endpoint has to stay",
        "An endpoint cannot be deleted while it has peers.",
        right="its peers removed by their owner",
    ),
    Code.SUBNET_FULL: Entry(
        "{subject} has {count} endpoints of the route server already: {endpoints}",
        "A subnet takes two endpoints of a route server.",
        right="at most {most} in a subnet",
    ),
    Code.GIVEN_UP: Entry(
        "{last}, {times} times by now",
        "AWS failed the resource so often that Tandem does not make it again by itself.",
        right="the cause that AWS names corrected; then any change of the document makes Tandem try again",
    ),
    Code.PEER_OF_OTHERS: Entry(
        "{subject} exists with ASN {asn} and {liveness}; Tandem did not create it and may not replace it",
        "A peer that Tandem did not create stands in the way of a declared session.",
        right="declared as it is, or deleted by its owner",
    ),
    Code.WOULD_INTERRUPT: Entry(
        "{because}; it is the last live session of {hurt}"
        f"[{{is_unknown:?}} as far as anybody can tell: {_UNREADABLE}]",
        "The change would take the route from its owner, and nobody has allowed that.",
        right="--allow-interruption (AllowInterruption: true), or the route with another appliance first",
    ),
    Code.TAGS_LOST: Entry(
        "{subject} has lost Tandem's tags",
        "Without its tags Tandem cannot tell that it created the route server.",
        right="its tags put back (tandem:managed-by, tandem:topology), or all of it removed by its owner",
    ),
    Code.ENDPOINT_WITH_OTHERS: Entry(
        "{subject} has peers that Tandem did not create: {others}",
        "Tandem deletes only what it created.",
        right="removed by its owner",
    ),
    Code.ROUTE_SERVER_WITH_OTHERS: Entry(
        "{subject} has what Tandem did not create: {others}",
        "Tandem deletes only what it created.",
        right="removed by its owner",
    ),
}

_RUNS: Entries = {
    Code.CALL_REFUSED: Entry(
        "{subject}[: {message}]; Tandem tries it again at every refresh",
        "AWS refused a call.",
        advice=("Correct what AWS's message names, and apply the topology again.",),
    ),
    Code.CALL_FORBIDDEN: Entry(
        f"{{subject}}[: {{message}}]; {_FORBIDDEN}",
        "IAM does not allow a call of the provisioner.",
        advice=("Deploy the stack again. If that does not help, ask whoever restricts the account.",),
    ),
    Code.LOGS_QUOTA_USED: Entry(
        "{subject}[: {message}]; a quota of CloudWatch Logs is used up: ask AWS to raise it",
        "CloudWatch Logs takes no further delivery.",
        advice=("Ask AWS to raise the quota of CloudWatch Logs.",),
    ),
    Code.CALL_IN_TROUBLE: Entry("{why}", "A call failed for now; the schedule tries it again."),
    Code.CANNOT_GO_ON: Entry("{why}", "A run found something that a person has to change."),
    Code.INTERNAL_ERROR: Entry(
        "Tandem failed with an internal error: {why}",
        "This is a bug of Tandem: please report it.",
        advice=("Report it, with the log of the provisioner.",),
    ),
    Code.ROUTE_SERVER_LOST: Entry(
        "{subject} is not known in {place}: correct route_server.id and apply again",
        "The route server that the topology names is not there any more.",
        advice=("Correct route_server.id and apply again.",),
    ),
    Code.ROUTE_SERVER_STAYS: Entry(
        "{subject} serves {others} as well",
        "Another topology lives on the route server that would be deleted.",
        right="a deletion when no other topology needs it",
    ),
    Code.LEAVING: Entry(
        "it is being deleted, so nobody moves its addresses; to end the deletion, apply its document again",
        "The deletion of a topology is stuck, and its addresses do not follow the route meanwhile.",
        advice=("Correct what the reason names, or apply the document again to end the deletion.",),
    ),
    Code.LONG_WAIT: Entry(
        "provisioning has made no progress since {since}: it waits for {waits}; Tandem continues by itself "
        "as soon as that is done; a session comes up when its appliance connects to the endpoint",
        "Provisioning waits for something that only people can bring about.",
        advice=("Bring about what it waits for. Nothing has to be applied again.",),
    ),
    Code.SESSION_TO_DIAL: Entry(
        "{appliance}: {address} (ASN {asn}) dials {endpoint_address} (ASN {server_asn}), {liveness}",
        "The appliance must open this BGP session.",
    ),
    Code.APPLIANCE_WITHOUT_PEER: Entry(
        "{subject} has no peer on {route_server_id}: it can own no route",
        "No peer of the route server has an address of the appliance.",
        advice=("Create a peer for the appliance, or correct its address in the document.",),
    ),
    Code.LOGS_ELSEWHERE: Entry(
        "the logs of {subject} go to {destination} already, and a source delivers to one log group "
        "only: Tandem sees none of them",
        "Somebody else has the logs of a peer delivered to another log group.",
        advice=("End the other delivery, or set route_server.peer_logs: false.",),
    ),
}

STEP_ENTRIES = STEPS | WHY | _WAITS | _INTERRUPTIONS | REFUSALS | _RUNS
