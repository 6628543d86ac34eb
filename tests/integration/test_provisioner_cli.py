"""The command line as people use it: the real commands against the real function, over emulated AWS."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import boto3
import pytest
import yaml
from typer.testing import CliRunner, Result

from cli import stack
from cli.main import app
from tandem.errors import TandemError
from tests.provisioning import Provisioner, provisioner
from tests.shared_worlds import begins_in
from tests.topologies import EXAMPLE

TEMPLATE = {
    "Resources": {"Topic": {"Type": "AWS::SNS::Topic"}},
    "Outputs": {"ProvisionerFunction": {"Value": "tandem-provisioner"}},
}


@contextmanager
def lambda_service(tandem: Provisioner) -> Iterator[str]:
    """Lambda's Invoke on loopback, with the function behind it, errors as Lambda reports them."""

    class Invoke(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            order = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            assert self.path == "/2015-03-31/functions/tandem-provisioner/invocations"
            self.send_response(200)
            try:
                answer: Any = tandem.invoke(order)
            except TandemError as error:
                answer = {"errorType": type(error).__name__, "errorMessage": str(error)}
                self.send_header("X-Amz-Function-Error", "Unhandled")
            self.end_headers()
            self.wfile.write(json.dumps(answer).encode())

        def log_message(self, *_: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Invoke)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


class Command:
    """`tandem …` with a stack that is deployed, and a file for its document."""

    def __init__(self, tandem: Provisioner, file: Path) -> None:
        self.tandem = tandem
        self.file = file

    def run(self, *arguments: str, wanted: Any = None, answers: str = "") -> Result:
        self.file.write_text(yaml.safe_dump(wanted or self.tandem.document(), sort_keys=False))
        result = CliRunner().invoke(app, [*arguments, str(self.file)], input=answers)
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        return result


@pytest.fixture
@begins_in(provisioner)
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Command]:
    with provisioner() as tandem, lambda_service(tandem) as url:
        monkeypatch.setenv("AWS_ENDPOINT_URL_LAMBDA", url)
        boto3.client("cloudformation").create_stack(StackName="tandem", TemplateBody=json.dumps(TEMPLATE))
        yield Command(tandem, tmp_path / "edge.yaml")


def untag(tandem: Provisioner) -> list[str]:
    """Takes the owner's consent off an Elastic IP and an interface."""
    resources = [tandem.ids["elastic_ips"]["eip2"]["allocation_id"], tandem.ids["interfaces"]["fw2"]]
    boto3.client("ec2").delete_tags(Resources=resources, Tags=[{"Key": "tandem:stack"}])
    return resources


def test_the_example_validates_without_any_aws() -> None:
    result = CliRunner().invoke(app, ["validate", str(EXAMPLE)])
    assert result.exit_code == 0
    assert result.stdout.replace("\n", "").endswith("edge.yaml: valid")


def test_validate_prints_every_problem_with_what_is_right(command: Command) -> None:
    result = command.run("validate", wanted=command.tandem.document(mode="on", name="My Edge"))
    assert result.exit_code == 1
    for words in ("2 problems", "mode", 'is "on"', "dry-run or enforce", "name", "lower-case"):
        assert words in result.stdout
    assert command.tandem.calls == []


def test_validate_online_compares_with_aws_and_stores_nothing(command: Command) -> None:
    assert command.run("validate", "--online").exit_code == 0
    wrong = command.tandem.document(route_server={"id": "rs-0fffffffffffffff1"})
    result = command.run("validate", "--online", wanted=wrong)
    assert result.exit_code == 1
    assert "rs-0fffffffffffffff1 is not known in account 123456789012" in result.stdout
    assert command.tandem.record() is None


@pytest.mark.parametrize(
    ("text", "says"), [(None, "No such file"), ("a: [", "edge.yaml:1:5:"), ("id: !Ref X", "the tag !Ref")]
)
def test_a_file_that_cannot_be_read_ends_with_two(tmp_path: Path, text: str | None, says: str) -> None:
    file = tmp_path / "edge.yaml"
    if text is not None:
        file.write_text(text)
    result = CliRunner().invoke(app, ["apply", str(file)])
    assert result.exit_code == 2
    assert says in result.stderr.replace("\n", " ")


def test_doubled_keys_are_problems(tmp_path: Path) -> None:
    file = tmp_path / "edge.yaml"
    file.write_text(EXAMPLE.read_text() + "\nmode: dry-run\n")
    result = CliRunner().invoke(app, ["validate", str(file)])
    assert result.exit_code == 1
    assert "occurs twice, in line 6 and in line" in result.stdout


