"""AWS is asked in one place: each operation once, and one table says which refusals pass."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import botocore
import botocore.session
import pytest
from botocore.exceptions import ClientError, ConnectTimeoutError
from botocore.retries import standard

from tandem.adapters import calls
from tandem.adapters.calls import called
from tandem.errors import (
    PASSING_CODES,
    THROTTLED_CODES,
    CallFailedError,
    ConfigurationError,
    PassingError,
    RefusedError,
    TemporaryError,
)

ROOT = Path(__file__).parents[2]
PRODUCT = sorted(p for folder in ("layers/tandem/tandem", "functions") for p in (ROOT / folder).rglob("*.py"))
"""Without the command line: that calls with the credentials of whoever runs it."""


def used(service: str) -> Counter[str]:
    """Counts the places that call an operation of the service, or name one to be called."""
    text = "\n".join(path.read_text(encoding="utf-8") for path in PRODUCT)
    model = botocore.session.get_session().get_service_model(service)
    names = {botocore.xform_name(operation) for operation in model.operation_names}
    found = re.findall(r'\.([a-z_0-9]+)\(|(?<!hasattr\(client, )"([a-z_0-9]+)"', text)
    return Counter(name for pair in found for name in pair if name in names)


def test_each_operation_of_ec2_is_called_from_one_place() -> None:
    places = used("ec2")
    assert len(places) >= 27
    assert {name: number for name, number in places.items() if number > 1} == {}


def test_no_module_but_one_knows_which_codes_pass() -> None:
    texts = {path.name: path.read_text(encoding="utf-8") for path in PRODUCT}
    knowing = [name for name, text in texts.items() if any(f'"{code}"' in text for code in PASSING_CODES)]
    assert knowing == ["errors.py"]


def test_what_the_sdk_retries_passes() -> None:
    retried = {
        *vars(standard.ThrottledRetryableChecker)["_THROTTLED_ERROR_CODES"],
        *vars(standard.TransientRetryableChecker)["_TRANSIENT_ERROR_CODES"],
    }
    assert retried - PASSING_CODES == {"LimitExceededException"}


def refusal(code: str, status: int = 400) -> ClientError:
    answer = {"Error": {"Code": code, "Message": "no"}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(answer, "Subscribe")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("code", "status", "kind"),
    [
        *((code, 400, PassingError) for code in sorted(PASSING_CODES)),
        ("AccessDenied", 500, PassingError),
        ("AccessDenied", 403, RefusedError),
        ("LimitExceededException", 400, RefusedError),
        ("InvalidRouteTableID.NotFound", 400, RefusedError),
    ],
)
def test_a_refusal_says_what_the_caller_does_next(
    code: str, status: int, kind: type[CallFailedError]
) -> None:
    def call() -> None:
        raise refusal(code, status)

    with pytest.raises(kind, match=f"Subscribe for the topic: {code}: no") as raised:
        called("the topic", call)
    assert isinstance(raised.value, TemporaryError) is (kind is PassingError)
    assert isinstance(raised.value, ConfigurationError) is (kind is RefusedError)


def test_no_answer_is_for_later() -> None:
    def call() -> None:
        raise ConnectTimeoutError(endpoint_url="https://sns.example")

    with pytest.raises(TemporaryError, match="no answer about the topic"):
        called("the topic", call)


@pytest.mark.parametrize("answer", [{}, {"Error": {}}, {"Error": {"Code": "Throttled"}}], ids=str)
def test_a_refusal_that_lacks_its_members_still_is_one(answer: dict[str, dict[str, str]]) -> None:
    made = calls.failure("the topic", ClientError(answer, "Subscribe"))  # type: ignore[arg-type]
    assert isinstance(made, PassingError) is bool(answer.get("Error"))


@pytest.mark.parametrize(
    ("code", "status", "may_be"),
    [
        ("InternalError", 500, True),
        ("Unavailable", 503, True),
        ("IncorrectState", 400, False),
        *((code, 503, False) for code in sorted(THROTTLED_CODES)),
    ],
)
def test_only_a_server_error_that_is_no_throttling_may_be_carried_out(
    code: str, status: int, may_be: bool
) -> None:
    assert calls.may_be_done(refusal(code, status)) is may_be
