"""Plausible wrong inputs of the command line are answered with where, what and what would be right."""

from __future__ import annotations

import io
import os
import sys
import threading
from collections.abc import Callable, Sequence
from importlib import metadata
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType

import boto3
import pytest
from typer.testing import CliRunner, Result

from cli import document, waiting
from cli.__main__ import main
from cli.exits import STOPPED
from cli.main import app
from tests import awsclients
from tests.topologies import EXAMPLE

TEXT = EXAMPLE.read_text(encoding="utf-8")
FW2 = "groups[0].elastic_ips[{n}].targets.fw2"


def run(*arguments: str, stdin: str | bytes = "") -> Result:
    result = CliRunner().invoke(app, arguments, input=stdin)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


def validated(tmp_path: Path, text: str | bytes, name: str = "edge.yaml") -> tuple[int, list[str]]:
    file = tmp_path / name
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    result = run("validate", str(file))
    lines = (result.stdout + result.stderr).replace(f"{tmp_path}/", "").splitlines()
    return result.exit_code, lines


WRONG: dict[str, tuple[tuple[str, str], str, str, str]] = {
    # name: (what is replaced in the example, place, what, what would be right)
    "a name that is a number": (
        ("name: edge", "name: 20261121"),
        "5:1: name",
        "is 20261121",
        '"20261121" in',
    ),
    "an ASN with an exponent": (
        ("asn: 65001", "asn: 4.200000001E9"),
        "26:5: appliances.fw1.asn",
        'is "4.200000001E9"',
        "4200000001; an ASN",
    ),
    "an ASN in dots": (("asn: 65001", "asn: 64086.59905"), "26:5: appliances.fw1.asn", "is", "4200000001"),
    "an ASN below all": (("asn: 65001", "asn: -5"), "26:5: appliances.fw1.asn", "is -5", "an ASN, 1 to"),
    "an ASN above all": (
        ("asn: 65001", f"asn: {'9' * 23}"),
        "26:5: appliances.fw1.asn",
        "is",
        "an ASN, 1 to",
    ),
    "no ASN": (("asn: 65001", "asn:"), "26:5: appliances.fw1.asn", "is empty", "an ASN, 1 to"),
    "a list for an ASN": (("asn: 65001", "asn: [65001]"), "26:5: appliances.fw1.asn", "is a list", "an ASN"),
    "a mode in capitals": (
        ("mode: dry-run", "mode: ENFORCE"),
        "6:1: mode",
        'is "ENFORCE"',
        "enforce;",
    ),
    "a property of another spelling": (
        ("route_server:", "route-server:"),
        "11:1: route-server",
        "is not a known property",
        "route_server? known here",
    ),
    "a private IP of the other appliance": (
        ("10.0.2.20}", "10.0.1.20}"),
        "46:59: groups[0].elastic_ips[0].targets.fw2.private_ip (eipalloc-0a1b2c3d4e5f60001)",
        "10.0.1.20 belongs to fw1 already",
        "one of fw2's own",
    ),
    "a letter of another script": (
        ("name: edge", "name: \u0435dge"),
        "5:1: name",
        "is",
        "lower-case letters",
    ),
    "control characters of a terminal": (
        ("name: edge", 'name: "\\e[31medge"'),
        "5:1: name",
        'is "\\u001b[31medge"',
        "lower-case letters",
    ),
}


@pytest.mark.parametrize(("edit", "place", "what", "right"), WRONG.values(), ids=WRONG)
def test_a_wrong_value_is_said_with_its_place(
    tmp_path: Path, edit, place: str, what: str, right: str
) -> None:
    old, new = edit
    assert old in TEXT
    exit_code, lines = validated(tmp_path, TEXT.replace(old, new, 1))
    assert exit_code == 1
    at = lines.index(f"edge.yaml:{place}")
    assert lines[at + 1].startswith(f"    {what}")
    assert lines[at + 2].startswith(f"    right would be: {right}")


