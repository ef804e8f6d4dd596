"""The words of a text: where they stand, how they are spelled, and how they look in colour."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class Span(NamedTuple):
    """Where a word begins and ends in a text."""

    start: int
    end: int


def spelled(pieces: list[str], chosen: NDArray[np.bool_]) -> str:
    """Return a word from its pieces.

    Example
    -------
    >>> spelled(["walk", "##ing", "home"], np.array([True, True, False]))
    'walking'
    """
    own = [piece for piece, there in zip(pieces, chosen, strict=True) if there]
    return "".join(piece.removeprefix("##").lstrip("▁Ġ") for piece in own)


def words_in(spans: Sequence[tuple[int, int]], first: NDArray[np.bool_]) -> list[Span]:
    """Join the places of pieces to those of words.

    Example
    -------
    >>> words_in([(0, 4), (4, 7), (8, 12)], np.array([True, False, True]))
    [Span(start=0, end=7), Span(start=8, end=12)]
    """
    starts = np.flatnonzero(first).tolist()
    ends = [*(start - 1 for start in starts[1:]), len(spans) - 1]
    return [Span(spans[a][0], spans[b][1]) for a, b in zip(starts, ends, strict=True)]


def coloured(text: str, words: list[Span], points: NDArray[np.float64]) -> str:
    """Return a text as HTML: the more a word added to the score, the redder it is.

    Example
    -------
    >>> coloured("a <b>", [Span(0, 1)], np.array([2.0]))
    '<p><span style="color:black;background:rgba(214,39,40,0.60)" title="+2">a</span> &lt;b&gt;</p>'
    """
    strongest = float(np.abs(points).max(initial=0.0)) or 1.0
    shown, done = [], 0
    for word, value in zip(words, points.tolist(), strict=False):
        red = "214,39,40" if value > 0 else "31,119,180"
        style = f"color:black;background:rgba({red},{0.6 * abs(value) / strongest:.2f})"
        inside = escape(text[word.start : word.end])
        shown.append(escape(text[done : word.start]))
        shown.append(f'<span style="{style}" title="{value:+.3g}">{inside}</span>')
        done = word.end
    return f"<p>{''.join(shown)}{escape(text[done:])}</p>"
