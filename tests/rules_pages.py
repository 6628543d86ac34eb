"""Writes docs/rules from the rules of compliance: `python -m tests.rules_pages`."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby
from pathlib import Path

from tandem.compliance.rule import Rule
from tandem.compliance.rules.catalogue import RULES
from tandem.words.compliance import RULE_ENTRIES as WORDS
from tandem.words.parts import is_command, steps
from tests.breakages import BREAKAGES, Breakage, Failover

FOLDER = Path(__file__).parents[1] / "docs" / "rules"


def advice_text(advice: Iterable[str]) -> str:
    """Returns advice as Markdown, with the commands in fenced blocks."""
    blocks = []
    for is_code, lines in groupby(steps(advice), is_command):
        text = "\n".join(lines)
        blocks.append(f"```\n{text}\n```" if is_code else text)
    return "\n\n".join(blocks)


def pages() -> dict[str, str]:
    """Returns every page by its file's name."""
    return {"README.md": _index(), **{f"{rule.id}.md": _page(rule) for rule in RULES}}


def _index() -> str:
    rows = [f"| [{r.id}]({r.id}.md) | {r.severity} | {WORDS[r.id].text} |" for r in RULES]
    head = (
        "# Rules of compliance\n\n"
        "<!-- Made by `python -m tests.rules_pages` from the rules; a test compares. -->\n\n"
        "Tandem checks on a schedule that the next failover will work. Each rule is one question. Its\n"
        "answer for a resource is *pass*, *fail*, *not applicable*, *unknown* (something could not be read)\n"
        "or *waived*. **Critical** means that the next failover fails, or that traffic is lost already;\n"
        "**high**, that the next failover may fail;\n"
        "**medium**, that something is missing that protects it; **low**, that it does not stop the next\n"
        "failover.\n\n"
        "| rule | severity | what it checks |\n|---|---|---|\n"
    )
    return head + "\n".join(rows) + "\n"


def _page(rule: Rule) -> str:
    words = WORDS[rule.id]
    remedy = advice_text(words.advice)
    page = f"\nAWS: <{words.page}>\n" if words.page else ""
    breakages = "\n".join(_breakage(breakage) for breakage in BREAKAGES if rule.id in breakage.rules)
    proof = f"## What a test breaks to prove it\n\n{breakages}\n" if breakages else ""
    return (
        f"# {rule.id}\n\n{words.text}.\n\nSeverity: {rule.severity}.\n\n"
        f"## What it protects\n\n{words.meaning}\n\n"
        f"## What to do when it fails\n\n{remedy}\n{page}\n{proof}"
    )


AFTER = {
    Failover.WORKS: "",
    Failover.HELD: " A failover after it leaves Elastic IPs on the appliance that died.",
    Failover.WITHOUT_ROUTE: " A failover after it moves the Elastic IPs, but the table has no route there.",
    Failover.WITHOUT_INTERNET: " A failover after it moves the Elastic IPs to where no traffic flows.",
    Failover.UNDOCUMENTED: " EC2 then refuses to move the address.",
}


def _breakage(breakage: Breakage) -> str:
    return f"- {breakage.words}{AFTER[breakage.then]}"


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for name, text in pages().items():
        (FOLDER / name).write_text(text, encoding="utf-8")
