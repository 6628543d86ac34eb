"""The lab over HTTP: EC2 for every SDK, and the levers under /lab/."""

from __future__ import annotations

import inspect
import json
import threading
from collections.abc import Callable, Iterable, Mapping
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qs

from botocore.exceptions import ReadTimeoutError
from moto.moto_server.werkzeug_app import (
    DomainDispatcherApplication,
    MotoRequestHandler,
    create_backend_app,
)
from werkzeug.serving import BaseWSGIServer, make_server
from werkzeug.wrappers import Response

from lab.ec2.authorizer import AllowAll, Authorizer
from lab.ec2.clock import Clock, RealClock
from lab.ec2.errors import LeverError, error_body
from lab.ec2.inprocess import backend_of, install, uninstall
from lab.ec2.lab import REGION, Lab, use
from lab.ec2.levers import Levers
from lab.ec2.signals import RecordingSink, Sink
from lab.ec2.timings import Behaviour, Timings
from lab.ec2.world import world

LEVERS = (
    "register",
    "kill",
    "restore",
    "shutdown",
    "session",
    "advertise",
    "withdraw",
    "maintenance",
    "instance",
    "resource",
    "fault",
    "faults_clear",
    "associate_as_stranger",
)
StartResponse = Callable[..., Any]
Environ = dict[str, Any]


class _Handler(MotoRequestHandler):
    """Quiet; answers at once instead of after Nagle's delay; keep-alive is werkzeug's own for HTTP/1.1."""

    disable_nagle_algorithm = True
    protocol_version = "HTTP/1.1"

    def connection_dropped(self, error: BaseException, environ: Environ | None = None) -> None:
        """An unanswered request ends its connection; werkzeug would wait for the next one on it."""
        del error, environ
        self.close_connection = True

    def log(self, type: str, message: str, *args: Any) -> None:  # noqa: A002 - werkzeug's name
        del type, message, args


class LabApplication:
    """WSGI: /lab/… is ours, what is signed for EC2 or not signed goes to EC2, CloudTrail tells what EC2
    was asked, the rest goes to moto."""

    def __init__(self, lab: Lab) -> None:
        self._lab = lab
        self._own = {service: create_backend_app(service) for service in ("ec2", "cloudtrail")}
        for app in self._own.values():
            # An emulator is no debugger: errors become answers, not exceptions of the server.
            app.debug = False
            app.config["PROPAGATE_EXCEPTIONS"] = True
        self._others = DomainDispatcherApplication(create_backend_app)

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "")
        if path.startswith("/lab/"):
            return self._answer_lab(environ)(environ, start_response)
        scope = environ.get("HTTP_AUTHORIZATION", "").partition("Credential=")[2].split(",")[0].split("/")
        service = scope[3] if len(scope) == 5 else "ec2"
        if path.startswith("/moto-api") or service not in self._own:
            return self._others(environ, start_response)  # type: ignore[no-any-return]
        try:
            return self._own[service](environ, start_response)
        except ReadTimeoutError as error:
            raise ConnectionError("the lab was told not to answer") from error
        except NotImplementedError as error:
            return _not_implemented(error)(environ, start_response)

    def _answer_lab(self, environ: Environ) -> Response:
        query = parse_qs(environ.get("QUERY_STRING", ""))
        size = int(environ.get("CONTENT_LENGTH") or 0)
        body = environ["wsgi.input"].read(size) if size else b""
        try:
            answer = self._lab_route(
                environ["REQUEST_METHOD"], environ["PATH_INFO"].removeprefix("/lab/"), query, body
            )
        except LeverError as error:
            return _json({"error": str(error)}, 400)
        return _json(answer, 200)

    def _lab_route(self, method: str, name: str, query: Mapping[str, list[str]], body: bytes) -> Any:
        region = query.get("region", [REGION])[0]
        match method, name:
            case "GET", "world":
                return world(backend_of(region).lab_region)
            case "GET", "requests":
                return {"requests": self._lab.requests.since(_number(query.get("since", ["0"])[0]))}
            case "DELETE", "requests":
                self._lab.requests.clear()
                return {}
            case "POST", lever if lever in LEVERS:
                return pull(Levers(self._lab, region), lever, body)
        raise LeverError(
            f"{method} /lab/{name}: give GET /lab/world, GET or DELETE /lab/requests, or POST /lab/<lever>: "
            + ", ".join(LEVERS)
        )


def pull(levers: Levers, lever: str, body: bytes) -> Any:
    """Pull a lever with the arguments of a JSON object."""
    try:
        arguments = json.loads(body or b"{}")
    except ValueError as error:
        raise LeverError(f"{lever}: the body is no JSON ({error}); give an object of arguments") from error
    if not isinstance(arguments, dict):
        raise LeverError(f"{lever}: the body is {type(arguments).__name__}; give an object of arguments")
    method = getattr(levers, lever)
    try:
        inspect.signature(method).bind(**arguments)
    except TypeError as error:
        raise LeverError(f"{lever}: {error}; it takes {inspect.signature(method)}") from error
    try:
        return method(**arguments)
    except LeverError:
        raise
    except NotImplementedError as error:
        raise LeverError(f"{lever}: {error}") from error
    except (TypeError, ValueError, AttributeError) as error:
        raise LeverError(
            f"{lever}: an argument has the wrong type ({error}); see {method.__qualname__}"
        ) from error


def _number(text: str) -> int:
    if not text.isdigit():
        raise LeverError(f"GET /lab/requests: since={text!r} is no sequence number")
    return int(text)


def _json(value: Any, status: int) -> Response:
    return Response(json.dumps(value, default=str), status=status, mimetype="application/json")


def _not_implemented(error: NotImplementedError) -> Response:
    """Neither AWS nor moto tells what happens here; SDKs do not retry a 501."""
    return Response(error_body("LabNotImplemented", str(error)), status=501, mimetype="text/xml")


class RunningLab:
    """A lab that is being served. ``stop`` ends its threads and gives moto its EC2 back."""

    def __init__(self, lab: Lab, before: Lab | None, server: BaseWSGIServer) -> None:
        self.lab = lab
        self.levers = Levers(lab)
        self.url = f"http://{server.host}:{server.port}"
        self._before = before
        self._server = server
        self._thread = threading.Thread(target=server.serve_forever, name="lab-http", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self.lab.clock.stop()
        self._server.shutdown()
        self._thread.join(timeout=10)
        self._server.server_close()
        uninstall(self._before)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def serve(
    host: str = "127.0.0.1",
    port: int = 0,
    *,
    clock: Clock | None = None,
    timings: Timings | None = None,
    behaviour: Behaviour | None = None,
    sink: Sink | None = None,
    authorizer: Authorizer | None = None,
    seed: int = 0,
) -> RunningLab:
    """Serve a new, empty lab from threads of this process; port 0 finds a free one. One at a time per
    process: moto keeps its state in globals. Listens on loopback only."""
    if host not in {"127.0.0.1", "localhost"}:
        raise ValueError(f"serve: {host!r} is not this machine alone; give 127.0.0.1")
    lab = Lab(
        clock=clock or RealClock(),
        timings=timings or Timings.lab(),
        behaviour=behaviour or Behaviour(),
        sink=sink or RecordingSink(),
        authorizer=authorizer or AllowAll(),
        seed=seed,
    )
    before = use(None)
    install(lab)
    server = make_server(host, port, LabApplication(lab), threaded=True, request_handler=_Handler)
    return RunningLab(lab, before, server)
