"""Reads EC2's query parameters as strictly as EC2 does."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from moto.core.parse import UNDEFINED, EC2QueryParser

from lab.ec2.errors import invalid_parameter

_INTEGER = re.compile(r"[+-]?[0-9]+")
_BOOLEANS = {"true": True, "1": True, "false": False, "0": False}  # XML Schema's


class StrictParser(EC2QueryParser):
    """Raises InvalidParameterValue (https://docs.aws.amazon.com/AWSEC2/latest/APIReference/CommonErrors.html)
    where moto's raises ValueError or takes anything for false."""

    def _parse_integer(self, shape: Any, query_params: Mapping[str, Any], prefix: str = "") -> Any:
        value = self._default_handle(shape, query_params, prefix)  # type: ignore[no-untyped-call]
        if value is UNDEFINED or isinstance(value, int):
            return value
        if not _INTEGER.fullmatch(str(value)):
            raise invalid_parameter(f"Value ({value}) for parameter {prefix} is invalid. Give an integer.")
        return int(value)

    _parse_long = _parse_integer

    def _parse_boolean(self, shape: Any, query_params: Mapping[str, Any], prefix: str = "") -> Any:
        value = self._default_handle(shape, query_params, prefix)  # type: ignore[no-untyped-call]
        if value is UNDEFINED or isinstance(value, bool):
            return value
        if str(value).lower() not in _BOOLEANS:
            raise invalid_parameter(f"Value ({value}) for parameter {prefix} is invalid. Give true or false.")
        return _BOOLEANS[str(value).lower()]