def test_problems_come_in_the_order_of_the_document(tmp_path: Path) -> None:
    text = (
        TEXT.replace("asn: 65001", "asn: 0").replace("name: edge", "name: Edge").replace("0.0.0.0/0", "x", 1)
    )
    _, lines = validated(tmp_path, text)
    places = [tuple(map(int, line.split(":")[1:3])) for line in lines[1:] if line.startswith("edge.yaml:")]
    assert len(places) == 3
    assert places == sorted(places)


def test_what_follows_from_a_mistake_stands_below_it(tmp_path: Path) -> None:
    exit_code, lines = validated(tmp_path, TEXT.replace("\n  fw2:", "\n  fw_2:"))
    assert exit_code == 1
    assert lines[0] == "edge.yaml: 8 problems"
    assert [line for line in lines[1:] if line.startswith("edge.yaml:")] == [
        f"edge.yaml:46:11: {FW2.format(n=0)} (eipalloc-0a1b2c3d4e5f60001)"
    ]
    assert lines[4] == f"    edge.yaml:50:11: {FW2.format(n=1)} (eipalloc-0a1b2c3d4e5f60002): the same"
    assert sum("caused by" in line for line in lines) == 4


def test_what_is_claimed_twice_names_both_places(tmp_path: Path) -> None:
    _, lines = validated(tmp_path, TEXT.replace("10.0.2.20}", "10.0.1.20}"))
    first = "edge.yaml:45:59: groups[0].elastic_ips[0].targets.fw1.private_ip (eipalloc-0a1b2c3d4e5f60001)"
    assert f"    the first is at {first}" in lines


def test_no_character_of_a_file_or_its_name_controls_the_terminal(tmp_path: Path) -> None:
    text = TEXT.replace("name: edge", "name: ed\u202ege\u200b").replace("mode:", '"m\u202eode":')
    _, lines = validated(tmp_path, text, "ed\u202ege\u001b[31m.yaml")
    shown = "\n".join(lines)
    assert shown.isascii()
    assert "\x1b" not in shown
    assert "ed\\u202ege\\u001b[31m.yaml:5:1: name" in lines
    missing = run("validate", "no\u202eone.yaml")
    assert "no\\u202eone.yaml: No such file" in missing.stderr


FILES: dict[str, tuple[bytes, int, str]] = {
    "nothing": (b"", 1, "edge.yaml:1:1: the document"),
    "a list": (b"[1]", 1, "edge.yaml:1:1: the document"),
    "a word": (b"edge", 1, "edge.yaml:1:1: the document"),
    "UTF-16": (TEXT.encode("utf-16"), 2, "edge.yaml:1:1: not UTF-8 text (it is UTF-16)"),
    "UTF-16 without a mark": (TEXT.encode("utf-16-le"), 2, "edge.yaml:1:1: not UTF-8 text (it is UTF-16 or"),
    "UTF-32": (TEXT.encode("utf-32"), 2, "edge.yaml:1:1: not UTF-8 text (it is UTF-32)"),
    "gzip": (b"\x1f\x8b\x08\x00", 2, "edge.yaml:1:1: not UTF-8 text (it is compressed by gzip)"),
    "Latin 1": (b"# caf\xe9\nname: edge", 2, "edge.yaml:1:6: not UTF-8 text (byte 5)"),
    "binary": (bytes(range(256)), 2, "edge.yaml:"),
    "an open quote": (
        TEXT.replace("name: edge", 'name: "edge').encode(),
        2,
        "edge.yaml:5:7: the quotation mark",
    ),
    "two documents": (f"{TEXT}---\n{TEXT}".encode(), 2, "edge.yaml:59:1: a second document begins here"),
    "500 KB": (b"# x\n" * 125_000, 2, "edge.yaml: has more than 400,000 bytes"),
    "deep": (b"[" * 500, 2, "edge.yaml: nested too deeply"),
    "a bomb of 235 bytes": (
        b"".join(
            b"a%d: &a%d [%s]\n" % (n, n, b",".join([b"*a%d" % (n - 1)] * 9) if n else b"x") for n in range(8)
        ),
        2,
        "edge.yaml:",
    ),
    "a template of CloudFormation": (
        b"Resources:\n  X: !Ref Y\n",
        2,
        "edge.yaml:1:1: this is a CloudFormation template",
    ),
    "20,000 prefixes": (
        TEXT.replace("0.0.0.0/0", ", ".join(["10.0.0.0/8"] * 20_000), 1).encode(),
        2,
        "edge.yaml:",
    ),
}


