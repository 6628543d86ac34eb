"""The page of published deployments: what the rules say of each one, built in the lab."""

from __future__ import annotations

import pytest

from tests.published import DEPLOYMENTS, HEAD, PAGE, Deployment, section


@pytest.mark.parametrize("deployment", DEPLOYMENTS, ids=lambda each: each.title.partition(",")[0])
def test_the_page_says_what_the_command_finds(deployment: Deployment) -> None:
    assert section(deployment) in PAGE.read_text(encoding="utf-8"), "python -m tests.published writes it"


def test_the_page_has_no_other_deployments() -> None:
    written = PAGE.read_text(encoding="utf-8")
    assert written.startswith(HEAD)
    assert written.count("\n## ") == len(DEPLOYMENTS)
