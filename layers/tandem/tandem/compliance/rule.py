"""A rule judges one thing in a snapshot, resource by resource."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from tandem.compliance.snapshot import Need, NotRead, Snapshot
from tandem.reasons.compliance import CheckCode, RuleId
from tandem.reasons.documents import ProblemCode
from tandem.reasons.reason import Identity, Reason, reason
from tandem.topology.document import Waiver


class RuleSeverity(StrEnum):
    """Says what a failed rule means: critical, the next failover fails, or traffic is lost already; high,
    the next failover may fail; medium, something that protects it is missing; low, it does not stop the next
    failover.
    """

    CRITICAL = "critical"
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


class RuleVerdict(StrEnum):
    """A rule ends so for one resource. UNKNOWN is never a PASS: something could not be read."""

    PASS = "pass"  # noqa: S105 - no password
    FAIL = "fail"
    NOT_APPLICABLE = "not-applicable"
    UNKNOWN = "unknown"
    WAIVED = "waived"


@dataclass(frozen=True, slots=True)
class Result:
    """What a rule found for one resource."""

    resource: str
    """An AWS ID or a declared name."""
    verdict: RuleVerdict
    reason: Reason
    place: str | None = None
    """A path in the topology document, where something there is about it."""

    @classmethod
    def passed(cls, resource: str, place: str | None = None) -> Result:
        return cls(resource, RuleVerdict.PASS, reason(CheckCode.AS_IT_SHOULD_BE, resource), place)

    @classmethod
    def failed(
        cls,
        resource: str,
        code: StrEnum,
        place: str | None = None,
        /,
        **facts: Any,  # noqa: ANN401 - see `Reason.facts`
    ) -> Result:
        return cls(resource, RuleVerdict.FAIL, reason(code, resource, **facts), place)

    @classmethod
    def failed_for(cls, resource: str, why: Reason, place: str | None = None) -> Result:
        """Fails with a reason that Tandem knows already, from a decision or from a check before storing."""
        return cls(resource, RuleVerdict.FAIL, why, place)

    @classmethod
    def unknown(cls, resource: str, why: str, place: str | None = None) -> Result:
        """Says that a row about this resource cannot be read, so nobody can judge it."""
        return cls(resource, RuleVerdict.UNKNOWN, reason(CheckCode.ROW_NOT_READ, resource, why=why), place)

    @classmethod
    def not_applicable(cls, resource: str, code: StrEnum, /, **facts: Any) -> Result:  # noqa: ANN401 - see `Reason.facts`
        return cls(resource, RuleVerdict.NOT_APPLICABLE, reason(code, resource, **facts))

    @classmethod
    def not_read(cls, resource: str, missing: NotRead) -> Result:
        """Says that a part of the snapshot is missing: UNKNOWN; not applicable where there is none."""
        if missing.is_absent:
            return cls.not_applicable(resource, CheckCode.PART_ABSENT, why=missing.why)
        why = reason(CheckCode.PART_NOT_READ, resource, why=missing.why, permission=missing.permission)
        return cls(resource, RuleVerdict.UNKNOWN, why)


@dataclass(frozen=True, slots=True)
class Rule:
    """`tandem.words.compliance` has its title, what it protects and how to repair it."""

    id: RuleId
    severity: RuleSeverity
    judge: Callable[[Snapshot], Iterable[Result]]
    """Raises NotReadError where a part of the snapshot is missing."""
    problems: frozenset[ProblemCode] = frozenset()
    """Codes of the checks before storing that are this rule's: each code is one rule's only."""
    needs: frozenset[Need] = frozenset()
    at_once: bool = False
    """True for what happened once: its finding opens in the first run that sees it."""


@dataclass(frozen=True, slots=True)
class Finding:
    """A result with the rule that it is of."""

    rule: Rule
    result: Result
    waiver: Waiver | None = None
    """Set where the verdict is WAIVED."""

    @property
    def identity(self) -> Identity:
        """The same as long as the same rule fails for the same resource, whatever the reason."""
        return str(self.rule.id), self.result.resource


def numbered_findings(findings: Iterable[Finding]) -> tuple[tuple[int, Finding], ...]:
    """Returns what fails, then what nobody can say, each with its number: the worst has 1."""
    severities = list(RuleSeverity)
    open_ = [f for f in findings if f.result.verdict in (RuleVerdict.FAIL, RuleVerdict.UNKNOWN)]
    open_.sort(key=lambda f: (f.result.verdict is RuleVerdict.UNKNOWN, severities.index(f.rule.severity)))
    return tuple(enumerate(open_, start=1))