@pytest.mark.parametrize(("content", "code", "says"), FILES.values(), ids=FILES)
def test_a_file_that_is_no_topology_says_why(tmp_path: Path, content: bytes, code: int, says: str) -> None:
    exit_code, lines = validated(tmp_path, content)
    assert exit_code == code
    assert any(line.startswith(says) for line in lines)
    assert any("right would be" in line for line in lines)
    assert max(map(len, lines)) < 400


def test_json_is_read_as_well_with_its_places(tmp_path: Path) -> None:
    exit_code, lines = validated(tmp_path, '{\n\t"tandem": 1,\n\t"name": "Edge"\n}\n', "edge.json")
    assert exit_code == 1
    assert "edge.json:3:2: name" in lines


def test_a_dash_is_standard_input() -> None:
    assert run("validate", "-", stdin=TEXT).stdout == "<stdin>: valid\n"
    assert "About $" in run("estimate", "-", stdin=TEXT).stdout
    wrong = run("validate", "-", stdin=TEXT.replace("name: edge", "name: Edge"))
    assert "<stdin>:5:1: name" in wrong.stdout


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("discover", "--vpc", "foo"), 'is "foo"; right would be: the ID of a VPC'),
        (("discover", "--vpc", ""), 'is ""; right would be: the ID of a VPC'),
        (("discover", "--vpc", "vpc-0A1B2C3D4E5F60001"), "right would be: the ID of a VPC"),
        (
            ("discover", "--vpc", "vpc-0a1b2c3d4e5f60001", "--route-server", "rtb-1"),
            "the ID of a route server",
        ),
        (("discover",), "Missing option '--vpc'"),
        (("delete", "My Edge"), 'is "My Edge"; right would be: lower-case letters'),
        (("plan", "--stack", "", str(EXAMPLE)), "right would be: a stack's name"),
        (("plan", "--stack", "my_stack", str(EXAMPLE)), 'is "my_stack"'),
        (("plan", "none.yaml"), "none.yaml: No such file or directory"),
        (("plan", "."), "Is a directory"),
        (("plan", "--stack", "s" * 300, str(EXAMPLE)), "128 at most"),
        (("plan", ""), "is empty; right would be: the path of a file"),
        (("plan", f"{EXAMPLE}/"), "right would be: the path of a file"),
        (("valdate", "x"), "Did you mean 'validate'?"),
        (("apply",), "Missing argument 'FILE'"),
        (("apply", str(EXAMPLE), "--force"), "No such option: --force"),
    ],
)
def test_a_command_line_that_cannot_be_right_needs_no_aws(arguments: Sequence[str], says: str) -> None:
    result = run(*arguments)
    assert result.exit_code == 2
    assert says in " ".join(result.stderr.split())


AWAY = {
    "AWS_PROFILE": ("nobody", "cannot call AWS: The config profile (nobody) could not be found"),
    "AWS_REGION": ("us east", "cannot call AWS: Provided region_name 'us east'"),
    "AWS_ENDPOINT_URL": ("gibberish", "cannot call AWS: Invalid endpoint: gibberish"),
}


@pytest.mark.parametrize(
    "arguments", [("plan", str(EXAMPLE)), ("discover", "--vpc", "vpc-0a1b2c3d4e5f60001")]
)
@pytest.mark.parametrize("name", AWAY)
def test_settings_of_aws_that_cannot_be_used_are_named(
    monkeypatch: pytest.MonkeyPatch, arguments: Sequence[str], name: str
) -> None:
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
    awsclients.forget()
    for given in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(given, "/dev/null")
    monkeypatch.delenv("AWS_DEFAULT_REGION", raising=False)
    for given, value in {
        "AWS_ACCESS_KEY_ID": "x",
        "AWS_SECRET_ACCESS_KEY": "y",
        "AWS_REGION": "us-east-1",
    }.items():
        monkeypatch.setenv(given, value)
    monkeypatch.setenv(name, AWAY[name][0])
    result = run(*arguments)
    assert result.exit_code == 4
    assert AWAY[name][1] in result.stderr


