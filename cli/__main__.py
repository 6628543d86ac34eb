"""`tandem` and `python -m cli`: what has to be right before anything else is imported, and how it ends."""

from __future__ import annotations

import errno
import os
import sys
from contextlib import suppress
from io import TextIOWrapper

from cli.exits import CLOSED, STOPPED, Exit
from cli.hints import hint

LOST = frozenset({errno.EPIPE, errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EBADF})
"""What a write to standard output ends with. Files and AWS have errors of their own in `cli`."""


def main() -> None:
    """Runs the command. Ctrl-C ends it quietly while it is still being imported, which takes half a second;
    and what a terminal's encoding does not have is printed as an escape.
    """
    streams = sys.stdout, sys.stderr
    try:
        for stream in streams:
            if isinstance(stream, TextIOWrapper):
                stream.reconfigure(errors="backslashreplace")
        code = _run()
        if streams[0] is not None:
            streams[0].flush()
    except KeyboardInterrupt:
        code = STOPPED
    except OSError as error:
        if error.errno not in LOST:
            raise
        code = CLOSED if isinstance(error, BrokenPipeError) else Exit.UNWRITTEN
        if code == Exit.UNWRITTEN:
            with suppress(OSError):
                print(f"the output cannot be written: {error.strerror}", file=sys.stderr, flush=True)
    for stream in streams:
        if _is_lost(stream):
            # the interpreter would write it once more when it ends, and end with 120
            with suppress(OSError):
                os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
    sys.exit(code)


def _run() -> int:
    """Runs the command and returns its exit code. A mistake of the command line is said on stderr."""
    from typer import TyperException  # noqa: PLC0415 - see above

    from cli.main import app  # noqa: PLC0415 - see above
    from tandem.topology.problems import visible  # noqa: PLC0415 - see above

    try:
        return int(app(prog_name="tandem", standalone_mode=False) or 0)
    except TyperException as error:
        error.message = "\n".join(map(visible, error.message.split("\n")))
        with suppress(OSError):
            error.show()  # type: ignore[attr-defined]
            meant = hint(sys.argv[1:])
            if meant is not None:
                print(f"Did you mean: {meant}", file=sys.stderr, flush=True)
        return int(getattr(error, "exit_code", Exit.UNREADABLE))
    except SystemExit as end:
        # Typer ends with 1 where a pipe is closed
        if isinstance(end.__context__, BrokenPipeError):
            raise end.__context__ from None
        raise


def _is_lost(stream: object) -> bool:
    """True if the stream holds something that cannot be written."""
    try:
        if isinstance(stream, TextIOWrapper):
            stream.flush()
    except OSError:
        return True
    return False


if __name__ == "__main__":
    main()
