"""Every reference to a page of the repository resolves, and none stands in a text that a user sees."""

from __future__ import annotations

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
NOT_YET: tuple[str, ...] = ()

OUTSIDE = re.compile(r"\b(?:facts|design|style)(?:\.md)?(?:\s|#)+§")
PAGE = re.compile(r"(?<![\w./-])(?P<page>docs/[\w./-]+\.md|docs/adr/[\w.-]+)(?:#(?P<anchor>[\w-]+))?")
KNOWLEDGE = re.compile(r"docs/aws-facts|docs/adr\b|docs/\S+\.md#")
PROSE = re.compile(r'^\s*"""[\s\S]*?"""', re.MULTILINE)
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


def lines(file: Path, pattern: re.Pattern[str], within: str | None = None) -> Iterator[str]:
    source = text(file) if within is None else within
    for found in pattern.finditer(source):
        yield f"{where(file)}:{source.count(chr(10), 0, found.start()) + 1}: {found[0]}"


def without_prose(source: str) -> str:
    """The code without its docstrings and comments; every line stays in its place."""
    source = PROSE.sub(lambda found: "\n" * found[0].count("\n"), source)
    return re.sub(r"(?:^|(?<=\s))# .*$", "", source, flags=re.MULTILINE)


def test_every_link_to_a_page_resolves() -> None:
    dangling = []
    for file in FILES:
        for found in PAGE.finditer(text(file)) if "docs/" in text(file) else ():
            page = ROOT / found["page"]
            by_number = page.parent.name == "adr" and len(list(page.parent.glob(f"{page.name}-*"))) == 1
            known = page.exists() or by_number
            if not known or (found["anchor"] and found["anchor"] not in anchors(page)):
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
    marked = [file for file in FILES if "§" in text(file) and not where(file).startswith(NOT_YET)]
    cited = [line for file in marked for line in lines(file, OUTSIDE)]
    assert not cited


def test_no_reference_is_in_a_text_that_a_user_sees() -> None:
    seen: list[str] = []
    for file in FILES:
        if where(file).startswith(
            ("cli/", "functions/", "lab/", "layers/", "template.yaml")
        ) and "docs/" in text(file):
            seen += lines(file, KNOWLEDGE, without_prose(text(file)))
    assert not seen


@pytest.mark.parametrize(
    ("code", "seen"),
    [
        ('say("see docs/aws-facts.md#quotas")', True),
        ('say(f"see docs/adr/0003 {name}")', True),
        ('say("see docs/topology.md#storing-it")', True),
        ('say("see docs/topology.md")', False),
        ('    """A rule (docs/aws-facts.md#quotas)."""', False),
        ("LIMIT = 5  # docs/aws-facts.md#quotas", False),
    ],
)
def test_prose_is_not_what_a_user_sees(code: str, *, seen: bool) -> None:
    assert bool(KNOWLEDGE.search(without_prose(code))) == seen


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
