"""Judges where an answer to CloudFormation may go: to CloudFormation's own buckets, and nowhere else."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit

from tandem.events import DetailType, Event, event
from tandem.place import Place
from tandem.requests.customresource import Request

_LOOPBACK = re.compile(r"(?:127\.0\.0\.1|localhost|\[::1\])(?::[0-9]{1,5})?")
_PLAIN = re.compile(r"[!-\[\]-~]+")
"""Printable ASCII without blank and backslash: what else is in a URL, readers of URLs take differently."""

_SHOWN = 100


@dataclass(frozen=True, slots=True)
class AnswerUrls:
    """Holds the URLs that CloudFormation gives in one Region: a function's stacks are in its own Region.

    The bucket is `cloudformation-custom-resource-response-` and the Region without dashes
    (https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/vpc-interface-endpoints.html). Its host
    has been seen by others as one of S3's, with or without the Region
    (https://github.com/aws-cloudformation/aws-cloudformation-templates/issues/100). `loopback` is for the
    lab, whose CloudFormation is on this machine and has no certificate.
    """

    place: Place
    loopback: bool = False

    def refusal(self, url: str) -> str | None:
        """Returns why no answer may go there; None where it may. The words show the host, never the URL:
        whoever has that may answer.

        The host is compared as it is written, so that whoever connects reads the same name: no user, no port,
        no capitals, no dot at its end, nothing but ASCII.
        """
        if not _PLAIN.fullmatch(url):
            return "its URL has characters that no URL of CloudFormation has"
        try:
            parts = urlsplit(url)
        except ValueError:
            return "its URL is not valid"
        if self.loopback and parts.scheme == "http" and _LOOPBACK.fullmatch(parts.netloc):
            return None
        if parts.scheme != "https":
            return f"its URL begins with {parts.scheme[:_SHOWN] or 'no scheme'}, not with https"
        if self._bucket.fullmatch(parts.netloc):
            return None
        host = parts.netloc.rpartition("@")[2][:_SHOWN] or "no host"
        return f"its URL leads to {host}, which is not a bucket of CloudFormation"

    @property
    def _bucket(self) -> re.Pattern[str]:
        region, suffix = re.escape(self.place.region), re.escape(self.place.dns_suffix)
        name = f"cloudformation-custom-resource-response-{self.place.region.replace('-', '')}"
        return re.compile(rf"{name}\.s3(?:[.-]{region})?\.{suffix}")


def _plain(words: str) -> str:
    """Shortens what a request says, and replaces what is no Unicode, so that an event takes it."""
    return words[:_SHOWN].encode(errors="replace").decode()


def misdirected(request: Request, why: str, now: datetime) -> Event:
    """Makes `Compliance Finding` of a request that is not answered. CloudFormation waits as long as it
    can.
    """
    minutes = round(request.patience.total_seconds() / 60)
    return event(
        DetailType.COMPLIANCE_FINDING,
        topology=_plain(request.topology or request.logical_id),
        occurred_at=now,
        rule="answer-url",
        status="opened",
        severity="critical",
        resource_id=_plain(request.stack_id),
        summary=f"the {request.type} of {_plain(request.logical_id)} is not answered: {why}",
        remediation=(
            f"If one of your stacks waits for it, the stack fails after {minutes} minutes: report the host. "
            "Otherwise somebody invoked the provisioner function: CloudTrail data events for Lambda show who"
        ),
    )
