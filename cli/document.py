"""A topology document from a YAML or JSON file: its values, their places, and the file's own problems."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from cli import syntax
from cli.loader import KNOWN, MERGE, TAG, TEXT, Loader, TooManyValuesError
from cli.waiting import waiting_for
from tandem.reasons.documents import ProblemCode
from tandem.topology.problems import Problem, parent_of, path_of, problem_at, visible
from tandem.topology.size import MOST_VALUES

STDIN = Path("-")

PIPE_SECONDS = 2.0

MOST_BYTES = 400_000
"""Of a file, comments included. A stored document has fewer, and PyYAML reads some 100 KB a second."""

ELASTIC_IP = re.compile(r"groups\[\d+\]\.elastic_ips\[\d+\]")

LONG_KEY = re.compile(r"([^][.\"]{60})[^][.\"]+")

FOREIGN: tuple[tuple[str, str, str], ...] = (
    # what a line begins with, what it is, and what would be right
    (r"(?:<{7}|>{7}|\|{7}) ", "this is a git conflict that is not resolved", "one of the two versions"),
    (r"```", "this is a fence of Markdown", "the text between the fences"),
    (
        r"[ \t]*//",
        "this is a comment with //, which neither YAML nor JSON allows",
        "# in YAML, no comment in JSON",
    ),
)

KINDS = (
    (b"\x1f\x8b", "it is compressed by gzip"),
    (b"PK\x03\x04", "it is a ZIP file"),
    (b"\xff\xfe\x00\x00", "it is UTF-32"),
    (b"\x00\x00\xfe\xff", "it is UTF-32"),
    (b"\xff\xfe", "it is UTF-16"),
    (b"\xfe\xff", "it is UTF-16"),
)
"""What a file begins with that is no UTF-8 text."""

Place = tuple[int, int]
"""Line and column, both from 1."""


class UnreadableError(Exception):
    """The file has no document; the message says where, why, and what would be right."""


@dataclass(frozen=True, slots=True)
class Document:
    """Holds the JSON values of a file, and what is wrong with the file itself."""

    value: object
    problems: tuple[Problem, ...]
    name: str = ""
    places: Mapping[str, Place] = field(default_factory=dict, repr=False)
    allocations: Mapping[str, str] = field(default_factory=dict, repr=False)
    """The allocation ID by the path of the Elastic IP that has it."""

    def place(self, path: str) -> Place:
        """Returns the place of a path, or of the innermost value around it that exists."""
        while path not in self.places and (outer := parent_of(path)) != path:
            path = outer
        return self.places.get(path, (1, 1))

    def where(self, path: str) -> str:
        """Returns `file:line:column: path (allocation ID)`, as editors and compilers write places."""
        line, column = self.place(path)
        found = ELASTIC_IP.match(path)
        allocation = self.allocations.get(found.group()) if found else None
        shown = LONG_KEY.sub(lambda key: f"{key[1]}…", path)
        return f"{self.name}:{line}:{column}: {shown}" + (f" ({allocation})" if allocation else "")


def load(path: Path) -> Document:
    """Reads a file, or what comes on standard input for `-`. Raises UnreadableError."""
    name = "<stdin>" if path == STDIN else str(path)
    try:
        if path == STDIN and sys.stdin is None:
            raise UnreadableError(f"{name}: is closed; right would be: a topology on standard input")
        if path == STDIN:
            raw = sys.stdin.buffer.read(MOST_BYTES + 1)
        else:
            is_pipe = path.is_fifo()
            shown = visible(name)
            with (
                waiting_for(shown, PIPE_SECONDS, terminal_only=False) if is_pipe else nullcontext(),
                path.open("rb") as file,
            ):
                raw = file.read(MOST_BYTES + 1)
    except (OSError, ValueError) as error:
        raise UnreadableError(f"{name}: {getattr(error, 'strerror', None) or error}") from error
    if len(raw) > MOST_BYTES:
        raise UnreadableError(f"{name}: has more than {MOST_BYTES:,} bytes; right would be: a topology")
    kind = next((kind for start, kind in KINDS if raw.startswith(start)), None)
    if kind is None and b"\0" in raw[:4]:
        kind = "it is UTF-16 or UTF-32"
    if kind is not None:
        raise UnreadableError(f"{name}:1:1: not UTF-8 text ({kind}); right would be: the file saved as UTF-8")
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        line, column = _place(raw[: error.start].decode("utf-8"))
        kind = f"byte {error.start}"
        raise UnreadableError(
            f"{name}:{line}:{column}: not UTF-8 text ({kind}); right would be: the file saved as UTF-8"
        ) from error
    return parse(text, name)


def parse(text: str, name: str) -> Document:
    """Returns the document in a text; `name` is the file's, for messages. Raises UnreadableError."""
    for pattern, what, right in FOREIGN:
        if found := re.search(rf"^{pattern}", text, re.MULTILINE):
            line, column = _place(text[: found.start()])
            raise UnreadableError(f"{name}:{line}:{column}: {what}; right would be: {right}")
    try:
        loader = Loader(text)
        node = loader.get_single_node()
        if node is None:
            return Document(None, (), name)
        _refuse_template(node, name)
        walk = _Walk(name)
        walk.judge(node, [], ())
        value = loader.construct_document(node)
    except TooManyValuesError as error:
        place = f"{name}:{error.mark.line + 1}:{error.mark.column + 1}"
        raise UnreadableError(
            f"{place}: has more than {MOST_VALUES:,} values; right would be: a topology"
        ) from error
    except yaml.MarkedYAMLError as error:
        line, column, words = syntax.explained(error)
        raise UnreadableError(f"{name}:{line}:{column}: {words}") from error
    except yaml.reader.ReaderError as error:
        line, column = _place(text[: error.position])
        code = error.character if isinstance(error.character, int) else ord(error.character)
        raise UnreadableError(
            f"{name}:{line}:{column}: this is not YAML: it has the control character U+{code:04X}; "
            "right would be: the text without it"
        ) from error
    except yaml.YAMLError as error:
        raise UnreadableError(f"{name}: this is not YAML: {' '.join(str(error).split())}") from error
    except RecursionError as error:
        raise UnreadableError(f"{name}: nested too deeply; right would be: a topology") from error
    return Document(value, tuple(walk.problems), name, walk.places, walk.allocations)


