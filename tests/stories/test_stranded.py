"""An override keeps Elastic IPs on a dead appliance: what the message says, and what follows from it."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from tandem.adapters import clients
from tandem.events import from_envelope
from tandem.words.notification import Notification
from tests.contracts import assert_meets_schema, message_of
from tests.integration.test_operating_page import PAGE, RESUME
from tests.stack import Stack

UNTIL = "2026-01-02T00:00:00+00:00"


def messages(edge: Stack) -> list[tuple[dict[str, Any], Notification]]:
    """Returns detail and message of each event since the last time, each as its schema says."""
    found = []
    for envelope in edge.events():
        event = from_envelope(envelope)
        assert event is not None
        assert_meets_schema(event)
        found.append((event.detail, message_of(event)))
    return found


def occupied(edge: Stack) -> tuple[str, str]:
    """Puts a stranger's Elastic IP on the private IP where eip2 belongs on fw2."""
    made = edge.lab.client().allocate_address(Domain="vpc")
    edge.levers.associate_as_stranger(
        allocation_id=made["AllocationId"],
        network_interface_id=edge.ids["interfaces"]["fw2"],
        private_ip="10.0.2.21",
    )
    return made["AllocationId"], made["PublicIp"]


def fw1_dies(edge: Stack) -> None:
    edge.levers.kill(name="fw1")
    edge.clock.sleep(3)
    edge.delivered = len(edge.published)
    edge.sweep()


def test_a_pause_keeps_the_addresses_on_a_dead_appliance(edge: Stack) -> None:
    """The message says what it means, who may end it and how, and which address would stay all the same."""
    stranger, strangers_ip = occupied(edge)
    edge.override("internet-edge", action="paused", until=UNTIL, who="m.weber")
    edge.sweep()
    edge.events()
    fw1_dies(edge)
    ((detail, message),) = messages(edge)

    assert message.attributes["severity"] == "critical"
    assert message.subject.endswith("OUTAGE: fw1 is dead, a pause keeps 4 Elastic IPs on it")
    lines = message.text.splitlines()
    whole = "4 of 4 Elastic IPs of internet-edge (topology edge)"
    assert re.match(rf"OUTAGE since [-0-9]+ [:.0-9]+ UTC: fw1 is dead and has {re.escape(whole)}", lines[0])
    assert "Connections through them fail." in lines[0]
    assert "paused by m.weber (as the override record says) until" in lines[2]
    assert "nothing during the maintenance" not in message.text
    assert any(line.startswith("What to do: ask m.weber (as the override record says)") for line in lines)
    assert any("so it may notice a repair after a minute" in line for line in lines)

    (command,) = re.findall(r"""delete-item --table-name "\$TABLE" --key '(.+)'""", message.text)
    assert json.loads(command) == RESUME
    assert next(line.strip() for line in lines if command in line) in PAGE.splitlines()

    eip2 = edge.ids["elastic_ips"]["eip2"]
    (stays,) = [line for line in lines if "would be held without the override too" in line]
    assert stays.startswith(f"Note: {eip2['public_ip']} would be held")
    assert f"has another Elastic IP, {stranger} ({strangers_ip})" in stays
    assert next(line for line in lines if "describe-addresses" in line).split()[-1] == stranger
    assert any("aws ec2 disassociate-address --association-id" in line for line in lines)

    assert detail["owner"] == "fw2"
    assert {a["to"]["appliance"] for a in detail["addresses"]} == {"fw2"}

    clients.dynamodb().delete_item(TableName="tandem-state", Key=json.loads(command))
    edge.sweep()
    assert edge.holders() == dict.fromkeys(["eip1", "eip3", "eip4"], "fw2") | {"eip2": "fw1"}
    (_, moving), (outcome, moved), (_, held) = messages(edge)
    # eip2 is held: all that speaks of it reaches who gets critical messages only
    assert {m.attributes["severity"] for m in (moving, moved, held)} == {"critical"}
    assert f"moved 3 of 4 Elastic IPs to fw2; {eip2['public_ip']} is held" in moved.subject
    assert [(a["allocation_id"], a["code"]) for a in outcome["held"]] == [
        (eip2["allocation_id"], "target-occupied")
    ]
    assert f"{eip2['public_ip']} ({eip2['allocation_id']}) is held: it stays with fw1" in moved.text
    assert f"OUTAGE: fw1 is dead with {eip2['public_ip']}: 10.0.2.21" in held.subject
    assert held.text.count(": is now with fw2 (") == 3
    assert held.text.count(": stays with fw1 (") == 1

    (found,) = edge.lab.client().describe_addresses(AllocationIds=[stranger])["Addresses"]
    edge.lab.client().disassociate_address(AssociationId=found["AssociationId"])
    edge.sweep()
    assert edge.are_all_with("fw2")
    (_, _), (_, moved), (ended, end) = messages(edge)
    assert moved.attributes["severity"] == end.attributes["severity"] == "critical"
    assert "held" not in moved.subject
    assert ended["changes"] == 1
    assert "The last reason was: " in end.text
    assert "The reason changed once during the hold" in end.text


