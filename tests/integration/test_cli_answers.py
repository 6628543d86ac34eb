"""The command line and what it cannot choose: who answers it, who reads its output, who interrupts it."""

from __future__ import annotations

import io
import json
import os
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import boto3
import pytest
from typer.testing import CliRunner, Result

from cli import stack, waiting
from cli.__main__ import main
from cli.exits import CLOSED, STOPPED, Exit
from cli.main import app
from tests import awsclients
from tests.topologies import EXAMPLE

TEXT = EXAMPLE.read_text(encoding="utf-8")
HTML = b"<html><body>Sign in to the network</body></html>"
DESCRIBED = b"""<DescribeStacksResponse xmlns="http://cloudformation.amazonaws.com/doc/2010-05-15/">
<DescribeStacksResult><Stacks><member><StackName>tandem</StackName><StackStatus>CREATE_COMPLETE</StackStatus>
<Outputs><member><OutputKey>ProvisionerFunction</OutputKey><OutputValue>tandem-provisioner</OutputValue></member>
</Outputs></member></Stacks></DescribeStacksResult></DescribeStacksResponse>"""
VERDICT: dict[str, Any] = {
    "problems": [], "warnings": [], "changes": [], "plan": [], "untagged": [], "preview": [],
    "topology": "edge", "mode": "dry-run", "version": 0, "stored": False,
}  # fmt: skip
DELETION: dict[str, Any] = {"problems": [], "version": 1, "deleted": False, "steps": [], "pending": []}


