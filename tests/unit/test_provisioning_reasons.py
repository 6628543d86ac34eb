"""Every code of provisioning and documents is explained, used, and given the facts that its sentence says."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import tandem
from tandem.reasons.documents import ProblemCode
from tandem.reasons.provisioning import ProvisioningCode, StepCode
from tandem.words.provisioning import ENTRIES
from tandem.words.render import fields

ENUMS = (ProblemCode, ProvisioningCode, StepCode)
CODES = [code for enum in ENUMS for code in enum]
PACKAGE = Path(tandem.__file__).parent
CALLS = {"reason", "problem_at"}
SOURCES = [
    path
    for folder in ("provisioning", "topology", "requests", "signals", "state", ".")
    for path in sorted((PACKAGE / folder).glob("*.py"))
]


def facts_of(template: str) -> set[str]:
    return set(fields(template)) - {"subject"}


def calls() -> Iterator[tuple[str, str, set[str]]]:
    """Yields each call that names its code and all of its facts: where, which code, which facts."""
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call):
                continue
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            of_session = {"appliance", "endpoint"} if isinstance(node.func, ast.Attribute) else set()
            named = [a for a in node.args if isinstance(a, ast.Attribute) and a.attr.isupper()]
            keywords = {keyword.arg for keyword in node.keywords}
            if name in CALLS and named and None not in keywords:
                yield f"{path.name}:{node.lineno}", named[0].attr, {str(k) for k in keywords} | of_session


def code_of(member: str) -> ProblemCode | ProvisioningCode | StepCode:
    found: ProblemCode | ProvisioningCode | StepCode = next(code for code in CODES if code.name == member)
    return found


def test_no_code_has_the_value_of_another() -> None:
    assert len({str(code) for code in CODES}) == len(CODES)
    assert len({code.name for code in CODES}) == len(CODES)
    assert all(re.fullmatch(r"[a-z]+(-[a-z]+)*", code) for code in CODES)


@pytest.mark.parametrize("enum", ENUMS)
def test_every_code_has_its_sentence_and_its_meaning(enum: type[ProblemCode]) -> None:
    for code in enum:
        assert ENTRIES[code].text, code
        assert ENTRIES[code].meaning.endswith("."), code


def test_there_is_no_sentence_without_a_code() -> None:
    assert ENTRIES.keys() == set(CODES)


def test_every_call_gives_the_facts_of_its_sentence() -> None:
    found = list(calls())
    assert len(found) > 100
    for where, member, given in found:
        entry = ENTRIES[code_of(member)]
        assert facts_of(entry.text) | facts_of(entry.right) <= given, (where, member)


def test_every_code_is_used() -> None:
    files = [*SOURCES, PACKAGE.parents[2] / "cli" / "document.py"]
    text = "\n".join(path.read_text(encoding="utf-8") for path in files)
    unused = [code.name for code in CODES if not re.search(rf"\b\w*Code\.{code.name}\b", text)]
    assert unused == []
