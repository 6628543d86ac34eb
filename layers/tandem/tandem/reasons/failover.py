"""The codes of failover: why an address moves, stays or is held, and what people should know beside it."""

from __future__ import annotations

from enum import StrEnum


class HoldCode(StrEnum):
    """A group or an address is held."""

    PAUSED = "paused"
    PINNED_UNDECLARED = "pinned-undeclared"
    PINNED_SILENT = "pinned-silent"
    NO_ROUTE = "no-route"
    ROUTE_UNREADABLE = "route-unreadable"
    UNDECLARED_NEXT_HOP = "undeclared-next-hop"
    NEXT_HOP_UNREADABLE = "next-hop-unreadable"
    NOT_INSTALLED = "not-installed"
    NOT_PROPAGATED = "not-propagated"
    OWNER_SILENT = "owner-silent"
    SPLIT = "split"
    ADDRESS_UNREADABLE = "address-unreadable"
    ADDRESS_GONE = "address-gone"
    UNDECLARED_HOLDER = "undeclared-holder"
    INTERFACES_UNREADABLE = "interfaces-unreadable"
    INSTANCES_UNREADABLE = "instances-unreadable"
    TARGET_SILENT = "target-silent"
    TARGET_INTERFACE_UNREADABLE = "target-interface-unreadable"
    TARGET_INSTANCE_UNREADABLE = "target-instance-unreadable"
    TARGET_MISSING = "target-missing"
    TARGET_DETACHED = "target-detached"
    TARGET_ON_ANOTHER_INSTANCE = "target-on-another-instance"
    TARGET_INSTANCE_NOT_RUNNING = "target-instance-not-running"
    TARGET_LACKS_PRIVATE_IP = "target-lacks-private-ip"
    TARGET_HAS_AUTO_ASSIGNED_ADDRESS = "target-has-auto-assigned-address"
    TARGET_OCCUPIED = "target-occupied"
    CONTESTED = "contested"
    CONTESTED_WITHIN = "contested-within"
    DAMPED = "damped"
    DAMPED_WITHIN = "damped-within"
    MOVE_REFUSED = "move-refused"
    MOVE_UNANSWERED = "move-unanswered"
    MOVE_UNSHOWN = "move-unshown"
    MOVE_NOT_BEGUN = "move-not-begun"
    UNCLEAR = "unclear"


BY_OVERRIDE = (HoldCode.PAUSED, HoldCode.PINNED_UNDECLARED, HoldCode.PINNED_SILENT)
"""The holds that end when the override is removed."""


class MoveCode(StrEnum):
    """An address moves: who should have it, and why its holder does not keep it."""

    OWNER_HAS_ROUTE = "owner-has-route"
    OWNER_PINNED = "owner-pinned"
    NOBODY_HAS_ADDRESS = "nobody-has-address"
    HOLDER_SILENT = "holder-silent"
    HOLDER_INSTANCE_NOT_RUNNING = "holder-instance-not-running"
    HOLDER_ALIVE = "holder-alive"
    MOVED_AWAY = "moved-away"
    MOVED_WITHIN = "moved-within"
    WRONG_PRIVATE_IP = "wrong-private-ip"


class NoChangeCode(StrEnum):
    """Nothing has to move."""

    IN_PLACE = "in-place"
    ALL_IN_PLACE = "all-in-place"
    MOVED = "moved"
    ALL_MOVED = "all-moved"


class ReportCode(StrEnum):
    """A decision reports something that changes nothing of it."""

    PINNED = "pinned"
    BFD_DOWN = "bfd-down"
    ROUTES_PERSISTED = "routes-persisted"
    STRANDED = "stranded"
    WOULD_MOVE = "would-move"
    WOULD_STAY = "would-stay"
    EC2_WOULD_REFUSE = "ec2-would-refuse"


class PartCode(StrEnum):
    """One part of another reason."""

    TABLE_REJECTS = "table-rejects"
    PREFIX_OWNER = "prefix-owner"


class AwaitedCode(StrEnum):
    """A look that settles waits for something."""

    SIGNAL_NOT_SHOWN = "signal-not-shown"
    SECOND_READ = "second-read"


class UnbegunCode(StrEnum):
    """Tandem did not begin a move that it had decided."""

    NOT_BEGUN = "not-begun"
    SUPERSEDED = "superseded"
    NOT_READ = "not-read"
    OVERRIDE_CHANGED = "override-changed"
    TOPOLOGY_CHANGED = "topology-changed"


class FindingCode(StrEnum):
    """A rule's result changed for an appliance."""

    STANDBY_INSTANCE_NOT_RUNNING = "standby-instance-not-running"
    STANDBY_WITHOUT_PEER = "standby-without-peer"
    STANDBY_BFD_DOWN = "standby-bfd-down"
    STANDBY_SESSIONS_DOWN = "standby-sessions-down"
    STANDBY_BACK = "standby-back"
    SESSIONS_DOWN = "sessions-down"
    SESSIONS_BACK = "sessions-back"
    APPLIANCE_UNDECLARED = "appliance-undeclared"
    APPLIANCE_SILENT = "appliance-silent"


class PinCode(StrEnum):
    """A pin ended."""

    PIN_EXPIRED = "pin-expired"
    PIN_REMOVED = "pin-removed"
