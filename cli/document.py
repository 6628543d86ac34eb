"""A topology document from a YAML file, with the problems of the file itself."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import yaml

from tandem.problems import Problem, path_of

TAG = "tag:yaml.org,2002:"
MERGE = f"{TAG}merge"
TEXT = f"{TAG}str"


class UnreadableError(Exception):
    """There is no document in the file; the message says why, with file and line."""


@dataclass(frozen=True, slots=True)
class Document:
    """What a file holds, as JSON values, and what is wrong with the file itself."""

    value: object
    problems: tuple[Problem, ...]


class _Loader(yaml.SafeLoader):
    """YAML as people mean it: `on`, 1:20 and 2026-11-21 are texts, 010 is ten."""


PLAIN = {
    f"{TAG}bool": (re.compile(r"(?:true|True|TRUE|false|False|FALSE)\Z"), list("tTfF")),
    f"{TAG}int": (re.compile(r"[-+]?[0-9]{1,20}\Z"), list("-+0123456789")),
    f"{TAG}null": (re.compile(r"(?:~|null|Null|NULL|)\Z"), ["~", "n", "N", ""]),
    MERGE: (re.compile(r"<<\Z"), ["<"]),
}
ANY = re.compile("")
KNOWN = {tag: pattern for tag, (pattern, _) in PLAIN.items()} | dict.fromkeys(
    (TEXT, f"{TAG}map", f"{TAG}seq"), ANY
)

_Loader.yaml_implicit_resolvers = {}
for _tag, (_pattern, _first) in PLAIN.items():
    _Loader.add_implicit_resolver(_tag, _pattern, _first)
_Loader.add_constructor(f"{TAG}int", lambda _, node: int(node.value))


def load(path: Path) -> Document:
    """Reads a file. Raises UnreadableError."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise UnreadableError(f"{path}: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise UnreadableError(f"{path}: no UTF-8 text (byte {error.start})") from error
    return parse(text, str(path))


def parse(text: str, name: str) -> Document:
    """The document in a text; `name` is the file's, for messages. Raises UnreadableError."""
    try:
        loader = _Loader(text)
        node = loader.get_single_node()
        if node is None:
            return Document(None, ())
        problems = tuple(_judged(node, [], name, ()))
        return Document(loader.construct_document(node), problems)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f", line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        raise UnreadableError(f"{name}{where}: {error.problem or error.context}") from error
    except yaml.YAMLError as error:
        raise UnreadableError(f"{name}: no YAML: {' '.join(str(error).split())}") from error
    except RecursionError as error:
        raise UnreadableError(f"{name}: nested too deeply") from error


def _judged(node: yaml.Node, keys: list[str | int], name: str, around: tuple[int, ...]) -> Iterator[Problem]:
    """Keys that are there twice, since YAML silently keeps the last one; makes every key a text on its way.

    Raises UnreadableError for what cannot become JSON.
    """
    line = node.start_mark.line + 1
    if id(node) in around:
        raise UnreadableError(f"{name}, line {line}: it contains itself")
    if node.tag not in KNOWN or not KNOWN[node.tag].match(str(node.value)):
        raise UnreadableError(f"{name}, line {line}: {_shown(node.tag)} has no place in a topology")
    inside = (*around, id(node))
    if isinstance(node, yaml.SequenceNode):
        for index, item in enumerate(node.value):
            yield from _judged(item, [*keys, index], name, inside)
    if isinstance(node, yaml.MappingNode):
        yield from _doubled(node, keys, name)
        for key, value in node.value:
            yield from _judged(value, [*keys, key.value], name, inside)


def _doubled(node: yaml.MappingNode, keys: list[str | int], name: str) -> Iterator[Problem]:
    lines: dict[str, int] = {}
    for key, _ in node.value:
        line = key.start_mark.line + 1
        if not isinstance(key, yaml.ScalarNode):
            raise UnreadableError(f"{name}, line {line}: a name has to be a text")
        if key.tag == MERGE:
            continue
        key.tag = TEXT
        if key.value in lines:
            twice = f"is there twice, in line {lines[key.value]} and in line {line}"
            yield Problem(path_of([*keys, key.value]), twice, "each name once")
        lines[key.value] = line


def _shown(tag: str) -> str:
    return f"the tag {tag.replace(TAG, '!!')}"
