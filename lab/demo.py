"""`make demo`, so that it can be stopped from its first moment on; lab.scenes plays it."""

import sys
from pathlib import Path

from lab.stopping import stoppable

RESULTS = Path(__file__).resolve().parent.parent / ".lab"
TROUBLE = "--trouble"
USAGE = f"""usage: python -m lab.demo [{TROUBLE}]

Deploys the template on this machine, kills the active appliance, watches the addresses follow and come back.
  {TROUBLE}   meanwhile EC2 fails one call in three, throttles moves, and shows old routes"""


def main(arguments: list[str]) -> int:
    if arguments in (["--help"], ["-h"]):
        print(USAGE)
        return 0
    if arguments not in ([], [TROUBLE]):
        print(f"{' '.join(arguments)}? The one option that there is: {TROUBLE}", file=sys.stderr)
        return 2
    result = RESULTS / ("demo-trouble.json" if arguments else "demo.json")
    result.unlink(missing_ok=True)  # the last demonstration's: it says nothing of this one
    from lab.scenes import play  # noqa: PLC0415 with boto3 and moto, a second in which Ctrl-C would be a traceback

    return play(result, is_troubled=bool(arguments))


if __name__ == "__main__":
    sys.exit(stoppable(lambda: main(sys.argv[1:])))