def test_the_version_is_the_packages() -> None:
    assert run("--version").stdout == f"tandem {metadata.version('tandem')}\n"


def test_a_terminal_without_unicode_gets_escapes(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file, written = tmp_path / "edge.yaml", io.BytesIO()
    file.write_text(TEXT.replace("name: edge", "name: \u00e9dge\u2026"), encoding="utf-8")
    monkeypatch.setattr(sys, "argv", ["tandem", "validate", str(file)])
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(written, encoding="ascii"))
    with pytest.raises(SystemExit) as ended:
        main()
    sys.stdout.flush()
    assert ended.value.code == 1
    assert b'is "\\xe9dge\\u2026"' in written.getvalue()


def test_ctrl_c_while_the_command_is_imported_ends_it_quietly(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Interrupted:
        @staticmethod
        def find_spec(name: str, path: object = None, target: ModuleType | None = None) -> ModuleSpec | None:
            if name == "cli.main":
                raise KeyboardInterrupt
            return None

    monkeypatch.delitem(sys.modules, "cli.main")
    monkeypatch.setattr(sys, "meta_path", [Interrupted, *sys.meta_path])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == STOPPED
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("apply", "edge.yaml", "--dry-run"), "tandem plan FILE"),
        (("--stack", "x", "validate", "edge.yaml"), "tandem validate --stack NAME"),
        (("discover", "vpc-0a1b2c3d4e5f60001"), "tandem discover --vpc VPC"),
        (("delete", "edge.yaml"), "not a file: tandem delete NAME"),
        (("help",), "tandem --help"),
    ],
)
def test_the_command_that_was_meant_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], arguments: Sequence[str], says: str
) -> None:
    monkeypatch.setattr(sys, "argv", ["tandem", *arguments])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    assert says in capsys.readouterr().err


def test_help_has_its_short_name() -> None:
    assert run("-h").stdout == run("--help").stdout


def test_a_mistake_in_many_places_lists_twenty(tmp_path: Path) -> None:
    groups = "".join(f"  - {{name: g{n}, prefixes: [10.{n}.0.0/16], color: x}}\n" for n in range(40))
    exit_code, lines = validated(tmp_path, f"{TEXT.rstrip()}\n{groups}")
    assert exit_code == 1
    assert "    … and 19 more of this kind" in lines


def test_many_mistakes_of_one_kind_list_twenty(tmp_path: Path) -> None:
    groups = "".join(f"  - {{name: g{n}, prefixes: [10.{n}.0.1/16]}}\n" for n in range(40))
    _, lines = validated(tmp_path, f"{TEXT.rstrip()}\n{groups}")
    assert sum("as its length says" in line for line in lines) == 20
    assert lines[-1] == "… and 20 more of this kind (wrong-value)"


def test_a_command_line_does_not_control_the_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["tandem", "validate", "edge.yaml", "more\u202e\x1b[31m"])
    with pytest.raises(SystemExit):
        main()
    shown = capsys.readouterr().err
    assert "more\\u202e" in shown
    assert "\x1b" not in shown


def test_a_long_name_is_cut_as_a_value_is(tmp_path: Path) -> None:
    _, lines = validated(tmp_path, TEXT.replace("mode:", f"{'m' * 300}:"))
    assert max(map(len, lines)) < 200


def test_a_pipe_without_a_writer_is_said(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fifo = tmp_path / "edge.yaml"
    os.mkfifo(fifo)

    class Writes:
        """A timer that is due at once, after which somebody writes."""

        daemon = False

        def __init__(self, _: float, say: Callable[[], None]) -> None:
            self.say = say

        def start(self) -> None:
            self.say()
            threading.Thread(target=fifo.write_text, args=(TEXT,), daemon=True).start()

        def cancel(self) -> None: ...

    monkeypatch.setattr(waiting, "Timer", Writes)
    assert document.load(fifo).problems == ()
    assert capsys.readouterr().err == f"waiting for {fifo} …\n"
