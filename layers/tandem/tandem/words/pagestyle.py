"""The style sheet of the compliance page: light, dark, narrow and on paper."""

from __future__ import annotations

STYLE = """
:root {
  --page: #fff; --panel: #f3f5f8; --edge: #c3ccd6; --text: #1b2430; --dim: #4a5868; --link: #1d4fb8;
  --good: #17703a; --critical: #a3121a; --high: #b4450a; --medium: #7a5b00; --low: #2b5f94; --on: #fff;
  color-scheme: light dark;
}
@media screen and (prefers-color-scheme: dark) {
  :root {
    --page: #12171e; --panel: #19202a; --edge: #3c4a5a; --text: #e9eef4; --dim: #aebac8; --link: #9dc0ff;
    --good: #6fd896; --critical: #ff8f8a; --high: #ffb072; --medium: #eccb57; --low: #93c5f5; --on: #0d1117;
  }
}
* { box-sizing: border-box }
body {
  margin: 0 auto; padding: 24px; max-width: 1120px; background: var(--page); color: var(--text);
  font: 15px/1.5 -apple-system, BlinkMacSystemFont, "Segoe UI", "Noto Sans", Helvetica, Arial, sans-serif;
  overflow-wrap: anywhere;
}
h1 { margin: 4px 0 8px; font-size: 24px; line-height: 1.3 }
h2 { margin: 36px 0 12px; padding-bottom: 4px; font-size: 19px; border-bottom: 1px solid var(--edge) }
h3 { margin: 24px 0 8px; font-size: 16px }
h3 .dim { font-weight: 400 }
h4 { margin: 0 0 8px; font-size: 15px }
p { margin: 0 0 8px }
a { color: var(--link) }
code { font: 13px/1.5 ui-monospace, Menlo, Consolas, "DejaVu Sans Mono", monospace }
.dim, footer { color: var(--dim) }
.kicker { margin: 0; font-weight: 600; color: var(--dim) }
.result { padding: 1px 10px; border-radius: 6px; color: var(--on) }
.result.fail { background: var(--critical) }
.result.unknown { background: var(--medium) }
.result.pass, .result.notes { background: var(--good) }
.counts { display: flex; flex-wrap: wrap; gap: 4px 18px; margin: 12px 0 0; padding: 0; list-style: none }
.counts .none { color: var(--dim) }
.counts .some { font-weight: 600 }
.badge {
  display: inline-block; padding: 0 6px; border-radius: 3px; color: var(--on);
  font-weight: 600; font-size: 13px;
}
.badge.critical { background: var(--critical) }
.badge.high { background: var(--high) }
.badge.medium { background: var(--medium) }
.badge.low { background: var(--low) }
.badge.unknown { border: 1.5px dashed currentColor; border-radius: 9px; background: none }
.badge.unknown.critical { color: var(--critical) }
.badge.unknown.high { color: var(--high) }
.badge.unknown.medium { color: var(--medium) }
.badge.unknown.low { color: var(--low) }
figure { margin: 0; overflow-x: auto }
figure svg { display: block; width: 100%; height: auto }
table { width: 100%; border-collapse: collapse }
th, td {
  padding: 8px 18px 8px 0; border-bottom: 1px solid var(--edge); text-align: left; vertical-align: top;
}
th:last-child, td:last-child { padding-right: 0 }
thead th { color: var(--dim); font-weight: 600 }
thead th, .short { overflow-wrap: normal }
tbody th { font-weight: 400 }
tbody th code { display: inline-block; max-width: 100% }
tbody th { min-width: 170px }
td.name { min-width: 190px }
td ul { margin: 0; padding: 0; list-style: none }
td p { margin: 0 }
.outcome { font-weight: 600; white-space: nowrap }
.outcome.in-place, .outcome.moved { color: var(--good) }
.outcome.assumed, .outcome.undetermined { color: var(--medium) }
.outcome.held, .outcome.lost { color: var(--critical) }
article { margin: 0 0 12px; padding: 12px 16px; background: var(--panel); border-left: 4px solid var(--edge) }
article.critical { border-color: var(--critical) }
article.high { border-color: var(--high) }
article.medium { border-color: var(--medium) }
article.low { border-color: var(--low) }
article:target { outline: 2px solid var(--link) }
dl { display: grid; grid-template-columns: 170px 1fr; gap: 4px 12px; margin: 0 }
dt { color: var(--dim) }
dd { margin: 0; min-width: 0 }
footer { margin-top: 36px; border-top: 1px solid var(--edge); padding-top: 8px; font-size: 13px }
@media screen and (max-width: 640px) {
  body { padding: 14px }
  thead { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%) }
  table, tbody, tr, th, td { display: block; min-width: 0 }
  tr { padding: 8px 0; border-bottom: 1px solid var(--edge) }
  tbody th, td { padding: 2px 0; border: 0 }
  tbody th::before, td::before { content: attr(data-label) ": "; color: var(--dim) }
  dl { grid-template-columns: 1fr; gap: 0 }
  dd { margin-bottom: 6px }
}
@media print {
  body { max-width: none; padding: 0; font-size: 11pt }
  article, tr, figure { break-inside: avoid }
  h2, h3 { break-after: avoid }
  figure { overflow: visible }
  figure svg { min-width: 0 !important; max-height: 24cm }
  article, .badge, .result { print-color-adjust: exact; -webkit-print-color-adjust: exact }
}
"""
