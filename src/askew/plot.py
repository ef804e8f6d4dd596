"""Pictures of what a detector found, learned and pays attention to.

Each function returns a matplotlib figure and touches nothing global, so it is safe in a server or
a notebook. Colours are those of Okabe and Ito, which readers with colour-blindness can tell apart.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from askew.errors import InputError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from askew.detector import Detector
    from askew.explain import Explanation

Floats = NDArray[np.float64]

BLUE, ORANGE, GREEN, GREY, INK = "#0072B2", "#D55E00", "#009E73", "#8c8c8c", "#222222"
SIGNED = "RdBu_r"
"""Colour map for what has a sign: blue below 0, red above; safe for red-green blindness."""

MOST_CHANNELS = 8
"""Channels of a series drawn, those with the largest contributions."""


DRAWN = 1500
"""Places along a long recording in which it is drawn."""


def scores(
    held_out: ArrayLike,
    new: ArrayLike | None = None,
    labels: ArrayLike | None = None,
    *,
    threshold: float,
) -> Figure:
    """Show where scores of new items lie beside those of held-out training items.

    Each group's bars add up to 100 %. What lies far beyond the threshold is gathered in the last
    bar, so that one huge score does not hide the rest.

    Parameters
    ----------
    held_out: scores of items that were normal and not learned from.
    new: scores of new items.
    labels: their truth, 0 or 1, which splits them in two.
    threshold: scores above it are alerts; may be infinite.

    Example
    -------
    >>> scores([1.0, 2.0, 3.0], [2.0, 9.0], threshold=2.9).axes[0].get_xlabel()
    'score (higher is stranger)'
    """
    groups = _groups(np.asarray(held_out, float), new, labels)
    if not groups:
        raise InputError("There are no scores to draw: hold items out, or give new ones.")
    figure, axes = _canvas(7.2, 3.0)
    everything = np.concatenate([values for _, values, _ in groups])
    low, high = _range(groups[0][1], everything, threshold)
    bins = np.linspace(low, high, 41)
    for name, values, color in groups:
        weights = np.full(len(values), 100 / len(values))
        clipped = np.clip(values, low, high)
        axes.hist(clipped, list(bins), weights=weights, color=color, alpha=0.55, label=name)
    if np.isfinite(threshold):
        axes.axvline(threshold, color=INK, linewidth=1.2, linestyle="--", label="alert threshold")
    beyond = int((everything > high).sum())
    if beyond:
        axes.annotate(
            f"{beyond:,} beyond {high:.3g}",
            (1, 1.02),
            xycoords="axes fraction",
            ha="right",
            color=INK,
        )
    axes.set(xlabel="score (higher is stranger)", ylabel="% of the group")
    axes.legend(frameon=False)
    return figure


def _groups(
    held_out: Floats, new: ArrayLike | None, labels: ArrayLike | None
) -> list[tuple[str, Floats, str]]:
    """Return the groups to draw: name, scores, colour; empty ones are left out."""
    groups = [("held-out training items", held_out, GREY)]
    if new is not None and labels is not None:
        found, truth = np.asarray(new, float), np.asarray(labels)
        groups += [("normal", found[truth == 0], BLUE), ("anomalous", found[truth == 1], ORANGE)]
    elif new is not None:
        groups += [("new items", np.asarray(new, float), BLUE)]
    return [(f"{name} ({len(values):,})", values, c) for name, values, c in groups if len(values)]


def _range(typical: Floats, everything: Floats, threshold: float) -> tuple[float, float]:
    """Return the scores between which bars are drawn."""
    low = float(everything.min())
    middle = float(np.median(typical))
    edge = threshold if np.isfinite(threshold) else float(typical.max())
    high = min(float(everything.max()), edge + 1.5 * max(edge - middle, 1e-9))
    return low, high if high > low else low + 1.0


def contributions(explanation: Explanation, most: int = 10) -> Figure:
    """Show how much of a score each named part made; blue bars speak for the item.

    Example
    -------
    >>> import numpy as np
    >>> from askew.explain import Explanation
    >>> e = Explanation(5.0, 1.0, ["a", "b"], np.array([3.0, -1.0]), np.empty(0), np.empty(0))
    >>> len(contributions(e).axes[0].patches)
    2
    """
    made = explanation.contributions[:most]
    figure, axes = _canvas(6.2, 0.5 + 0.26 * max(len(made), 2))
    colors = [ORANGE if value > 0 else BLUE for value in made]
    axes.barh(np.arange(len(made)), made, color=colors, height=0.7)
    axes.set_yticks(np.arange(len(made)), [_short(name) for name in explanation.names[:most]])
    axes.invert_yaxis()
    axes.axvline(0, color=INK, linewidth=0.8)
    axes.set_xlabel("contribution to the score")
    return figure


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
    figure, grid = _grid(6.4, 0.9 + 0.72 * len(drawn), rows=len(drawn))
    image = None
    for axes, channel in zip(grid, drawn, strict=True):
        image = _strip(axes, values[:, channel], points[:, channel], limit, first)
        axes.set_ylabel(_short(channels[channel], 14), rotation=0, ha="right", va="center")
    grid[-1].set_xlabel("step")
    if image is not None:
        figure.colorbar(image, ax=list(grid), label="made of the score", shrink=0.9, pad=0.02)
    return figure


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
    figure, (left, right) = _grid(
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
    """
    import networkx

    shown = np.sort(np.argsort(-np.abs(points), kind="stable")[:most])
    drawn = networkx.Graph()
    drawn.add_nodes_from(shown.tolist())
    inside = np.isin(edges, shown).all(0)
    drawn.add_edges_from(edges.T[inside].tolist())
    places = networkx.spring_layout(drawn, seed=0)
    figure, axes = _canvas(7.0, 5.0)
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
    figure, grid = _grid(9.0, 1.9 + 0.6 * len(drawn), rows=len(drawn) + 1)
    for axes, channel in zip(grid, drawn, strict=False):
        _envelope(axes, values[:, channel], INK)
        axes.set_ylabel(_short(channels[channel], 14), rotation=0, ha="right", va="center")
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


