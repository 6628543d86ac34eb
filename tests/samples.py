"""The samples in `events/`, and the stored topology that they speak of."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from tandem.audit import Head
from tandem.model import Status
from tandem.signals.signal import Protocol
from tandem.state.record import Provisioned, TopologyRecord
from tandem.topology.document import parse_topology

EVENTS = Path(__file__).parents[1] / "events"

ROUTE_SERVER = "rs-0a1b2c3d4e5f60718"
TOPIC = f"arn:aws:sns:us-east-1:123456789012:route-server-{ROUTE_SERVER}"
ENDPOINT = "rse-0e0000000000000a1"
PEER = "rsp-0f1000000000000a1"
PEERS = {
    PEER: "fw1",
    "rsp-0f1000000000000b1": "fw1",
    "rsp-0f2000000000000a2": "fw2",
    "rsp-0f2000000000000b2": "fw2",
}
INSTANCE = "i-0a1000000000000f1"

HEAD = Head("failover#edge", 17, "0" * 64)
"""The newest record of an audit sequence."""

DOCUMENT: dict[str, Any] = {
    "tandem": 1,
    "name": "edge",
    "mode": "enforce",
    "manage": False,
    "route_server": {"id": ROUTE_SERVER},
    "appliances": {
        "fw1": {
            "instance_id": INSTANCE,
            "asn": 65001,
            "peers": {"az1-a": "10.0.1.10"},
            "allowed_prefixes": ["0.0.0.0/0"],
        },
        "fw2": {"instance_id": "i-0a2000000000000f2", "asn": 65002, "peers": {"az2-a": "10.0.2.10"}},
    },
    "groups": [
        {
            "name": "internet-edge",
            "prefixes": ["0.0.0.0/0"],
            "elastic_ips": [
                {
                    "allocation_id": f"eipalloc-0c00000000000000{n + 1}",
                    "targets": {
                        "fw1": {"network_interface": "eni-0a1000000000000e1", "private_ip": f"10.0.1.2{n}"},
                        "fw2": {"network_interface": "eni-0a2000000000000e2", "private_ip": f"10.0.2.2{n}"},
                    },
                }
                for n in range(2)
            ],
        }
    ],
}


def sample(name: str) -> dict[str, Any]:
    """One sample by the stem of its file's name."""
    return dict(json.loads((EVENTS / f"{name}.json").read_text(encoding="utf-8")))


def names() -> list[str]:
    return sorted(path.stem for path in EVENTS.glob("*.json"))


def ours() -> list[str]:
    """Returns the samples that are events on Tandem's own bus."""
    return [name for name in names() if sample(name).get("source") == "tandem"]


def record(name: str = "edge", **provisioned: Any) -> TopologyRecord:
    """Returns the stored topology of the samples, provisioned; `name` for another one beside it."""
    found = Provisioned(
        route_server_id=ROUTE_SERVER, sns_topic_arn=TOPIC, endpoint_ids=(ENDPOINT,), peers=dict(PEERS)
    )
    topology = parse_topology({**DOCUMENT, "name": name}, version=3)
    return TopologyRecord(topology, 3, "cli", replace(found, **provisioned))


def bare_record() -> TopologyRecord:
    """Returns a topology that nothing was provisioned for yet."""
    return TopologyRecord(parse_topology(DOCUMENT, version=3), 3, "cli")


def sns_record(text: str = "", topic: str = TOPIC, **attributes: str) -> dict[str, Any]:
    """Returns a record as SNS hands it to the function."""
    return {
        "EventSource": "aws:sns",
        "Sns": {
            "TopicArn": topic,
            "Timestamp": "2026-11-21T03:58:31.912Z",
            "Message": text,
            "MessageAttributes": {k: {"Type": "String", "Value": v} for k, v in attributes.items()},
        },
    }


def session_attributes(protocol: Protocol, peer: str, status: Status) -> dict[str, str]:
    """Returns the attributes of a message about one session."""
    return {
        "timestamp": "2026-11-21T03:58:31Z",
        "eventCode": f"ROUTE_SERVER_PEER_{protocol.upper()}_STATUS_CHANGE",
        "routeServerPeerId": peer,
        f"new{protocol.capitalize()}Status": status.upper(),
    }
