"""Finds the test files that a change concerns: those that import a changed file, directly or through others.

`python -m tests.affected FILE…` prints them, the nearest first; `--changed` asks git what has changed.
"""

from __future__ import annotations

import argparse
import ast
import re
import subprocess
import sys
from collections.abc import Collection, Iterator, Mapping, Sequence
from fnmatch import filter as matching
from pathlib import Path, PurePosixPath

Graph = Mapping[str, frozenset[str]]
"""What each Python file needs itself, all by their paths from the root of the tree: the files that it
imports, and what it joins to a path with `/`, since it may read that file or folder."""

SHOWN = 5
"""Changed files that are named."""

ROOT = Path(__file__).parents[1]
LAYER = "layers/tandem/"
"""The package `tandem` lies here, the other ones in the root (pyproject.toml, pythonpath)."""

FOLDERS = (f"{LAYER}tandem", "functions", "cli", "lab", "bench", "tests")
_NAME = re.compile(r"\b(?:tandem|functions|cli|lab|bench|tests)(?:\.[\w*]+)+")
_PATH = re.compile(r'(?: / "[^"\n]+")+')


def graph(root: Path, gone: Collection[str] = ()) -> Graph:
    """Reads every Python file of the tree. Others may still import files that are `gone`."""
    found = sorted(path for folder in FOLDERS for path in (root / folder).rglob("*.py"))
    sources = {path.relative_to(root).as_posix(): path.read_text(encoding="utf-8") for path in found}
    files = {_module(path): path for path in (*sources, *gone)}
    needs = {}
    for path, source in sources.items():
        nodes = list(ast.walk(ast.parse(source)))
        imported = {file for name in _names(nodes) for file in _files(name, files)}
        read = {each.replace('"', "").replace(" / ", "/")[1:] for each in _PATH.findall(source)}
        if not path.startswith("tests/"):  # the lab deploys layers/, which only tests/e2e sees
            read = {each for each in read if "." in each}
        needs[path] = frozenset(imported | read | (_conftests(path) & sources.keys()))
    return needs


def affected(needs: Graph, changed: Collection[str]) -> dict[str, int]:
    """Returns the test files that the changed files concern, the nearest first, each with its distance.

    A data file in a package counts as a change of the modules beside it.
    """
    users: dict[str, set[str]] = {}
    for path, needed in needs.items():
        for each in needed:
            users.setdefault(each, set()).add(path)
    reached = {each for each in users if any(f"/{each}/" in f"/{path}/" for path in changed)}
    reached |= {*changed, *(module for path in changed for module in _beside(path, needs))}
    distance: dict[str, int] = {}
    for step in range(len(needs) + 1):
        distance |= dict.fromkeys(reached, step)
        reached = {user for path in reached for user in users.get(path, ())} - distance.keys()
    tests = [path for path in distance if path in needs and _is_test(path)]
    return {path: distance[path] for path in sorted(tests, key=lambda path: (distance[path], path))}


def changes(root: Path) -> list[str]:
    """Returns what differs from HEAD, with untracked files; in a clean tree, what the last commit changed."""
    differing = ("diff", "--name-only", "--no-renames", "-z")
    found = _git(root, *differing, "HEAD") + _git(root, "ls-files", "--others", "--exclude-standard", "-z")
    return found or _git(root, *differing, "HEAD~1")


def _git(root: Path, *arguments: str) -> list[str]:
    command = ["git", "-C", str(root), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        reason = done.stderr.strip().partition("\n")[0]
        raise SystemExit(
            f"git cannot say what has changed ({reason}): name it, python -m tests.affected FILE…"
        )
    return done.stdout.split("\0")[:-1]


def _is_test(path: str) -> bool:
    return path.startswith("tests/") and PurePosixPath(path).name.startswith("test_")


def _module(path: str) -> str:
    return path.removeprefix(LAYER).removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def _names(nodes: Sequence[ast.AST]) -> Iterator[str]:
    """Yields every dotted name that may be a module: of import statements, which are never relative here, and
    in strings, which `import_module`, `python -m` and patches take, but for look-ups in `sys.modules`."""
    ignored: set[int] = set()
    for node in nodes:  # a call comes before its arguments
        match node:
            case ast.Import(names=names):
                yield from (alias.name for alias in names)
            case ast.ImportFrom(module=str() as module, names=names, level=0):
                yield from (f"{module}.{alias.name}" for alias in names)
            case ast.Call(func=ast.Attribute(value=ast.Attribute(attr="modules")), args=args):
                ignored |= {id(argument) for argument in args}
            case _ if id(node) not in ignored:
                yield from (f"{name}.__main__" for name in _NAME.findall(_text(node)))


def _text(node: ast.AST) -> str:
    """Returns the text of a string, with `*` for what an f-string fills in."""
    match node:
        case ast.Constant(value=str() as text):
            return text
        case ast.JoinedStr(values=values):
            return "".join(_text(value) or "*" for value in values)
    return ""


def _files(name: str, files: Mapping[str, str]) -> Iterator[str]:
    """Yields the module's file and those of the packages around it. The end may be a name in the module."""
    parts = name.split(".")
    for part in (".".join(parts[:end]) for end in range(1, len(parts) + 1)):
        yield from (files[each] for each in (matching(files, part) if "*" in part else {part} & files.keys()))


def _conftests(path: str) -> set[str]:
    """Returns where pytest looks for the fixtures of a test."""
    return {f"{parent}/conftest.py" for parent in PurePosixPath(path).parents} if _is_test(path) else set()


def _beside(path: str, needs: Graph) -> list[str]:
    """Returns the modules of the package that a data file is in."""
    folders = () if path.endswith(".py") else PurePosixPath(path).parents
    packages = ([each for each in needs if PurePosixPath(each).parent == folder] for folder in folders)
    return next((modules for modules in packages if modules), [])


def main(arguments: Sequence[str]) -> None:
    """Prints the test files, one a line, and nothing where the change concerns none."""
    parser = argparse.ArgumentParser(prog="python -m tests.affected", description=__doc__)
    parser.add_argument("files", nargs="*", metavar="FILE", help="a changed file, by its path from the root")
    parser.add_argument("--changed", action="store_true", help="add what differs from HEAD, else from HEAD~1")
    parser.add_argument("--in", nargs="+", dest="folders", default=["tests"], help="keep the tests in these")
    asked = parser.parse_args(arguments)
    changed = [*asked.files, *(changes(ROOT) if asked.changed else ())]
    if asked.changed:
        more = f" and {len(changed) - SHOWN} more" if len(changed) > SHOWN else ""
        sys.stderr.write(f"changed: {', '.join(changed[:SHOWN]) or 'nothing'}{more}\n")
    for path in affected(graph(ROOT, gone=changed), changed):
        if any(PurePosixPath(path).is_relative_to(folder) for folder in asked.folders):
            sys.stdout.write(f"{path}\n")


if __name__ == "__main__":
    main(sys.argv[1:])
