"""An emulated Amazon VPC Route Server, and Elastic IPs as AWS moves them, on top of moto's EC2.

In process: ``with lab_ec2() as lab: lab.client().create_route_server(...)``. Over HTTP: ``serve()`` or
``python -m lab.ec2 --port N``.
"""

import moto  # noqa: F401 - before anything that makes clients

from lab.ec2.authorizer import AllowAll, Authorizer
from lab.ec2.clock import Clock, RealClock, VirtualClock
from lab.ec2.depth import concurrency, depth
from lab.ec2.errors import LeverError, UnknownAwsBehaviour
from lab.ec2.inprocess import LabEC2, install, lab_ec2, uninstall
from lab.ec2.lab import Lab
from lab.ec2.levers import Levers
from lab.ec2.server import RunningLab, serve
from lab.ec2.signals import RecordingSink, Sink
from lab.ec2.timings import Behaviour, BfdDown, DeletedTable, PersistedMeans, TieBreak, Timings, Unpersisting

__all__ = [
    "AllowAll",
    "Authorizer",
    "Behaviour",
    "BfdDown",
    "Clock",
    "DeletedTable",
    "Lab",
    "LabEC2",
    "LeverError",
    "Levers",
    "PersistedMeans",
    "RealClock",
    "RecordingSink",
    "RunningLab",
    "Sink",
    "TieBreak",
    "Timings",
    "UnknownAwsBehaviour",
    "Unpersisting",
    "VirtualClock",
    "concurrency",
    "depth",
    "install",
    "lab_ec2",
    "serve",
    "uninstall",
]
