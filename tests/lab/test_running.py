"""A second terminal finds the lab that is up, and is told what to do when there is none."""

import pytest

from lab import running
from lab.ec2.server import serve
from lab.levers import LeverRefused, NoLab


@pytest.fixture(autouse=True)
def _nothing_exported(monkeypatch):
    monkeypatch.delenv(running.URL, raising=False)


def test_no_file_no_lab(tmp_path):
    with pytest.raises(NoLab, match="no lab is running"):
        running.find(tmp_path / "env")


def test_the_file_of_a_lab_that_was_killed(tmp_path):
    running.announce({running.URL: "http://127.0.0.1:9"}, tmp_path / "env")
    with pytest.raises(NoLab, match="is gone"):
        running.find(tmp_path / "env")


def test_the_lab_that_is_up(tmp_path):
    file = tmp_path / ".lab" / "env"
    with serve() as lab:
        environment = {running.URL: lab.url, "AWS_REGION": "us-east-1"}
        running.announce(environment, file)
        levers = running.find(file)
        assert levers.world()["appliances"] == []
        with pytest.raises(LeverRefused, match="no such appliance"):
            levers.kill("fw1")
        assert (
            levers.fault("AssociateAddress", latency_s=0.4)["faults"]["AssociateAddress"]["latency_s"] == 0.4
        )
        assert levers.faults_clear() == {"faults": {}}
        assert levers.requests() == []


def test_ending_removes_the_own_file_only(tmp_path):
    file = tmp_path / "env"
    running.announce({running.URL: "http://127.0.0.1:1"}, file)
    running.withdraw({running.URL: "http://127.0.0.1:2"}, file)
    assert file.exists()
    running.withdraw({running.URL: "http://127.0.0.1:1"}, file)
    assert not file.exists()
