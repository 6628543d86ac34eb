"""``python -m lab.ec2 --port N``: the lab as a process of its own; prints one JSON line with its URL."""

from __future__ import annotations

import argparse
import json
import signal
import threading

from lab.ec2.server import serve
from lab.ec2.timings import Timings


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m lab.ec2", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0 finds a free one")
    parser.add_argument("--instant", action="store_true", help="state changes take no time")
    arguments = parser.parse_args()
    stopped = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopped.set())
    running = serve(port=arguments.port, timings=Timings.instant() if arguments.instant else Timings.lab())
    print(json.dumps({"url": running.url}), flush=True)
    stopped.wait()
    running.stop()


if __name__ == "__main__":
    main()
