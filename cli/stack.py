"""The deployed stack as the command line uses it: with the caller's own credentials."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeVar
from xml.etree.ElementTree import ParseError

import boto3
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConfigParseError,
    CredentialRetrievalError,
    InvalidRegionError,
    NoCredentialsError,
    NoRegionError,
    PartialCredentialsError,
    ProfileNotFound,
    SSOError,
    TokenRetrievalError,
)
from botocore.parsers import ResponseParserError

from cli.waiting import waiting_for
from tandem.errors import passes
from tandem.state.decoding import Damaged, cut, read, shaped
from tandem.tags import OWNER_TAG
from tandem.words.provisioning import SaidProblem

OUTPUT = "ProvisionerFunction"
READS = Config(connect_timeout=5, read_timeout=5, retries={"mode": "standard", "total_max_attempts": 3})
"""At the worst 15 s without an answer."""
INVOKE = Config(connect_timeout=5, read_timeout=620, retries={"mode": "standard", "total_max_attempts": 1})
"""An invocation is never repeated by itself; the function may take ten minutes."""
NAMES = {"cloudformation": "CloudFormation", "ec2": "EC2", "lambda": "Lambda", "sts": "STS"}
NOT_AWS = (ResponseParserError, ParseError, LookupError, TypeError, AttributeError, ValueError)
"""What the SDK raises where something else answers in the place of AWS."""
CREDENTIALS = frozenset(
    {
        "AuthFailure",
        "ExpiredToken",
        "ExpiredTokenException",
        "InvalidClientTokenId",
        "SignatureDoesNotMatch",
        "UnrecognizedClientException",
    }
)
"""AWS's codes of credentials that it does not take (any more)."""
SIGN_IN = "sign in again (aws sso login) or set new credentials"
LONGEST_WORDS = 200

T = TypeVar("T")


class StackError(Exception):
    """The stack cannot be reached, or cannot answer; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Group:
    """Holds what a look would decide now for one group."""

    group: str
    action: str
    reason: str
    addresses: tuple[dict[str, Any], ...] = ()
    reports: tuple[str, ...] = ()
    owner: str | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """Holds the function's answer to a document. Every version sends what has no default."""

    problems: tuple[SaidProblem, ...]
    warnings: tuple[str, ...]
    changes: tuple[str, ...]
    plan: tuple[str, ...]
    preview: tuple[Group, ...]
    version: int
    topology: str | None = None
    mode: str | None = None
    untagged: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Deletion:
    """Holds the function's answer to a deletion."""

    problems: tuple[SaidProblem, ...]
    version: int
    deleted: bool
    steps: tuple[str, ...] = ()
    pending: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Provisioner:
    """Holds the stack's provisioner function."""

    stack: str
    function: str

    def ask(self, kind: type[T], **order: object) -> T:
        """Invokes the function and waits for its answer. Raises StackError."""
        payload = json.dumps(order).encode()
        client = _client("lambda", INVOKE)
        with waiting_for(self.function):
            answer = _asked("lambda", lambda: client.invoke(FunctionName=self.function, Payload=payload))
            raw: bytes = _asked("lambda", answer["Payload"].read)
        body = read(lambda: json.loads(raw or b"null"))
        shown = cut(raw.decode(errors="backslashreplace"), LONGEST_WORDS)
        if "FunctionError" in answer:
            raise StackError(f"{self.function} failed: {_function_error(body, shown)}")
        found = body if isinstance(body, Damaged) else read(lambda: shaped(kind, body))
        if isinstance(found, Damaged):
            why = f"{json.dumps(shown, ensure_ascii=False)} ({found.why})"
            raise StackError(
                f"{self.function} answered {why}: does the stack have another version than this command?"
            )
        return found


def find(stack: str) -> Provisioner:
    """Returns the provisioner of a deployed stack, by the stack's output. Raises StackError."""
    client = _client("cloudformation")

    def described() -> tuple[str, dict[str, str]]:
        found = client.describe_stacks(StackName=stack)["Stacks"][0]
        return found["StackStatus"], {o["OutputKey"]: o["OutputValue"] for o in found.get("Outputs", ())}

    try:
        with waiting_for("CloudFormation"):
            state, outputs = _asked("cloudformation", described)
    except StackError as error:
        cause = error.__cause__
        if isinstance(cause, ClientError) and "does not exist" in cause.response["Error"].get("Message", ""):
            raise StackError(
                f"there is no stack {stack} in {client.meta.region_name}: deploy it (sam build && sam deploy "
                "--guided), or name another with --stack"
            ) from error
        raise
    if OUTPUT not in outputs:
        raise StackError(
            f"stack {stack} ({state}) has no output {OUTPUT}: is it Tandem's, and is it deployed completely?"
        )
    return Provisioner(stack, outputs[OUTPUT])


