"""Publishes notifications for people to an SNS topic."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tandem.adapters import clients

if TYPE_CHECKING:
    from mypy_boto3_sns.type_defs import MessageAttributeValueTypeDef

    from tandem.words.notification import Notification


@dataclass(frozen=True, slots=True)
class Notifications:
    """Publishes to the topic with this ARN."""

    topic_arn: str

    def publish(self, notification: Notification) -> str:
        """Publishes text and attributes. Returns the ID that SNS gave the message.

        The JSON goes along as the attribute `detail`, not as a MessageStructure of its own: SNS sends
        attributes only with a plain message (SNS guide, message attributes), and filters need them.
        """
        attributes = notification.attributes | (
            {"detail": notification.detail} if notification.detail else {}
        )
        return clients.sns().publish(
            TopicArn=self.topic_arn,
            Subject=notification.subject,
            Message=notification.text,
            MessageAttributes={name: _string(value) for name, value in attributes.items()},
        )["MessageId"]


def _string(value: str) -> MessageAttributeValueTypeDef:
    return {"DataType": "String", "StringValue": value}
