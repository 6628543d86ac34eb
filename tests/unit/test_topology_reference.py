"""docs/topology.md says what the schema and the checks say."""

from __future__ import annotations

from tandem.topology.shape import topology_schema, validate
from tandem.topology.worldchecks import worldcheck
from tests.topologies import document, inventory, set_at, topology
from tests.topology_reference import MISTAKES, PAGE, mistakes, page, properties, worlds


def test_the_page_is_generated_from_what_the_code_says() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert page(text) == text, "run: python -m tests.topology_reference"
    assert all(line in text for line in (*properties(), *mistakes()))


def test_every_property_has_a_meaning() -> None:
    rows = [line for line in properties() if line.startswith("| `")]
    assert len(rows) == 36
    assert all(not row.endswith("|  |") for row in rows)


def test_each_mistake_of_the_page_is_one_problem() -> None:
    for where, value in MISTAKES.values():
        assert len(validate(set_at(document(), where, value))) == 1
    assert worldcheck(topology(), inventory(), ()) == []
    assert len(worlds()) == 5


def test_the_schema_is_published_under_the_name_that_the_page_gives() -> None:
    assert topology_schema()["$id"].endswith("/topology.schema.json")
    assert "topology.schema.json" in PAGE.read_text(encoding="utf-8")
