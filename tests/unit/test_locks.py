"""The layer ships the very versions that the tests run on."""

from __future__ import annotations

import re
from pathlib import Path

import botocore

ROOT = Path(__file__).parents[2]


def pinned(lock: str) -> dict[str, str]:
    """Returns the version of each package in a lock, by its name."""
    text = (ROOT / lock).read_text(encoding="utf-8")
    return dict(re.findall(r"^([\w.-]+)==([^ ;\\]+)", text, re.MULTILINE))


def test_each_package_of_the_layer_has_the_version_that_the_tests_run_on() -> None:
    layer, tests = pinned("layers/tandem/requirements.lock"), pinned("requirements/dev.txt")
    assert layer["botocore"] == botocore.__version__
    assert {name: tests.get(name) for name in layer} == layer
