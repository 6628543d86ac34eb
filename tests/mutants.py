"""Breaks one rule of Tandem at a time, and says which test notices: `python -m tests.mutants [NAME…]`.

It works in a copy of the tree, and runs the tests that import the broken file, the nearest first, until one
fails. A mutant that survives is a rule that no test holds.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import re
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath

from tests.affected import LAYER, ROOT, Graph, affected, graph
from tests.mutant_table import MUTANTS, Mutant
from tests.tiers import LONG

LIMIT_SECONDS = 600.0
"""The tests of one mutant may take so long."""

FOLDERS = ("unit", "properties", "template", "lab", "integration", "stories")
"""The folders of the tests, the quick ones first. Those of no other folder run, unless no test is left."""


@dataclass(frozen=True, slots=True)
class Ran:
    """The result of a pytest run: how many tests ended, which one failed, and whether time ran out."""

    count: int
    failing: str | None = None
    is_late: bool = False


@dataclass(slots=True)
class Copy:
    """A copy of a tree, in which files are broken and mended."""

    root: Path
    needs: Graph
    sound: set[str] = field(default_factory=set)
    """Tests that are known to pass in the tree as it is."""
    stamps: Iterator[int] = field(default_factory=lambda: itertools.count(1_000_000_000))

    def write(self, file: str, text: str) -> None:
        """Writes a file with a time that it never had, so that Python takes no older bytecode for it."""
        (self.root / file).write_text(text, encoding="utf-8")
        stamp = next(self.stamps)
        os.utime(self.root / file, (stamp, stamp))

    def run(self, tests: Sequence[str], seconds: float) -> Ran:
        """Runs pytest on these tests until one fails. Its own processes end with it when time is over."""
        path = os.pathsep.join((str(self.root), str(self.root / LAYER)))
        code: int | None = None
        with tempfile.TemporaryFile("w+", encoding="utf-8") as said:
            process = subprocess.Popen(
                [sys.executable, "-m", "pytest", "-x", "-q", "-o", f"cache_dir={self.cache}", *tests],
                cwd=self.root,
                env={**os.environ, "PYTHONPATH": path},
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            with suppress(subprocess.TimeoutExpired):
                try:
                    code = process.wait(max(0.0, seconds))
                finally:
                    if process.poll() is None:
                        os.killpg(process.pid, signal.SIGKILL)
                        process.wait()
            said.seek(0)
            return Ran(0, is_late=True) if code is None else _read(said.read(), code, self._failed())

    @property
    def cache(self) -> Path:
        return self.root / ".cache"

    def _failed(self) -> str | None:
        """Returns the test that failed by its exact name, which a summary line may not end where it ends."""
        kept = self.cache / "v" / "cache" / "lastfailed"
        failed = json.loads(kept.read_text(encoding="utf-8")) if kept.exists() else {}
        shutil.rmtree(self.cache, ignore_errors=True)
        return next(iter(failed), None)


def _read(said: str, code: int, failing: str | None) -> Ran:
    """Reads pytest's summary. Raises RuntimeError where it did not come to run the tests."""
    summaries = re.findall(r"^\d+ \w+.* in [\d.]+s.*$", said, re.MULTILINE) or [""]
    count = sum(int(number) for number in re.findall(r"(\d+) (?:passed|failed|error|xfailed)", summaries[-1]))
    if failing is None and code not in (0, 5):  # 5: none of the files has a test
        raise RuntimeError(f"pytest ended with {code}:\n" + "\n".join(said.splitlines()[-30:]))
    return Ran(count, failing)


WHOSE = """
import subprocess, sys
from pathlib import Path

import cli.main, lab.ec2, tandem

def test_what_is_imported_is_the_copys() -> None:
    root = str(Path(__file__).parents[2])
    for module in (cli.main, lab.ec2, tandem):
        command = [sys.executable, "-c", f"import {module.__name__} as m; print(m.__file__)"]
        in_a_child = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout
        assert (module.__file__.startswith(root), in_a_child.startswith(root)) == (True, True)
"""
"""This interpreter has a tree installed, and the copy may be of another one."""


