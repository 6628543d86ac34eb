"""Explains what is wrong with a text that is not YAML, in simpler words than PyYAML's."""

from __future__ import annotations

import re

import yaml

TAB = "a tab cannot be used for indentation"
QUOTE = "the quotation mark here is never closed"
CONTEXT, PROBLEM = "context", "problem"
SYNTAX: tuple[tuple[str, str, str, str], ...] = (
    # PyYAML's words, which of its two places is where the mistake is, ours, and what would be right
    (r"found unexpected (end of stream|document separator)", CONTEXT, QUOTE, "the same mark after the text"),
    (
        r"expected ',' or '(.)', but got '<stream end>'",
        CONTEXT,
        "the bracket here is never closed",
        r"a \1 at its end",
    ),
    (
        r"expected ',' or '(.)'",
        PROBLEM,
        r"this follows a value inside brackets without a comma or \1",
        r"a comma, or a \1 at the end{since}",
    ),
    (
        "mapping values are not allowed here",
        PROBLEM,
        "a value cannot begin at this colon",
        "quotes around a text with a colon and a blank, or a line of its own indented as its neighbours",
    ),
    (
        "could not find expected ':'",
        CONTEXT,
        "a name without a value begins here",
        "a colon and a blank after the name",
    ),
    (
        "expected <block end>",
        PROBLEM,
        "the indentation does not match the lines above",
        "the same indentation as the other entries{since}",
    ),
    (r"found character '\\t'", PROBLEM, TAB, "spaces"),
    (TAB, PROBLEM, TAB, "spaces"),
    (
        r"found character ['\"](.)['\"] that cannot start",
        PROBLEM,
        r"a text cannot begin with \1",
        "quotes around the text",
    ),
    (
        "found undefined alias '?([^']*)'?",
        PROBLEM,
        r"*\1 refers to an anchor that is not there",
        r"&\1 at a value above it, or quotes around the text",
    ),
    ("but found another document", PROBLEM, "a second document begins here", "one topology in each file"),
    (
        "found unknown escape character '?(.*?)'?$",
        PROBLEM,
        r"a backslash and \1 mean nothing in double quotes",
        "single quotes, or two backslashes",
    ),
    (
        "(sequence entries|mapping keys) are not allowed here",
        PROBLEM,
        "a list or mapping cannot begin here",
        "a line of its own, with the indentation of its neighbours",
    ),
    (
        "expected the node content, but found '<stream end>'",
        PROBLEM,
        "the file ends where a value should follow",
        "the value, and each open bracket closed",
    ),
    (
        "expected the node content, but found '(.*)'",
        PROBLEM,
        r"\1 is where a value should begin",
        "the value, in quotes if it is that text",
    ),
    (
        "while scanning a block scalar",
        PROBLEM,
        "| and > begin a text of several lines, and nothing may follow them",
        "quotes around the text, or the text in the lines below",
    ),
    (
        "expected '<document start>'",
        PROBLEM,
        "the document ended before this",
        "the indentation of the lines above, or nothing after the last bracket",
    ),
    (
        "while (scanning|parsing) a (tag|directive)",
        CONTEXT,
        "a text cannot begin like this",
        "quotes around the text",
    ),
    (
        "expected alphabetic or numeric character",
        CONTEXT,
        "* and & begin the name of an anchor, and none follows",
        "quotes around the text",
    ),
)


def explained(error: yaml.MarkedYAMLError) -> tuple[int, int, str]:
    """Returns line, column and words of PyYAML's error, at the place where the mistake began."""
    said = f"{error.context or ''} {error.problem or ''}"
    for pattern, which, what, right in SYNTAX:
        found = re.search(pattern, said)
        if found is None:
            continue
        began, ended = error.context_mark, error.problem_mark
        mark = (began if which == CONTEXT else ended) or ended or began
        is_far = began is not None and mark is not None and began.line != mark.line
        since = f" (the block begins in line {began.line + 1})" if began is not None and is_far else ""
        words = f"{found.expand(what)}; right would be: {found.expand(right).replace('{since}', since)}"
        break
    else:
        mark = error.problem_mark or error.context_mark
        words = f"invalid YAML: {' '.join(said.split())}; right would be: YAML 1.2 or JSON"
    line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
    return line, column, words
