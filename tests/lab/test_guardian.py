"""The guardian ends what it has started, and what that has started, whatever happens to its parent."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from lab.guardian import Orders, Server
from lab.servers import sweep
from tests.lab.support import PATIENCE

ROOT = Path(__file__).parents[2]
# a server with a child of its own, as ministack has its Lambda workers; it says who they are
SERVER = """
import os, subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(300)"])
with open("pids.new", "w") as file:
    file.write(f"{os.getpid()} {child.pid}")
os.rename("pids.new", "pids")
time.sleep(300)
"""


def guardian(directory, script):
    server = Server("server", (sys.executable, "-c", script), dict(os.environ), str(directory))
    process = subprocess.Popen(
        [sys.executable, "-m", "lab.guardian"],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stdin
    process.stdin.write(Orders(directory, (server,)).to_json() + "\n")
    process.stdin.flush()
    return process


def wait_until(condition):
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def pids_of(directory):
    wait_until((directory / "pids").exists)
    return [int(pid) for pid in (directory / "pids").read_text().split()]


def is_running(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.fixture
def directory(tmp_path):
    made = tmp_path / "lab"
    made.mkdir()
    return made


def test_end_of_input_ends_servers_and_their_children_and_removes_the_files(directory):
    process = guardian(directory, SERVER)
    pids = pids_of(directory)
    process.stdin.close()
    assert process.wait(timeout=PATIENCE) == 0
    wait_until(lambda: not any(is_running(pid) for pid in pids))
    assert not directory.exists()


def test_a_terminated_guardian_leaves_nothing_either(directory):
    process = guardian(directory, SERVER)
    pids = pids_of(directory)
    process.terminate()
    process.wait(timeout=PATIENCE)
    process.stdin.close()
    wait_until(lambda: not any(is_running(pid) for pid in pids))
    assert not directory.exists()


def test_servers_do_not_outlive_a_killed_guardian(directory):
    process = guardian(directory, SERVER)
    server, child = pids_of(directory)
    process.kill()
    process.wait(timeout=PATIENCE)
    process.stdin.close()
    wait_until(lambda: not is_running(server))
    os.kill(child, 9)  # a real worker ends by itself when its server's pipe closes


def test_a_server_that_ends_by_itself_ends_the_lab_and_its_log_is_shown(directory):
    process = guardian(directory, "print('port is taken'); raise SystemExit(3)")
    assert process.wait(timeout=PATIENCE) == 1
    said = process.communicate()[1]
    assert "server ended by itself (3)" in said
    assert "port is taken" in said
    assert not directory.exists()


def test_files_of_a_killed_guardian_are_swept_those_of_a_living_one_stay(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    for name, pid in (("living", os.getpid()), ("dead", 2**22 + 1)):
        lab = tmp_path / f"tandem-lab-{name}"
        lab.mkdir()
        (lab / "guardian.pid").write_text(str(pid))
        os.utime(lab, (0, 0))
    sweep()
    assert [path.name for path in tmp_path.iterdir()] == ["tandem-lab-living"]