def test_apply_shows_asks_and_stores(command: Command) -> None:
    result = command.run("apply", answers="y\n")
    assert result.exit_code == 0, result.stdout
    assert "edge is new; it starts in mode enforce" in result.stdout
    assert "internet-edge: no-change" in result.stdout
    assert "stays on fw1" in result.stdout
    assert "Store edge in mode enforce?" in result.stdout
    assert "stored: edge, version 1, mode enforce" in result.stdout
    assert command.tandem.record().version == 1


def test_a_new_topology_starts_in_dry_run_unless_it_says_otherwise(command: Command) -> None:
    quiet = command.tandem.document()
    del quiet["mode"]
    result = command.run("apply", "--yes", wanted=quiet)
    assert "starts in mode dry-run" in result.stdout
    assert command.tandem.record().topology.mode == "dry-run"


@pytest.mark.parametrize("answers", ["n\n", ""])
def test_without_a_yes_nothing_is_stored(command: Command, answers: str) -> None:
    result = command.run("apply", answers=answers)
    assert result.exit_code == 3
    assert "nothing was stored" in result.stdout
    assert ("use --yes" in result.stderr) is not bool(answers)
    assert command.tandem.record() is None


def test_a_member_of_a_problem_that_this_command_does_not_know_is_left_out(
    command: Command, monkeypatch
) -> None:
    """The function may be of a later version."""
    wrong = command.tandem.document(route_server={"id": "rs-0fffffffffffffff1"})
    real = command.tandem.invoke

    def later(order: dict[str, Any]) -> dict[str, Any]:
        answer = real(order)
        return answer | {"problems": [problem | {"later": 1} for problem in answer["problems"]]}

    monkeypatch.setattr(command.tandem, "invoke", later)
    result = command.run("validate", "--online", wanted=wrong)
    assert result.exit_code == 1
    assert "edge.yaml:6:3: route_server.id" in result.stdout


def test_addresses_that_would_move_are_said_with_the_reason_before_asking(command: Command) -> None:
    boto3.client("ec2").disassociate_address(
        AssociationId=boto3.client("ec2").describe_addresses()["Addresses"][0]["AssociationId"]
    )
    result = command.run("apply", answers="n\n")
    assert "moves from nobody to fw1" in result.stdout
    assert "nobody has it" in result.stdout
    assert "Store edge in mode enforce; 1 of its addresses move at once?" in result.stdout
    dry = command.run("apply", wanted=command.tandem.document(mode="dry-run"), answers="n\n")
    assert "1 move would be reported, none carried out" in dry.stdout


def test_applying_the_same_again_changes_nothing(command: Command) -> None:
    command.run("apply", "--yes")
    result = command.run("apply")
    assert result.exit_code == 0
    assert "nothing to change: version 1 of edge" in result.stdout


@pytest.mark.parametrize(
    ("arguments", "last"),
    [
        (
            ("apply",),
            "version 1 of edge is identical, but the topology needs attention: 1 group held",
        ),
        (("plan",), "internet-edge is HELD: 4 Elastic IPs cannot follow the route; no appliance owns"),
        (("validate", "--online"), "valid, but the topology needs attention: 1 group held, see above"),
    ],
)
def test_a_total_outage_is_never_silent(command: Command, arguments: tuple[str, ...], last: str) -> None:
    command.run("apply", "--yes")
    for name in ("fw1", "fw2"):
        command.tandem.lab.levers.kill(name=name)
    command.tandem.lab.clock.sleep(5)
    result = command.run(*arguments)
    assert result.exit_code == 0
    assert "internet-edge: hold, 0.0.0.0/0 is not in the FIB" in result.stdout
    assert last in result.stdout
    assert not result.stdout.rstrip().endswith((": valid", "is identical"))


def test_a_move_that_is_due_is_never_silent(command: Command) -> None:
    command.run("apply", "--yes")
    command.tandem.lab.levers.kill(name="fw1")
    command.tandem.lab.clock.sleep(5)
    assert "the topology needs attention: 4 moves due, see above" in command.run("apply").stdout


def test_the_preview_of_what_is_stored_comes_before_the_problems(command: Command) -> None:
    command.run("apply", "--yes")
    command.tandem.lab.levers.instance(name="fw2", state="terminated")
    command.tandem.lab.clock.sleep(5)
    for arguments in (("apply",), ("validate", "--online")):
        shown = command.run(*arguments)
        assert shown.exit_code == 1
        assert 0 < shown.stdout.index("What a look would decide now:") < shown.stdout.index("problem")


