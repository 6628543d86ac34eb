"""Every reference to a page of the repository resolves, and none stands in a text that a user sees."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
FOLDERS = (
    DOCS,
    *(ROOT / name for name in ("bench", "cli", "events", "examples", "functions", "lab", "layers", "tests")),
)
TEXT = {".in", ".json", ".md", ".py", ".toml", ".txt", ".yaml"}
WITHOUT = {"__pycache__", "build", "node_modules", "test_references.py"}

# Their references to documents outside of the repository are not replaced yet.
NOT_YET = ("layers/", "functions/", "cli/")

OUTSIDE = re.compile(r"\b(?:facts|design|style)(?:\.md)?(?:\s|#)+§")
PAGE = re.compile(r"(?<![\w./-])(?P<page>docs/[\w./-]+\.md|docs/adr/[\w.-]+)(?:#(?P<anchor>[\w-]+))?")
KNOWLEDGE = re.compile(r"docs/aws-facts|docs/adr\b|docs/\S+\.md#")
LINK = re.compile(
    r"(?<!!)\[[^\]]*\]\((?!https?:)(?P<file>[^)#]*)(?:#(?P<anchor>[^)]*))?\)|!\[[^\]]*\]\((?P<image>[^)]+)\)"
)


def files() -> list[Path]:
    found = [file for folder in FOLDERS for file in folder.rglob("*")]
    found += [file for file in ROOT.iterdir() if file.name == "Makefile" or not file.name.startswith(".")]
    return sorted(
        file
        for file in found
        if file.is_file()
        and (file.suffix in TEXT or file.name == "Makefile")
        and not WITHOUT & set(file.relative_to(ROOT).parts)
    )


FILES = files()
PAGES = [file for file in FILES if file.suffix == ".md"]


@cache
def text(file: Path) -> str:
    return file.read_text(encoding="utf-8")


@cache
def anchors(page: Path) -> frozenset[str]:
    """As GitHub makes them of headings, and those that the page names itself."""
    named = re.findall(r'<a id="([^"]+)"', text(page))
    heads = re.findall(r"^#+ (.*)$", re.sub(r"<a [^>]*></a>", "", text(page)), re.MULTILINE)
    return frozenset(named) | {re.sub(r"[^\w -]", "", head.lower()).replace(" ", "-") for head in heads}


def where(file: Path) -> str:
    return file.relative_to(ROOT).as_posix()


def lines(file: Path, pattern: re.Pattern[str]) -> Iterator[str]:
    for found in pattern.finditer(text(file)):
        yield f"{where(file)}:{text(file).count(chr(10), 0, found.start()) + 1}: {found[0]}"


def strings(file: Path) -> Iterator[tuple[int, str]]:
    """The string constants of a module, the parts of f-strings too, but no docstring."""
    tree = ast.parse(text(file))
    docstrings = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings:
            yield node.lineno, node.value


def test_every_link_to_a_page_resolves() -> None:
    dangling = []
    for file in FILES:
        for found in PAGE.finditer(text(file)):
            page, anchor = ROOT / found["page"], found["anchor"]
            if not page.exists() or (anchor and anchor not in anchors(page)):
                dangling.append(f"{where(file)}: {found[0]}")
    assert not dangling


@pytest.mark.parametrize("page", PAGES, ids=where)
def test_every_link_between_pages_resolves(page: Path) -> None:
    for found in LINK.finditer(text(page)):
        target = page.parent / (found["image"] or found["file"] or page.name)
        assert target.exists(), found[0]
        if found["anchor"] and target.suffix == ".md":
            assert found["anchor"] in anchors(target), found[0]


def test_no_document_outside_of_the_repository_is_cited() -> None:
    cited = [line for file in FILES if not where(file).startswith(NOT_YET) for line in lines(file, OUTSIDE)]
    assert not cited


def test_no_reference_is_in_a_text_that_a_user_sees() -> None:
    seen = [
        f"{where(file)}:{line}: {value}"
        for file in FILES
        if where(file).startswith(("cli/", "functions/", "lab/", "layers/")) and file.suffix == ".py"
        if KNOWLEDGE.search(text(file)) or OUTSIDE.search(text(file))
        for line, value in strings(file)
        if KNOWLEDGE.search(value) or (OUTSIDE.search(value) and not where(file).startswith(NOT_YET))
    ]
    template = [line.partition("#")[0] for line in text(ROOT / "template.yaml").splitlines()]
    seen += [line for line in template if KNOWLEDGE.search(line) or OUTSIDE.search(line)]
    assert not seen


def test_every_fact_has_an_anchor_of_its_own_and_says_how_it_is_known() -> None:
    facts = re.split(r"^### ", text(DOCS / "aws-facts.md"), flags=re.MULTILINE)[1:]
    named = [re.match(r'<a id="([a-z-]+)"></a>', fact) for fact in facts]
    assert all(named)
    assert len({found[1] for found in named if found}) == len(facts)
    for fact in facts:
        title = fact.splitlines()[0]
        assert re.search(r"\*\*(?:Documented|Observed|Unknown)", fact), title
        documented = re.findall(r"\*\*Documented.*?(?=\*\*(?:Observed|Unknown)|\Z)", fact, re.DOTALL)
        assert all("https://docs.aws.amazon.com/" in part for part in documented), title
