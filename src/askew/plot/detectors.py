"""Pictures of a detector: its scores, p-values and loss, what its views do, what parts added."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from askew.errors import InputError
from askew.plot.canvas import (
    BLUE,
    GREY,
    INK,
    ORANGE,
    SIGNED,
    Floats,
    canvas,
    short,
    slanted,
    whole_numbers,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from askew.explain import Explanation


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
    figure, axes = canvas(7.2, 3.0)
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
    figure, axes = canvas(3.6, 3.2)
    axes.plot([0, 1], [0, 1], color=GREY, linestyle="--", linewidth=1, label="normal items")
    axes.step(ordered, share, where="post", color=BLUE, linewidth=1.6, label=short(name, 30))
    axes.set(xlabel="p-value", ylabel="share at or below it", xlim=(0, 1), ylim=(0, 1.02))
    axes.legend(frameon=False, loc="lower right")
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
    figure, axes = canvas(5.4, 2.6)
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
    whole_numbers(axes)
    axes.legend(frameon=False)
    return figure


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
    figure, axes = canvas(6.2, 0.5 + 0.26 * max(len(made), 2))
    colors = [ORANGE if value > 0 else BLUE for value in made]
    axes.barh(np.arange(len(made)), made, color=colors, height=0.7)
    axes.set_yticks(np.arange(len(made)), [short(name) for name in explanation.names[:most]])
    axes.invert_yaxis()
    axes.axvline(0, color=INK, linewidth=0.8)
    axes.set_xlabel("contribution to the score")
    return figure


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
    figure, axes = canvas(5.4, 0.9 + 0.17 * len(masks) + (0.5 if len(names) else 0))
    image = axes.imshow(
        masks,
        cmap=SIGNED if signed else "cividis",
        vmin=-limit if signed else 0,
        vmax=limit,
        aspect="auto",
        interpolation="nearest",
    )
    if 0 < len(names) <= 40:
        axes.set_xticks(np.arange(len(names)), [short(n, 16) for n in names])
        slanted(axes, many=len(names) > 8)
    axes.set(ylabel="view", xlabel="" if len(names) else "step")
    figure.colorbar(image, ax=axes, label="displacement" if signed else "size", pad=0.02)
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
    figure, axes = canvas(4.6, 2.0)
    places = np.arange(nets)[:, None] * (views + 1) + np.arange(views)  # a gap after each network
    terms = explanation.views.ravel()
    axes.bar(places.ravel(), terms, color=[ORANGE if v > 0 else BLUE for v in terms])
    axes.axhline(0, color=INK, linewidth=0.8)
    shown = range(0, views, 1 if nets * views <= 12 else 5)
    axes.set_xticks(places[:, shown].ravel(), list(map(str, shown)) * nets)
    several = "" if nets == 1 else f" of networks 1 to {nets}"
    axes.set(xlabel=f"view{several}", ylabel="loss above typical")
    return figure
