"""AWS's own events become a Look with a cause in words and every ID that they name."""

from __future__ import annotations

import pytest

from tandem.events import iso
from tandem.signals.awsevents import identifiers, parse_aws
from tandem.signals.signal import Origin, SignalKind
from tests.samples import INSTANCE, sample

ALICE = "arn:aws:sts::123456789012:assumed-role/NetworkAdmin/alice"


@pytest.mark.parametrize(
    ("name", "cause", "at", "named"),
    [
        ("ec2-instance-stopping", f"instance {INSTANCE} is stopping", "2026-11-21T03:58:34.000Z", INSTANCE),
        ("cloudwatch-alarm", "alarm fw1-status-check is ALARM", "2026-11-21T04:00:12.310Z", INSTANCE),
        (
            "health-instance-retirement",
            f"AWS Health: AWS_EC2_INSTANCE_RETIREMENT_SCHEDULED for {INSTANCE}",
            "2026-11-21T09:00:10.000Z",
            INSTANCE,
        ),
        (
            "cloudtrail-associate-address",
            f"CloudTrail: AssociateAddress on eipalloc-0c000000000000001, eni-0ffffffffffffff01 by {ALICE}",
            "2026-11-21T09:12:11.000Z",
            "eipassoc-0d000000000000001",
        ),
    ],
)
def test_the_cause_says_what_happened_to_what_and_who_did_it(name, cause, at, named):
    signal = parse_aws(sample(name))
    assert signal is not None
    assert (signal.kind, signal.cause, signal.origin) == (SignalKind.LOOK, cause, Origin.AWS)
    assert signal.occurred_at is not None
    assert iso(signal.occurred_at) == at
    assert named in signal.resource_ids


def test_the_copy_for_healths_backup_region_is_skipped():
    assert parse_aws(sample("health-backup-copy")) is None


def test_a_call_that_was_refused_says_so():
    event = sample("cloudtrail-associate-address")
    event["detail"]["errorCode"] = "Client.UnauthorizedOperation"
    signal = parse_aws(event)
    assert signal is not None
    assert signal.cause.endswith(f"by {ALICE}, refused: Client.UnauthorizedOperation")


def test_an_event_that_has_no_words_of_its_own_is_named_by_its_type():
    signal = parse_aws(
        {
            "source": "aws.ec2",
            "detail-type": "EC2 Spot Instance Interruption Warning",
            "detail": {"instance-id": INSTANCE, "instance-action": "terminate"},
        }
    )
    assert signal is not None
    assert signal.cause == f"EC2 Spot Instance Interruption Warning (aws.ec2) for {INSTANCE}"


def test_a_cause_stays_a_sentence_however_many_resources_there_are():
    many = [f"i-{n:017x}" for n in range(50)]
    signal = parse_aws({"source": "aws.health", "detail": {"affectedEntities": many, "eventTypeCode": "X"}})
    assert signal is not None
    assert signal.cause.endswith(", 46 more")
    assert signal.resource_ids == frozenset(many)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (f"arn:aws:ec2:us-east-1:123456789012:instance/{INSTANCE}", {INSTANCE}),
        ("i-1a2b3c4d", {"i-1a2b3c4d"}),
        ('{"interface":"eni-0a1000000000000e1"}', {"eni-0a1000000000000e1"}),
        ("eni-0a1000000000000e1,eni-0a2000000000000e2", {"eni-0a1000000000000e1", "eni-0a2000000000000e2"}),
        ("rsp-0f1000000000000a1 rse-0e0000000000000a1 rs-0a1b2c3d4e5f60718",
         {"rsp-0f1000000000000a1", "rse-0e0000000000000a1", "rs-0a1b2c3d4e5f60718"}),
        ("bdfbcdfa-12345678-4cd3-a780-95db273d1602", set()),
        ("my-i-0a1000000000000f1", set()),
        ("i-0a1000000000000f1x", set()),
        ("us-east-1", set()),
    ],
)  # fmt: skip
def test_ids_are_found_in_arns_and_texts_and_nothing_else_is_one(text, found):
    assert identifiers(text) == found


def test_depth_does_not_crash_identifiers():
    deep: object = "i-1a2b3c4d"
    for _ in range(50_000):
        deep = [deep]
    assert identifiers(deep) == {"i-1a2b3c4d"}
