"""PyYAML's loader with the scalars of YAML 1.2's core schema and its tabs."""

from __future__ import annotations

import re

import yaml
from yaml.scanner import ScannerError

from cli import syntax
from tandem.topology.size import MOST_VALUES

TAG = "tag:yaml.org,2002:"
MERGE = f"{TAG}merge"
TEXT = f"{TAG}str"


class TooManyValuesError(Exception):
    """The document has more values than any topology."""

    def __init__(self, mark: yaml.Mark) -> None:
        super().__init__()
        self.mark = mark


class Loader(yaml.SafeLoader):
    """YAML as people mean it: `on`, 1:20 and 2026-11-21 are texts, 010 is ten.

    PyYAML refuses every tab outside quotes. YAML 1.2 (https://yaml.org/spec/1.2.2/#6-structural-productions)
    refuses them as indentation only: a tab may precede a comment, follow a colon, and stand anywhere between
    the tokens inside brackets, so in JSON too.
    """

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        """Counts on the way: a document that is too large is not read to its end. Names count here too."""
        self._nodes += 1
        if self._nodes > 2 * MOST_VALUES:
            raise TooManyValuesError(self.get_mark())
        return super().compose_node(parent, index)

    _nodes = 0

    def scan_to_next_token(self) -> None:
        if self.index == 0 and self.peek() == "\ufeff":
            self.forward()
        while True:
            self._skip_white()
            while self.peek() not in "\0\r\n\x85\u2028\u2029" and self._is_comment:
                self.forward()
            self._is_comment = False
            if not self.scan_line_break():  # type: ignore[no-untyped-call]
                return
            if not self.flow_level:
                self.allow_simple_key = True

    _is_comment = False

    def _skip_white(self) -> None:
        start, has_tab = self.get_mark(), False
        while self.peek() in " \t":
            has_tab = has_tab or self.peek() == "\t"
            self.forward()
        self._is_comment = self.peek() == "#"
        if not has_tab or self.flow_level or self._is_comment or self.peek() in "\0\r\n\x85\u2028\u2029":
            return
        is_value_of_the_file = self.indent < 0 and self.peek() in "{["
        if start.column == 0 and not is_value_of_the_file:
            raise ScannerError(None, None, syntax.TAB, start)
        self.allow_simple_key = False

    def scan_plain_spaces(self, indent: int, start_mark: yaml.Mark) -> list[str] | None:
        """Keeps a tab within a text: `a<tab>b` is one text."""
        length = 0
        while self.peek(length) in " \t":
            length += 1
        white = self.prefix(length)
        if "\t" in white and self.peek(length) not in "#\0\r\n\x85\u2028\u2029":
            self.forward(length)
            return [white]
        return super().scan_plain_spaces(indent, start_mark)


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

Loader.yaml_implicit_resolvers = {}
for _tag, (_pattern, _first) in PLAIN.items():
    Loader.add_implicit_resolver(_tag, _pattern, _first)
Loader.add_constructor(f"{TAG}int", lambda _, node: int(node.value))
