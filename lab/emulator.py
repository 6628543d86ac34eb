"""The process of the emulated Route Server: `lab.ec2` over HTTP, with ministack's signals and roles."""

import argparse
import logging
import threading

from lab.authority import DeployedRoles
from lab.ec2.server import serve
from lab.forward import Forwarder
from lab.session import Endpoints, Session


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--port", type=int, required=True)
    arguments.add_argument("--aws", required=True, help="where ministack listens")
    chosen = arguments.parse_args()
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    session = Session(Endpoints(aws=chosen.aws, ec2=f"http://127.0.0.1:{chosen.port}"))
    with serve("127.0.0.1", chosen.port, sink=Forwarder(session), authorizer=DeployedRoles(session)):
        threading.Event().wait()  # until SIGTERM: there is nothing to save


if __name__ == "__main__":
    main()