def test_a_change_is_shown_value_by_value(command: Command) -> None:
    command.run("apply", "--yes")
    result = command.run("apply", wanted=command.tandem.document(mode="dry-run"), answers="n\n")
    assert "edge, version 1 is stored; this changes:" in result.stdout
    assert "mode: enforce -> dry-run" in result.stdout


def test_problems_end_with_one_and_store_nothing(command: Command) -> None:
    result = command.run("apply", "--yes", wanted=command.tandem.document(groups=[]))
    assert result.exit_code == 1
    assert command.tandem.record() is None


def test_the_owners_tag_is_offered_and_written_by_the_owner(command: Command) -> None:
    resources = untag(command.tandem)
    result = command.run("apply", answers="y\ny\n")
    assert result.exit_code == 0, result.stdout
    assert f"tandem:stack=tandem is missing on: {', '.join(resources)}" in result.stdout
    assert command.tandem.record() is not None
    found = boto3.client("ec2").describe_tags(Filters=[{"Name": "resource-id", "Values": resources}])
    written = {t["ResourceId"]: t["Value"] for t in found["Tags"] if t["Key"] == "tandem:stack"}
    assert written == dict.fromkeys(resources, "tandem")
    assert command.tandem.every_call
    assert not any("CreateTags" in call for call in command.tandem.every_call)


def test_the_tag_is_not_written_unasked(command: Command) -> None:
    resources = untag(command.tandem)
    for arguments, answers in ((("apply", "--yes"), ""), (("apply",), "n\n")):
        result = command.run(*arguments, answers=answers)
        assert result.exit_code == 1
        assert f"{resources[0]} lacks its owner's tag" in result.stdout
    assert command.run("apply", "--yes", "--tag").exit_code == 0


def test_the_tag_is_not_offered_while_anything_else_is_wrong(command: Command) -> None:
    untag(command.tandem)
    wrong = command.tandem.document()
    wrong["appliances"]["fw1"]["asn"] = 64512
    result = command.run("apply", wanted=wrong, answers="y\ny\n")
    assert result.exit_code == 1
    assert "is missing on" not in result.stdout


def test_take_over_is_asked_for_and_done(command: Command) -> None:
    command.run("apply", "--yes")
    command.tandem.put_item(door={"S": "arn:aws:cloudformation:us-east-1:123456789012:stack/network/1"})
    changed = command.tandem.document(mode="dry-run")
    assert command.run("apply", "--yes", wanted=changed).exit_code == 1
    assert command.run("apply", "--yes", "--take-over", wanted=changed).exit_code == 0
    assert command.tandem.record().door == "cli"


def test_a_stack_that_is_not_there_ends_with_four(command: Command) -> None:
    result = command.run("apply", "--stack", "tandme")
    assert result.exit_code == 4
    assert "there is no stack tandme in us-east-1" in result.stderr.replace("\n", " ")


def test_a_stack_of_somebody_else_is_said(command: Command) -> None:
    foreign = json.dumps({"Resources": TEMPLATE["Resources"]})
    boto3.client("cloudformation").create_stack(StackName="web", TemplateBody=foreign)
    result = command.run("apply", "--stack", "web")
    assert result.exit_code == 4
    assert "has no output ProvisionerFunction" in result.stderr.replace("\n", " ")


def test_an_error_of_the_function_is_said(command: Command) -> None:
    command.tandem.lab.levers.fault("DescribeSubnets", error="RequestLimitExceeded")
    result = command.run("apply", "--yes")
    assert result.exit_code == 4
    assert "PassingError" in result.stderr
    assert "RequestLimitExceeded" in result.stderr


def test_no_credentials_are_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, "/dev/null")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    result = CliRunner().invoke(app, ["apply", str(EXAMPLE)])
    assert result.exit_code == 4
    assert "no AWS credentials" in result.stderr


def test_no_region_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")
    result = CliRunner().invoke(app, ["apply", str(EXAMPLE)])
    assert result.exit_code == 4
    assert "no AWS Region" in result.stderr


def test_help_says_the_exit_codes() -> None:
    for command in ("apply", "validate"):
        shown = " ".join(CliRunner().invoke(app, [command, "--help"]).stdout.split())
        assert "Exit codes: 0 done" in shown


