"""Makes one HTML page of a compliance report: no script, nothing from elsewhere, every text escaped."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import Any
from xml.etree.ElementTree import Element

from tandem.words import picture, report
from tandem.words.markup import html, tag
from tandem.words.pagestyle import STYLE
from tandem.words.parts import Detail, is_command, when

POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
"""The page may load nothing, whatever is in it."""

MOST_REASONS = 3
SMALLEST = 0.85
SIGNS = {"works": "✓", "assumed": "~", "not known": "?", "held": "✕", "lost": "✕"}


def report_page(detail: Detail, drawing: Element) -> str:
    """Returns the page. `detail` is the report's JSON, `drawing` the picture."""
    name, result = detail["topology"]["name"], _result(detail)
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=POLICY),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("title", f"{report.RESULTS[result]}: {name}, Tandem compliance"),
        tag("style", STYLE),
    )
    open_ = [one for one in detail["findings"] if one["number"] is not None]
    body = tag(
        "body",
        _header(detail),
        tag(
            "main",
            _figure(drawing),
            _failures(detail),
            _findings(open_, {rule["id"]: rule for rule in detail["rules"]}),
            _waivers(detail),
            _unread(detail["unread"]),
            _rules(detail),
        ),
        tag("footer", tag("p", f"Checked at {when(detail['taken_at'])}. {_versions(detail)}")),
    )
    return f"<!doctype html>\n{html(tag('html', head, body, lang='en'))}\n"


def _versions(detail: Detail) -> str:
    shown = detail["tandem"]
    parts = [
        f"{name} {shown[key]}" for key, name in (("stack", "stack"), ("cli", "command line")) if shown[key]
    ]
    return f"Tandem: {', '.join(parts)}." if parts else ""


def _result(detail: Detail) -> str:
    return report.result(detail["verdict"]["result"], detail["summary"]["failed_by_severity"])


def _header(detail: Detail) -> Element:
    topology, place, result = detail["topology"], detail["place"], _result(detail)
    where = f"account {place['account']}, Region {place['region']}" if place else ""
    version = f"version {topology['version']}" if topology["version"] else "not stored"
    about = ", ".join(
        part
        for part in (version, f"mode {topology['mode']}", where, f"checked at {when(detail['taken_at'])}")
        if part
    )
    failed = detail["summary"]["failed_by_severity"]
    verdicts = detail["summary"]["by_verdict"]
    counts = [
        *(
            tag("li", _badge(s, picture.LETTERS[s]), f" {n} {s}", class_="some" if n else "none")
            for s, n in failed.items()
        ),
        *(
            tag("li", f"{verdicts[v]} {report.VERDICTS[v]}", class_="some" if verdicts[v] else "none")
            for v in ("unknown", "waived", "not-applicable", "pass")
        ),
    ]
    return tag(
        "header",
        tag("p", f"Compliance of topology {topology['name']}", class_="kicker"),
        tag(
            "h1",
            tag("span", report.RESULTS[result], class_=f"result {result}"),
            f" {detail['verdict']['sentence']}",
        ),
        tag("p", about, class_="dim"),
        tag("ul", counts, class_="counts"),
    )


def _badge(severity: str, text: str, *, is_unknown: bool = False) -> Element:
    return tag("span", text, class_=f"badge {severity}{' unknown' if is_unknown else ''}")


def _section(id_: str, title: str, *content: Any) -> Element:  # noqa: ANN401 - what `tag` takes
    return tag("section", tag("h2", title, id=id_), *content, aria_labelledby=id_)


def _figure(drawing: Element) -> Element:
    # a wide picture scrolls by itself: smaller than this its texts cannot be read
    drawing.set("style", f"min-width: {SMALLEST * float(drawing.get('width', '0')):g}px")
    figure = tag("figure", drawing, tabindex=0, role="group", aria_label="Picture of the topology")
    return _section("picture", "What is there", figure)


