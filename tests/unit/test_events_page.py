"""docs/events.md says what schemas, samples and code say."""

from __future__ import annotations

from tandem.events import DetailType
from tests.events_page import PAGE, page
from tests.samples import names


def test_the_page_is_what_schemas_samples_and_code_make_of_it():
    assert PAGE.read_text(encoding="utf-8") == page(), "run: python -m tests.events_page"


def test_every_detail_type_and_every_sample_is_on_the_page():
    text = page()
    assert all(f"\n## {detail_type}\n" in text for detail_type in DetailType)
    assert all(f"(../events/{name}.json)" in text for name in names())
