"""`make lab` shows what happens, keeps the mail, and says when the lab has ended by itself."""

from __future__ import annotations

import json
import socket
import threading
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest
from botocore.exceptions import EndpointConnectionError

from lab import attending, running
from lab.cloud import Cloud
from lab.levers import Levers, NoLab
from lab.queues import Notification
from lab.servers import ServersError
from lab.sightings import Sighting, Sightings
from tests.lab.test_timeline import DRIFT

EVENTS = Path(__file__).parents[2] / "events"
MAIL = Notification(datetime(2026, 1, 1, tzinfo=UTC), "Tandem edge: moved", "words", {"severity": "info"})
EMPTY: dict[str, list[object]] = {"route_servers": [], "elastic_ips": []}


class Lab:
    """Has an event and a message, then a moment without an answer, then ends."""

    levers = SimpleNamespace(world=lambda: EMPTY)

    def __init__(self):
        self.turns = iter([True, True, True, False])

    @property
    def is_up(self):
        return next(self.turns)

    def notifications(self):
        return SimpleNamespace(receive=lambda mails=[MAIL]: [mails.pop()] if mails else [])

    def events(self):
        event = json.loads((EVENTS / "drift-detected.json").read_text())
        answers = iter([[event], EndpointConnectionError(endpoint_url="http://127.0.0.1:9"), []])

        def receive():
            answer = next(answers)
            if isinstance(answer, Exception):
                raise answer
            return answer

        return SimpleNamespace(receive=receive)


@pytest.fixture(autouse=True)
def _at_once(monkeypatch, tmp_path):
    monkeypatch.setattr(attending, "HOLD_BACK", timedelta())
    monkeypatch.setattr("time.sleep", lambda _: None)
    monkeypatch.setattr(running, "keep_mail", lambda mail: running_mail(tmp_path, mail))


def running_mail(folder, mail, keep=running.keep_mail):
    keep(mail, folder / "mail.jsonl")


def test_what_happens_is_shown_and_the_mail_is_kept_until_the_lab_ends(tmp_path):
    shown: list[str] = []
    with pytest.raises(ServersError, match="have ended by themselves"):
        attending.attend(cast("Cloud", Lab()), is_deployed=True, show=shown.append)
    assert [line.partition("  ")[2] for line in shown] == [
        f"event: Drift Detected: {DRIFT}",
        "message: Tandem edge: moved",
    ]
    assert running.read_mail(tmp_path / "mail.jsonl") == [MAIL]


def test_a_lab_in_which_nothing_is_deployed_has_neither_events_nor_mail():
    shown: list[str] = []
    with pytest.raises(ServersError):
        attending.attend(cast("Cloud", Lab()), is_deployed=False, show=shown.append)
    assert shown == []


def test_a_lab_that_ends_in_the_middle_of_an_answer_is_no_lab():
    with socket.create_server(("127.0.0.1", 0)) as server:

        def hang_up():
            connection, _ = server.accept()
            connection.recv(1)
            connection.close()

        threading.Thread(target=hang_up, daemon=True).start()
        with pytest.raises(NoLab, match="nobody answers at"):
            Levers(f"http://127.0.0.1:{server.getsockname()[1]}").world()


class SlowGlance(Lab):
    """Its third turn brings what a glance of before the message has seen."""

    sightings = Sightings()

    def __init__(self, shown):
        super().__init__()
        self.shown = shown
        self.count = 0

    @property
    def is_up(self):
        self.count += 1
        if self.count == 3:
            assert self.shown == []
            self.sightings.seen.append(
                Sighting(MAIL.at, "Elastic IP 198.51.100.1", "fw1 10.0.1.20", "fw2 10.0.2.20")
            )
            self.sightings.until = datetime.max.replace(tzinfo=UTC)
        return super().is_up


def test_no_line_is_shown_before_all_that_is_older_was_seen(monkeypatch):
    shown: list[str] = []
    lab = SlowGlance(shown)
    monkeypatch.setattr(attending, "watching", lambda *_, **__: nullcontext(lab.sightings))
    with pytest.raises(ServersError):
        attending.attend(cast("Cloud", lab), is_deployed=True, show=shown.append)
    assert [line.partition("  ")[2] for line in shown] == [
        "moved: 198.51.100.1 fw1 10.0.1.20 → fw2 10.0.2.20",
        f"event: Drift Detected: {DRIFT}",
        "message: Tandem edge: moved",
    ]
