"""Writes reasons into a record: codes for later runs, sentences for people and for release 0.1.0.

That release wrote no codes. What it left is read by what no wording changes: paths, and how many there are.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from tandem.reasons.provisioning import ProvisioningCode
from tandem.reasons.reason import Identity, Reason, reason
from tandem.state.record import Codes, Provisioned
from tandem.topology.problems import Problem
from tandem.words.provisioning import line_of, sentence_of, warning_of

Why = tuple[Reason | Problem, ...]
"""Why a run failed: what was refused, each with its place, or one reason of the run itself."""

_UNCODED = "0.1.0"
"""Stands for the code of a sentence that release 0.1.0 stored; its subject is that sentence."""

_FAILED = frozenset({ProvisioningCode.ENDPOINT_FAILED, ProvisioningCode.SESSION_FAILED})


def with_pending(found: Provisioned, pending: Iterable[Reason]) -> Provisioned:
    """Records what is waited for, each once."""
    every = tuple(dict.fromkeys(pending))
    codes = replace(codes_of(found), pending=tuple(each.identity for each in every))
    return replace(found, pending=tuple(map(sentence_of, every)), codes=codes)


def with_failure(found: Provisioned, failure: Why) -> Provisioned:
    """Records why a run failed; nothing where it did not."""
    codes = replace(codes_of(found), failure=tuple(each.identity for each in failure))
    return replace(found, failure=failure_words(failure), codes=codes)


def with_warnings(found: Provisioned, warnings: Iterable[Reason | Problem]) -> Provisioned:
    """Records what a person should know beside it."""
    every = tuple(warnings)
    codes = replace(codes_of(found), warnings=tuple(each.identity for each in every))
    return replace(found, warnings=tuple(warning_of(each) for each in every), codes=codes)


def with_drift(found: Provisioned, drift: Iterable[Problem]) -> Provisioned:
    """Records the differences of which people were notified, as release 0.1.0 compares them."""
    every = tuple(drift)
    words = tuple(f"{p.path}: {p.gone} is gone" if p.gone else line_of(p) for p in every)
    codes = replace(codes_of(found), drift=tuple(problem.identity for problem in every))
    return replace(found, drift=words, codes=codes)


def with_sessions(found: Provisioned, sessions: Iterable[Reason]) -> Provisioned:
    """Records what the appliances have to be configured with."""
    every = tuple(sessions)
    codes = replace(codes_of(found), sessions=tuple(each.subject for each in every))
    return replace(found, sessions=tuple(map(sentence_of, every)), codes=codes)


def with_notified_sessions(found: Provisioned) -> Provisioned:
    """Records that people were notified of every session."""
    codes = codes_of(found)
    return replace(found, notified_sessions=found.sessions, codes=replace(codes, notified=codes.sessions))


def with_done(found: Provisioned, done: Reason, why: Reason, most: int) -> Provisioned:
    """Records a step that was carried out, and whether that took away what AWS had failed."""
    codes = codes_of(found)
    failed = (*codes.failed, why)[-most:] if why.code in _FAILED else codes.failed
    words = (*found.done, sentence_of(done))[-most:]
    return replace(found, done=words, codes=replace(codes, failed=failed))


def failure_words(failure: Why) -> str | None:
    words = (line_of(each) if isinstance(each, Problem) else sentence_of(each) for each in failure)
    return "; ".join(words) or None


def to_dial(found: Provisioned) -> list[str]:
    """Returns the sessions of which nobody was notified yet: the appliances must open them."""
    codes = codes_of(found)
    return [
        words
        for key, words in zip(codes.sessions, found.sessions, strict=False)
        if key not in codes.notified and not any(_is_named(key, text) for text in _uncoded(codes.notified))
    ]


def was_notified(problem: Problem, found: Provisioned) -> bool:
    """Returns True if people were notified of the difference."""
    drift = codes_of(found).drift
    return problem.identity in drift or any(_is_at(problem, text) for text in _texts(drift))


def still_differs(found: Provisioned, drift: Iterable[Problem]) -> bool:
    """Returns True if every difference of which people were notified is among these."""
    every = tuple(drift)
    identities = {problem.identity for problem in every}
    notified = codes_of(found).drift
    are_there = all(any(_is_at(problem, words) for problem in every) for words in _texts(notified))
    return are_there and {each for each in notified if each[0] != _UNCODED} <= identities


def has_changed(before: Provisioned | None, now: Provisioned) -> bool:
    """Returns True if anything but words differs from what is recorded."""
    if before is None or _bare(before) != _bare(now):
        return True
    was, is_ = codes_of(before), codes_of(now)
    return not (
        has_same_failure(before, now)
        and _is_same(was.pending, is_.pending)
        and _is_same(was.warnings, is_.warnings)
        and _is_same(was.drift, is_.drift)
        and (before.codes is None or (was.sessions, was.notified) == (is_.sessions, is_.notified))
    )


def has_only_drifted(before: Provisioned | None, now: Provisioned) -> bool:
    """Returns True if all that is new for people is drift, of which `Drift Detected` has notified them."""
    if before is None or (before.version, before.converged_version) != (now.version, now.converged_version):
        return False
    was, is_ = codes_of(before), codes_of(now)
    return (
        not set(is_.drift) <= set(was.drift)
        and has_same_failure(before, now)
        and _is_same(was.pending, is_.pending)
        and _is_same(was.warnings, is_.warnings)
        and not to_dial(now)
    )


def has_same_failure(before: Provisioned, now: Provisioned) -> bool:
    """Returns True if a run failed for the same reasons as the one before it, or neither failed."""
    was, is_ = codes_of(before).failure, codes_of(now).failure
    return bool(is_) if _texts(was) else set(was) == set(is_)


def codes_of(found: Provisioned) -> Codes:
    """Returns the codes of what is recorded; the sentences themselves where there are none."""
    if found.codes is not None:
        return found.codes
    return Codes(
        drift=_uncoded_all(found.drift),
        pending=_uncoded_all(found.pending),
        failure=_uncoded_all((found.failure,) if found.failure else ()),
        warnings=_uncoded_all(found.warnings),
        failed=tuple(_failures(found.done)),
        sessions=found.sessions,
        notified=tuple(f"{_UNCODED} {words}" for words in found.notified_sessions),
    )


def _bare(found: Provisioned) -> Provisioned:
    return replace(
        found,
        done=(),
        drift=(),
        failure=None,
        warnings=(),
        pending=(),
        sessions=(),
        notified_sessions=(),
        codes=None,
    )


def _is_same(was: tuple[Identity, ...], now: tuple[Identity, ...]) -> bool:
    return len(was) == len(now) if _texts(was) else set(was) == set(now)


def _uncoded_all(sentences: Iterable[str]) -> tuple[Identity, ...]:
    return tuple((_UNCODED, words) for words in sentences)


def _texts(identities: tuple[Identity, ...]) -> list[str]:
    return [subject for code, subject in identities if code == _UNCODED]


def _uncoded(keys: tuple[str, ...]) -> list[str]:
    return [key for key in keys if key.startswith(f"{_UNCODED} ")]


def _is_at(problem: Problem, words: str) -> bool:
    """Returns True if the sentence is about the problem's path, with which release 0.1.0 began each
    sentence.
    """
    return words.startswith(f"{problem.path}: ")


def _is_named(key: str, words: str) -> bool:
    """Returns True if a sentence of release 0.1.0 names appliance, addresses, ASNs and mode of a session."""
    return all(part in words for part in key.split())


def _failures(done: Iterable[str]) -> Iterable[Reason]:
    """Yields why AWS failed what release 0.1.0 deleted for that, as its sentences have it."""
    for words in done:
        did, _, why = words.partition(": ")
        name, failed, because = why.partition(" is failed")
        if not did.startswith("deleted ") or not failed:
            continue
        facts = {"because": because.strip(" ()") or None}
        appliance, is_session, endpoint = name.partition("'s session at ")
        if is_session:
            facts |= {"appliance": appliance, "endpoint": endpoint}
            yield reason(ProvisioningCode.SESSION_FAILED, f"{appliance} at {endpoint}", **facts)
        else:
            yield reason(ProvisioningCode.ENDPOINT_FAILED, name.removeprefix("endpoint "), **facts)
