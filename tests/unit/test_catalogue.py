"""Every code has words, no two codes are the same, and each reason of failover gives what its words need."""

from __future__ import annotations

import ast
import importlib
import pkgutil
import shlex
from collections.abc import Callable, Iterator
from enum import StrEnum
from functools import cache
from pathlib import Path

import botocore.session
import pytest
from botocore import xform_name
from botocore.model import ServiceModel

import tandem
from tandem import reasons
from tandem.reasons.compliance import RuleId
from tandem.reasons.documents import ProblemCode
from tandem.reasons.reason import reason
from tandem.words.catalogue import ENTRIES, sentence_at
from tandem.words.parts import is_command
from tandem.words.render import fields
from tests.reasons_page import PAGE, page

PACKAGE = Path(tandem.__file__).parent


def families() -> list[type[StrEnum]]:
    """Returns every enumeration of codes in the package `tandem.reasons`."""
    modules = [
        importlib.import_module(f"tandem.reasons.{m.name}") for m in pkgutil.iter_modules(reasons.__path__)
    ]
    return [
        kind
        for module in modules
        for kind in vars(module).values()
        if isinstance(kind, type) and issubclass(kind, StrEnum) and kind.__module__ == module.__name__
    ]


FAMILIES = {kind.__name__: kind for kind in families()}
CODES = [code for kind in families() for code in kind]


def test_no_code_occurs_twice() -> None:
    assert len(set(CODES)) == len(CODES)
    assert len(FAMILIES) == len(families())


def test_every_code_has_words_and_no_words_are_left_over() -> None:
    assert set(ENTRIES) == set(CODES)
    assert all(entry.text and entry.meaning.endswith(".") for entry in ENTRIES.values())


JUDGING = ("tandem.reasons.failover", "tandem.reasons.compliance")
MAKERS = {"reason": 0, "Result.failed": 1, "Result.not_applicable": 1, "cls.not_applicable": 1}
"""What makes a reason, and which of its arguments is the code."""


def given() -> Iterator[tuple[str, list[ast.expr], set[str | None]]]:
    """Yields where a reason is made, of which codes, and which facts it gives."""
    rooms = ((PACKAGE / room).rglob("*.py") for room in ("failover", "compliance"))
    for path in sorted(path for room in rooms for path in room):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            maker = ast.unparse(node.func) if isinstance(node, ast.Call) else ""
            if isinstance(node, ast.Call) and maker in MAKERS:
                code = node.args[MAKERS[maker]]
                if isinstance(code, ast.Name):  # the maker itself, which is called with a code
                    continue
                codes = [code.body, code.orelse] if isinstance(code, ast.IfExp) else [code]
                facts = {keyword.arg for keyword in node.keywords}
                yield f"{path.relative_to(PACKAGE)}:{node.lineno}", codes, facts


GIVEN = [(where, code, facts) for where, codes, facts in given() for code in codes]


@pytest.mark.parametrize(("where", "code", "facts"), GIVEN, ids=[where for where, _, _ in GIVEN])
def test_a_reason_gives_exactly_the_facts_that_its_words_name(
    where: str, code: ast.expr, facts: set[str | None]
) -> None:
    assert isinstance(code, ast.Attribute), f"{where}: the code is not named"
    assert isinstance(code.value, ast.Name)
    entry = ENTRIES[FAMILIES[code.value.id][code.attr]]
    assert facts == set(fields(entry.text, *entry.advice)) - {"subject"}, where


def test_every_code_is_given_somewhere() -> None:
    named = {ast.unparse(code) for _, code, _ in GIVEN}
    own = [code for code in CODES if type(code).__module__ in JUDGING and type(code) is not RuleId]
    assert {f"{type(code).__name__}.{code.name}" for code in own} <= named


def test_a_problems_sentence_goes_on_from_its_place() -> None:
    asns = reason(ProblemCode.ASN_DIFFERS, "route_server.amazon_side_asn", declared=65010, actual=65000)
    gone = reason(ProblemCode.INSTANCE_TERMINATED, "i-1")
    assert sentence_at("route_server.amazon_side_asn", asns) == (
        "route_server.amazon_side_asn: is 65010, but AWS shows 65000"
    )
    assert sentence_at("appliances.fw1.instance_id", gone) == "i-1 is terminated"
    assert sentence_at(None, gone) == "i-1 is terminated"


COMMANDS = sorted(
    {
        line
        for entry in ENTRIES.values()
        for line in entry.advice
        if is_command(line) and not line.startswith("aws logs tail ")  # no operation of the API
    }
)


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_of_advice_is_one_that_the_aws_command_line_has(
    command: str, cli_options: Callable[[str, str], set[str]]
) -> None:
    """A line holds the whole command, and its options are those of the operation."""
    _, service, operation, *words = shlex.split(command)
    given = {word for word in words if word.startswith("--")}
    assert given <= cli_options(service, operation) | {"--query", "--output"}
    assert not command.endswith(("\\", " .")), "a command is one line"


@pytest.fixture(scope="module")
def cli_options() -> Callable[[str, str], set[str]]:
    """Returns what gives the options of an operation, as the AWS command line names them."""
    session = botocore.session.get_session()

    @cache
    def model(service: str) -> ServiceModel:
        return session.get_service_model(service)

    def options(service: str, operation: str) -> set[str]:
        names = {xform_name(name, "-"): name for name in model(service).operation_names}
        shape = model(service).operation_model(names[operation]).input_shape
        own = {f"--{xform_name(name, '-')}" for name in (shape.members if shape else ())}
        # customizations of the command line: a structure `{Value}` is a flag, a list of one is a number
        flags = {"--no-source-dest-check", "--secondary-private-ip-address-count"}
        return own | (flags if service == "ec2" else set())

    return options


def test_the_page_is_what_the_catalogue_makes_of_it() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run: python -m tests.reasons_page"
    assert all(f"\n#### {code}\n" in page() for code in CODES)
