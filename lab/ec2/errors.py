"""EC2 errors as the wire shows them, and the two ways in which the lab itself refuses."""

from __future__ import annotations

from collections.abc import Collection
from xml.sax.saxutils import escape

from moto.ec2.exceptions import EC2ClientError

# Status codes other than 400: docs/aws-facts.md#elastic-ip-errors and the EC2 error page (client errors 4xx,
# server errors 5xx).
HTTP_STATUS = {
    "DryRunOperation": 412,
    "UnauthorizedOperation": 403,
    "RequestLimitExceeded": 503,
    "ServiceUnavailable": 503,
    "Unavailable": 503,
    "InternalError": 500,
    "InternalFailure": 500,
    "RetryableError": 503,
    "InsufficientAddressCapacity": 500,
    "LabNotImplemented": 501,
}


class UnknownAwsBehaviour(NotImplementedError):  # noqa: N818 - what it is, not whose fault
    """Nobody knows what AWS does here, and the lab does not guess. Over HTTP: 501 LabNotImplemented."""


class LeverError(ValueError):
    """A lever was pulled with something impossible; says what, where, and what would be right."""


def fail(code: str, message: str) -> EC2ClientError:
    return EC2ClientError(code, message)


def error_body(code: str, message: str) -> str:
    """An error as EC2 writes it, where no action is known whose answer moto could write."""
    return (
        f'<?xml version="1.0" encoding="UTF-8"?><Response><Errors><Error><Code>{escape(code)}</Code>'
        f"<Message>{escape(message)}</Message></Error></Errors><RequestID>lab</RequestID></Response>"
    )


def invalid_parameter(message: str) -> EC2ClientError:
    return fail("InvalidParameterValue", message)


def one_of(name: str, value: str | None, allowed: Collection[str]) -> None:
    """Refuses what is not in the model's enumeration; nothing given is fine."""
    if value is not None and value not in allowed:
        raise invalid_parameter(
            f"Value ({value}) for parameter {name} is invalid. Give {', '.join(allowed)}."
        )


def incorrect_state(message: str) -> EC2ClientError:
    return fail("IncorrectState", message)


def in_use(kind: str, resource_id: str) -> EC2ClientError:
    return fail("DependencyViolation", f"The {kind} '{resource_id}' has dependencies and cannot be deleted.")


def not_found(kind: str, resource_id: str) -> EC2ClientError:
    """InvalidRouteServerId.NotFound and its siblings (docs/aws-facts.md#route-server-errors)."""
    return fail(f"Invalid{kind}Id.NotFound", f"The {kind} ID '{resource_id}' does not exist")


def not_associated(route_server_id: str) -> EC2ClientError:
    """Also what GetRouteServerAssociations says instead of an empty list
    (docs/aws-facts.md#route-server-errors)."""
    return fail(
        "InvalidRouteServerId.NotAssociated", f"Route Server {route_server_id} is not associated with a VPC."
    )


def not_propagated(route_server_id: str, route_table_id: str | None) -> EC2ClientError:
    where = f"route table {route_table_id}" if route_table_id else "any route table"
    return fail(
        "InvalidRouteServerId.NotPropagated", f"Route Server {route_server_id} is not propagated to {where}."
    )


def limit_exceeded(kind: str, message: str) -> EC2ClientError:
    """The code's real name is not known; callers match ``*LimitExceeded``
    (docs/aws-facts.md#route-server-errors)."""
    return fail(f"{kind}LimitExceeded", message)
