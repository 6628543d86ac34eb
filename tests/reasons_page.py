"""Writes docs/reasons.md from the catalogue of codes: `python -m tests.reasons_page`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import StrEnum
from itertools import groupby
from pathlib import Path
from string import Formatter

from tandem.words.catalogue import FAMILIES
from tandem.words.render import OPTIONAL, Entry
from tests.rules_pages import advice_text

PAGE = Path(__file__).parents[1] / "docs" / "reasons.md"

HEAD = """\
# Reasons

<!-- Made by `python -m tests.reasons_page` from the catalogue of codes; a test compares. -->

Every decision, hold and finding has a code and facts. Events, audit records and log lines carry the code as
`code`, and all of it in `reasons`: the code, the AWS ID or the declared name that it is about (`subject`),
and the facts. The sentence beside it is made of these. Filter and alert by the code: a sentence may read
better in the next version. Two messages with the same codes and subjects are about the same thing.

In the sentences below `{...}` is a fact, and a part in brackets is there only where it applies.

"""


def page() -> str:
    """Returns the whole page."""
    families = (text for title, words in FAMILIES.items() for text in _family(title, words))
    return HEAD + "".join(families)


def _family(title: str, words: Mapping[StrEnum, Entry]) -> Iterator[str]:
    yield f"## {title}\n\n"
    for kind, codes in groupby(words, type):
        yield f"### {_plain(kind.__doc__)}\n\n"
        for code in codes:
            yield from _code(code, words[code])


def _code(code: StrEnum, entry: Entry) -> Iterator[str]:
    yield f"#### {code}\n\n{entry.meaning}\n\n> {_sentence(entry.text)}\n\n"
    if entry.right:
        yield f"Right would be: {_sentence(entry.right).removesuffix('.')}.\n\n"
    if entry.advice:
        advice = advice_text(_sentence(line) for line in entry.advice)
        yield f"What to do: {advice if advice.endswith(('.', '```')) else f'{advice}.'}\n\n"
    if entry.page:
        yield f"AWS: <{entry.page}>\n\n"


def _sentence(template: str) -> str:
    """Shows a template without what only the renderer needs."""
    parts = OPTIONAL.sub(lambda found: f"[{found[3]}{f'|{found[4]}' if found[4] else ''}]", template)
    fields = Formatter().parse(parts)
    return "".join(literal + (_field(name, spec or "") if name else "") for literal, name, spec, _ in fields)


def _field(name: str, spec: str) -> str:
    return spec.replace("|", "/") if "|" in spec else f"`{{{name}}}`"


def _plain(docstring: str | None) -> str:
    return (docstring or "").split("\n")[0].removesuffix(".")


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
