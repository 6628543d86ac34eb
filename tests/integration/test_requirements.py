"""The lab and the command line need what lab.txt locks, and the locks agree with one another."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from functools import cache
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FOLDERS = ("lab", "cli", "functions", "layers/tandem/tandem")
OURS = {"lab", "cli", "functions", "tandem"}
LOCKED = re.compile(
    r"^(?P<name>[A-Za-z0-9][\w.-]*)==(?P<rest>[^\\]*)(?P<hashes>(?:\\\n +--hash=\S+ ?)+)", re.MULTILINE
)


@cache
def locked(name: str) -> dict[str, tuple[str, frozenset[str]]]:
    """Version and hashes of each package of a lock."""
    text = (ROOT / "requirements" / f"{name}.txt").read_text(encoding="utf-8")
    return {
        found["name"].lower(): (
            found["rest"].split(" ")[0],
            frozenset(re.findall(r"sha256:\w+", found["hashes"])),
        )
        for found in LOCKED.finditer(text)
    }


def imported(tree: ast.AST) -> Iterator[str]:
    """The packages that a module imports when it runs: what only a type checker reads is left out."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.partition(".")[0]
        else:
            yield from imported(node)


@pytest.mark.parametrize("folder", FOLDERS)
def test_the_lab_and_the_command_line_import_nothing_that_lab_txt_does_not_lock(folder: str) -> None:
    distributions = packages_distributions()
    for path in sorted((ROOT / folder).rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for package in sorted(set(imported(tree)) - OURS - sys.stdlib_module_names):
            names = {name.lower().replace("_", "-") for name in distributions.get(package, [package])}
            assert names & set(locked("lab")), f"{path.relative_to(ROOT)} imports {package}"


def test_the_tools_are_installed_upon_the_same_versions() -> None:
    assert locked("lab").items() <= locked("dev").items()


@pytest.mark.parametrize(
    "tool", ["mypy", "matplotlib", "hypothesis", "cfn-lint", "pytest", "ruff", "awscli", "numpy"]
)
def test_the_lab_needs_no_tool_that_judges_the_code(tool: str) -> None:
    assert tool in locked("dev")
    assert tool not in locked("lab")


@pytest.mark.parametrize("name", ["lab", "dev", "sam"])
def test_everything_is_pinned_with_its_hashes(name: str) -> None:
    text = (ROOT / "requirements" / f"{name}.txt").read_text(encoding="utf-8")
    starts = re.findall(r"^[A-Za-z0-9].*$", text, re.MULTILINE)
    assert len(locked(name)) >= len({line.partition("==")[0] for line in starts}) > 50
    assert all(hashes for _, hashes in locked(name).values())
