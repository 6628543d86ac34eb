"""CloudFormation's side of a custom resource: the URL that takes the answer to one request."""

from __future__ import annotations

import urllib3
from urllib3.exceptions import HTTPError

from tandem.adapters.clock import SystemClock
from tandem.errors import TemporaryError
from tandem.ports import Clock

_CONNECT_SECONDS, _READ_SECONDS = 3, 10
_ATTEMPTS = 3
_PAUSE_SECONDS = 2.0
"""At the worst 3 times 13 s and 2 pauses: 43 s; then the next run tries."""


def respond(url: str, body: bytes, clock: Clock | None = None) -> str | None:
    """Puts the answer. Why it was refused for good, such as a URL that has expired; None where it was taken.
    `AnswerUrls` has judged the URL before, and no redirect is followed. No error shows the URL: whoever has
    it may answer.

    Raises TemporaryError where nobody took it.
    """
    clock = clock or SystemClock()
    why = ""
    for attempt in range(_ATTEMPTS):
        if attempt:
            clock.sleep(_PAUSE_SECONDS)
        status, why = _put(url, body)
        if 200 <= status < 300:
            return None
        if 400 <= status < 500 and status not in (408, 429):
            return f"HTTP {status}"
    raise TemporaryError(f"CloudFormation did not take an answer: {why}")


def _put(url: str, body: bytes) -> tuple[int, str]:
    """Returns the HTTP status, 0 where there was none, and what to say of it.

    The URL is signed for an empty content type (CloudFormation's own `cfn-response` module sends one).
    """
    timeout = urllib3.Timeout(connect=_CONNECT_SECONDS, read=_READ_SECONDS)
    with urllib3.PoolManager(timeout=timeout, retries=False) as pool:
        try:
            status = pool.request("PUT", url, body=body, headers={"Content-Type": ""}, redirect=False).status
        except (HTTPError, ValueError) as error:
            return 0, type(error).__name__  # its words would show the URL
    return status, f"HTTP {status}"
