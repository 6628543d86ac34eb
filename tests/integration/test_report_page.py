"""The compliance report in a real browser: it loads nothing, complains of nothing, and fits on a phone."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest

from tandem.compliance.report import ReportEnd, ReportRow
from tests.browser import CHROMIUM, MISSING, Page, chromium
from tests.complying import healthy
from tests.reporting import break_several_things, reported
from tests.shared_worlds import begins_in
from tests.stack import Stack, stack
from tests.unit.test_compliance_report import hostile

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason=MISSING)

PNG = b"\x89PNG\r\n"
THEMES = ("light", "dark")

TEXTS = """
[...document.querySelectorAll('svg text')].map(text => {
  const box = text.getBoundingClientRect();
  return [text.textContent, box.left, box.top, box.right, box.bottom];
})
"""
OUTSIDE = """
[...document.querySelectorAll('body *:not(svg *)')].filter(element => {
  const box = element.getBoundingClientRect();
  return box.width && (box.left < -0.5 || box.right > innerWidth + 0.5) && !element.closest('figure, thead');
}).map(element => element.outerHTML.slice(0, 120))
"""
CONTRASTS = """
(() => {
  const channels = colour => colour.match(/[0-9.]+/g).map(Number);
  const light = ([r, g, b]) => {
    const linear = v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
    const [x, y, z] = [r, g, b].map(v => linear(v / 255));
    return 0.2126 * x + 0.7152 * y + 0.0722 * z;
  };
  const ground = element => {
    for (let e = element; e; e = e.parentElement) {
      const colour = channels(getComputedStyle(e).backgroundColor);
      if (colour.length === 3 || colour[3] > 0) return colour;
    }
    return [255, 255, 255];
  };
  const isText = node => node.nodeType === 3 && node.textContent.trim();
  return [...document.querySelectorAll('body *:not(svg, svg *)')]
    .filter(e => [...e.childNodes].some(isText))
    .map(e => {
      const [a, b] = [light(channels(getComputedStyle(e).color)), light(ground(e))];
      return [(Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05), e.outerHTML.slice(0, 90)];
    })
    .filter(([contrast]) => contrast < 4.5);
})()
"""
LINKS = """
[...document.querySelectorAll('svg a')].map(a => [
  a.querySelector('text').textContent,
  document.querySelector(a.getAttribute('href')).querySelector('.badge').textContent,
])
"""


@pytest.fixture
@begins_in(stack)
def edge() -> Iterator[Stack]:
    with healthy() as s:
        yield s


@pytest.fixture
def browser() -> Iterator[Page]:
    with chromium() as page:
        yield page


def rows(s: Stack) -> list[ReportRow]:
    addresses = [(a["allocation_id"], a["public_ip"]) for a in s.ids["elastic_ips"].values()]

    def row(failure: str, name: str, *end: str | None) -> ReportRow:
        return ReportRow(failure, name, tuple(ReportEnd(*address, *end) for address in addresses))  # type: ignore[arg-type]

    return [
        row("appliance", "fw1", "moved", "fw2", None, None),
        row("endpoint", s.ids["endpoints"]["az1-a"]["id"], "in-place", "fw1", None, None),
        row(
            "zone", "us-east-1a", "lost", "fw1", "target-interface-missing", "the target's interface is gone"
        ),
    ]


def assert_in_order(browser: Page, file: Path, *, wide: int, theme: str) -> None:
    """The page is quiet, loads nothing, and nothing in it leaves the window or covers another text."""
    browser.open(file, wide=wide, theme=theme)
    assert browser.complaints() == []
    assert browser.ask("document.scripts.length") == 0
    assert browser.ask("document.documentElement.scrollWidth") == wide
    assert browser.ask(OUTSIDE) == []
    assert browser.ask(CONTRASTS) == []
    for one, other in combinations(browser.ask(TEXTS), 2):
        assert not covers(one, other), (one, other)


def covers(one: list[Any], other: list[Any]) -> bool:
    """True if two texts share more than a rounded pixel."""
    across = min(one[3], other[3]) - max(one[1], other[1])
    down = min(one[4], other[4]) - max(one[2], other[2])
    return bool(across > 1 and down > 1)


def test_a_page_that_is_not_in_order_is_noticed(browser: Page, tmp_path: Path) -> None:
    file = tmp_path / "bad.html"
    file.write_text(
        "<body style='margin:0'><script>console.error('no')</script><img src='gone.png'>"
        "<p style='width:500px;color:#999;background:#fff'>x</p>"
        "<svg><text y='20'>one</text><text y='22'>two</text></svg>"
    )
    browser.open(file, wide=400)
    assert any("gone.png" in found for found in browser.complaints())
    assert any('"error"' in found for found in browser.complaints())
    assert browser.ask("document.documentElement.scrollWidth") > 400
    assert len(browser.ask(OUTSIDE)) == 1
    assert len(browser.ask(CONTRASTS)) == 1
    assert covers(*browser.ask(TEXTS))


def test_a_name_that_is_markup_does_nothing_in_a_browser(browser: Page, tmp_path: Path) -> None:
    for number, report in enumerate(hostile()):
        file = tmp_path / f"{number}.html"
        file.write_text(report.html(), encoding="utf-8")
        browser.open(file, wide=1280)
        assert browser.complaints() == []
        assert browser.ask("document.scripts.length + document.images.length") == 0
        assert not browser.has("Page.javascriptDialogOpening")


@pytest.mark.parametrize("is_broken", [False, True], ids=["healthy", "broken"])
def test_the_page_is_quiet_and_fits_and_says_what_happens(
    edge: Stack, browser: Page, tmp_path: Path, *, is_broken: bool
) -> None:
    if is_broken:
        break_several_things(edge)
    file = tmp_path / "report.html"
    file.write_text(reported(edge, rows(edge)).html(), encoding="utf-8")
    for wide in (1280, 400):
        for theme in THEMES:
            assert_in_order(browser, file, wide=wide, theme=theme)
            (tmp_path / f"report-{wide}-{theme}.png").write_bytes(browser.picture())
    assert browser.picture().startswith(PNG)
    assert browser.pdf().startswith(b"%PDF")
    assert_says_what_happens(browser, is_broken=is_broken)


def assert_says_what_happens(browser: Page, *, is_broken: bool) -> None:
    table = browser.ask("document.querySelector('[aria-labelledby=failures] tbody').innerText")
    assert "4 Elastic IPs move to fw2." in table
    assert "4 Elastic IPs stay on fw1, which is dead: the target's interface is gone." in table
    head = browser.ask("document.querySelector('h1').innerText")
    marks = browser.ask(
        "[...document.querySelectorAll('svg .tp-mark text')].map(mark => mark.textContent).sort()"
    )
    badges = browser.ask(
        "[...document.querySelectorAll('article .badge')].map(badge => badge.textContent).sort()"
    )
    assert marks == badges
    assert all(mark == badge for mark, badge in browser.ask(LINKS))
    assert bool(marks) == is_broken
    assert head.startswith(
        "Fails The next failover fails, or traffic is lost already." if is_broken else "Passes "
    )