def tag(resource_ids: Sequence[str], stack: str) -> None:
    """Writes the owner's consent (docs/security.md#the-owners-tag-is-the-consent), as whoever runs the
    command. Raises StackError."""
    client = _client("ec2")
    tags = [{"Key": OWNER_TAG, "Value": stack}]
    with waiting_for("EC2"):
        _asked("ec2", lambda: client.create_tags(Resources=list(resource_ids), Tags=tags))


def caller() -> str | None:
    """Returns the ARN of whoever runs the command, as STS says; None if STS fails: nothing waits for it."""
    try:
        client = _client("sts", READS.merge(Config(retries={"mode": "standard", "total_max_attempts": 1})))
        return str(_asked("sts", lambda: client.get_caller_identity()["Arn"]))
    except StackError:
        return None


Service = Literal["cloudformation", "ec2", "lambda", "sts"]


def _client(service: Service, config: Config = READS) -> Any:  # noqa: ANN401 - one of four
    """Returns a client for AWS_REGION too: the SDK by itself reads AWS_DEFAULT_REGION only."""
    try:
        return boto3.client(service, region_name=os.environ.get("AWS_REGION"), config=config)
    except (BotoCoreError, ValueError) as error:
        raise explained(error) from error


def _asked(service: Service, call: Callable[[], T]) -> T:
    """Runs one call. Raises StackError where AWS refuses, does not answer, or something else answers."""
    try:
        return call()
    except (ClientError, BotoCoreError) as error:
        raise explained(error) from error
    except NOT_AWS as error:
        what = f"what answered is not {NAMES[service]}"
        raise StackError(f"{what}: check AWS_ENDPOINT_URL and the proxy{_as_whom()}") from error


def explained(error: ClientError | BotoCoreError | ValueError) -> StackError:
    """Returns why AWS could not be called, or what AWS said, and what to do about it."""
    match error:
        case NoCredentialsError() | PartialCredentialsError():
            return StackError(f"no AWS credentials ({error}): set AWS_PROFILE, or sign in with aws sso login")
        case NoRegionError():
            return StackError("no AWS Region: set AWS_REGION, or a region in the profile")
        case ProfileNotFound() | ConfigParseError() | InvalidRegionError() | ValueError():
            where = "check AWS_PROFILE, AWS_REGION, AWS_ENDPOINT_URL and ~/.aws/config"
            return StackError(f"cannot call AWS: {error}; {where}")
        case SSOError() | TokenRetrievalError() | CredentialRetrievalError():
            return StackError(f"no AWS credentials ({error}): {SIGN_IN}{_as_whom()}")
        case ClientError():
            return StackError(_refusal(error) + _as_whom())
    return StackError(
        f"AWS did not answer: {error}; check AWS_ENDPOINT_URL, the Region and the network{_as_whom()}"
    )


def _refusal(error: ClientError) -> str:
    refusal = error.response["Error"]
    code = refusal.get("Code", "an unknown code")
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    said = f"{error.operation_name}: {code}: {cut(refusal.get('Message', ''), LONGEST_WORDS)}"
    if code in CREDENTIALS:
        return f"AWS refused {said}; {SIGN_IN}"
    return f"AWS failed at {said}; try again" if passes(code, status) else f"AWS refused {said}"


def _as_whom() -> str:
    """Returns the Region and the profile, as far as the environment names them."""
    region = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
    profile = os.environ.get("AWS_PROFILE")
    parts = [f"Region {region}" if region else "", f"profile {profile}" if profile else ""]
    named = ", ".join(part for part in parts if part)
    return f" ({named})" if named else ""


def _function_error(body: object, shown: str) -> str:
    if not isinstance(body, dict):
        return f"{shown or 'with no message'}; its log group has more"
    words = f"{body.get('errorType', 'an error')}: {body.get('errorMessage', 'no message')}"
    return f"{words}; its log group has more"
