"""Names errors by what the caller does next."""


class TandemError(Exception):
    """Tandem raised it on purpose."""


class ConfigurationError(TandemError):
    """A person must change something; trying again does not help, so nothing retries it."""


class TemporaryError(TandemError):
    """It may work later; raised out of a handler so that Lambda's own retry follows."""


class OutOfTimeError(TemporaryError):
    """A call was not begun, because it could have lasted longer than the invocation."""


class StateUnavailableError(TemporaryError):
    """The state table did not answer within its time-out."""


class OutdatedError(TandemError):
    """A look's topology or override was replaced while it ran: a new look uses the new one."""


class LeaseLostError(TemporaryError):
    """Another invocation took the topology's lease; whatever was observed under it is void."""


THROTTLED_CODES = frozenset(
    {
        "BandwidthLimitExceeded",
        "EC2ThrottledException",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "RequestThrottled",
        "RequestThrottledException",
        "SlowDown",
        "Throttled",
        "ThrottledException",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
    }
)
"""AWS's codes for too many calls: what is answered with one was not begun."""

PASSING_CODES = THROTTLED_CODES | {
    "ConcurrentTagAccess",
    "DependencyViolation",
    "IncorrectInstanceState",
    "IncorrectState",
    "InternalError",
    "InternalErrorException",
    "InternalException",
    "InternalFailure",
    "InternalServerError",
    "InvalidPaginationToken",
    "PriorRequestNotComplete",
    "RequestExpired",
    "RequestTimeout",
    "RequestTimeoutException",
    "RetryableError",
    "ServiceUnavailable",
    "ServiceUnavailableException",
    "TransactionInProgressException",
    "Unavailable",
}
"""AWS's codes after which the same call may work in a moment, of every service that Tandem calls.

They are those that the SDK retries by itself, without `LimitExceededException`, which is a quota where
Tandem could meet it; SNS's `Throttled`; and EC2's, of which the SDK retries none but the throttling
(docs/aws-facts.md#route-server-errors, docs/aws-facts.md#elastic-ip-errors)."""


def passes(code: str, http_status: int = 0) -> bool:
    """Returns True if AWS may answer the same call otherwise in a moment. A server error always passes."""
    return code in PASSING_CODES or http_status >= 500


class CallFailedError(TandemError):
    """AWS refused a call: the call and what it was about, AWS's code and words.

    Always a RefusedError or a PassingError.
    """

    def __init__(self, call: str, code: str, message: str = "") -> None:
        super().__init__(f"{call}: {code}: {message}" if message else f"{call}: {code}")
        self.call = call
        self.code = code
        self.message = message


class RefusedError(CallFailedError, ConfigurationError):
    """AWS refused a call and would again: a person has to change something."""


class PassingError(CallFailedError, TemporaryError):
    """AWS refused a call for now (`passes`)."""