def _refuse_template(node: yaml.Node, name: str) -> None:
    """CloudFormation's functions are tags, which would be refused one by one."""
    members = node.value if isinstance(node, yaml.MappingNode) else ()
    names = {key.value for key, _ in members if isinstance(key, yaml.ScalarNode)}
    if names & {"AWSTemplateFormatVersion", "Resources"}:
        line, column = _at(node)
        raise UnreadableError(
            f"{name}:{line}:{column}: this is a CloudFormation template; right would be: a topology, as in "
            "Resources.<name>.Properties.Topology of a template with Type: Custom::TandemTopology"
        )


class _Walk:
    """Walks through the nodes: finds doubled names, the place of each value, and what JSON does not have.

    Makes every key a text on its way. A node counts with each use of its alias, since that is how large the
    document gets.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.places: dict[str, Place] = {}
        self.allocations: dict[str, str] = {}
        self.problems: list[Problem] = []
        self._values = 0

    def judge(self, node: yaml.Node, keys: list[str | int], around: tuple[int, ...]) -> None:
        """Raises UnreadableError for what cannot become JSON."""
        self._values += 1
        if self._values > MOST_VALUES:
            self._refuse(node, f"has more than {MOST_VALUES:,} values", "a topology", [])
        if id(node) in around:
            self._refuse(node, "it contains itself", "the value without the alias in it", keys)
        # the text of any other node would spell out every alias in it
        text = node.value if isinstance(node, yaml.ScalarNode) else ""
        if node.tag not in KNOWN or not KNOWN[node.tag].match(text):
            shown = node.tag.replace(TAG, "!!")
            right = "the ID itself; CloudFormation's functions belong in its templates"
            self._refuse(node, f"the tag {shown} is not allowed in a topology", right, keys)
        self.places.setdefault(path_of(keys), _at(node))
        inside = (*around, id(node))
        if isinstance(node, yaml.SequenceNode):
            for index, item in enumerate(node.value):
                self.judge(item, [*keys, index], inside)
        if isinstance(node, yaml.MappingNode):
            self._members(node, keys, inside)

    def _members(self, node: yaml.MappingNode, keys: list[str | int], inside: tuple[int, ...]) -> None:
        places: dict[str, Place] = {}
        for key, value in node.value:
            if isinstance(key, yaml.MappingNode) and node.flow_style:
                right = "the value that belongs there"
                self._refuse(
                    node, "is a placeholder {{ … }} of a template that is not filled in", right, keys
                )
            if not isinstance(key, yaml.ScalarNode):
                self._refuse(key, "is a list or mapping where a name should be", "a text", keys)
            if key.tag == MERGE:
                self.judge(value, [*keys, key.value], inside)
                continue
            key.tag = TEXT
            place, path = _at(key), path_of([*keys, key.value])
            if key.value in places:
                first = places[key.value]
                is_one_line = first[0] == place[0]
                lines: dict[str, int | None] = {"first": first[0], "second": place[0]}
                lines |= {
                    "first_column": first[1] if is_one_line else None,
                    "second_column": place[1] if is_one_line else None,
                }
                self.problems.append(problem_at(path, ProblemCode.REPEATED_NAME, **lines))
            places[key.value] = self.places[path] = place
            if key.value == "allocation_id" and isinstance(value, yaml.ScalarNode):
                self.allocations[path_of(keys)] = value.value
            self.judge(value, [*keys, key.value], inside)

    def _refuse(self, node: yaml.Node, what: str, right: str, keys: list[str | int]) -> None:
        line, column = _at(node)
        raise UnreadableError(
            f"{self.name}:{line}:{column}: {path_of(keys)}: {what}; right would be: {right}"
        )


def _at(node: yaml.Node) -> Place:
    return node.start_mark.line + 1, node.start_mark.column + 1


def _place(before: str) -> Place:
    """Returns the line and column after a text."""
    lines = before.split("\n")
    return len(lines), len(lines[-1]) + 1