def views(
    masks: Floats, names: Sequence[str], *, signed: bool, limit: float | None = None
) -> Figure:
    """Show what each learned view does to each part of one item.

    Parameters
    ----------
    masks: of `Transform.masks`: masks between 0 and 1, or displacements.
    names: of the columns; none for the steps of a series, whose entries are sizes.
    signed: whether these are displacements.
    limit: size at which colours end, so that pictures compare; the largest here if left out.

    Shapes
    ------
    ``masks (K, columns)`` or ``(K, steps)``

    Example
    -------
    >>> views(np.zeros((3, 2)), ["a", "b"], signed=True).axes[0].get_ylabel()
    'view'
    """
    signed = signed and len(names) > 0
    limit = limit or float(np.abs(masks).max()) or 1.0
    figure, axes = _canvas(5.4, 0.9 + 0.17 * len(masks) + (0.5 if len(names) else 0))
    image = axes.imshow(
        masks,
        cmap=SIGNED if signed else "cividis",
        vmin=-limit if signed else 0,
        vmax=limit,
        aspect="auto",
        interpolation="nearest",
    )
    if 0 < len(names) <= 40:
        axes.set_xticks(np.arange(len(names)), [_short(n, 16) for n in names])
        _slanted(axes, many=len(names) > 8)
    axes.set(ylabel="view", xlabel="" if len(names) else "step")
    figure.colorbar(image, ax=axes, label="displacement" if signed else "size", pad=0.02)
    return figure


def p_values(p: ArrayLike, *, name: str) -> Figure:
    """Show how evenly p-values spread: those of normal items follow the diagonal.

    A curve above the diagonal at its left end means more small p-values than normal items give.

    Example
    -------
    >>> p_values([0.1, 0.5, 0.9], name="new items").axes[0].get_xlabel()
    'p-value'
    """
    ordered = np.sort(np.asarray(p, float))
    share = np.arange(1, len(ordered) + 1) / max(len(ordered), 1)
    figure, axes = _canvas(3.6, 3.2)
    axes.plot([0, 1], [0, 1], color=GREY, linestyle="--", linewidth=1, label="normal items")
    axes.step(ordered, share, where="post", color=BLUE, linewidth=1.6, label=_short(name, 30))
    axes.set(xlabel="p-value", ylabel="share at or below it", xlim=(0, 1), ylim=(0, 1.02))
    axes.legend(frameon=False, loc="lower right")
    return figure


