"""Where a problem is, and which name was meant."""

from __future__ import annotations

from tandem.problems import Problem, by_cause, folded, nearest, parent_of, path_of


def test_paths_can_be_found_in_the_document() -> None:
    assert path_of([]) == "the document"
    assert (
        path_of(["groups", 0, "elastic_ips", 1, "targets", "fw1"]) == "groups[0].elastic_ips[1].targets.fw1"
    )
    assert path_of(["appliances", "fw 1", "asn"]) == 'appliances["fw 1"].asn'


def test_the_nearest_name_comes_first() -> None:
    assert nearest("fw_1", ["fw1", "vpn"]) == "fw1? known here: fw1, vpn"
    assert nearest("x", []) == "nothing: none is declared"


def test_problems_with_one_cause_are_told_together() -> None:
    terminated = Problem("a.instance_id", "i-1 is terminated", "another", gone="i-1")
    lost = [Problem(f"e[{n}].network_interface", "eni-1 is not known", "another", gone="i-1") for n in (0, 1)]
    same = [Problem(f"a.peers.{name}", "10.0.1.10 is on no interface", "another") for name in ("x", "y")]
    other = Problem("a.asn", "is 1", "2")
    found = by_cause([terminated, same[0], other, *lost, same[1]])
    assert found == [(terminated, *lost), tuple(same), (other,)]


def test_what_is_gone_stays_the_same_problem_when_aws_forgets_it() -> None:
    shown = Problem("a.instance_id", "i-1 is terminated", "another", gone="i-1")
    assert shown.identity == Problem("a.instance_id", "i-1 is not known", "its instance", gone="i-1").identity
    assert Problem("a.asn", "is 1", "2").identity != Problem("a.asn", "is 3", "2").identity


def test_what_follows_from_a_problem_stands_behind_it_in_the_order_of_the_document() -> None:
    follows = [Problem(f"e[{n}].targets.fw1", "no appliance", "fw-1?", cause="appliances") for n in (0, 1)]
    cause = Problem("appliances", "is a list", "a mapping")
    same = [Problem(f"e[{n}].private_ip", "is 7", "an address") for n in (0, 1)]
    alone = Problem("name", "is 7", "a name", cause="nowhere")
    found = folded([follows[0], same[0], cause, follows[1], alone, same[1]])
    assert found == [(cause, *follows), tuple(same), (alone,)]


def test_what_is_gone_is_one_cause() -> None:
    terminated = Problem("a.instance_id", "i-1 is terminated", "another", gone="i-1")
    lost = Problem("e[0].network_interface", "eni-1 is not known", "another", gone="i-1")
    assert folded([terminated, lost]) == [(terminated, lost)]


def test_the_parent_of_a_path_is_what_it_is_in() -> None:
    path, seen = path_of(["groups", 0, "targets", 'fw "1]', "x", "a.b"]), []
    while path != "the document":
        seen.append(path := parent_of(path))
    steps = ["groups", 0, "targets", 'fw "1]', "x"]
    assert seen == [path_of(steps[:n]) for n in range(5, -1, -1)]
    assert parent_of("the document") == "the document"
