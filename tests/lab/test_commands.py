"""Tests that what cannot be right on the command line of the lab is answered with what would be, without a
traceback.
"""

from __future__ import annotations

import http.server
import sys
import threading

import pytest
from typer.testing import CliRunner

from lab import running
from lab.commands import app, main
from lab.ec2.server import serve


def run(*arguments):
    result = CliRunner().invoke(app, arguments)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, " ".join(result.output.replace("│", " ").split())


@pytest.mark.parametrize(
    ("arguments", "right"),
    [
        (("advertise", "fw1", "10.20.0.0/16", "--as-path", "65001 x"), '"65001 65001"'),
        (("advertise", "fw1", "10.20.0.0/16", "--as-path", "65001,65002"), '"65001 65001"'),
        (("advertise", "fw1", "10.20.0.0/16", "--med", "low"), "valid int"),
        (("fault", "AssociateAddress", "--throttle", "50"), "50/5"),
        (("fault", "clear", "--throttle", "a/b"), "50/5"),
        (("maintenance", "az1-a", "--seconds", "soon"), "a valid number"),
    ],
)
def test_what_is_no_number_ends_with_two(arguments, right):
    code, words = run(*arguments)
    assert code == 2
    assert right in words


@pytest.fixture
def levers(monkeypatch):
    with serve() as lab:
        monkeypatch.setenv(running.URL, lab.url)
        yield lab


@pytest.mark.parametrize("value", ["nan", "inf", "1e300"])
def test_a_number_that_no_timer_takes_is_refused(levers, monkeypatch, capsys, value):
    monkeypatch.setattr(sys, "argv", ["lab", "fault", "*", "--latency-s", value])
    assert main() == 1
    assert "is no number of 0 or more, up to 1,000,000,000" in capsys.readouterr().err


@pytest.mark.parametrize("url", ["nowhere", "http://127.0.0.1:port", ""])
def test_an_address_that_is_none_is_no_lab(monkeypatch, capsys, url):
    monkeypatch.setenv(running.URL, url)
    monkeypatch.setattr(sys, "argv", ["lab", "world"])
    assert main() == 2
    assert "start one with `make lab`" in capsys.readouterr().err


def test_a_server_that_is_no_lab_is_said(monkeypatch, capsys):
    class Page(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"<html>")

        def log_message(self, *_): ...

    with http.server.HTTPServer(("127.0.0.1", 0), Page) as server:
        threading.Thread(target=server.handle_request, daemon=True).start()
        monkeypatch.setenv(running.URL, f"http://127.0.0.1:{server.server_port}")
        monkeypatch.setattr(sys, "argv", ["lab", "world"])
        assert main() == 2
    assert "is gone" in capsys.readouterr().err


def test_a_pipe_gets_whole_rows(levers):
    levers.levers.fault("AssociateAddress", latency_s=0.4, error="RequestLimitExceeded", count=7, rate=0.25)
    result = CliRunner().invoke(app, ["world"])
    (row,) = [line for line in result.output.splitlines() if "AssociateAddress" in line]
    assert "rate 0.25" in row
