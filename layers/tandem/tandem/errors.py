"""What went wrong, named by what the caller does next."""


class TandemError(Exception):
    """Any error that Tandem raises on purpose."""


class ConfigurationError(TandemError):
    """Something a person must change; trying again does not help, so nothing retries it."""


class TemporaryError(TandemError):
    """It may work later; raised out of a handler so that Lambda's own retry follows."""


class OutOfTimeError(TemporaryError):
    """A call was not begun, because it could have lasted longer than the invocation."""


class StateUnavailableError(TemporaryError):
    """The state table did not answer within its time-out."""


class OutdatedError(TandemError):
    """What a look goes by was replaced while it ran: a new look goes by the new one."""


class LeaseLostError(TemporaryError):
    """Another invocation took the topology's lease; whatever was observed under it is void."""


TRANSIENT_CODES = frozenset(
    {
        "IncorrectState",
        "InternalError",
        "InternalFailure",
        "RequestLimitExceeded",
        "RequestThrottled",
        "RetryableError",
        "ServiceUnavailable",
        "Throttling",
        "ThrottlingException",
        "Unavailable",
    }
)
"""Of EC2's answers: the same call may work in a moment (facts §2.1, §8.2)."""
