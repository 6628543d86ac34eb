"""The demonstration prints what goes wrong as it is, and leaves no result of another run behind."""

from __future__ import annotations

import json
import signal

import pytest

from lab import demo, running, scenes
from lab.deploy import DeployError
from lab.levers import NoLab
from lab.servers import ServersError
from lab.stopping import Stopped

ODD = "make: *** [/srv/my work] Error 127 [/x] :smile: [red]word[/red]"


class Failing:
    """A cloud that does not come up."""

    error: Exception

    def __init__(self, **_):
        pass

    def __enter__(self):
        raise self.error

    def __exit__(self, *_):
        pass


@pytest.fixture
def result(tmp_path, monkeypatch):
    monkeypatch.setattr(scenes, "ROOT", tmp_path)
    monkeypatch.setattr(demo, "RESULTS", tmp_path)
    monkeypatch.setattr(scenes, "Cloud", Failing)
    (tmp_path / "demo.json").write_text("{}")
    return tmp_path / "demo.json"


@pytest.mark.parametrize("error", [DeployError, ServersError, NoLab], ids=lambda error: error.__name__)
def test_what_is_not_as_it_should_be_is_printed_as_it_is(result, monkeypatch, capsys, error):
    monkeypatch.setattr(Failing, "error", error(ODD), raising=False)
    assert scenes._record(result, False) == 1
    assert f"The demo failed: {ODD}\n" in capsys.readouterr().out
    assert json.loads(result.read_text())["failed"] == ODD


def test_a_demonstration_that_was_stopped_leaves_no_result(result, monkeypatch):
    def stopped(*_, **__):
        raise Stopped(signal.SIGINT)

    monkeypatch.setattr(scenes, "play", stopped)
    with pytest.raises(Stopped):
        demo.main([])
    assert not result.exists()


@pytest.mark.parametrize("name", ["demo", "demo-trouble"])
def test_a_second_demonstration_of_one_kind_in_one_checkout_is_refused(result, monkeypatch, capsys, name):
    def refused(what):
        assert what == name
        raise running.NotAlone("a demo is up in this checkout already (process 7)")

    monkeypatch.setattr(running, "alone", refused)
    assert demo.main([demo.TROUBLE] if name == "demo-trouble" else []) == 1
    assert capsys.readouterr().out == "lab: a demo is up in this checkout already (process 7)\n"


@pytest.mark.parametrize("option", ["--help", "-h"])
def test_help_is_a_usage_and_removes_nothing(result, capsys, option):
    assert demo.main([option]) == 0
    assert capsys.readouterr().out.startswith("usage: python -m lab.demo [--trouble]\n")
    assert result.exists()
