"""The deployed stack as the command line uses it: with the caller's own credentials."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import boto3
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConfigParseError,
    InvalidRegionError,
    NoCredentialsError,
    NoRegionError,
    PartialCredentialsError,
    ProfileNotFound,
)

from tandem.tags import OWNER_TAG

OUTPUT = "ProvisionerFunction"
CONFIG = Config(connect_timeout=5, read_timeout=620, retries={"mode": "standard", "total_max_attempts": 1})
"""An invocation is never repeated by itself; the function may take ten minutes."""


class StackError(Exception):
    """The stack cannot be asked, or cannot answer; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Provisioner:
    """The stack's provisioner function."""

    stack: str
    function: str

    def ask(self, **order: object) -> dict[str, Any]:
        """Invokes the function and waits for its answer. Raises StackError."""
        payload = json.dumps(order).encode()
        try:
            answer = _client("lambda").invoke(FunctionName=self.function, Payload=payload)
        except (ClientError, BotoCoreError) as error:
            raise explained(error) from error
        body = json.loads(answer["Payload"].read() or b"null")
        if "FunctionError" in answer:
            raise StackError(f"{self.function} failed: {_function_error(body)}")
        if not isinstance(body, dict):
            raise StackError(
                f"{self.function} answered {body!r}: is it of another version than this command?"
            )
        return body


def find(stack: str) -> Provisioner:
    """The provisioner of a deployed stack, by the stack's output. Raises StackError."""
    client = _client("cloudformation")
    try:
        described = client.describe_stacks(StackName=stack)
    except ClientError as error:
        if "does not exist" in error.response["Error"].get("Message", ""):
            raise StackError(
                f"there is no stack {stack} in {client.meta.region_name}: deploy it (sam build && sam deploy "
                "--guided), or name another with --stack"
            ) from error
        raise explained(error) from error
    except BotoCoreError as error:
        raise explained(error) from error
    outputs = {o["OutputKey"]: o["OutputValue"] for o in described["Stacks"][0].get("Outputs", ())}
    if OUTPUT not in outputs:
        state = described["Stacks"][0]["StackStatus"]
        raise StackError(
            f"stack {stack} ({state}) has no output {OUTPUT}: is it Tandem's, and deployed whole?"
        )
    return Provisioner(stack, outputs[OUTPUT])


def tag(resource_ids: Sequence[str], stack: str) -> None:
    """Writes the owner's consent (design §6.1), as whoever runs the command. Raises StackError."""
    try:
        _client("ec2").create_tags(Resources=list(resource_ids), Tags=[{"Key": OWNER_TAG, "Value": stack}])
    except (ClientError, BotoCoreError) as error:
        raise explained(error) from error


def caller() -> str | None:
    """The ARN of whoever runs the command, as STS says; None if STS does not say: a brake must not wait."""
    try:
        return str(_client("sts").get_caller_identity()["Arn"])
    except (ClientError, BotoCoreError, StackError):
        return None


def _client(service: Literal["cloudformation", "ec2", "lambda", "sts"]) -> Any:  # noqa: ANN401 - one of four
    """AWS_REGION too says which Region: the SDK alone reads AWS_DEFAULT_REGION only."""
    try:
        return boto3.client(service, region_name=os.environ.get("AWS_REGION"), config=CONFIG)
    except (BotoCoreError, ValueError) as error:
        raise explained(error) from error


def explained(error: ClientError | BotoCoreError | ValueError) -> StackError:
    """What keeps AWS from being asked, or what AWS said, and what to do about it."""
    match error:
        case NoCredentialsError() | PartialCredentialsError():
            return StackError(f"no AWS credentials ({error}): set AWS_PROFILE, or sign in with aws sso login")
        case NoRegionError():
            return StackError("no AWS Region: set AWS_REGION, or a region in the profile")
        case ProfileNotFound() | ConfigParseError() | InvalidRegionError() | ValueError():
            where = "check AWS_PROFILE, AWS_REGION, AWS_ENDPOINT_URL and ~/.aws/config"
            return StackError(f"cannot call AWS: {error}; {where}")
        case ClientError():
            refusal = error.response["Error"]
            return StackError(
                f"AWS refused {error.operation_name}: {refusal['Code']}: {refusal.get('Message', '')}"
            )
    return StackError(f"AWS did not answer: {error}")


def _function_error(body: object) -> str:
    if not isinstance(body, dict):
        return str(body)
    words = f"{body.get('errorType', 'an error')}: {body.get('errorMessage', 'no message')}"
    return f"{words}; its log group has more"