def copy_tree(tree: Path, root: Path) -> Copy:
    """Copies what git knows of the tree, and does not ignore, as it is now."""
    command = ["git", "-C", str(tree), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout.split("\0")[:-1]
    for file in (file for file in listed if (tree / file).is_file()):
        (root / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(tree / file, root / file)
    copy, check = Copy(root, graph(root)), "tests/unit/test_whose.py"
    copy.write(check, WHOSE)
    if copy.run([check], LIMIT_SECONDS) != Ran(1):
        raise RuntimeError(f"the tests in {root} import Tandem from somewhere else")
    (root / check).unlink()
    return copy


def stages(tests: Mapping[str, int]) -> list[list[str]]:
    """Returns the test files that run together: those of one distance, since what is far hardly notices."""
    found: dict[int, list[str]] = {}
    for folder in FOLDERS:
        for test, distance in tests.items():
            if test.startswith(f"tests/{folder}/") and PurePosixPath(test).name not in LONG:
                found.setdefault(distance, []).append(test)
    return [found[distance] for distance in sorted(found)] or [list(tests)]


def try_mutant(mutant: Mutant, copy: Copy) -> str:
    """Applies the mutant, runs the tests, takes it back, and says what became of it."""
    file = copy.root / mutant.file
    text = file.read_text(encoding="utf-8") if file.is_file() else ""
    if text.count(mutant.old) != 1:
        return f"COULD NOT APPLY: its old text occurs {text.count(mutant.old)} times in {mutant.file}"
    copy.write(mutant.file, text.replace(mutant.old, mutant.new))
    try:
        ran = _noticed(mutant.file, copy)
    finally:
        copy.write(mutant.file, text)
    if ran.is_late:
        return f"NOT CAUGHT in {LIMIT_SECONDS:g} s: {mutant.rule}"
    if ran.failing is None:
        return f"SURVIVED {ran.count} tests: {mutant.rule}"
    if ran.failing not in copy.sound and not _passes(ran.failing, copy):
        return f"UNCLEAR: {ran.failing} fails without the mutant too"
    copy.sound.add(ran.failing)
    return f"caught by {ran.failing} in {ran.count} tests"


def _noticed(file: str, copy: Copy) -> Ran:
    """Runs the tests of a file, stage by stage, until one fails, and fails again by itself."""
    ends, count = time.monotonic() + LIMIT_SECONDS, 0
    for tests in stages(affected(copy.needs, [file])):
        ran = copy.run(tests, ends - time.monotonic())
        count += ran.count
        if ran.failing and _passes(ran.failing, copy):
            ran = copy.run([*tests, "--deselect", ran.failing], ends - time.monotonic())
        if ran.failing or ran.is_late:
            return replace(ran, count=count)
    return Ran(count)


def _passes(test: str, copy: Copy) -> bool:
    ran = copy.run([test], LIMIT_SECONDS)
    return ran.count > 0 and ran.failing is None


def main(arguments: Sequence[str]) -> int:
    """Prints a line for each mutant; the exit code is 0 if a test caught every one."""
    known = {mutant.name: mutant for mutant in MUTANTS}
    parser = argparse.ArgumentParser(prog="python -m tests.mutants", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help="a mutant's name; default: all of them")
    parser.add_argument("--tree", type=Path, default=ROOT, help="the tree to copy; default: this one")
    asked = parser.parse_args(arguments)
    if unknown := set(asked.names) - known.keys():
        parser.error(f"no such mutant: {', '.join(sorted(unknown))}; there are: {', '.join(known)}")
    said: list[str] = []
    with tempfile.TemporaryDirectory(prefix="tandem-mutants-") as folder:
        copy = copy_tree(asked.tree.resolve(), Path(folder).resolve())
        for name in asked.names or known:
            began = time.monotonic()
            said.append(try_mutant(known[name], copy))
            sys.stdout.write(f"{name}: {said[-1]} ({time.monotonic() - began:.0f} s)\n")
            sys.stdout.flush()
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    caught = sum(words.startswith("caught") for words in said)
    sys.stdout.write(
        f"{caught} of {len(said)} mutants were caught; {used.ru_utime + used.ru_stime:.0f} s of CPU\n"
    )
    return int(caught < len(said))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