def _failures(detail: Detail) -> Element | None:
    """Returns the N-1 table: if this fails, who gets it, or held by what reason."""
    rows = detail["failures"]
    if rows is None:
        return None
    table = _table(
        ("If this fails", "Result", "What happens"),
        ([tag("th", _named(row), scope="row"), *_outcome(row)] for row in rows),
    )
    note = "Tandem's own decision, made now for each single failure. Nothing was changed."
    return _section(
        "failures",
        "If one thing fails",
        tag("p", note, class_="dim"),
        table if rows else tag("p", "Nothing can fail by itself: no session was read."),
    )


def _named(row: Detail) -> list[Element | str]:
    names = [row["name"], *row["alike"]]
    codes = [part for name in names for part in (", ", tag("code", name))][1:]
    return [f"{report.FAILURES.get(row['failure'], row['failure'])} ", *codes]


def _outcome(row: Detail) -> list[Element]:
    ends = list(_ends(row["addresses"]))
    worst = max((outcome for outcome, _ in ends), key=list(report.OUTCOMES).index, default="in-place")
    word = report.OUTCOMES[worst]
    result = tag("span", tag("span", SIGNS[word], aria_hidden="true"), f" {word}", class_=f"outcome {worst}")
    sentences = tag("ul", (tag("li", text) for _, text in ends))
    beside = (tag("p", text, class_="dim") for text in report.failure_notes(row))
    return [tag("td", result), tag("td", sentences, beside)]


def _ends(addresses: Iterable[Detail]) -> Iterator[tuple[str, str]]:
    """Yields each end once, with a sentence for all addresses that end so."""

    def key(one: Detail) -> tuple[str, str, str]:
        return one["outcome"], one["appliance"] or "", one["reason"] or ""

    for (outcome, appliance, why), found in groupby(sorted(addresses, key=key), key):
        several = [one["public_ip"] or one["allocation_id"] for one in found if one["allocation_id"]]
        known = outcome if outcome in report.OUTCOMES else "undetermined"
        yield known, report.ending_sentence(outcome, appliance or None, several, why or None)


def _findings(found: Sequence[Detail], rules: Detail) -> Element:
    if not found:
        return _section(
            "findings", "Findings", tag("p", "None: everything that was checked passes or is waived.")
        )
    groups: list[Element] = []
    for (is_unknown, severity), several in groupby(
        found, lambda f: (f["verdict"] == "unknown", f["severity"])
    ):
        title = f"Not known ({severity})" if is_unknown else severity.capitalize()
        meaning = (
            "Something could not be read, so the rule has no verdict."
            if is_unknown
            else report.MEANINGS[severity]
        )
        groups.append(tag("h3", f"{title}: ", tag("span", meaning, class_="dim")))
        groups += [_finding(one, rules[one["rule"]]) for one in several]
    return _section("findings", "Findings", groups)


def _finding(one: Detail, rule: Detail) -> Element:
    is_unknown = one["verdict"] == "unknown"
    label = picture.mark_label(one["number"], one["severity"], is_unknown=is_unknown)
    facts = [
        *_fact("About", tag("code", one["resource"])),
        *_fact("Place in the document", tag("code", one["place"]) if one["place"] else None),
        *_fact("Why it matters", _prose(rule["protects"])),
        *_fact("What to do", _lines(one["remediation"])),
        *_fact("Rule", tag("a", one["rule"], href=f"#rule-{one['rule']}")),
        *_fact("AWS", _link(one["aws_page"])),
    ]
    head = tag("h4", _badge(one["severity"], label, is_unknown=is_unknown), " ", _prose(one["sentence"]))
    return tag("article", head, tag("dl", facts), id=f"finding-{one['number']}", class_=one["severity"])


def _fact(name: str, value: Any) -> list[Element]:  # noqa: ANN401 - what `tag` takes
    return [] if value is None else [tag("dt", name), tag("dd", value)]


def _lines(lines: Iterable[str]) -> list[Element]:
    """Writes a command in a line of its own as code."""
    return [tag("div", tag("code", line) if is_command(line) else _prose(line)) for line in lines]


