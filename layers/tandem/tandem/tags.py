"""The tags that Tandem reads and writes."""

OWNER_TAG = "tandem:stack"
"""The owner's consent (docs/security.md#the-owners-tag-is-the-consent): its value is the name of the stack
that may move the address."""

STACK_TAG = "tandem:managed-by"
"""The stack that may change and delete the resource. Never OWNER_TAG: that one is the owner's to write."""

TOPOLOGY_TAG = "tandem:topology"
ENDPOINT_TAG = "tandem:endpoint"
APPLIANCE_TAG = "tandem:appliance"
ADOPTED_TAG = "tandem:adopted"
"""On what was there before Tandem: managed, never deleted."""
