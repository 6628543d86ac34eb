from __future__ import annotations

import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests import affected as finder
from tests.affected import affected, changes, graph

TREE = {
    "layers/tandem/tandem/__init__.py": "",
    "layers/tandem/tandem/rules.py": "import json",
    "layers/tandem/tandem/words/__init__.py": "",
    "layers/tandem/tandem/words/said.py": "from tandem import rules",
    "layers/tandem/tandem/words/said.json": "{}",
    "functions/look/app.py": "from tandem.words.said import text",
    "functions/watch/app.py": "def handler(event, context):\n    from functions.look import app",
    "lab/server.py": "print(1)",
    "lab/__main__.py": "from lab import server",
    "tests/starting.py": "from importlib import import_module\n"
    "def start(name):\n    return import_module(f'functions.{name}.app')",
    "tests/samples.py": 'EVENTS = Path(__file__).parents[1] / "events"',
    "tests/unit/test_rules.py": "import tandem.rules",
    "tests/unit/test_said.py": "mock.patch('tandem.words.said.text')",
    "tests/unit/test_nothing.py": "import sys\nsys.modules.pop('tandem.rules')",
    "tests/unit/test_page.py": 'from tests.samples import EVENTS\nEVENTS.parent / "docs" / "events.md"',
    "tests/stories/conftest.py": "from tests import starting",
    "tests/stories/test_story.py": "",
    "tests/stories/test_server.py": "run([sys.executable, '-m', 'lab.server'])",
    "tests/stories/test_lab.py": "import lab",
}


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    write(tmp_path, TREE)
    return tmp_path


def write(root: Path, files: Mapping[str, str]) -> None:
    for path, text in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text, encoding="utf-8")


def found(tree: Path, *changed: str) -> list[str]:
    return [path.removeprefix("tests/") for path in affected(graph(tree, gone=changed), changed)]


def test_whoever_imports_a_module_is_found_the_nearest_first(tree: Path) -> None:
    stories = ["stories/test_lab.py", "stories/test_server.py", "stories/test_story.py"]
    said = ["unit/test_said.py", *stories]
    assert found(tree, "layers/tandem/tandem/rules.py") == ["unit/test_rules.py", *said]
    assert found(tree, "layers/tandem/tandem/words/said.py") == said
    assert affected(graph(tree), ["layers/tandem/tandem/rules.py"])["tests/unit/test_said.py"] == 2


def test_an_import_by_name_counts_whatever_is_filled_in(tree: Path) -> None:
    stories = ["stories/test_lab.py", "stories/test_server.py", "stories/test_story.py"]
    assert found(tree, "functions/watch/app.py") == stories
    assert found(tree, "functions/look/app.py") == stories


def test_a_module_that_another_process_runs_counts(tree: Path) -> None:
    assert found(tree, "lab/server.py") == ["stories/test_server.py"]


def test_a_package_that_is_imported_counts(tree: Path) -> None:
    assert "unit/test_said.py" in found(tree, "layers/tandem/tandem/words/__init__.py")


def test_a_test_concerns_itself_and_fixtures_their_folder(tree: Path) -> None:
    assert found(tree, "tests/unit/test_nothing.py") == ["unit/test_nothing.py"]
    folder = ["stories/test_lab.py", "stories/test_server.py", "stories/test_story.py"]
    assert found(tree, "tests/stories/conftest.py") == folder


def test_data_in_a_package_concerns_its_modules(tree: Path) -> None:
    words = found(tree, "layers/tandem/tandem/words/said.py")
    assert found(tree, "layers/tandem/tandem/words/said.json") == words


def test_a_file_concerns_who_reads_it_or_its_folder(tree: Path) -> None:
    assert found(tree, "events/look.json") == ["unit/test_page.py"]
    assert found(tree, "docs/events.md") == ["unit/test_page.py"]
    assert found(tree, "docs/lab.md") == []


def test_a_module_that_is_gone_concerns_who_still_imports_it(tree: Path) -> None:
    gone = "layers/tandem/tandem/rules.py"
    (tree / gone).unlink()
    assert "unit/test_rules.py" in found(tree, gone)
    (tree / "tests/unit/test_rules.py").unlink()
    assert "unit/test_rules.py" not in found(tree, gone, "tests/unit/test_rules.py")


def test_git_says_what_is_changed_or_what_the_last_commit_changed(tree: Path) -> None:
    def git(*arguments: str) -> None:
        kim = ("-c", "user.name=kim", "-c", "user.email=kim@example.com", "-c", "commit.gpgsign=false")
        command = ["git", "-C", str(tree), *kim, *arguments]
        subprocess.run(command, check=True, stdout=subprocess.PIPE)

    git("init", "--quiet")
    write(tree, {"a.py": "1", "b.py": "2", ".gitignore": "ignored\n"})
    git("add", "--all")
    git("commit", "--quiet", "--message", "one")
    write(tree, {"a.py": "3", "new name.py": "", "ignored": ""})
    (tree / "b.py").unlink()
    assert changes(tree) == ["a.py", "b.py", "new name.py"]
    git("add", "--all")
    git("commit", "--quiet", "--message", "two")
    assert changes(tree) == ["a.py", "b.py", "new name.py"]


def test_the_command_prints_the_tests_of_the_folders_asked_for(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tree: Path
) -> None:
    monkeypatch.setattr(finder, "ROOT", tree)
    monkeypatch.setattr(finder, "changes", lambda _root: ["layers/tandem/tandem/rules.py"])
    finder.main(["--changed", "--in", "tests/unit", "tests/properties"])
    assert capsys.readouterr().out == "tests/unit/test_rules.py\ntests/unit/test_said.py\n"
    finder.main(["docs/lab.md"])
    assert capsys.readouterr().out == ""