def view_terms(explanation: Explanation) -> Figure:
    """Show which learned views found an item stranger than the training item most like it.

    Example
    -------
    >>> import numpy as np
    >>> from askew.explain import Explanation
    >>> e = Explanation(5.0, 1.0, [], np.empty(0), np.empty(0), np.array([[0.5, 2.0, -0.1]]))
    >>> len(view_terms(e).axes[0].patches)
    3
    """
    nets, views = explanation.views.shape
    figure, axes = _canvas(4.6, 2.0)
    places = np.arange(nets)[:, None] * (views + 1) + np.arange(views)  # a gap after each network
    terms = explanation.views.ravel()
    axes.bar(places.ravel(), terms, color=[ORANGE if v > 0 else BLUE for v in terms])
    axes.axhline(0, color=INK, linewidth=0.8)
    shown = range(0, views, 1 if nets * views <= 12 else 5)
    axes.set_xticks(places[:, shown].ravel(), list(map(str, shown)) * nets)
    several = "" if nets == 1 else f" of networks 1 to {nets}"
    axes.set(xlabel=f"view{several}", ylabel="loss above typical")
    return figure


def loss(training: Mapping[str, Any]) -> Figure:
    """Show how the loss fell, an epoch at a time.

    Parameters
    ----------
    training: what a detector keeps as ``training_``.

    Example
    -------
    >>> loss({"losses": [3.0, 2.0, 1.5], "validation_losses": []}).axes[0].get_xlabel()
    'epoch'
    """
    figure, axes = _canvas(5.4, 2.6)
    curves = {"training": (training["losses"], BLUE)}
    if training.get("validation_losses"):
        curves["held-back items"] = (training["validation_losses"], ORANGE)
    for name, (values, color) in curves.items():
        epochs = np.arange(1, len(values) + 1)
        marker = "o" if len(values) < 20 else None
        axes.plot(epochs, values, color=color, linewidth=1.6, label=name, marker=marker, ms=3)
    best = training.get("best_epoch")
    if best is not None:
        axes.axvline(best + 1, color=INK, linewidth=1, linestyle="--", label="kept")
    axes.set(xlabel="epoch", ylabel="mean loss")
    _whole_numbers(axes)
    axes.legend(frameon=False)
    return figure


def masks(detector: Detector, item: Any) -> Floats | None:
    """Return what the views of a detector's first network do to one raw item.

    None where the method has no learned views, or they do not alter the item itself.

    Shapes
    ------
    ``(K, columns)`` or ``(K, channels, steps)``
    """
    import torch

    members = getattr(detector.net_, "members", [None])
    transform = getattr(members[0], "transform", None)
    if transform is None:
        return None
    (x,) = detector.in_batches(item)
    with torch.no_grad():
        found: Floats = transform.masks(x[:1]).double().cpu().numpy()[0]
    return found


def _canvas(width: float, height: float) -> tuple[Figure, Axes]:
    figure, (axes,) = _grid(width, height, rows=1)
    return figure, axes


def _grid(width: float, height: float, *, rows: int, columns: int = 1) -> tuple[Figure, list[Axes]]:
    """Return a figure with axes row by row, without the lines that carry nothing."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    grid = list(np.ravel(figure.subplots(rows, columns, sharex=True)))
    for axes in grid:
        axes.spines[["top", "right"]].set_visible(False)
        axes.tick_params(labelsize=8)
    return figure, grid


def _whole_numbers(axes: Axes) -> None:
    """Number epochs and views without halves."""
    from matplotlib.ticker import MaxNLocator

    axes.xaxis.set_major_locator(MaxNLocator(integer=True))


def _short(name: str, most: int = 32) -> str:
    """Shorten a name from the data, and keep its ``$`` from being read as a formula."""
    text = name if len(name) <= most else name[: most - 1] + "…"
    return text.replace("$", r"\$")


def _slanted(axes: Axes, *, many: bool) -> None:
    for label in axes.get_xticklabels():
        label.set(rotation=40 if many else 0, ha="right" if many else "center", fontsize=7)
