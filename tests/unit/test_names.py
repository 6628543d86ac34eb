"""A public name of the package belongs to one function or class, so that a reader can look it up."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

PACKAGE = Path(__file__).parents[2] / "layers" / "tandem" / "tandem"

Named = ast.FunctionDef | ast.ClassDef


def definitions(path: Path) -> Iterator[Named]:
    """Yields the public functions and classes of a module, without methods."""
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_"):
            yield node


def methods_of_ports() -> set[str]:
    """Returns the methods of the protocols: a module of `adapters` is passed where such a port is needed."""
    ports = (node for path in PACKAGE.rglob("ports.py") for node in definitions(path))
    return {method.name for port in ports for method in port.body if isinstance(method, ast.FunctionDef)}


def test_no_two_public_functions_or_classes_have_one_name() -> None:
    methods, places = methods_of_ports(), defaultdict(list)
    for path in sorted(PACKAGE.rglob("*.py")):
        for node in definitions(path):
            if path.parent.name != "adapters" or node.name not in methods:
                places[node.name].append(path.relative_to(PACKAGE).as_posix())
    assert {name: paths for name, paths in places.items() if len(paths) > 1} == {}