@pytest.mark.parametrize("pinned", ["fw1", "fw9"])
def test_a_pin_keeps_the_addresses_on_a_dead_appliance(edge: Stack, pinned: str) -> None:
    """To the appliance that died, or to one that the topology does not declare."""
    edge.override("internet-edge", action="pinned", appliance=pinned, until=UNTIL)
    edge.sweep()
    edge.events()
    fw1_dies(edge)
    found = [(detail, m) for detail, m in messages(edge) if detail.get("action") == "hold"]
    ((detail, message),) = found
    assert message.attributes["severity"] == "critical"
    assert message.subject.endswith("OUTAGE: fw1 is dead, a pin keeps 4 Elastic IPs on it")
    assert "by kim (as the override record says) until" in message.text
    (command,) = re.findall(r"""delete-item --table-name "\$TABLE" --key '(.+)'""", message.text)
    assert json.loads(command) == RESUME
    assert {a["to"]["appliance"] for a in detail["addresses"]} == {"fw2"}


def test_a_pause_of_the_whole_topology_during_a_total_outage_is_critical_too(edge: Stack) -> None:
    """Nothing would move without it: the message says why, and names the topology's own record."""
    edge.override(action="paused", until=UNTIL)
    edge.levers.kill(name="fw2")
    fw1_dies(edge)
    ((_, message),) = messages(edge)
    assert message.attributes["severity"] == "critical"
    assert "OUTAGE: fw1 is dead with 4 Elastic IPs: paused by kim" in message.subject
    assert "Note: every Elastic IP would be held without the override too: 0.0.0.0/0 is not" in message.text
    assert "And: find out why no appliance advertises the prefix." in message.text
    assert """"id": {"S": "edge"}}'""" in message.text


def test_a_harmless_pause_is_no_alarm_and_says_how_to_end_it(edge: Stack) -> None:
    edge.override("internet-edge", action="paused", until=UNTIL)
    edge.sweep()
    ((_, message),) = messages(edge)
    assert message.attributes["severity"] == "info"
    assert "HOLD, paused by kim (as the override record says)" in message.subject
    assert "What to do: nothing during the maintenance." in message.text
    (command,) = re.findall(r"""delete-item --table-name "\$TABLE" --key '(.+)'""", message.text)
    assert json.loads(command) == RESUME


def test_a_dry_run_keeps_the_addresses_on_a_dead_appliance(edge: Stack) -> None:
    edge.store(mode="dry-run")
    fw1_dies(edge)
    ((_, message),) = messages(edge)
    assert message.subject.endswith("OUTAGE: fw1 is dead, a dry run keeps 4 Elastic IPs on it")
    assert message.text.startswith("OUTAGE since ")
    assert message.text.count("  aws ec2 associate-address --allocation-id") == 4
