"""What all pictures share: colours, empty axes, names that fit.

Colours are those of Okabe and Ito, which readers with colour-blindness can tell apart.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Floats = NDArray[np.float64]

BLUE, ORANGE, GREEN, GREY, INK = "#0072B2", "#D55E00", "#009E73", "#8c8c8c", "#222222"
SIGNED = "RdBu_r"
"""Colour map for what has a sign: blue below 0, red above; safe for red-green blindness."""


def canvas(width: float, height: float) -> tuple[Figure, Axes]:
    """Return a figure with one pair of axes; sizes in inches."""
    figure, (axes,) = grid_of(width, height, rows=1)
    return figure, axes


def grid_of(
    width: float, height: float, *, rows: int, columns: int = 1
) -> tuple[Figure, list[Axes]]:
    """Return a figure with axes row by row, without the lines that carry nothing; in inches."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    grid = list(np.ravel(figure.subplots(rows, columns, sharex=True)))
    for axes in grid:
        axes.spines[["top", "right"]].set_visible(False)
        axes.tick_params(labelsize=8)
    return figure, grid


def whole_numbers(axes: Axes) -> None:
    """Number epochs and views without halves."""
    from matplotlib.ticker import MaxNLocator

    axes.xaxis.set_major_locator(MaxNLocator(integer=True))


def short(name: str, most: int = 32) -> str:
    """Shorten a name from the data, and keep its ``$`` from being read as a formula."""
    text = name if len(name) <= most else name[: most - 1] + "…"
    return text.replace("$", r"\$")


def slanted(axes: Axes, *, many: bool) -> None:
    """Slant the names below the axes where there are many."""
    for label in axes.get_xticklabels():
        label.set(rotation=40 if many else 0, ha="right" if many else "center", fontsize=7)
