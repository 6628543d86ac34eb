"""`python -m bench.structure`: how much code there is, and how much of it one invocation goes through."""

from __future__ import annotations

import ast
import json
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from types import CodeType, FrameType
from typing import Any
from unittest.mock import patch

from bench.function import Failover, sweep
from bench.servers import ROOT, emulators, environment
from bench.world import build

PRODUCT = ("layers/tandem/tandem", "functions", "cli")
CALL = "_make_api_call"
"""The SDK's way to every request."""


def main() -> None:
    """Prints the figures as JSON."""
    figures = {"package": package(ROOT / PRODUCT[0]), "lines": lines()} | invocations()
    print(json.dumps(figures, indent=1))


def lines() -> dict[str, int]:
    """Lines of Python in each part of the product."""
    return {part: sum(len(p.read_text().splitlines()) for p in _modules(ROOT / part)) for part in PRODUCT}


def package(root: Path) -> dict[str, Any]:
    """Files and public names of a package, and the names that two modules give to two things."""
    classes: Counter[str] = Counter()
    functions: Counter[str] = Counter()
    constants = 0
    for path in _modules(root):
        for node in ast.parse(path.read_text()).body:
            match node:
                case ast.ClassDef(name=name) if not name.startswith("_"):
                    classes[name] += 1
                case ast.FunctionDef(name=name) if not name.startswith("_"):
                    functions[name] += 1
                case ast.Assign() | ast.AnnAssign():
                    constants += sum(1 for name in _assigned(node) if not name.startswith("_"))
    return {
        "files": len(list(_modules(root))),
        "classes": classes.total(),
        "functions": functions.total(),
        "constants": constants,
        "public_names": classes.total() + functions.total() + constants,
        "classes_of_one_name": sorted(name for name, count in classes.items() if count > 1),
        "functions_of_one_name": sorted(name for name, count in functions.items() if count > 1),
    }


def invocations() -> dict[str, Any]:
    """What a warm look at a converged topology goes through, and one that moves an address."""
    with emulators() as endpoints:
        world = build(endpoints)
        function = Failover(environment(endpoints))
        world.gather("fw1")
        world.store(world.document("edge", 1))
        for _ in range(2):
            function.invoke(sweep("edge"))
        at_rest = _traced(lambda: function.invoke(sweep("edge")))
        world.fail("fw1")
        moving = _traced(lambda: function.invoke(sweep("edge")))
        moved = len(function.reports[-1].moved)
    if moved != 1:
        raise RuntimeError(f"{moved} addresses were moved instead of 1")
    return {"look_at_rest": at_rest.figures(), "look_that_moves": moving.figures()}


@dataclass(slots=True)
class _Trace:
    code: set[CodeType] = field(default_factory=set)
    deepest: dict[str, int] = field(default_factory=dict)
    """Operation to the most frames of ours between the handler and its request."""

    def profile(self, above: int) -> Callable[[FrameType, str, object], None]:
        """Profiles one thread; `above` frames of ours lead to its first call."""

        def profiled(frame: FrameType, event: str, _: object) -> None:
            if event != "call":
                return
            if _is_ours(frame):
                self.code.add(frame.f_code)
            elif frame.f_code.co_name == CALL:
                name = str(frame.f_locals.get("operation_name"))
                self.deepest[name] = max(self.deepest.get(name, 0), above + _ours(frame))

        return profiled

    def figures(self) -> dict[str, Any]:
        named = [code for code in self.code if not code.co_name.startswith("<")]
        return {
            "files": len({code.co_filename for code in named}),
            "functions": len(named),
            "frames_to_a_request": dict(sorted(self.deepest.items())),
        }


def _traced(call: Callable[[], object]) -> _Trace:
    """What the call goes through in its own thread, and in those of the pools to which it hands work."""
    trace = _Trace()
    submit = ThreadPoolExecutor.submit

    def submitted(pool: ThreadPoolExecutor, work: Callable[..., Any], /, *given: Any, **named: Any) -> Any:  # noqa: ANN401 - passed on as it came
        above = _ours(sys._getframe(1))

        def profiled() -> object:
            sys.setprofile(trace.profile(above))
            try:
                return work(*given, **named)
            finally:
                sys.setprofile(None)

        return submit(pool, profiled)

    with patch.object(ThreadPoolExecutor, "submit", submitted):
        sys.setprofile(trace.profile(0))
        try:
            call()
        finally:
            sys.setprofile(None)
    return trace


def _ours(frame: FrameType | None) -> int:
    """How many frames of ours there are from here up."""
    found = 0
    while frame is not None:
        found += _is_ours(frame)
        frame = frame.f_back
    return found


def _is_ours(frame: FrameType) -> bool:
    return frame.f_code.co_filename.startswith(tuple(str(ROOT / part) for part in PRODUCT))


def _modules(root: Path) -> Iterator[Path]:
    yield from sorted(root.rglob("*.py"))


def _assigned(node: ast.Assign | ast.AnnAssign) -> Iterator[str]:
    for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
        if isinstance(target, ast.Name):
            yield target.id


if __name__ == "__main__":
    main()
