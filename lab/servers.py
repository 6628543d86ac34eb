"""The lab's two servers on free loopback ports, kept by a guardian that outlives whoever started them."""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

from lab import guardian
from lab.deploy import ROOT
from lab.guardian import Orders, Server
from lab.session import ACCOUNT_ID, REGION, Endpoints

START_SECONDS = 60.0
_HOST = "127.0.0.1"
_PREFIX = "tandem-lab-"
_STARTS = 3  # a free port may be taken by somebody else before it is listened on
_POLL_SECONDS = 0.05
_STALE_SECONDS = 120.0  # longer than any guardian needs to write its file
_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class ServersError(Exception):
    """The servers did not come up; the message holds the end of their logs."""


class Servers:
    """`start` returns where they listen. After `stop`, or when this process dies, nothing is left."""

    def __init__(self) -> None:
        self._guardian: subprocess.Popen[str] | None = None
        self.directory = Path()

    def start(self) -> Endpoints:
        sweep()
        for attempt in range(1, _STARTS + 1):
            try:
                return self._start()
            except ServersError:
                self.stop()
                if attempt == _STARTS:
                    raise
            except BaseException:
                self.stop()
                raise
        raise AssertionError("unreachable")

    @property
    def is_up(self) -> bool:
        return self._guardian is not None and self._guardian.poll() is None

    def stop(self) -> None:
        """Closing the guardian's input is the order to end; it also removes the directory."""
        running, self._guardian = self._guardian, None
        if running is not None and running.stdin is not None:
            running.stdin.close()
            running.wait(timeout=guardian.GRACE_SECONDS * 3)
        if self.directory != Path():  # no guardian had begun
            shutil.rmtree(self.directory, ignore_errors=True)

    def _start(self) -> Endpoints:
        self.directory = Path(tempfile.mkdtemp(prefix=_PREFIX))
        (self.directory / "tmp").mkdir()
        aws, ec2 = _free_ports()
        endpoints = Endpoints(aws=f"http://{_HOST}:{aws}", ec2=f"http://{_HOST}:{ec2}")
        orders = Orders(
            self.directory, (_ministack(self.directory, aws, endpoints), _emulator(ec2, endpoints))
        )
        self._guardian = subprocess.Popen(
            [sys.executable, "-m", "lab.guardian"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            text=True,
            start_new_session=True,  # a Ctrl-C in the terminal is for the one who started the lab
        )
        if self._guardian.stdin is not None:
            self._guardian.stdin.write(orders.to_json() + "\n")
            self._guardian.stdin.flush()
        self._await(f"{endpoints.aws}/_ministack/ready", f"{endpoints.ec2}/lab/world")
        return endpoints

    def _await(self, *urls: str) -> None:
        deadline = time.monotonic() + START_SECONDS
        for url in urls:
            while not _answers(url):
                if not self.is_up:
                    raise ServersError(
                        "the lab's servers ended while they were starting; the reason is above"
                    )
                if time.monotonic() > deadline:
                    raise ServersError(f"{url} did not answer within {START_SECONDS:.0f} s")
                time.sleep(_POLL_SECONDS)


def sweep() -> None:
    """Remove what a lab whose guardian was killed has left behind."""
    for directory in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        if not _guarded(directory):
            shutil.rmtree(directory, ignore_errors=True)


def _guarded(directory: Path) -> bool:
    try:
        pid = int(guardian.pid_file(directory).read_text())
        os.kill(pid, 0)
    except (OSError, ValueError):
        return _age_seconds(directory) < _STALE_SECONDS
    return True


def _age_seconds(directory: Path) -> float:
    try:
        return time.time() - directory.stat().st_mtime
    except OSError:
        return 0.0


def _ministack(directory: Path, port: int, endpoints: Endpoints) -> Server:
    """Its environment is the functions' too: they run as its children, and find EC2 through it."""
    environment = endpoints.environment() | {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": str(directory),
        "TMPDIR": str(directory / "tmp"),
        "BIND_HOST": _HOST,
        "GATEWAY_PORT": str(port),
        "AUTH": "true",
        "MINISTACK_ACCOUNT_ID": ACCOUNT_ID,
        "MINISTACK_REGION": REGION,
        "S3_DATA_DIR": str(directory / "s3"),
        "STATE_DIR": str(directory / "state"),
        "LOG_LEVEL": "WARNING",
        "TANDEM_LOOPBACK_ANSWERS": "true",  # its CloudFormation is on this machine too
        # listeners that would bind every interface, and a Docker that is none of the lab's business
        "SFTP_ENABLED": "0",
        "IOT_MTLS_ENABLED": "0",
        "DOCKER_HOST": "unix:///nonexistent",
    }
    return Server("ministack", (sys.executable, "-m", "lab.mended_ministack"), environment, str(ROOT))


def _emulator(port: int, endpoints: Endpoints) -> Server:
    argv = (sys.executable, "-m", "lab.emulator", "--port", str(port), "--aws", endpoints.aws)
    environment = {"PATH": os.environ.get("PATH", os.defpath), "PYTHONUNBUFFERED": "1"}
    return Server("ec2", argv, environment | endpoints.environment(), str(ROOT))


def _free_ports() -> tuple[int, int]:
    with socket.socket() as one, socket.socket() as other:
        one.bind((_HOST, 0))
        other.bind((_HOST, 0))
        return one.getsockname()[1], other.getsockname()[1]


def _answers(url: str) -> bool:
    try:
        with _OPENER.open(url, timeout=2) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False
