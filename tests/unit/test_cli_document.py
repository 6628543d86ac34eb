"""The command line's reader: what YAML lets pass silently is said, and what is no YAML says where."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cli.document import UnreadableError, load, parse
from tandem.words.provisioning import said
from tests.topologies import EXAMPLE, document


def test_the_example_reads_as_any_yaml_reader_reads_it() -> None:
    assert load(EXAMPLE).value == document() | {"mode": "dry-run"}
    assert load(EXAMPLE).problems == ()


def test_a_key_that_is_there_twice_is_said_with_both_lines() -> None:
    text = "name: edge\ngroups:\n  - name: a\n    prefixes: []\n    name: b\n"
    (problem,) = parse(text, "edge.yaml").problems
    assert problem.path == "groups[0].name"
    assert said(problem).what == "occurs twice, in line 3 and in line 5"


def test_a_key_that_is_there_twice_in_one_line_is_said_with_both_columns() -> None:
    (problem,) = parse("fw1: {asn: 1, asn: 2}\n", "edge.yaml").problems
    assert said(problem).what == "occurs twice, in line 1, column 7, and in line 1, column 15"


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


UNREADABLE = {
    "a template engine": (
        "name: {{ env }}",
        "1:7: name: is a placeholder {{ … }} of a template",
        "the value that belongs",
    ),
    "a conflict": ("a: 1\n<<<<<<< HEAD\nb: 2\n", "2:1: this is a git conflict", "one of the two"),
    "a fence": ("```yaml\na: 1\n```\n", "1:1: this is a fence of Markdown", "the text between"),
    "a comment of C": ('{\n  // hi\n  "a": 1}', "2:1: this is a comment with //", "# in YAML"),
    "60,000 values": ("[" + "1," * 60_000 + "1]", "1:", "a topology"),
    # name: (text, place and what, what would be right)
    "an open bracket": ("name: [edge", "1:7: the bracket here is never closed", "a ] at its end"),
    "an open brace": ('{"a": 1,\n "b": [2]\n', "1:1: the bracket here is never closed", "a } at its end"),
    "an open quote": (
        'a: 1\nb: "two\nc: 3\nd: 4\n',
        "2:4: the quotation mark here is never",
        "the same mark",
    ),
    "a quote and a second document": (
        "a: 'b\n---\n",
        "1:4: the quotation mark here is never",
        "the same mark",
    ),
    "no comma": (
        "a: [1,\n 2\n\n 3: 4]",
        "4:3: this follows a value inside brackets",
        "the block begins in line 1",
    ),
    "a tab before a name": ("a: 1\n\tb: 2", "2:1: a tab cannot be used for indentation", "spaces"),
    "a tab behind blanks": ("a:\n  \tb: 2", "2:1: a tab cannot be used for indentation", "spaces"),
    "two colons": ("a: b: c", "1:5: a value cannot begin at this colon", "quotes around a text"),
    "no colon": ("a: 1\nbcd\ne: 2\n", "2:1: a name without a value", "a colon and a blank"),
    "bad indentation": (
        "a:\n  b: 1\n c: 2",
        "3:2: the indentation does not match the lines above",
        "indentation",
    ),
    "no such anchor": ("a: *nobody", "1:4: *nobody refers to an anchor", "&nobody at a value above"),
    "a star": ("a: * b", "1:4: * and & begin the name of an anchor", "quotes around the text"),
    "an at sign": ("a: @b", "1:4: a text cannot begin with @", "quotes around the text"),
    "an escape": ('a: "C:\\dir"', "1:8: a backslash and d mean nothing", "single quotes"),
    "a tag of CloudFormation": ("id: !Ref Server", "1:5: id: the tag !Ref is not allowed", "the ID itself"),
    "a template": (
        "Resources:\n  Server: {Id: !Ref Server}\n",
        "1:1: this is a CloudFormation template",
        "a topology, as in Resources.<name>.Properties.Topology",
    ),
    "two documents": ("a: 1\n---\nb: 2", "2:1: a second document begins here", "one topology in each file"),
    "a list for a name": (
        "{[1]: a}",
        "1:2: the document: is a list or mapping where a name should be",
        "a text",
    ),
    "a circle": ("a: &a [*a]", "1:4: a[0]: it contains itself", "without the alias"),
    "nothing in a bracket": (
        "a: [",
        "1:5: the file ends where a value should follow",
        "each open bracket closed",
    ),
    "a brace too many": ("a: }", "1:4: } is where a value should begin", "in quotes if it is that text"),
    "a bar": ("a: |b", "1:5: | and > begin a text of several lines", "quotes around the text"),
    "something behind the brace": ("{a: 1}\nb: 2", "2:1: the document ended before this", "nothing after"),
    "an exclamation mark": ("a: !<#", "1:4: a text cannot begin like this", "quotes around the text"),
    "a control character": (
        "a: 1\nb: \x07",
        "2:4: this is not YAML: it has the control character U+0007",
        "without it",
    ),
    "a number that is none": ("a: !!int abc", "1:4: a: the tag !!int", "the ID itself"),
    "a date": ("a: !!timestamp 2026-11-21", "1:4: a: the tag !!timestamp", "the ID itself"),
    "a set": ("a: !!set {b}", "1:4: a: the tag !!set", "the ID itself"),
    "what PyYAML says": ("%YAML 2.0\n---\na: 1", "1:1: invalid YAML: found incompatible YAML document", ""),
}


@pytest.mark.parametrize(("text", "where", "right"), UNREADABLE.values(), ids=UNREADABLE)
def test_what_is_no_yaml_document_says_where_it_began_and_what_is_right(text, where, right) -> None:
    with pytest.raises(UnreadableError) as caught:
        parse(text, "edge.yaml")
    assert str(caught.value).startswith(f"edge.yaml:{where}")
    assert right in str(caught.value)


@pytest.mark.parametrize("text", ["[" * 1000, "- " * 1000, "a: {" * 1000])
def test_what_is_nested_too_deeply_is_refused(text: str) -> None:
    with pytest.raises(UnreadableError, match="nested too deeply"):
        parse(text, "edge.yaml")


def test_nodes_are_counted_with_each_use_of_an_alias() -> None:
    """Each line has ten times as many values as the one before."""
    bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
    for n in range(1, 9):
        bomb += f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n"
    with pytest.raises(
        UnreadableError, match=r"edge.yaml:1:[0-9]+: the document: has more than 20,000 values"
    ):
        parse(bomb, "edge.yaml")
    few = "a: &a [1, 2, 3]\nb: [" + ", ".join(["*a"] * 4000) + "]\n"
    assert parse(few, "x").value == {"a": [1, 2, 3], "b": [[1, 2, 3]] * 4000}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("a: 1\t# a comment\nb: 2", {"a": 1, "b": 2}),
        ("a: 1\n\t# a comment\n\t\nb: 2", {"a": 1, "b": 2}),
        ("a:\t1", {"a": 1}),
        ("-\t1\n- 2\t\n", [1, 2]),
        ('{\n\t"a": 1,\n\t"b": [\n\t\t"c"\n\t]\n}\n', {"a": 1, "b": ["c"]}),
        ('\t{"a":\t1}', {"a": 1}),
        ("a: [1,\n\t2]", {"a": [1, 2]}),
        ("a: b\tc", {"a": "b\tc"}),
        ('a: "b\tc"', {"a": "b\tc"}),
        ("\ufeffa: 1", {"a": 1}),
        ("a: 1\r\nb: 2\r\n", {"a": 1, "b": 2}),
    ],
)
def test_tabs_are_taken_where_yaml_and_json_take_them(text: str, value: object) -> None:
    assert parse(text, "x").value == value


WHERE = """\
# comment
name: edge
groups:
  - name: a
    prefixes: [0.0.0.0/0,
               10.0.0.0/8]
    elastic_ips:
      - allocation_id: eipalloc-0a1b2c3d4e5f60001
        targets:
          "fw 1": {private_ip: 10.0.1.20}
