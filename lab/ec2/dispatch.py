"""The way of one EC2 request through the lab: log, faults, permission, dry run, the action under the lock."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from typing import Any

from botocore.exceptions import ReadTimeoutError
from moto.core import responses
from moto.core.common_types import TYPE_RESPONSE
from moto.core.request import Request
from moto.core.responses import ActionResult
from moto.core.utils import get_service_model, method_names_from_class
from moto.ec2.exceptions import EC2ClientError
from moto.ec2.responses import EC2Response
from werkzeug.datastructures import MultiDict

from lab.ec2 import reserved
from lab.ec2.authorizer import mutates, questions
from lab.ec2.errors import HTTP_STATUS, error_body, fail
from lab.ec2.faults import Broken
from lab.ec2.lab import ACCOUNT, current
from lab.ec2.models import LabEC2Backend
from lab.ec2.parsing import StrictParser
from lab.ec2.region import Region

# Asked at each request, of classes that never change.
vars(responses)["method_names_from_class"] = cache(method_names_from_class)

_CREDENTIAL = re.compile(r"Credential=([^/,\s]+)/")
_BARE_FILTER_VALUE = re.compile(r"^((?:Filter|filter)\.\d+\.Value)$")
# These change neither sessions nor routes.
_LOCAL = {
    "AllocateAddress",
    "AssociateAddress",
    "CreateTags",
    "DeleteTags",
    "DisassociateAddress",
    "ReleaseAddress",
}


def caller(headers: Mapping[str, str]) -> str:
    """The access key of the signature's credential scope."""
    found = _CREDENTIAL.search(headers.get("Authorization", ""))
    return found[1] if found else "anonymous"


class DispatchedResponse(EC2Response):
    """Wraps moto's handling of one request. One instance per request."""

    outcome = "OK"

    @property
    def region_state(self) -> Region:
        backend = self.ec2_backend
        if not isinstance(backend, LabEC2Backend):
            raise TypeError("moto's EC2 is in use, not the lab's: lab.ec2.install() comes first")
        return backend.lab_region

    def get_current_account(self) -> str:
        """Whoever calls, the lab has one account."""
        return ACCOUNT

    def caller(self) -> str:
        return caller(self.headers)

    def parse_parameters(self, request: Request) -> None:
        """As moto does, but also reads ``Filter.1.Value=x``, which EC2 takes."""
        service, action = get_service_model(self.boto3_service_name), self._get_action()
        if action not in service.operation_names:
            raise fail("InvalidAction", f"The action {action} is not valid for this web service.")
        parser = StrictParser(service.operation_model(action))
        values = {_BARE_FILTER_VALUE.sub(r"\1.1", key): value for key, value in request.values.items()}
        self.params = parser.parse(
            {
                "method": request.method,
                "values": MultiDict(values),
                "headers": request.headers,
                "body": request.data,
                "url_path": request.path,
                "url_params": self.uri_match,
            }
        )

    def required(self, name: str) -> str:
        value = self._get_param(name)
        if not value:
            raise fail("MissingParameter", f"The request must contain the parameter {name}")
        return str(value)

    def filters(self) -> dict[str, list[str]]:
        filters: dict[str, Any] = self._filters_from_querystring()
        return {name: [str(value) for value in values] for name, values in filters.items()}

    def _dispatch(self, request: Request, full_url: str | None = None, headers: Any = None) -> TYPE_RESPONSE:
        try:
            self.setup_class(request, full_url, headers)
            if not self._get_action():
                raise fail("MissingAction", "The request must contain the parameter Action.")
        except EC2ClientError as error:
            return self._not_understood(error)
        region = self.region_state
        lab, action = region.lab, self._get_action()
        entry = lab.requests.begin(action, self.caller(), self.params, lab.clock.seconds())
        outcome = "LabError"
        try:
            answer = self._answer(region, action)
            outcome = self.outcome
            return answer
        except ReadTimeoutError:
            outcome = "Broken"
            raise
        except NotImplementedError:
            outcome = "LabNotImplemented"
            raise
        finally:
            lab.requests.finish(entry, lab.clock.seconds(), outcome)
            lab.clock.settle()

    def _get_action(self) -> str:
        """Empty without one; moto looks for it in headers and paths, where EC2 has none."""
        return str((self.querystring.get("Action") or [""])[0])

    def _not_understood(self, error: EC2ClientError) -> TYPE_RESPONSE:
        """A request of which no action with its parameters can be read
        (https://docs.aws.amazon.com/AWSEC2/latest/APIReference/CommonErrors.html)."""
        lab = current()
        entry = lab.requests.begin(self._get_action(), self.caller(), {}, lab.clock.seconds())
        lab.requests.finish(entry, lab.clock.seconds(), error.code)
        return 400, {"Content-Type": "text/xml", "status": "400"}, error_body(error.code, error.message)

    def _answer(self, region: Region, action: str) -> TYPE_RESPONSE:
        try:
            lose_answer = region.lab.faults.meet(action)
            self._check(region, action)
            answer = self._carry_out(region, action)
            lose_answer()
            return answer
        except EC2ClientError as error:
            return self._refused(error)
        except Broken as broken:
            # In process, what the caller's SDK sees at its time-out; the server cuts the connection.
            raise ReadTimeoutError(endpoint_url=self.uri) from broken

    def _carry_out(self, region: Region, action: str) -> TYPE_RESPONSE:
        if not mutates(action):
            with region.lab.lock:
                return self.call_action()
        with region.changing():
            reserved.refuse(region, action, self.params)
            answer = self.call_action()
            if action not in _LOCAL:
                region.refresh()
        return answer

    def _check(self, region: Region, action: str) -> None:
        """Permission first, then DryRun: so a dry run is a permission check (docs/aws-facts.md#dry-run)."""
        if mutates(action):
            with region.lab.lock:
                asked = questions(region, action, self.params)
            for question in asked:
                refusal = region.lab.authorizer.allow(
                    self.caller(),
                    question.action,
                    question.resources,
                    question.request_tags,
                    question.keys,
                )
                if refusal is not None:
                    raise fail(
                        "UnauthorizedOperation",
                        f"You are not authorized to perform this operation. {refusal}",
                    )
        if self._get_param("DryRun", False):
            raise fail("DryRunOperation", "Request would have succeeded, but DryRun flag is set.")

    def _refused(self, error: EC2ClientError) -> TYPE_RESPONSE:
        status, headers, body = self.serialized(ActionResult(error))
        headers, body = self._enrich_response({**headers, "status": str(status)}, body)
        return status, headers, body

    def serialized(self, action_result: ActionResult) -> TYPE_RESPONSE:
        """Errors get the status code that EC2 gives them; moto gives all of them 400."""
        status, headers, body = super().serialized(action_result)
        if isinstance(action_result.result, Exception):
            self.outcome = getattr(action_result.result, "code", type(action_result.result).__name__)
            status = HTTP_STATUS.get(self.outcome, status)
        return status, headers, body
