"""A connection that is open and never answers costs one time-out: shown over real sockets."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from threading import Condition, Thread
from types import SimpleNamespace
from typing import Any
from unittest import mock

import pytest
from botocore.config import Config
from botocore.exceptions import ReadTimeoutError

from tandem.adapters import bus, clients, ec2
from tandem.adapters.looks import LookStore
from tandem.adapters.tables import with_second_try
from tandem.errors import OutOfTimeError, StateUnavailableError, TemporaryError
from tandem.events import DetailType, event
from tandem.failover.moves import Move, MoveKind, Refusal
from tandem.topology.document import Target
from tests import awsclients
from tests.pure import NOW
from tests.stack import ENVIRONMENT

SHORT = Config(connect_timeout=0.2, read_timeout=0.2)
MOVE = Move(
    "g",
    "fw2",
    MoveKind.ADDRESS,
    "eipalloc-1",
    "198.51.100.1",
    None,
    None,
    Target("eni-1", "10.0.2.20"),
)
EMPTY = b"HTTP/1.1 200 OK\r\nContent-Type: application/x-amz-json-1.0\r\nContent-Length: 2\r\n\r\n{}"


class Server:
    """Accepts every connection, and answers those that came since the last `go_silent`, if it `is_well`."""

    def __init__(self) -> None:
        self.is_well = False
        self.together = 0
        """Answers wait until so many connections have come."""
        self.requests = 0
        self.unanswered = 0
        """Requests that came on a silent connection."""
        self._came = Condition()
        self.connections: list[socket.socket] = []
        self._silent: tuple[socket.socket, ...] = ()
        self._serving: list[Thread] = []
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._accepting = Thread(target=self._accept, daemon=True)
        self._accepting.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._listening.getsockname()[1]}"

    def _accept(self) -> None:
        while True:
            came, _ = self._listening.accept()
            if came.recv(1, socket.MSG_PEEK) == b"":
                return
            with self._came:
                self.connections.append(came)
                self._came.notify_all()
            self._serving.append(Thread(target=self._serve, args=(came,), daemon=True))
            self._serving[-1].start()

    def _serve(self, came: socket.socket) -> None:
        while data := self._received(came):
            if data.startswith(b"POST "):
                self.requests += 1
                with self._came:
                    self._came.wait_for(lambda: len(self.connections) >= self.together)
                if came in self._silent:
                    self.unanswered += 1
                elif self.is_well:
                    with suppress(OSError):  # who has asked may have gone
                        came.sendall(EMPTY)

    @staticmethod
    def _received(came: socket.socket) -> bytes:
        with suppress(OSError):
            return came.recv(65536)
        return b""

    def go_silent(self) -> None:
        self._silent = tuple(self.connections)

    def end(self) -> tuple[int, int]:
        """Requests and connections in all; nothing may come any more."""
        socket.create_connection(self._listening.getsockname()).close()
        self._accepting.join()
        for came, serving in zip(self.connections, self._serving, strict=True):
            with suppress(OSError):
                came.shutdown(socket.SHUT_RD)  # what has come is still read
            serving.join()
        self._listening.close()
        for came in self.connections:
            came.close()
        return self.requests, len(self.connections)


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    shortened = {name: getattr(clients, name).merge(SHORT) for name in ("READS", "MOVES", "TABLES", "BUS")}
    with (
        mock.patch.dict(os.environ, {**ENVIRONMENT, "AWS_ENDPOINT_URL": made.url, "NO_PROXY": "127.0.0.1"}),
        mock.patch.multiple(clients, **shortened),
        mock.patch("botocore.endpoint.time", SimpleNamespace(sleep=lambda _: None)),  # its back-off
    ):
        awsclients.forget()
        yield made
        awsclients.forget()


def test_a_table_that_never_answers_is_tried_twice_and_is_away(server: Server) -> None:
    with pytest.raises(StateUnavailableError, match="Read timeout"):
        LookStore("tandem-state").acquire("edge", "one", NOW)
    assert server.end() == (2, 2)


def test_a_table_is_not_tried_again_without_the_time_for_it(server: Server) -> None:
    with clients.within(lambda: 1.0 if server.connections else 10.0), pytest.raises(OutOfTimeError):
        LookStore("tandem-state").acquire("edge", "one", NOW)
    assert server.end() == (1, 1)


def test_all_connections_that_died_while_a_process_was_frozen_cost_one_time_out(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second try makes a connection of its own, and no call after it meets a dead one.

    A busy machine may cost more time-outs and connections; only what comes on the dead ones is counted. A
    time-out while the connections are made would leave fewer than three, so they are then made again.
    """
    server.is_well = True
    monkeypatch.setattr(clients, "TABLES", clients.TABLES.merge(Config(connect_timeout=2, read_timeout=2)))

    def read() -> None:
        with_second_try(lambda: clients.dynamodb().get_item(TableName="t", Key={}))

    for _ in range(10):
        awsclients.forget()
        clients.dynamodb()
        asked, server.together = server.requests, len(server.connections) + 3
        with ThreadPoolExecutor(3) as pool:
            reads = [pool.submit(read) for _ in range(3)]
        if not any(each.exception() for each in reads) and server.requests == asked + 3:
            break
    else:
        pytest.fail("no three reads in ten were answered at once")
    server.go_silent()
    for _ in range(3):
        read()
    clients.dynamodb().close()
    server.end()
    assert server.unanswered == 1


def test_a_read_that_is_never_answered_is_tried_three_times(server: Server) -> None:
    with pytest.raises(TemporaryError, match="no answer about eipalloc-1"):
        ec2.read_back([MOVE])
    assert server.end() == (3, 3)


def test_a_move_that_is_never_answered_is_made_once_and_told_as_such(server: Server) -> None:
    """Whether EC2 carried it out is for the next read to tell."""
    (call,) = ec2.begin([MOVE], lambda: True, lambda: NOW)
    refusal = call.result()
    assert isinstance(refusal, Refusal)
    assert (refusal.code, refusal.transient) == ("NoAnswer", True)
    assert server.end() == (1, 1)


def test_a_bus_that_never_answers_is_tried_twice(server: Server) -> None:
    look: Any = event(DetailType.LOOK, topology="edge", occurred_at=NOW, cause="a test", requested_by="test")
    with pytest.raises(TemporaryError, match="EventBridge did not take 1 events"):
        bus.EventBus("tandem").put(look)
    assert server.end() == (2, 2)


def test_a_time_out_is_what_the_socket_says_it_is(server: Server) -> None:
    """The server took the connection: nothing above was refused at once."""
    with pytest.raises(ReadTimeoutError):
        clients.dynamodb().get_item(TableName="t", Key={})
