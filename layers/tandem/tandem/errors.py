"""What went wrong, named by what the caller does next."""


class TandemError(Exception):
    """Any error that Tandem raises on purpose."""


class ConfigurationError(TandemError):
    """Something a person must change; trying again does not help, so nothing retries it."""


class TemporaryError(TandemError):
    """It may work later; raised out of a handler so that Lambda's own retry follows."""


class StateUnavailableError(TemporaryError):
    """The state table did not answer within its time-out."""


class LeaseLostError(TemporaryError):
    """Another invocation took the topology's lease; whatever was observed under it is void."""
