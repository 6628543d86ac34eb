"""A second terminal finds the lab that is up, and is told what to do when there is none."""

import os
import subprocess
import sys
from datetime import UTC, datetime

import pytest

from lab import running
from lab.deploy import ROOT
from lab.ec2.server import serve
from lab.levers import LeverRefused, NoLab
from lab.picture import letter
from lab.queues import Notification


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


def test_a_shell_of_an_earlier_lab_is_sent_to_the_one_that_is_up(tmp_path, monkeypatch):
    file = tmp_path / "env"
    monkeypatch.setenv(running.URL, "http://127.0.0.1:9")
    running.announce({running.URL: "http://127.0.0.1:10"}, file)
    with pytest.raises(NoLab, match=r"http://127\.0\.0\.1:10: source \.lab/env again"):
        running.find(file)


def test_a_second_lab_in_one_checkout_is_refused_and_the_first_is_named(tmp_path):
    with running.alone("lab", tmp_path):
        running.announce({running.URL: "http://127.0.0.1:9"}, tmp_path / "env")
        with (
            pytest.raises(running.NotAlone, match=rf"process {os.getpid()}, at http://127\.0\.0\.1:9\)"),
            running.alone("lab", tmp_path),
        ):
            pass
        assert (tmp_path / "env").exists()
        with running.alone("demo", tmp_path):
            pass


def test_a_second_lab_is_refused_while_the_first_is_starting(tmp_path):
    with (
        running.alone("lab", tmp_path),
        pytest.raises(running.NotAlone, match=rf"\(process {os.getpid()}\); Ctrl-C in its terminal ends it"),
        running.alone("lab", tmp_path),
    ):
        pass


def test_what_a_killed_lab_left_refuses_nobody_and_is_removed(tmp_path):
    script = (
        "import os, signal, sys; from pathlib import Path; from lab import running\n"
        "with running.alone('lab', Path(sys.argv[1])): os.kill(os.getpid(), signal.SIGKILL)"
    )
    subprocess.run([sys.executable, "-c", script, tmp_path], cwd=ROOT, check=False)
    for name in ("env", "edge.yaml", "mail.jsonl"):
        (tmp_path / name).write_text("export TANDEM_LAB_URL=http://127.0.0.1:9\n")
    with running.alone("lab", tmp_path):
        running.clear(tmp_path)
        assert [path.name for path in tmp_path.iterdir()] == ["lab.lock"]


def test_mail_is_kept_and_read_in_order(tmp_path):
    file = tmp_path / "mail.jsonl"
    assert running.read_mail(file) == []
    mails = [
        Notification(
            datetime(2026, 1, 1, 12, n, tzinfo=UTC),
            f"Tandem edge: {n}",
            "words\n[/x] → é",
            {"severity": "info"},
        )
        for n in range(2)
    ]
    for mail in mails:
        running.keep_mail(mail, file)
    assert running.read_mail(file) == mails
    assert letter(mails[0]) == "12:00:00 UTC  info  Tandem edge: 0\n    words\n    [/x] → é"
