"""Other words for every reason of provisioning: its code and its facts."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from unittest import mock

from tandem.words.provisioning import ENTRIES
from tandem.words.render import OPTIONAL, fields


@contextmanager
def reworded() -> Iterator[None]:
    """Lets every sentence be made of other words."""
    words = {
        code: replace(entry, text=_plain(code, entry.text), right=_plain(f"not {code}", entry.right))
        for code, entry in ENTRIES.items()
    }
    with mock.patch.dict(ENTRIES, words):
        yield


def _plain(code: str, template: str) -> str:
    """Returns a template that has the facts of another one, and nothing else of it."""
    parts = [template, *(part for found in OPTIONAL.findall(template) for part in found)]
    names = dict.fromkeys(name for part in parts for name in fields(part))
    return " ".join([f"<{code}> {{subject}}", *(f"{name} {{{name}}}" for name in names if name != "subject")])
