"""Tests that what README and the pages say to type exists and works in its order."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from cli.main import app as tandem
from lab import running
from lab.commands import app as lab
from lab.commands import first_steps
from lab.ec2 import Timings
from lab.ec2.scenario import edge
from lab.ec2.server import serve
from tests.lab.test_http import client, wait

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
PAGES = [README, ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
TARGETS = set(re.findall(r"^([a-z0-9-]+):", MAKEFILE, re.MULTILINE))


def blocks(page: Path) -> list[str]:
    """The fenced blocks without a language: what is typed, and what is printed."""
    return page.read_text(encoding="utf-8").split("\n```\n")[1::2]


def typed(block: str) -> list[str]:
    return [line.partition("  #")[0].strip() for line in block.splitlines()]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_make_target_that_is_named_exists(page: Path) -> None:
    named = set(re.findall(r"(?:`|^)make ([a-z][a-z0-9-]*)", page.read_text(encoding="utf-8"), re.MULTILINE))
    assert named <= TARGETS


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_that_is_named_exists(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for module, pattern in ((lab, r"python -m lab ([a-z]+)"), (tandem, r"[`/\n ]tandem ([a-z]+)[` ]")):
        group = typer.main.get_command(module)
        known = set(getattr(group, "commands", {}))
        named = set(re.findall(pattern, "\n".join(re.findall(r"`[^`]+`", text) + blocks(page))))
        assert named <= known | {"is"}


def test_readme_begins_with_the_picture_of_the_problem_and_is_short() -> None:
    text = README.read_text(encoding="utf-8")
    assert re.match(r"# Tandem\n\n!\[[^\]]+\]\(docs/before-after\.svg\)\n\nTandem keeps", text)
    assert len(text.encode()) < 10_000
    heads = re.findall(r"^## (.*)$", text, re.MULTILINE)
    assert heads.index("See it work") < heads.index("Words") < heads.index("Deploy it")


@pytest.mark.parametrize(
    "word", ["FIB", "owner", "holder", "target", "look", "signal", "watch", "sweep", "hold", "damped"]
)
def test_readme_explains_the_word(word: str) -> None:
    words = README.read_text(encoding="utf-8").split("\n## Words\n")[1].split("\n## ")[0]
    assert re.search(rf"^\| {word} \| .{{20,}} \|$", words, re.MULTILINE)


def test_the_steps_of_readme_are_those_that_the_lab_itself_names() -> None:
    steps = next(typed(block) for block in blocks(README) if "lab kill" in block)
    said = [line.strip() for line in first_steps(is_managed=False).splitlines()[1:]]
    assert steps[:2] == said
    assert all(step.split()[0] in {".", ".venv/bin/tandem", ".venv/bin/python"} for step in steps)
    assert "answer y" in README.read_text(encoding="utf-8")


def test_the_levers_of_readme_work_in_its_order(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    steps = next(typed(block) for block in blocks(README) if "lab kill" in block)
    levers = [shlex.split(step)[3:] for step in steps if " -m lab " in step]
    assert [lever[0] for lever in levers] == ["kill", "world", "mail", "restore"]
    monkeypatch.setattr(running, "MAIL", tmp_path / "mail.jsonl")
    with serve(timings=Timings.instant()) as server:
        edge(client(server), server.levers, sleep=lambda _: wait(0.01))
        monkeypatch.setenv(running.URL, server.url)
        for lever in levers:
            ran = CliRunner().invoke(lab, lever)
            assert ran.exit_code == 0, (lever, ran.output)
