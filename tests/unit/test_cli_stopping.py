"""A Ctrl-C says what it leaves behind: nothing where that is certain, how to look where it is not."""

from __future__ import annotations

from typing import Any, TypeVar

import pytest
from typer.testing import CliRunner, Result

from cli import stack
from cli.main import app
from tandem.state.decoding import shaped
from tests.topologies import EXAMPLE

T = TypeVar("T")

VERDICT: dict[str, Any] = {
    "topology": "edge", "mode": "enforce", "version": 0, "problems": [], "warnings": [], "untagged": [],
    "changes": [], "plan": [], "preview": [], "steps": [], "deleted": False,
}  # fmt: skip


class Interrupted:
    """A stack at whose order, or at whose check already, somebody presses Ctrl-C."""

    def __init__(self, *, is_checked: bool) -> None:
        self.is_checked = is_checked

    def ask(self, kind: type[T], **order: Any) -> T:
        is_check = order["action"] == "check" or order.get("check", False)
        if is_check and self.is_checked:
            return shaped(kind, VERDICT)
        raise KeyboardInterrupt


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str, is_checked: bool) -> Result:
    monkeypatch.setattr(stack, "find", lambda _: Interrupted(is_checked=is_checked))
    monkeypatch.setattr(stack, "caller", lambda: None)
    return CliRunner().invoke(app, [*arguments, "--yes"])


APPLY, DELETE = ("apply", str(EXAMPLE)), ("delete", "edge")


@pytest.mark.parametrize(
    ("arguments", "is_checked", "words"),
    [
        (APPLY, False, "stopped: nothing was stored"),
        (APPLY, True, f"stopped: it may have been stored; check with tandem plan {EXAMPLE}"),
        (DELETE, False, "stopped: nothing was deleted"),
        (DELETE, True, "stopped: it may have been deleted; check with tandem delete edge, which asks first"),
    ],
)
def test_ctrl_c_says_what_it_leaves_behind(
    monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], is_checked: bool, words: str
) -> None:
    result = run(monkeypatch, *arguments, is_checked=is_checked)
    assert result.exit_code == 130
    assert result.stderr == f"{words}\n"