def test_everything_can_be_read_without_colour(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    result = command.run("apply", "--yes")
    assert "\x1b" not in result.stdout
    assert "stored: edge" in result.stdout


# ---- what is managed


def managed(command: Command) -> dict[str, Any]:
    """The example's document, adopted."""
    return command.tandem.document(manage=True)


def test_the_plan_is_printed_and_nothing_happens(command: Command) -> None:
    made = managed(command)
    made["route_server"].pop("id")
    result = command.run("plan", wanted=made)
    assert result.exit_code == 0, result.stdout
    assert "in 11 steps" in result.stdout
    assert "1. create the route server (ASN 65000)" in result.stdout
    assert command.tandem.changes == []
    assert command.tandem.record() is None


def test_a_topology_is_forgotten_after_asking(command: Command) -> None:
    command.run("apply", "--yes")
    refused = CliRunner().invoke(app, ["delete", "edge"], input="n\n")
    assert (refused.exit_code, command.tandem.record() is None) == (3, False)
    assert "nothing in EC2 changes" in refused.stdout
    done = CliRunner().invoke(app, ["delete", "edge"], input="y\n")
    assert (done.exit_code, command.tandem.record()) == (0, None)
    assert "deleted: edge" in done.stdout
    gone = CliRunner().invoke(app, ["delete", "edge", "--yes"])
    assert gone.exit_code == 1
    assert "no topology edge is stored" in gone.stdout


def test_what_was_created_goes_step_by_step_and_is_shown_first(command: Command) -> None:
    wanted = command.tandem.document(manage=True)
    wanted["route_server"].pop("id")
    wanted["name"] = "made"
    wanted["groups"] = [{"name": "transit", "prefixes": ["10.20.0.0/16"]}]
    assert command.run("apply", "--yes", wanted=wanted).exit_code == 0
    command.tandem.deliver()
    result = CliRunner().invoke(app, ["delete", "made", "--resources", "--yes"])
    assert result.exit_code == 0, result.stdout
    steps = [line.split(". ", 1)[1] for line in result.stdout.splitlines() if ". " in line]
    kinds = [step.removeprefix("delete ").split(" ")[0].split("-")[0] for step in steps]
    assert kinds == ["peer"] * 4 + ["endpoint"] * 4 + ["disable", "disassociate", "rs"]
    assert "deleted: made" in result.stdout


def test_what_is_only_watched_has_nothing_to_plan(command: Command) -> None:
    assert "nothing to create or change" in command.run("plan").stdout


def test_consent_to_adoption_is_offered_like_any_other(command: Command) -> None:
    result = command.run("plan", wanted=managed(command))
    assert result.exit_code == 1
    assert "lacks its owner's tag, without which Tandem may not adopt it" in result.stdout
    assert command.run("apply", "--yes", "--tag", wanted=managed(command)).exit_code == 0
    assert command.tandem.record().topology.manage


def test_leave_to_interrupt_is_stored_with_the_version(command: Command) -> None:
    command.run("apply", "--yes", "--tag", wanted=managed(command))
    assert command.tandem.record().allow_interruption is False
    again = command.run("apply", "--yes", "--allow-interruption", wanted=managed(command))
    assert again.exit_code == 0, again.stdout
    assert (command.tandem.record().version, command.tandem.record().allow_interruption) == (2, True)


def test_the_tag_is_offered_for_networks_too_also_where_nothing_is_refused(command: Command) -> None:
    """A managed route server enters them; once it is there, a missing tag is a warning."""
    wanted = command.tandem.document(manage=True)
    wanted["route_server"].pop("id")
    server = wanted["route_server"]
    networks = [server["vpc_id"], *dict.fromkeys(server["endpoints"].values()), *server["propagate_to"]]
    for document in (wanted, wanted | {"mode": "dry-run"}):
        boto3.client("ec2").delete_tags(Resources=networks, Tags=[{"Key": "tandem:stack"}])
        result = command.run("apply", "--yes", "--tag", wanted=document)
        assert result.exit_code == 0, result.stdout
        found = boto3.client("ec2").describe_tags(Filters=[{"Name": "key", "Values": ["tandem:stack"]}])
        assert set(networks) <= {tag["ResourceId"] for tag in found["Tags"]}
        assert "lacks its owner's tag" not in result.stdout


@pytest.mark.parametrize("strange", ["eipalloc-0fff", "vpc-0fff", "rtb-0fff", "i-0fff"])
def test_the_owner_consents_to_nothing_that_the_document_does_not_name(
    command: Command, monkeypatch: pytest.MonkeyPatch, strange: str
) -> None:
    ask = stack.Provisioner.ask

    def misled(self: stack.Provisioner, kind: type[stack.Verdict], **order: object) -> stack.Verdict:
        return replace(ask(self, kind, **order), untagged=(strange,))

    monkeypatch.setattr(stack.Provisioner, "ask", misled)
    result = command.run("apply", "--yes", "--tag")
    assert result.exit_code == 4
    assert f"tandem:stack on {strange}, which the document does not name" in result.stderr
