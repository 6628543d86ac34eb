"""Trouble on purpose, per action, repeatable."""

from contextlib import suppress

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

from lab.ec2 import LeverError, lab_ec2
from tests.lab.support import refused


def associate(world, appliance="fw2", ip="10.0.2.20"):
    return world.ec2.associate_address(
        AllocationId=world.elastic_ips["eip1"]["allocation_id"],
        NetworkInterfaceId=world.interfaces[appliance],
        PrivateIpAddress=ip,
    )


def test_latency_takes_time_and_only_from_its_action(at_edge):
    at_edge.levers.fault("AssociateAddress", latency_s=0.4)
    before = at_edge.clock.seconds()
    at_edge.address()
    assert at_edge.clock.seconds() == before
    associate(at_edge)
    assert at_edge.clock.seconds() == pytest.approx(before + 0.4)


def test_an_error_strikes_as_often_as_told(at_edge):
    at_edge.levers.fault("AssociateAddress", error="InternalError", count=2)
    for _ in range(2):
        with refused("InternalError") as caught:
            associate(at_edge)
        assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 500
    associate(at_edge)
    assert at_edge.address()["PrivateIpAddress"] == "10.0.2.20"


def test_an_error_by_rate_is_repeatable():
    def outcomes(seed):
        with lab_ec2(seed=seed) as lab:
            ec2 = lab.client()
            lab.levers.fault("DescribeVpcs", error="RetryableError", rate=0.5)
            for _ in range(20):
                with suppress(ClientError):
                    ec2.describe_vpcs()
            return [entry["outcome"] for entry in lab.lab.requests.since()]

    assert outcomes(1) == outcomes(1) != outcomes(2)
    assert {"OK", "RetryableError"} == set(outcomes(1))


def test_a_refused_call_changes_nothing(at_edge):
    before = at_edge.address()
    at_edge.levers.fault("AssociateAddress", error="RetryableError", count=1)
    with refused("RetryableError"):
        associate(at_edge)
    assert at_edge.address() == before


def test_a_token_bucket_throttles_and_refills(at_edge):
    at_edge.levers.fault("DescribeAddresses", throttle={"capacity": 3, "refill": 0.5})
    for _ in range(3):
        at_edge.address()
    with refused("RequestLimitExceeded") as caught:
        at_edge.address()
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 503
    at_edge.clock.advance(1.9)
    with refused("RequestLimitExceeded"):
        at_edge.address()
    at_edge.clock.advance(0.2)
    at_edge.address()


def test_addresses_and_interfaces_lag(at_edge):
    for action in ("DescribeAddresses", "DescribeNetworkInterfaces"):
        at_edge.levers.fault(action, lag_s=3)
    at_edge.clock.advance(10)
    associate(at_edge)
    assert at_edge.address()["PrivateIpAddress"] == "10.0.1.20"
    assert (
        at_edge.ec2.describe_network_interfaces(
            Filters=[{"Name": "addresses.association.public-ip", "Values": [at_edge.address()["PublicIp"]]}]
        )["NetworkInterfaces"][0]["NetworkInterfaceId"]
        == at_edge.interfaces["fw1"]
    )
    at_edge.clock.advance(2.9)
    assert at_edge.address()["PrivateIpAddress"] == "10.0.1.20"
    at_edge.clock.advance(0.1)
    assert at_edge.address()["PrivateIpAddress"] == "10.0.2.20"


def test_peers_and_the_routing_database_lag_apart(at_edge):
    at_edge.levers.fault("DescribeRouteServerPeers", lag_s=2)
    at_edge.levers.fault("GetRouteServerRoutingDatabase", lag_s=5)
    at_edge.levers.kill("fw1")
    assert at_edge.sessions("fw1")["az1-a"] == ("up", "up")
    at_edge.clock.advance(2)
    assert at_edge.sessions("fw1")["az1-a"] == ("down", "down")
    assert at_edge.owner() == "10.0.1.10"
    at_edge.clock.advance(3)
    assert at_edge.owner() == "10.0.2.10"


def test_an_old_lag_does_not_come_back(at_edge):
    at_edge.levers.fault("DescribeAddresses", lag_s=5)
    at_edge.levers.faults_clear()
    associate(at_edge)
    at_edge.clock.advance(60)
    at_edge.levers.fault("DescribeAddresses", lag_s=5)
    assert at_edge.address()["PrivateIpAddress"] == "10.0.2.20"


def test_a_call_that_never_answers_ends_in_the_callers_timeout(at_edge):
    at_edge.levers.fault("AssociateAddress", break_s=5, count=1)
    before = at_edge.clock.seconds()
    with pytest.raises(ReadTimeoutError):
        associate(at_edge)
    assert at_edge.clock.seconds() == before + 5
    assert at_edge.lab.lab.requests.since()[-1]["outcome"] == "Broken"
    associate(at_edge)


def test_an_answer_is_lost_after_the_call_was_carried_out(at_edge):
    at_edge.levers.fault("AssociateAddress", break_s=5, lost_answer=True, count=1)
    with pytest.raises(ReadTimeoutError):
        associate(at_edge)
    assert at_edge.lab.lab.requests.since()[-1]["outcome"] == "Broken"
    assert at_edge.address()["PrivateIpAddress"] == "10.0.2.20"
    at_edge.levers.faults_clear()
    at_edge.levers.fault("AssociateAddress", error="InternalError", lost_answer=True, count=1)
    with refused("InternalError"):
        associate(at_edge, "fw1", "10.0.1.20")
    assert at_edge.lab.lab.requests.since()[-1]["outcome"] == "InternalError"
    assert at_edge.address()["PrivateIpAddress"] == "10.0.1.20"


def test_faults_add_up_and_clear(at_edge):
    at_edge.levers.fault("AssociateAddress", latency_s=1)
    seen = at_edge.levers.fault("AssociateAddress", error="InternalError")["faults"]["AssociateAddress"]
    assert (seen["latency_s"], seen["error"]) == (1, "InternalError")
    at_edge.levers.faults_clear()
    associate(at_edge)


def test_a_fault_for_all_actions(lab):
    lab.levers.fault("*", error="Unavailable")
    lab.levers.fault("DescribeVpcs", latency_s=0.1)
    with refused("Unavailable"):
        lab.client().describe_subnets()
    lab.client().describe_vpcs()


@pytest.mark.parametrize(
    ("action", "trouble", "names"),
    [
        ("AssociateAdress", {"latency_s": 1}, "AssociateAddress"),
        ("AssociateAddress", {}, "latency_s"),
        ("AssociateAddress", {"latenci_s": 1}, "latency_s"),
        ("AssociateAddress", {"latency_s": -1}, "0 or more"),
        ("AssociateAddress", {"latency_s": "slow"}, "0 or more"),
        ("AssociateAddress", {"lag_s": 1}, "DescribeAddresses"),
        ("AssociateAddress", {"break_s": 31}, "at most 30"),
        ("AssociateAddress", {"error": "X", "rate": 2}, "0 to 1"),
        ("AssociateAddress", {"lost_answer": 1}, "true or false"),
        ("AssociateAddress", {"throttle": {"capacity": 1}}, "refill"),
    ],
)
def test_impossible_faults_say_what_would_be_right(lab, action, trouble, names):
    with pytest.raises(LeverError, match=names):
        lab.levers.fault(action, **trouble)
