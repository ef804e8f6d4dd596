"""Pictures of single items, a series or an image say, and of what made their scores."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from askew.errors import InputError
from askew.plot.canvas import BLUE, GREEN, GREY, INK, ORANGE, SIGNED, Floats, canvas, grid_of, short

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST_CHANNELS = 8
"""Channels of a series drawn, those with the largest contributions."""

DRAWN = 1500
"""Places along a long recording in which it is drawn."""


def series(values: Floats, points: Floats, channels: Sequence[str], first: int = 0) -> Figure:
    """Show a series' curves over a heat map of where its score was made.

    Red spans made the score, blue ones speak for the item. Of many channels those with the
    largest contributions are drawn. Steps count from ``first``.

    Shapes
    ------
    ``values (steps, C)``, ``points (steps, C)``, ``channels``: C

    Example
    -------
    >>> len(series(np.zeros((20, 3)), np.ones((20, 3)), ["x", "y", "z"]).axes)
    4
    """
    strength = np.abs(points).sum(0)
    drawn = np.sort(np.argsort(-strength, kind="stable")[:MOST_CHANNELS])
    limit = float(np.abs(points).max()) or 1.0
    figure, grid = grid_of(6.4, 0.9 + 0.72 * len(drawn), rows=len(drawn))
    image = None
    for axes, channel in zip(grid, drawn, strict=True):
        image = _strip(axes, values[:, channel], points[:, channel], limit, first)
        axes.set_ylabel(short(channels[channel], 14), rotation=0, ha="right", va="center")
    grid[-1].set_xlabel("step")
    if image is not None:
        figure.colorbar(image, ax=list(grid), label="made of the score", shrink=0.9, pad=0.02)
    return figure


def _strip(axes: Axes, curve: Floats, points: Floats, limit: float, first: int) -> Any:
    """Draw one channel: its curve over its contributions."""
    low, high = float(curve.min()), float(curve.max())
    margin = 0.1 * (high - low) or 1.0
    image = axes.imshow(
        points[None],
        cmap=SIGNED,
        vmin=-limit,
        vmax=limit,
        aspect="auto",
        interpolation="nearest",
        extent=(first - 0.5, first + len(curve) - 0.5, low - margin, high + margin),
        alpha=0.85,
    )
    axes.plot(first + np.arange(len(curve)), curve, color=INK, linewidth=1.3)
    axes.tick_params(labelsize=7)
    axes.locator_params(axis="y", nbins=3)
    return image


def recording(
    values: Floats,
    scores: Floats,
    channels: Sequence[str],
    *,
    threshold: float,
    labels: ArrayLike | None = None,
) -> Figure:
    """Show a recording above the score of each of its steps; alerts and true anomalies are marked.

    Of many channels those are drawn that are farthest from their mean where the score is high.
    Long recordings are drawn as the range between least and largest value of a few steps.

    Shapes
    ------
    ``values (S, C)``, ``scores (S,)``, ``channels``: C, ``labels (S,)``

    Example
    -------
    >>> drawn = recording(np.zeros((50, 2)), np.arange(50.0), ["x", "y"], threshold=40.0)
    >>> drawn.axes[-1].get_xlabel()
    'step'
    """
    high = np.argsort(-scores, kind="stable")[: max(1, len(scores) // 50)]
    strength = np.abs(values[high]).mean(0)
    drawn = np.sort(np.argsort(-strength, kind="stable")[:MOST_CHANNELS])
    figure, grid = grid_of(9.0, 1.9 + 0.6 * len(drawn), rows=len(drawn) + 1)
    for axes, channel in zip(grid, drawn, strict=False):
        _envelope(axes, values[:, channel], INK)
        axes.set_ylabel(short(channels[channel], 14), rotation=0, ha="right", va="center")
        axes.locator_params(axis="y", nbins=2)
    _envelope(grid[-1], scores, BLUE)
    if np.isfinite(threshold):
        grid[-1].axhline(threshold, color=INK, linewidth=1, linestyle="--")
        _spans(grid, scores > threshold, ORANGE, "alert", top=0.08)
    if labels is not None:
        _spans(grid, np.asarray(labels) == 1, GREEN, "anomaly by the labels", top=1.0)
    grid[-1].set(xlabel="step", ylabel="score", xlim=(0, len(scores)))
    if grid[-1].get_legend_handles_labels()[0]:
        grid[-1].legend(frameon=False, fontsize=7, loc="upper left")
    return figure


def _envelope(axes: Axes, curve: Floats, color: str) -> None:
    """Draw a curve, or where it is long the range of its values in each of `DRAWN` places."""
    if len(curve) <= 2 * DRAWN:
        axes.plot(curve, color=color, linewidth=0.9)
        return
    edges = np.arange(DRAWN) * len(curve) // DRAWN
    low, high = np.minimum.reduceat(curve, edges), np.maximum.reduceat(curve, edges)
    axes.fill_between(edges, low, high, color=color, linewidth=0.6, step="post")


def _spans(
    grid: Sequence[Axes], marked: NDArray[np.bool_], color: str, name: str, *, top: float
) -> None:
    """Shade runs of marked steps, from the bottom of each axes to the share ``top`` of it."""
    edges = np.flatnonzero(np.diff(np.r_[0, marked, 0])).reshape(-1, 2)
    if not len(edges):
        return
    for axes in grid:
        axes.fill_between(
            np.repeat(edges.ravel(), 2),
            np.tile([0.0, top, top, 0.0], len(edges)),
            transform=axes.get_xaxis_transform(),
            color=color,
            alpha=0.25 if top == 1 else 0.9,
            linewidth=0,
            label=name,
        )


def image(values: Floats, points: Floats) -> Figure:
    """Show an image beside the same with a heat map of where its score was made.

    Parameters
    ----------
    values: ``(h, w, channels)``; drawn from the darkest to the brightest.
    points: what each pixel contributed, ``(h, w)``.

    Example
    -------
    >>> len(image(np.zeros((8, 8, 1)), np.ones((8, 8))).axes)
    3
    """
    height, width = points.shape
    figure, (left, right) = grid_of(
        7.0, 0.4 + min(5.0, max(1.5, 3.2 * height / width)), rows=1, columns=2
    )
    span = np.ptp(values) or 1.0
    shown = (values - values.min()) / span
    shown = shown if shown.shape[2] == 3 else shown.mean(2, keepdims=True).repeat(3, axis=2)
    limit = float(np.abs(points).max()) or 1.0
    for axes in (left, right):
        axes.imshow(shown, vmin=0, vmax=1)
        axes.set_axis_off()
    strength = 0.7 * np.abs(points) / limit
    heat = right.imshow(points, cmap=SIGNED, vmin=-limit, vmax=limit, alpha=strength)
    figure.colorbar(heat, ax=[left, right], label="contribution of a pixel", fraction=0.05)
    return figure


def graph(edges: NDArray[np.int64], points: Floats, most: int = 300) -> Figure:
    """Draw a graph, its nodes coloured by what they added to the score.

    Parameters
    ----------
    edges: ``(2, E)``, between nodes numbered from 0.
    points: contributions of the nodes, ``(N,)``.
    most: nodes drawn, those with the largest contributions.

    Raises
    ------
    InputError: networkx, of the extra "graphs", is not installed.
    """
    try:
        import networkx
    except ImportError as error:
        raise InputError(
            "Graphs are drawn by the package networkx, which is not installed: "
            "pip install 'askew[graphs]'."
        ) from error
    shown = np.sort(np.argsort(-np.abs(points), kind="stable")[:most])
    drawn = networkx.Graph()
    drawn.add_nodes_from(shown.tolist())
    inside = np.isin(edges, shown).all(0)
    drawn.add_edges_from(edges.T[inside].tolist())
    places = networkx.spring_layout(drawn, seed=0)
    figure, axes = canvas(7.0, 5.0)
    limit = float(np.abs(points).max(initial=0)) or 1.0
    networkx.draw_networkx_edges(drawn, places, ax=axes, edge_color=GREY, width=0.8)
    found = networkx.draw_networkx_nodes(
        drawn, places, ax=axes, node_color=points[shown], cmap=SIGNED, vmin=-limit, vmax=limit,
        node_size=120 if len(shown) <= 60 else 30, edgecolors=INK, linewidths=0.5,
    )  # fmt: skip
    if len(shown) <= 60:
        networkx.draw_networkx_labels(drawn, places, ax=axes, font_size=6)
    axes.set_axis_off()
    figure.colorbar(found, ax=axes, label="added to the score", shrink=0.7)
    return figure
