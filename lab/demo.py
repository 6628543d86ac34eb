"""`make demo`, so that it can be stopped from its first moment on; lab.scenes plays it."""

import sys
from pathlib import Path

from lab.stopping import stoppable

RESULT = Path(__file__).resolve().parent.parent / ".lab" / "demo.json"


def main(arguments: list[str]) -> int:
    if arguments not in ([], ["--trouble"]):
        print(f"{' '.join(arguments)}? The one option that there is: --trouble")
        return 2
    RESULT.unlink(missing_ok=True)  # the last demonstration's: it says nothing of this one
    from lab.scenes import play  # noqa: PLC0415 with boto3 and moto, a second in which Ctrl-C would be a traceback

    return play(is_troubled=bool(arguments))


if __name__ == "__main__":
    sys.exit(stoppable(lambda: main(sys.argv[1:])))
