"""`tandem` and `python -m cli`: what has to be right before anything else is imported."""

from __future__ import annotations

import sys
from io import TextIOWrapper

STOPPED = 130
"""As shells have it for Ctrl-C."""


def main() -> None:
    """Runs the command. Ctrl-C ends it quietly while it is still being imported, which takes half a second;
    and what a terminal's encoding does not have is printed as an escape.
    """
    try:
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, TextIOWrapper):
                stream.reconfigure(errors="backslashreplace")
        from cli.main import app  # noqa: PLC0415 - see above

        app(prog_name="tandem")
    except KeyboardInterrupt:
        sys.exit(STOPPED)


if __name__ == "__main__":
    main()
