"""Tests what a cold start of the failover path does not pay for (docs/performance.md#start-up)."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.stack import ENVIRONMENT

UNPAID = ("boto3", "s3transfer", "jsonschema", "pydantic", "aws_lambda_powertools.utilities.parser")


@pytest.mark.parametrize("function", ["failover", "signals", "watch"])
def test_the_function_starts_without_what_it_does_not_use(function: str) -> None:
    code = f"import sys, functions.{function}.app; print(*sys.modules)"
    variables = os.environ | ENVIRONMENT | {"PYTHONPATH": os.pathsep.join(sys.path)}
    answer = subprocess.run(
        [sys.executable, "-c", code], env=variables, capture_output=True, text=True, check=True
    )
    loaded = answer.stdout.split()
    assert f"functions.{function}.app" in loaded
    assert [m for m in loaded if m.startswith(UNPAID)] == []
