"""The lab inside a test: boto3 clients through moto's mock, a clock that one turns by hand."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any

import boto3
from botocore.config import Config
from botocore.loaders import Loader, create_loader
from botocore.session import Session as BotocoreSession
from moto import mock_aws
from moto.ec2.models import EC2Backend, ec2_backends

from lab.ec2 import cloudtrail
from lab.ec2.authorizer import AllowAll, Authorizer
from lab.ec2.clock import Clock, VirtualClock
from lab.ec2.lab import ACCOUNT, REGION, Lab, current, in_use, use
from lab.ec2.levers import Levers
from lab.ec2.models import LabEC2Backend, register_prefixes
from lab.ec2.signals import RecordingSink, Sink
from lab.ec2.timings import Behaviour, Timings


def install(lab: Lab | None = None) -> Lab:
    """Put the lab's EC2 in place of moto's, empty; other services keep their state. Idempotent: without a lab
    given, a second call changes nothing."""
    if lab is None and in_use():
        return current()
    chosen = lab or Lab()
    use(chosen)
    register_prefixes()
    ec2_backends.backend = LabEC2Backend
    ec2_backends.clear()
    cloudtrail.install()
    return chosen


def uninstall(before: Lab | None = None) -> None:
    """Give EC2 back to the lab before, or to moto."""
    use(before)
    if before is None:
        ec2_backends.backend = EC2Backend
        cloudtrail.uninstall()
    ec2_backends.clear()


@dataclass
class LabEC2:
    """A lab in use within this process."""

    lab: Lab
    levers: Levers

    @property
    def clock(self) -> Clock:
        return self.lab.clock

    @property
    def sink(self) -> Sink:
        return self.lab.sink

    @property
    def recorded(self) -> RecordingSink:
        """Returns what left the emulator, where the sink is the recording one."""
        if not isinstance(self.lab.sink, RecordingSink):
            raise TypeError(f"{self.lab.sink!r} records nothing")
        return self.lab.sink

    @property
    def backend(self) -> LabEC2Backend:
        return backend_of(self.levers.region_name)

    def client(
        self,
        service: str = "ec2",
        *,
        region: str = REGION,
        access_key_id: str = "AKIAIOSFODNN7EXAMPLE",
        config: Config | None = None,
    ) -> Any:
        """A boto3 client; ``access_key_id`` is who calls. Without ``config`` it does not retry."""
        return _session().client(
            service,  # type: ignore[call-overload]
            region_name=region,
            aws_access_key_id=access_key_id,
            aws_secret_access_key="secret",  # noqa: S106 - nobody checks it
            config=config or Config(retries={"total_max_attempts": 1}),
        )


@cache
def _session() -> boto3.Session:
    return boto3.Session(botocore_session=_fresh_session())


@cache
def _models() -> Loader:
    """Reading the service models is the slow part of making a client."""
    return create_loader()


def _fresh_session() -> BotocoreSession:
    session = BotocoreSession()
    session.register_component("data_loader", _models())
    return session


def backend_of(region: str = REGION) -> LabEC2Backend:
    backend = ec2_backends[ACCOUNT][region]
    if not isinstance(backend, LabEC2Backend):
        raise TypeError("moto's EC2 is in use, not the lab's: lab.ec2.install() comes first")
    return backend


@contextmanager
def lab_ec2(
    *,
    clock: Clock | None = None,
    timings: Timings | None = None,
    behaviour: Behaviour | None = None,
    sink: Sink | None = None,
    authorizer: Authorizer | None = None,
    region: str = REGION,
    seed: int = 0,
) -> Iterator[LabEC2]:
    """An emulated EC2 for the time of the block: virtual time, instant, everything allowed, signals
    recorded."""
    lab = Lab(
        clock=clock or VirtualClock(),
        timings=timings or Timings.instant(),
        behaviour=behaviour or Behaviour(),
        sink=sink or RecordingSink(),
        authorizer=authorizer or AllowAll(),
        seed=seed,
    )
    before = use(None)
    install(lab)
    try:
        # mock_aws resets all backends on entry: they are made anew, in this lab, on first use.
        with mock_aws():
            boto3.setup_default_session(botocore_session=_fresh_session())  # mock_aws gives the former back
            yield LabEC2(lab, Levers(lab, region))
    finally:
        lab.clock.stop()
        uninstall(before)
