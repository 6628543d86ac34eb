"""`python -m lab`, so that it can be stopped from its first moment on; lab.commands has the commands."""

import sys

from lab.stopping import stoppable


def main() -> int:
    from lab.commands import main as commands  # noqa: PLC0415 a third of a second in which Ctrl-C would be a traceback

    return commands()


if __name__ == "__main__":
    sys.exit(stoppable(main))
