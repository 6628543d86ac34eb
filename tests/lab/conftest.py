"""A lab per test, and the internet edge in it."""

import pytest

from lab.ec2 import Timings, lab_ec2
from lab.ec2.scenario import edge
from tests.lab.support import Edge


@pytest.fixture
def lab():
    with lab_ec2() as running:
        yield running


@pytest.fixture
def ec2(lab):
    return lab.client()


@pytest.fixture
def at_edge():
    """The edge with every session up, in which everything happens at once."""
    with lab_ec2() as running:
        yield Edge(running, edge(running.client(), running.levers, sleep=running.clock.sleep))


@pytest.fixture
def slow_edge():
    """The edge in which everything takes its time; the clock stands still unless a test advances it."""
    with lab_ec2(timings=Timings.lab()) as running:
        yield Edge(running, edge(running.client(), running.levers, sleep=running.clock.sleep))