@dataclass
class Aws:
    """Holds what answers on loopback in the place of AWS."""

    cloudformation: tuple[int, bytes] = (200, DESCRIBED)
    invoke: bytes = json.dumps(VERDICT).encode()
    function_error: str | None = None
    calls: list[str] = field(default_factory=list)


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[Aws]:
    answers = Aws()

    class Answer(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            is_invoke = self.path.endswith("/invocations")
            answers.calls.append("Invoke" if is_invoke else "DescribeStacks")
            status, body = (200, answers.invoke) if is_invoke else answers.cloudformation
            self.send_response(status)
            if is_invoke and answers.function_error:
                self.send_header("X-Amz-Function-Error", answers.function_error)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    pointed_at(monkeypatch, f"http://127.0.0.1:{server.server_port}")
    monkeypatch.setattr("botocore.endpoint.time", type("Clock", (), {"sleep": lambda _: None}))
    yield answers
    server.shutdown()
    server.server_close()


def pointed_at(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    """Makes the command ask what is at a URL."""
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
    awsclients.forget()
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    for name, value in {
        "AWS_CONFIG_FILE": "/dev/null",
        "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
        "AWS_ACCESS_KEY_ID": "x",
        "AWS_SECRET_ACCESS_KEY": "y",
        "AWS_REGION": "us-east-1",
        "AWS_ENDPOINT_URL": url,
    }.items():
        monkeypatch.setenv(name, value)


def run(*arguments: str, stdin: Any = None) -> Result:
    result = CliRunner().invoke(app, arguments, input=stdin)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


def ended(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> object:
    """Returns the exit code of the whole command."""
    monkeypatch.setattr(sys, "argv", ["tandem", *arguments])
    with pytest.raises(SystemExit) as end:
        main()
    return end.value.code


# ---- who answers


PLAN, DELETE = ("plan", str(EXAMPLE)), ("delete", "edge", "--yes")


@pytest.mark.parametrize("arguments", [PLAN, DELETE])
@pytest.mark.parametrize("body", [HTML, b"not json at all", b"", b"{}"])
def test_what_answers_in_the_place_of_cloudformation_is_named(
    aws: Aws, arguments: tuple[str, ...], body: bytes
) -> None:
    aws.cloudformation = (200, body)
    result = run(*arguments)
    assert result.exit_code == 4
    assert "what answered is not CloudFormation: check AWS_ENDPOINT_URL and the proxy" in result.stderr


def without(answer: dict[str, Any], name: str) -> bytes:
    return json.dumps({key: value for key, value in answer.items() if key != name}).encode()


VERSION = "does the stack have another version than this command?"
STRANGE: dict[str, tuple[tuple[str, ...], bytes, str | None, str]] = {
    # name: (the command, what the function answers, the kind of its error, what is said)
    "an empty mapping": (PLAN, b"{}", None, VERSION),
    "an empty mapping of a deletion": (DELETE, b"{}", None, VERSION),
    "no version": (PLAN, without(VERDICT, "version"), None, VERSION),
    "no problems": (PLAN, without(VERDICT, "problems"), None, VERSION),
    "no plan": (PLAN, without(VERDICT, "plan"), None, VERSION),
    "no version of a deletion": (DELETE, without(DELETION, "version"), None, VERSION),
    "a number for a list": (PLAN, json.dumps(VERDICT | {"problems": 7}).encode(), None, VERSION),
    "a problem without a path": (PLAN, json.dumps(VERDICT | {"problems": [{}]}).encode(), None, VERSION),
    "a group without an action": (
        PLAN,
        json.dumps(VERDICT | {"version": 1, "preview": [{"group": "edge"}]}).encode(),
        None,
        VERSION,
    ),
    "no JSON": (PLAN, HTML, None, VERSION),
    "a list": (PLAN, b"[]", None, VERSION),
    "no Unicode": (PLAN, b"\xff\xfe", None, VERSION),
    "an error in a text": (PLAN, b"out of memory", "Unhandled", "tandem-provisioner failed: out of memory"),
    "an error in a list": (PLAN, b'["x"]', "Unhandled", "tandem-provisioner failed: "),
}


@pytest.mark.parametrize(("arguments", "body", "kind", "says"), STRANGE.values(), ids=STRANGE)
def test_an_answer_of_another_shape_is_no_crash(
    aws: Aws, arguments: tuple[str, ...], body: bytes, kind: str | None, says: str
) -> None:
    aws.invoke, aws.function_error = body, kind
    result = run(*arguments)
    assert result.exit_code == 4
    assert says in result.stderr


def test_a_stack_that_does_not_know_a_later_member_is_understood(aws: Aws) -> None:
    aws.invoke = without(VERDICT, "untagged")
    assert run("apply", str(EXAMPLE), stdin="n\n").exit_code == 3


def test_only_the_invocation_may_take_minutes() -> None:
    reads: Any = stack.READS
    attempts = reads.retries["total_max_attempts"]
    assert 10 <= attempts * reads.read_timeout <= 20
    assert attempts * reads.connect_timeout <= 20
    invoke: Any = stack.INVOKE
    assert invoke.read_timeout > 600
    assert invoke.retries["total_max_attempts"] == 1


class AtOnce:
    """A timer that is due as soon as it is started."""

    def __init__(self, _: float, function: Callable[[], None]) -> None:
        self.function = function
        self.daemon = False

    def start(self) -> None:
        self.function()

    def cancel(self) -> None: ...


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(("stream", "is_said"), [(Terminal(), True), (io.StringIO(), False)])
def test_a_terminal_shows_what_the_command_waits_for(
    monkeypatch: pytest.MonkeyPatch, aws: Aws, stream: io.StringIO, is_said: bool
) -> None:
    monkeypatch.setattr(waiting, "Timer", AtOnce)
    monkeypatch.setattr(sys, "stderr", stream)
    stack.find("tandem").ask(stack.Verdict, action="plan")
    said = ["waiting for CloudFormation …", "waiting for tandem-provisioner …"] if is_said else []
    assert stream.getvalue().splitlines() == said


# ---- what AWS refuses


def refused(code: str) -> bytes:
    return (
        f"<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>words</Message></Error>"
        "<RequestId>1</RequestId></ErrorResponse>"
    ).encode()


@pytest.mark.parametrize(
    ("status", "code", "calls", "says"),
    [
        (400, "Throttling", 3, "AWS failed at DescribeStacks"),
        (500, "InternalFailure", 3, "AWS failed at DescribeStacks"),
        (403, "AccessDenied", 1, "AWS refused DescribeStacks: AccessDenied: words"),
        (403, "ExpiredToken", 1, "sign in again (aws sso login) or set new credentials"),
    ],
)
def test_a_refusal_says_what_to_do(aws: Aws, status: int, code: str, calls: int, says: str) -> None:
    aws.cloudformation = (status, refused(code))
    result = run(*PLAN)
    assert result.exit_code == 4
    assert says in result.stderr
    assert "Region us-east-1" in result.stderr
    assert len(aws.calls) == calls


def test_a_refused_port_names_the_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    pointed_at(monkeypatch, "http://127.0.0.1:1")
    monkeypatch.setattr("botocore.endpoint.time", type("Clock", (), {"sleep": lambda _: None}))
    result = run(*PLAN)
    assert result.exit_code == 4
    assert "check AWS_ENDPOINT_URL" in result.stderr
    assert "Region us-east-1" in result.stderr


# ---- who reads, and who interrupts


COMMANDS = {
    "valid": ("validate", str(EXAMPLE)),
    "problems": ("validate", "{wrong}"),
    "estimate": ("estimate", str(EXAMPLE)),
    "help": ("--help",),
    "version": ("--version",),
}


@pytest.fixture
def wrong(tmp_path: Path) -> str:
    file = tmp_path / "edge.yaml"
    file.write_text(TEXT.replace("name: edge", "name: Edge"), encoding="utf-8")
    return str(file)


@pytest.mark.parametrize("arguments", COMMANDS.values(), ids=COMMANDS)
def test_a_full_disk_is_said_in_one_line(
    monkeypatch: pytest.MonkeyPatch, wrong: str, arguments: tuple[str, ...]
) -> None:
    said = io.StringIO()
    with Path("/dev/full").open("w", encoding="utf-8") as full:
        monkeypatch.setattr(sys, "stdout", full)
        monkeypatch.setattr(sys, "stderr", said)
        code = ended(monkeypatch, *(argument.format(wrong=wrong) for argument in arguments))
    assert code == Exit.UNWRITTEN
    assert said.getvalue() == "the output cannot be written: No space left on device\n"


@pytest.mark.parametrize("arguments", COMMANDS.values(), ids=COMMANDS)
def test_a_pipe_that_nobody_reads_any_more_ends_quietly(
    monkeypatch: pytest.MonkeyPatch, wrong: str, arguments: tuple[str, ...]
) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    said = io.StringIO()
    with os.fdopen(writer, "w", encoding="utf-8") as pipe:
        monkeypatch.setattr(sys, "stdout", pipe)
        monkeypatch.setattr(sys, "stderr", said)
        code = ended(monkeypatch, *(argument.format(wrong=wrong) for argument in arguments))
    assert (code, said.getvalue()) == (CLOSED, "")


@pytest.mark.parametrize("arguments", [("validate", "none.yaml"), ("valdate",), ("apply", "-")])
def test_an_error_that_cannot_be_printed_keeps_its_exit_code(
    monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...]
) -> None:
    with Path("/dev/full").open("w", encoding="utf-8") as full:
        monkeypatch.setattr(sys, "stderr", full)
        assert ended(monkeypatch, *arguments) == 2


def test_a_closed_standard_input_is_said(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdin", None)
    assert ended(monkeypatch, "validate", "-") == 2
    assert capsys.readouterr().err.startswith("<stdin>: is closed")


def test_nobody_answers_on_a_closed_standard_input(
    monkeypatch: pytest.MonkeyPatch, aws: Aws, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdin", None)
    assert ended(monkeypatch, "apply", str(EXAMPLE)) == 3
    assert "use --yes" in capsys.readouterr().err


class Interrupted(io.BytesIO):
    """Somebody who presses Ctrl-C in the place of an answer."""

    def read1(self, _: int | None = -1, /) -> bytes:
        raise KeyboardInterrupt


def test_ctrl_c_at_the_question_is_no_answer(
    monkeypatch: pytest.MonkeyPatch, aws: Aws, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(Interrupted()))
    assert ended(monkeypatch, "apply", str(EXAMPLE)) == STOPPED
    assert "nothing was stored" in capsys.readouterr().out
    assert aws.calls.count("Invoke") == 1


def test_a_document_on_standard_input_leaves_none_for_the_answer(aws: Aws) -> None:
    result = run("apply", "-", stdin=TEXT)
    assert result.exit_code == 2
    assert "--yes" in result.stderr
    assert aws.calls == []
