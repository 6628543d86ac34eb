"""An answer goes to CloudFormation's buckets only, however the URL is written."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from tandem.place import Place
from tandem.requests.answerurl import AnswerUrls, misdirected
from tandem.requests.customresource import parse_request
from tests.contracts import assert_meets_schema

BUCKET = "cloudformation-custom-resource-response-useast1"
AWS = AnswerUrls(Place("aws", "us-east-1", "123456789012"))
GOV = AnswerUrls(Place("aws-us-gov", "us-gov-west-1", "123456789012"))
CHINA = AnswerUrls(Place("aws-cn", "cn-north-1", "123456789012"))
LAB = AnswerUrls(Place("aws", "us-east-1", "123456789012"), loopback=True)
SIGNED = "arn%3Aaws%3Acloudformation?X-Amz-Signature=0badc0de"


@pytest.mark.parametrize(
    ("urls", "host"),
    [
        (AWS, f"{BUCKET}.s3.amazonaws.com"),
        (AWS, f"{BUCKET}.s3.us-east-1.amazonaws.com"),
        (AWS, f"{BUCKET}.s3-us-east-1.amazonaws.com"),
        (GOV, "cloudformation-custom-resource-response-usgovwest1.s3.us-gov-west-1.amazonaws.com"),
        (CHINA, "cloudformation-custom-resource-response-cnnorth1.s3.cn-north-1.amazonaws.com.cn"),
    ],
)
def test_the_buckets_of_cloudformation_are_taken(urls: AnswerUrls, host: str) -> None:
    assert urls.refusal(f"https://{host}/{SIGNED}") is None


REFUSED = {
    "another scheme": f"http://{BUCKET}.s3.amazonaws.com/x",
    "no scheme": f"//{BUCKET}.s3.amazonaws.com/x",
    "a file": "file:///etc/passwd",
    "nothing": "",
    "no host": "https:///x",
    "a host that cannot be read": "https://[",
    "this machine": "http://127.0.0.1:9001/x",
    "this machine with https": "https://127.0.0.1/x",
    "the metadata service": "http://169.254.169.254/latest",
    "somebody's host": "https://example.com/x",
    "somebody's bucket": "https://evil.s3.amazonaws.com/x",
    "a bucket that only contains the name": f"https://x-{BUCKET}.s3.amazonaws.com/x",
    "a label before it": f"https://x.{BUCKET}.s3.amazonaws.com/x",
    "a label behind it": f"https://{BUCKET}.x.s3.amazonaws.com/x",
    "a suffix behind it": f"https://{BUCKET}.s3.amazonaws.com.example.com/x",
    "another suffix": f"https://{BUCKET}.s3.amazonaws.com.cn/x",
    "a suffix without its dot": f"https://{BUCKET}.s3.evilamazonaws.com/x",
    "another service": f"https://{BUCKET}.execute-api.us-east-1.amazonaws.com/x",
    "a website": f"https://{BUCKET}.s3-website-us-east-1.amazonaws.com/x",
    "another bucket with the name": f"https://{BUCKET}-x.s3.amazonaws.com/x",
    "the bucket of nobody": "https://cloudformation-custom-resource-response-evil.s3.amazonaws.com/x",
    "another Region's bucket": "https://cloudformation-custom-resource-response-euwest1.s3.amazonaws.com/x",
    "another Region's endpoint": f"https://{BUCKET}.s3.eu-west-1.amazonaws.com/x",
    "no name behind the prefix": "https://cloudformation-custom-resource-response-.s3.amazonaws.com/x",
    "the bucket in the path": f"https://s3.amazonaws.com/{BUCKET}/x",
    "a user": f"https://evil@{BUCKET}.s3.amazonaws.com/x",
    "the host as a user": f"https://{BUCKET}.s3.amazonaws.com@example.com/x",
    "a port": f"https://{BUCKET}.s3.amazonaws.com:8443/x",
    "its own port": f"https://{BUCKET}.s3.amazonaws.com:443/x",
    "a dot at the end": f"https://{BUCKET}.s3.amazonaws.com./x",
    "capitals": f"https://{BUCKET}.S3.amazonaws.com/x",
    "an international name": f"https://{BUCKET}.s3.amaz\u043enaws.com/x",
    "an ideographic full stop": f"https://{BUCKET}.s3\u3002amazonaws.com/x",
    "a backslash": f"https://example.com\\@{BUCKET}.s3.amazonaws.com/x",
    "a backslash behind it": f"https://{BUCKET}.s3.amazonaws.com\\.example.com/x",
    "a line feed": f"https://{BUCKET}.s3.amazonaws.com\n.example.com/x",
    "a tab": f"https://exa\tmple.com/{BUCKET}.s3.amazonaws.com/x",
    "a blank": f" https://{BUCKET}.s3.amazonaws.com/x",
    "percent": f"https://{BUCKET}.s3%2eamazonaws.com/x",
    "a question mark": f"https://example.com?{BUCKET}.s3.amazonaws.com/x",
    "a hash": f"https://example.com#{BUCKET}.s3.amazonaws.com/x",
}


@pytest.mark.parametrize("url", REFUSED.values(), ids=REFUSED)
@pytest.mark.parametrize("urls", [AWS, LAB], ids=["aws", "lab"])
def test_no_other_url_is_taken_and_none_is_shown_whole(urls: AnswerUrls, url: str) -> None:
    refusal = urls.refusal(f"{url}?{SIGNED}")
    if urls is LAB and url == REFUSED["this machine"]:
        assert refusal is None
        return
    assert refusal is not None
    assert "0badc0de" not in refusal
    assert len(refusal) < 200


@pytest.mark.parametrize("host", ["127.0.0.1:4566", "localhost:80", "[::1]:9001", "localhost"])
def test_the_lab_answers_on_this_machine_and_nowhere_else(host: str) -> None:
    assert LAB.refusal(f"http://{host}/x") is None
    assert AWS.refusal(f"http://{host}/x") is not None
    assert LAB.refusal(f"http://{host}.example.com/x") is not None
    assert LAB.refusal(f"http://{host}@example.com/x") is not None


def test_people_are_told_which_stack_waits_and_how_long() -> None:
    request = parse_request(
        {
            "RequestType": "Create",
            "RequestId": "1",
            "ResponseURL": f"https://example.com/{SIGNED}",
            "StackId": "arn:aws:cloudformation:us-east-1:123456789012:stack/network/1",
            "LogicalResourceId": "Edge",
        }
    )
    found = misdirected(request, AWS.refusal(request.url) or "", datetime(2026, 11, 30, tzinfo=UTC))
    assert_meets_schema(found)
    assert found.detail["topology"] == "Edge"
    assert "leads to example.com, which is not a bucket of CloudFormation" in found.detail["summary"]
    assert "after 60 minutes" in found.detail["remediation"]
    assert "0badc0de" not in str(found)
