"""Tests where a problem is, and which name was meant."""

from __future__ import annotations

from dataclasses import asdict, replace

from tandem.reasons.documents import ProblemCode
from tandem.topology.problems import Problem, by_cause, nearest, parent_of, path_of, problem_at
from tandem.words.provisioning import folded, said


def test_paths_can_be_found_in_the_document() -> None:
    assert path_of([]) == "the document"
    assert (
        path_of(["groups", 0, "elastic_ips", 1, "targets", "fw1"]) == "groups[0].elastic_ips[1].targets.fw1"
    )
    assert path_of(["appliances", "fw 1", "asn"]) == 'appliances["fw 1"].asn'


def test_the_nearest_name_comes_first() -> None:
    code = ProblemCode.UNKNOWN_PROPERTY
    meant = problem_at("appliances", code, **nearest("fw_1", ["fw1", "vpn"]))
    assert said(meant).right == "fw1? known here: fw1, vpn"
    assert said(problem_at("appliances", code, **nearest("x", []))).right == "nothing: none is declared"


def terminated() -> Problem:
    return problem_at("a.instance_id", ProblemCode.INSTANCE_TERMINATED, "i-1")


def lost(number: int) -> Problem:
    facts = {"interface_id": "eni-1", "place": "there", "appliance": "fw1"}
    return problem_at(
        f"e[{number}].network_interface", ProblemCode.INTERFACE_GONE_WITH_INSTANCE, "i-1", **facts
    )


def asn(declared: int, actual: int, path: str = "a.asn") -> Problem:
    return problem_at(path, ProblemCode.ASN_DIFFERS, declared=declared, actual=actual)


def wrong(path: str, value: str, wanted: str) -> Problem:
    return problem_at(path, ProblemCode.WRONG_VALUE, value=value, strange=None, meant=None, wanted=wanted)


def test_problems_with_one_cause_are_told_together() -> None:
    facts = {"address": "10.0.1.10", "instance_id": "i-2", "own": ("10.0.1.11",)}
    same = [problem_at(f"a.peers.{x}", ProblemCode.PEER_ADDRESS_ELSEWHERE, **facts) for x in ("x", "y")]
    other = asn(1, 2)
    found = by_cause([terminated(), same[0], other, lost(0), lost(1), same[1]])
    assert found == [(terminated(), lost(0), lost(1)), tuple(same), (other,)]


def test_what_is_gone_stays_the_same_problem_when_aws_forgets_it() -> None:
    unknown = problem_at("a.instance_id", ProblemCode.INSTANCE_UNKNOWN, "i-1", place="there")
    assert terminated().identity == unknown.identity
    assert terminated().identity != replace(unknown, reason=replace(unknown.reason, subject="i-2")).identity


def test_a_problem_of_a_place_stays_the_same_whatever_stands_there() -> None:
    assert asn(1, 2).identity == asn(3, 2).identity
    assert asn(1, 2).identity != asn(1, 2, "b.asn").identity


def test_what_follows_from_a_problem_stands_behind_it_in_the_order_of_the_document() -> None:
    follows = [
        problem_at(f"e[{n}].targets.fw1", ProblemCode.UNDECLARED_APPLIANCE, close="fw-1", known=("fw-1",))
        for n in (0, 1)
    ]
    follows = [problem.caused_by("appliances") for problem in follows]
    cause = wrong("appliances", "a list", "a mapping")
    same = [wrong(f"e[{n}].private_ip", "7", "an address") for n in (0, 1)]
    alone = wrong("name", "7", "a name").caused_by("nowhere")
    given = [follows[0], same[0], cause, follows[1], alone, same[1]]
    groups = [(cause, *follows), tuple(same), (alone,)]
    assert folded(map(said, given)) == [tuple(map(said, group)) for group in groups]


def test_the_words_of_a_release_without_codes_fold_as_the_codes_do() -> None:
    given = [
        wrong("e[0].private_ip", "7", "an address"),
        asn(1, 2),
        wrong("e[1].private_ip", "7", "an address"),
    ]
    bare = [replace(said(problem), code="", subject="", facts={}) for problem in given]
    assert [[p.path for p in group] for group in folded(bare)] == [
        ["e[0].private_ip", "e[1].private_ip"],
        ["a.asn"],
    ]


def test_what_is_gone_is_one_cause() -> None:
    assert folded(map(said, [terminated(), lost(0)])) == [(said(terminated()), said(lost(0)))]


def test_the_parent_of_a_path_is_what_it_is_in() -> None:
    path, seen = path_of(["groups", 0, "targets", 'fw "1]', "x", "a.b"]), []
    while path != "the document":
        seen.append(path := parent_of(path))
    steps = ["groups", 0, "targets", 'fw "1]', "x"]
    assert seen == [path_of(steps[:n]) for n in range(5, -1, -1)]
    assert parent_of("the document") == "the document"


def test_a_verdict_says_each_problem_as_the_command_of_the_release_before_reads_it() -> None:
    found = asdict(said(problem_at("groups", ProblemCode.OWNER_TAG_MISSING, "eni-1", stack="tandem")))
    assert found == {
        "path": "groups",
        "what": "eni-1 lacks its owner's tag, without which Tandem may not touch it",
        "right": "tandem:stack=tandem on it: tandem apply --tag writes it with your credentials",
        "untagged": "eni-1",
        "gone": None,
        "cause": None,
        "code": "owner-tag-missing",
        "subject": "eni-1",
        "facts": {"stack": "tandem"},
    }
    assert asdict(said(lost(0)))["gone"] == "i-1"
