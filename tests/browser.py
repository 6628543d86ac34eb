"""Drives Chromium without a window through a pipe, with the DevTools protocol: no driver, port or library.

https://chromedevtools.github.io/devtools-protocol/ and, for the pipe, `--remote-debugging-pipe`: messages end
with a zero byte, file descriptor 3 is what the browser reads and 4 what it writes.
"""

from __future__ import annotations

import base64
import json
import os
import select
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
MISSING = "no chromium here: apt-get install -y chromium"

OPTIONS = (
    "--headless",
    "--remote-debugging-pipe",
    "--no-sandbox",  # it has none as root, and shows our own pages only
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--no-first-run",
    "--hide-scrollbars",
)
SECONDS = 60.0
"""A busy machine may take this long for an answer."""


@dataclass
class Page:
    """One tab."""

    reads: int
    writes: int
    session: str = ""
    events: list[dict[str, Any]] = field(default_factory=list)
    _number: int = 0
    _rest: bytes = b""

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Calls a method of the protocol and waits for its answer; events that come before it are kept."""
        self._number += 1
        message: dict[str, Any] = {"id": self._number, "method": method, "params": parameters}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.writes, json.dumps(message).encode() + b"\0")
        while True:
            found = self._message()
            if found.get("id") == self._number:
                assert "error" not in found, found
                return dict(found["result"])
            self.events.append(found)

    def _message(self) -> dict[str, Any]:
        while b"\0" not in self._rest:
            ready, _, _ = select.select([self.reads], [], [], SECONDS)
            part = os.read(self.reads, 1 << 20) if ready else b""
            assert part, "chromium says nothing"
            self._rest += part
        message, _, self._rest = self._rest.partition(b"\0")
        return dict(json.loads(message))

    def open(self, file: Path, *, wide: int, high: int = 900, theme: str = "light") -> None:
        """Opens a file in a window of this width."""
        self.call(
            "Emulation.setDeviceMetricsOverride", width=wide, height=high, deviceScaleFactor=1, mobile=False
        )
        self.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": theme}])
        self.events.clear()
        self.call("Page.navigate", url=file.as_uri())
        while not self.has("Page.loadEventFired"):
            self.events.append(self._message())

    def has(self, method: str) -> bool:
        return any(event.get("method") == method for event in self.events)

    def ask(self, expression: str) -> Any:
        """Returns what an expression of JavaScript is."""
        result = self.call("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in result, result
        return result["result"].get("value")

    def complaints(self) -> list[str]:
        """Returns what the console shows, and each request for anything but the file itself."""
        self.ask("0")  # all events before this answer have come
        found = [
            json.dumps(event["params"])
            for event in self.events
            if event.get("method")
            in ("Log.entryAdded", "Runtime.consoleAPICalled", "Runtime.exceptionThrown")
        ]
        requests = [
            e["params"]["request"]["url"]
            for e in self.events
            if e.get("method") == "Network.requestWillBeSent"
        ]
        return [*found, *(url for url in requests[1:])]

    def picture(self) -> bytes:
        """Returns the whole page as PNG."""
        shot = self.call("Page.captureScreenshot", captureBeyondViewport=True, format="png")
        return base64.b64decode(shot["data"])

    def pdf(self) -> bytes:
        """Returns the page as it is printed on A4."""
        printed = self.call("Page.printToPDF", paperWidth=8.27, paperHeight=11.69, printBackground=True)
        return base64.b64decode(printed["data"])


@contextmanager
def chromium() -> Iterator[Page]:
    """Yields a tab of a browser that ends with the test."""
    assert CHROMIUM, MISSING
    theirs_in, ours_out = os.pipe()
    ours_in, theirs_out = os.pipe()
    with TemporaryDirectory(prefix="chromium-", ignore_cleanup_errors=True) as profile:
        # the shell gives the pipe the numbers that the browser expects
        command = f'exec "$@" 3<&{theirs_in} 4>&{theirs_out}'
        process = subprocess.Popen(
            ["/bin/bash", "-c", command, "-", CHROMIUM, *OPTIONS, f"--user-data-dir={profile}"],
            pass_fds=(theirs_in, theirs_out),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(theirs_in)
        os.close(theirs_out)
        try:
            page = Page(ours_in, ours_out)
            target = page.call("Target.createTarget", url="about:blank")["targetId"]
            session = page.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
            page.session = session
            for domain in ("Page", "Runtime", "Log", "Network"):
                page.call(f"{domain}.enable")
            yield page
        finally:
            process.kill()
            process.wait()
            os.close(ours_in)
            os.close(ours_out)
