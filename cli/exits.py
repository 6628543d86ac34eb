"""Defines the exit codes of the command."""

from __future__ import annotations

from enum import IntEnum

STOPPED = 130
"""As shells have it for Ctrl-C."""

CLOSED = 141
"""As shells have it for a closed pipe."""

EPILOG = (
    "Exit codes: 0 done, or nothing to do; "
    "1 the topology has problems, or there is none to describe or delete: nothing was stored; "
    "2 the command line or the file cannot be read; 3 not confirmed, nothing was changed; "
    "4 the stack cannot be reached, or it answered with an error; "
    "5 the output cannot be written, but the command may have done its work; "
    "130 stopped with Ctrl-C; 141 nobody reads the output any more. "
    "AWS_PROFILE and AWS_REGION select account and Region, as for the aws command."
)


class Exit(IntEnum):
    """Holds the exit codes that are the command's own."""

    OK = 0
    PROBLEMS = 1
    UNREADABLE = 2
    DECLINED = 3
    STACK = 4
    UNWRITTEN = 5
