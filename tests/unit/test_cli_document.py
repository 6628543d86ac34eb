"""The command line's reader: what YAML lets pass silently is said, and what is no YAML says where."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cli.document import UnreadableError, load, parse
from tests.topologies import EXAMPLE, document


def test_the_example_reads_as_any_yaml_reader_reads_it() -> None:
    assert load(EXAMPLE).value == document() | {"mode": "dry-run"}
    assert load(EXAMPLE).problems == ()


def test_a_key_that_is_there_twice_is_said_with_both_lines() -> None:
    text = "name: edge\ngroups:\n  - name: a\n    prefixes: []\n    name: b\n"
    (problem,) = parse(text, "edge.yaml").problems
    assert problem.path == "groups[0].name"
    assert problem.what == "is there twice, in line 3 and in line 5"


def test_every_doubled_key_is_said() -> None:
    text = "a: 1\na: 2\nb: {c: 1, c: 2, c: 3}\n"
    assert [p.path for p in parse(text, "x").problems] == ["a", "b.c", "b.c"]


def test_merged_keys_are_no_doubles() -> None:
    text = "base: &base {asn: 65001}\nfw1: {<<: *base, asn: 65002}\nfw2: {<<: *base}\n"
    read = parse(text, "x")
    assert read.problems == ()
    assert read.value == {"base": {"asn": 65001}, "fw1": {"asn": 65002}, "fw2": {"asn": 65001}}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("on", "on"),
        ("no", "no"),
        ("1:20", "1:20"),
        ("2026-11-21", "2026-11-21"),
        ("010", 10),
        ("0x10", "0x10"),
        ("1_000", "1_000"),
        ("1.10", "1.10"),
        ("65000", 65000),
        ("true", True),
        ("False", False),
        ("~", None),
        ("''", ""),
        ("9" * 30, "9" * 30),
        (".nan", ".nan"),
    ],
)
def test_scalars_are_what_people_mean(text: str, value: object) -> None:
    read = parse(f"x: {text}", "x").value
    assert read == {"x": value}
    assert isinstance(read, dict)
    assert type(read["x"]) is type(value)


def test_keys_are_names_whatever_they_look_like() -> None:
    assert parse("{1: a, true: b, on: c, 2026-11-21: d}", "x").value == {
        "1": "a", "true": "b", "on": "c", "2026-11-21": "d",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("name: [edge", "edge.yaml, line 1, column 12"),
        ("a: 1\n\tb: 2", "edge.yaml, line 2, column 1"),
        ("a: b: c", "edge.yaml, line 1"),
        ("a: *nobody", "edge.yaml, line 1, column 4"),
        ("id: !Ref RouteServer", "edge.yaml, line 1: the tag !Ref"),
        ("a: 1\n---\nb: 2", "edge.yaml, line 2, column 1"),
        ("{[1]: a}", "edge.yaml, line 1"),
        ("a: &a [*a]", "edge.yaml, line 1"),
        ("a: \x07", "edge.yaml: no YAML"),
        ("a: !!int abc", "edge.yaml, line 1: the tag !!int"),
        ("a: !!timestamp 2026-11-21", "edge.yaml, line 1: the tag !!timestamp"),
        ("a: !!set {b}", "edge.yaml, line 1: the tag !!set"),
        ("[" * 1000, "edge.yaml: nested too deeply"),
    ],
)
def test_what_is_no_yaml_document_says_where(text: str, where: str) -> None:
    with pytest.raises(UnreadableError) as caught:
        parse(text, "edge.yaml")
    assert str(caught.value).startswith(where)


@pytest.mark.parametrize("text", ["", "# only a comment\n", "---\n"])
def test_an_empty_file_is_an_empty_document(text: str) -> None:
    assert parse(text, "x").value is None


def test_files_that_cannot_be_read_say_why(tmp_path: Path) -> None:
    latin = tmp_path / "latin.yaml"
    latin.write_bytes("name: \xe9dge".encode("latin-1"))
    for path, why in ((tmp_path / "none.yaml", "No such file"), (tmp_path, "directory"), (latin, "no UTF-8")):
        with pytest.raises(UnreadableError, match=why):
            load(path)


@given(st.text(max_size=60) | st.text(alphabet=" \n\t:-[]{}&*!|>'\"#a1,?%@<~", max_size=40))
def test_a_text_is_read_or_refused_and_what_is_read_is_json(text: str) -> None:
    try:
        read = parse(text, "x")
    except UnreadableError:
        return
    assert json.loads(json.dumps(read.value)) == read.value
