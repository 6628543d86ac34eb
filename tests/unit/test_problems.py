"""Where a problem is, and which name was meant."""

from __future__ import annotations

from tandem.problems import nearest, path_of


def test_paths_can_be_found_in_the_document() -> None:
    assert path_of([]) == "the document"
    assert (
        path_of(["groups", 0, "elastic_ips", 1, "targets", "fw1"]) == "groups[0].elastic_ips[1].targets.fw1"
    )
    assert path_of(["appliances", "fw 1", "asn"]) == 'appliances["fw 1"].asn'


def test_the_nearest_name_comes_first() -> None:
    assert nearest("fw_1", ["fw1", "vpn"]) == "fw1? known here: fw1, vpn"
    assert nearest("x", []) == "nothing: none is declared"