"""
TARGETS = "groups[0].elastic_ips[0].targets"


@pytest.mark.parametrize(
    ("path", "place"),
    [
        ("the document", "2:1: the document"),
        ("name", "2:1: name"),
        ("groups[0]", "4:5: groups[0]"),
        ("groups[0].prefixes[1]", "6:16: groups[0].prefixes[1]"),
        (
            f'{TARGETS}["fw 1"].private_ip',
            f'10:20: {TARGETS}["fw 1"].private_ip (eipalloc-0a1b2c3d4e5f60001)',
        ),
        (f"{TARGETS}.fw2.private_ip", f"9:9: {TARGETS}.fw2.private_ip (eipalloc-0a1b2c3d4e5f60001)"),
        ("route_server.id", "2:1: route_server.id"),
        ("groups[7].name", "3:1: groups[7].name"),
    ],
)
def test_a_path_has_its_line_column_and_allocation(path: str, place: str) -> None:
    """What is missing is at what it is missing in."""
    assert parse(WHERE, "edge.yaml").where(path) == f"edge.yaml:{place}"


@pytest.mark.parametrize("text", ["", "# only a comment\n", "---\n"])
def test_an_empty_file_is_an_empty_document(text: str) -> None:
    assert parse(text, "x").value is None


def test_files_that_cannot_be_read_say_why(tmp_path: Path) -> None:
    latin = tmp_path / "latin.yaml"
    latin.write_bytes("name: \xe9dge".encode("latin-1"))
    wide, huge = tmp_path / "wide.yaml", tmp_path / "huge.yaml"
    wide.write_text("name: edge\n", encoding="utf-16")
    huge.write_text("# a comment\n" * 40_000)
    for path, why in (
        (tmp_path / "none.yaml", "No such file"),
        (tmp_path, "directory"),
        (latin, "latin.yaml:1:7: not UTF-8 text"),
        (wide, "wide.yaml:1:1: not UTF-8 text .it is UTF-16.; right would be: the file saved as UTF-8"),
        (huge, "has more than 400,000 bytes"),
        (Path("/dev/zero"), "has more than 400,000 bytes"),
        (Path("a\0b"), "null"),
    ):
        with pytest.raises(UnreadableError, match=why):
            load(path)


@given(st.text(max_size=60) | st.text(alphabet=" \n\t:-[]{}&*!|>'\"#a1,?%@<~", max_size=40))
def test_a_text_is_read_or_refused_and_what_is_read_is_json(text: str) -> None:
    try:
        read = parse(text, "x")
    except UnreadableError:
        return
    assert json.loads(json.dumps(read.value)) == read.value