def _prose(text: str) -> list[Element | str]:
    """Writes what is between backticks as code."""
    parts = text.split("`")
    if len(parts) % 2 == 0:
        return [text]
    return [tag("code", part) if number % 2 else part for number, part in enumerate(parts)]


def _link(url: str | None) -> Element | None:
    return tag("a", url.rpartition("/")[2], href=url) if url and url.startswith("https://") else None


def _how_to_waive() -> list[Element | str]:
    return [
        "To accept a finding until a day, add its rule, resource, a reason and the last day under ",
        tag("code", "waivers:"),
        " in the topology document, then run ",
        tag("code", "tandem apply"),
        ". A run with --vpc has no waivers.",
    ]


def _waivers(detail: Detail) -> Element:
    waivers = detail["waivers"]
    waived = {(f["rule"], f["resource"]): f["sentence"] for f in detail["findings"] if f["waiver"]}
    if not waivers:
        return _section("waivers", "Waivers", tag("p", "None. ", _how_to_waive()))
    rows = (
        [
            tag("td", tag("code", one["rule"])),
            tag("td", tag("code", one["resource"])),
            tag("td", one["reason"]),
            tag("td", report.waiver_end(one["until"], is_in_force=one["is_in_force"])),
            tag("td", waived.get((one["rule"], one["resource"]), "nothing now")),
        ]
        for one in waivers
    )
    return _section(
        "waivers",
        "Waivers",
        tag("p", _how_to_waive()),
        _table(("Rule", "About", "Reason", "Until", "What it waives"), rows),
    )


def _unread(unread: Sequence[Detail]) -> Element:
    if not unread:
        return _section("unread", "What could not be read", tag("p", "Nothing: all was read."))
    rows = (
        [
            tag("td", tag("code", one["part"]), class_="name"),
            tag("td", one["why"]),
            tag("td", _permission(one["permission"]), class_="name"),
        ]
        for one in unread
    )
    return _section("unread", "What could not be read", _table(("Part", "Why", "Missing permission"), rows))


def _permission(name: str | None) -> Element | str:
    return tag("code", name) if name else "none known"


def _rules(detail: Detail) -> Element:
    """Returns every rule with how often it ended how; findings lead here."""
    rows = (
        [
            tag("th", tag("code", rule["id"]), scope="row", id=f"rule-{rule['id']}"),
            tag(
                "td",
                tag("p", _prose(f"{rule['title']}.")),
                tag("p", _prose(rule["protects"]), class_="dim"),
                tag("p", tag("code", rule["page"]), class_="dim"),
            ),
            tag("td", rule["severity"], class_="short"),
            tag("td", ", ".join(_results(rule["id"], detail["findings"])), _reasons(rule["id"], detail)),
        ]
        for rule in detail["rules"]
    )
    return _section(
        "rules",
        "Rules that were checked",
        tag("p", "Each rule has a page in the project's repository.", class_="dim"),
        _table(("Rule", "What it checks", "Severity", "Results"), rows),
    )


def _results(rule_id: str, findings: Sequence[Detail]) -> Iterator[str]:
    found = [one["verdict"] for one in findings if one["rule"] == rule_id]
    yield from (f"{found.count(v)} {word}" for v, word in report.VERDICTS.items() if v in found)


def _reasons(rule_id: str, detail: Detail) -> Iterator[Element]:
    """Yields why a rule does not apply, each sentence once."""
    of_rule = (one for one in detail["findings"] if one["rule"] == rule_id)
    found = dict.fromkeys(one["sentence"] for one in of_rule if one["verdict"] == "not-applicable")
    yield from (tag("p", sentence, class_="dim") for sentence in list(found)[:MOST_REASONS])


def _table(heads: Sequence[str], rows: Iterable[Sequence[Element]]) -> Element:
    """Makes a table. On a narrow screen each row is a card whose cells name their column themselves."""
    body = []
    for cells in rows:
        for head, cell in zip(heads, cells, strict=True):
            cell.set("data-label", head)
        body.append(tag("tr", cells))
    top = tag("tr", (tag("th", head, scope="col") for head in heads))
    return tag("table", tag("thead", top), tag("tbody", body))
