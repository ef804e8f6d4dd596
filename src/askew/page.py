"""What an HTML page is made of: sections, tables, figures, its looks; text is escaped here."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterable, Sequence
from html import escape
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def document(title: str, sections: Iterable[str], foot: str) -> str:
    """Return a whole page of sections; it loads nothing and runs no script."""
    return (
        f'<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<main>\n"
        + "\n".join(sections)
        + f"\n<footer>{escape(foot)}</footer>\n</main>\n</body>\n</html>\n"
    )


def section(title: str, lead: str, body: str) -> str:
    """Return a section; ``body`` is HTML, the rest is text."""
    about = f"<p>{escape(lead)}</p>\n" if lead else ""
    return f"<section>\n<h2>{escape(title)}</h2>\n{about}{body}\n</section>"


def table(
    columns: Sequence[str], rows: Iterable[Sequence[str]], numeric: Sequence[int] = ()
) -> str:
    """Return a table of text; columns at the positions ``numeric`` are set to the right.

    Example
    -------
    >>> "&lt;b&gt;" in table(["name"], [["<b>"]])
    True
    """
    head = "".join(f"<th{_side(i, numeric)}>{escape(name)}</th>" for i, name in enumerate(columns))
    body = "".join(
        "<tr>"
        + "".join(
            f"<td{_side(i, numeric)}{_mood(cell)}>{escape(cell)}</td>" for i, cell in enumerate(row)
        )
        + "</tr>"
        for row in rows
    )
    inside = f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody>"
    return f'<div class="scroll"><table>{inside}</table></div>'


def _side(i: int, numeric: Sequence[int]) -> str:
    return ' data-right=""' if i in numeric else ""


def _mood(cell: str) -> str:
    """Colour the few words that carry a verdict; the word itself says it too."""
    moods = {"passed": "good", "FAILED": "bad", "alert": "bad", "anomaly": "bad"}
    said = cell.partition(" from ")[0]  # an alert that lasts says from when to when
    return f' class="{moods[said]}"' if said in moods else ""


def figure(drawn: Figure, about: str) -> str:
    """Return a figure as an image inside the page; its caption is also its text for the blind."""
    buffer = io.BytesIO()
    drawn.savefig(buffer, format="svg", metadata={"Date": None})
    image = base64.b64encode(buffer.getvalue()).decode("ascii")
    width = 96 * drawn.get_size_inches()[0]  # as drawn, so that all letters have one size
    return (
        f'<figure style="flex: 0 1 {width:.0f}px">'
        f'<img alt="{escape(about)}" src="data:image/svg+xml;base64,{image}">'
        f"<figcaption>{escape(about)}</figcaption></figure>"
    )


def number(value: float) -> str:
    """Return a number with four digits that count.

    Example
    -------
    >>> number(1234.567), number(0.00012345), number(float("inf"))
    ('1235', '0.0001234', 'none')
    """
    return f"{value:.4g}" if np.isfinite(value) else "none"


STYLE = """
:root { color-scheme: light dark; --ink: #1d2329; --soft: #5b6670; --line: #d9dfe4;
  --paper: #ffffff; --card: #f5f7f9; --good: #00664b; --bad: #a63f00; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e6eaee; --soft: #a3aeb8; --line: #39424a; --paper: #14181c; --card: #1e242a;
    --good: #4fd1a5; --bad: #ff9a5c; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink);
  font: 16px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; }
main { max-width: 72rem; margin: 0 auto; padding: 2rem 1.25rem 4rem; }
h1 { font-size: 1.9rem; line-height: 1.2; margin: 0 0 .4rem; overflow-wrap: anywhere; }
h2 { font-size: 1.3rem; margin: 0 0 .4rem; }
h3 { font-size: 1.05rem; margin: 1.4rem 0 .2rem; overflow-wrap: anywhere; }
section { margin-top: 2.6rem; }
p { margin: 0 0 .9rem; max-width: 46rem; color: var(--soft); }
strong { color: var(--ink); }
.cards { display: grid; grid-template-columns: repeat(auto-fill, minmax(15rem, 1fr));
  gap: .75rem; margin-top: 1.2rem; }
.cards div { background: var(--card); border-radius: .5rem; padding: .8rem .9rem;
  display: flex; flex-direction: column; }
.cards b { font-size: 1.6rem; line-height: 1.2; font-variant-numeric: tabular-nums; }
.cards small, figcaption, footer { color: var(--soft); font-size: .82rem; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: .92rem; }
th, td { text-align: left; vertical-align: top; padding: .4rem .8rem .4rem 0;
  border-bottom: 1px solid var(--line); overflow-wrap: break-word; }
th { font-weight: 600; color: var(--soft); white-space: nowrap; }
[data-right] { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap;
  padding-right: 1.4rem; }
.good, .bad { white-space: nowrap; font-weight: 600; }
.good { color: var(--good); } .bad { color: var(--bad); }
.row { display: flex; flex-wrap: wrap; gap: 1rem; align-items: flex-start; }
figure { margin: 0; max-width: 100%; }
figure img { display: block; width: 100%; height: auto; background: #ffffff;
  border: 1px solid var(--line); border-radius: .5rem; padding: .5rem; }
figcaption { margin-top: .3rem; max-width: 32rem; }
details summary { cursor: pointer; color: var(--soft); }
footer { margin-top: 3rem; border-top: 1px solid var(--line); padding-top: .8rem; }
"""
